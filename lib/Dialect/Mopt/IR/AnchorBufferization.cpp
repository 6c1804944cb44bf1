// Bufferization of anchors: in place, the destination is written and never
// read. An epilogue input with the layout of the destination may share its
// buffer, because each element is read just before the store to it.
#include "mopt/Dialect/Mopt/IR/BufferizeInPlace.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mopt;

bool mopt::detail::isAnchorElementwiseAccess(AnchorOpInterface op,
                                             ArrayRef<OpOperand *> operands) {
  auto destination = cast<DestinationStyleOpInterface>(op.getOperation());
  SmallVector<AffineMap> maps = op.getEpilogueIndexingMaps();
  OperandRange inputs = op.getEpilogueInputs();
  Type element = getElementTypeOrSelf(op.getInit().getType());
  return llvm::all_of(operands, [&](OpOperand *operand) {
    if (destination.isDpsInit(operand))
      return true;
    if (inputs.empty() ||
        operand->getOperandNumber() < inputs.getBeginOperandIndex())
      return false;
    return maps[operand->getOperandNumber() - inputs.getBeginOperandIndex()] ==
               op.getInitIndexingMap() &&
           getElementTypeOrSelf(operand->get().getType()) == element;
  });
}

LogicalResult mopt::bufferizeInPlace(DestinationStyleOpInterface op,
                                     RewriterBase &rewriter,
                                     const BufferizationOptions &options,
                                     BufferizationState &state) {
  SmallVector<Value> buffers;
  for (Value operand : op->getOperands()) {
    if (!isa<TensorType>(operand.getType())) {
      buffers.push_back(operand);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    buffers.push_back(*buffer);
  }
  auto buffered = cast<DestinationStyleOpInterface>(
      mlir::clone(rewriter, op, TypeRange{}, buffers));
  replaceOpWithBufferizedValues(rewriter, op,
                                buffered.getDpsInitOperand(0)->get());
  return success();
}

LogicalResult mopt::detail::bufferizeAnchor(AnchorOpInterface op,
                                            RewriterBase &rewriter,
                                            const BufferizationOptions &options,
                                            BufferizationState &state) {
  return bufferizeInPlace(cast<DestinationStyleOpInterface>(op.getOperation()),
                          rewriter, options, state);
}
