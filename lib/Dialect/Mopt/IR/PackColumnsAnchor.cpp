// Packing of an anchor's right side: verifier and bufferization.
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mopt;

LogicalResult PackColumnsOp::verify() {
  auto source = cast<ShapedType>(getSource().getType());
  auto init = cast<ShapedType>(getInit().getType());
  if (isa<TensorType>(source) != isa<TensorType>(init))
    return emitOpError("expected both operands to be tensors, or memrefs");
  int64_t rank = source.getRank();
  if (rank < 2 || init.getRank() != rank + 1)
    return emitOpError("expected a source of rank at least 2 and a destination "
                       "of one dimension more, found ")
           << rank << " and " << init.getRank();
  if (source.getElementType() != init.getElementType())
    return emitOpError("expected equal element types, found ")
           << source.getElementType() << " and " << init.getElementType();
  if (getPermutation() && (int64_t(getPermutation()->size()) != rank ||
                           !isPermutationVector(*getPermutation()) ||
                           getPermutation()->back() != rank - 1))
    return emitOpError("expected a 'permutation' of ")
           << rank << " dimensions that keeps the last one last";
  int64_t interleave = getInterleave();
  if (interleave < 1 || (ShapedType::isStatic(init.getShape().back()) &&
                         init.getShape().back() % interleave != 0))
    return emitOpError("expected blocks of a multiple of 'interleave', found ")
           << init << " and " << interleave;
  int64_t columns = getBlockColumns();
  if (ShapedType::isDynamic(init.getShape().back()) || columns == 0 ||
      getLanes() < 1 || !llvm::isPowerOf2_64(getLanes()) ||
      columns % getLanes() != 0)
    return emitOpError("expected blocks of a static multiple of 'lanes', a "
                       "power of two, found ")
           << init << " and " << getLanes();
  auto differ = [](int64_t a, int64_t b) {
    return ShapedType::isStatic(a) && ShapedType::isStatic(b) && a != b;
  };
  for (int64_t i = 0; i < rank - 2; ++i)
    if (differ(getPackedDimSize(i), init.getDimSize(i)))
      return emitOpError("expected equal batches, found ")
             << source << " and " << init;
  int64_t depth = getPackedDimSize(getTransposed() ? rank - 1 : rank - 2);
  int64_t width = getPackedDimSize(getTransposed() ? rank - 2 : rank - 1);
  int64_t steps = ShapedType::isDynamic(depth)
                      ? depth
                      : int64_t(llvm::divideCeil(depth, interleave));
  if (differ(steps, init.getDimSize(rank - 1)))
    return emitOpError("expected a depth of ")
           << steps << ", found " << init.getDimSize(rank - 1);
  if (ShapedType::isStatic(width) &&
      differ(llvm::divideCeil(width, columns), init.getDimSize(rank - 2)))
    return emitOpError("expected ")
           << llvm::divideCeil(width, columns) << " blocks of " << columns
           << " columns for " << width << " columns, found "
           << init.getDimSize(rank - 2);
  for (Type type : getOperandTypes())
    if (auto memref = dyn_cast<MemRefType>(type))
      if (!memref.isLastDimUnitStride())
        return emitOpError("expected a unit innermost stride, found ") << type;
  return success();
}

void PackColumnsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (!isa<MemRefType>(getInit().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}

bool PackColumnsOp::bufferizesToMemoryRead(OpOperand &operand,
                                           const AnalysisState &) {
  return !isDpsInit(&operand);
}

bool PackColumnsOp::bufferizesToMemoryWrite(OpOperand &operand,
                                            const AnalysisState &) {
  return isDpsInit(&operand);
}

AliasingValueList PackColumnsOp::getAliasingValues(OpOperand &operand,
                                                   const AnalysisState &) {
  if (!isDpsInit(&operand))
    return {};
  return {{getTiedOpResult(&operand), BufferRelation::Equivalent}};
}

LogicalResult PackColumnsOp::bufferize(RewriterBase &rewriter,
                                       const BufferizationOptions &options,
                                       BufferizationState &state) {
  FailureOr<Value> source = getBuffer(rewriter, getSource(), options, state);
  FailureOr<Value> init = getBuffer(rewriter, getInit(), options, state);
  if (failed(source) || failed(init))
    return failure();
  mlir::clone(rewriter, getOperation(), TypeRange{}, {*source, *init});
  replaceOpWithBufferizedValues(rewriter, *this, *init);
  return success();
}
