// What all anchors have in common: the rules of operands and epilogues.
#include "mopt/Dialect/Mopt/IR/Mopt.h"

using namespace mlir;
using namespace mopt;

#include "mopt/Dialect/Mopt/IR/MoptAnchorInterface.cpp.inc"

LogicalResult ConfigAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef, int64_t rows, int64_t columns,
                                 int64_t lanes, int64_t unroll, int64_t streams,
                                 int64_t prefetchRows, bool, int64_t interleave,
                                 bool accumulates, int64_t lhsBits,
                                 int64_t rhsBits, StringRef instruction,
                                 StringRef matrixUnit, int64_t wordGroups,
                                 int64_t lhsSteps) {
  if (rows < 1 || columns < 1 || lanes < 1 || unroll < 1 || streams < 1)
    return emitError()
           << "expected rows, columns, lanes, unroll and streams of "
              "at least 1";
  if (prefetchRows < 0)
    return emitError() << "expected 'prefetchRows' of at least 0, found "
                       << prefetchRows;
  if (lhsSteps < 1 || unroll % lhsSteps != 0)
    return emitError() << "expected 'lhsSteps' to divide 'unroll', found "
                       << lhsSteps;
  bool sumsNarrow = instruction.empty() && wordGroups > 1;
  bool hasWholeSums =
      interleave == 2 || (interleave == 1 && columns % (2 * lanes) == 0);
  if (sumsNarrow && (!hasWholeSums || accumulates || wordGroups % unroll))
    return emitError()
           << "expected 'wordGroups' without an 'instruction' to be "
              "for an 'interleave' of 2, or of 1 and pairs of vectors, and a "
              "multiple of 'unroll', found "
           << wordGroups;
  bool needsInstruction =
      (interleave > 1 && !sumsNarrow) || !matrixUnit.empty();
  if (interleave < 1 || needsInstruction != !instruction.empty())
    return emitError()
           << "expected an 'instruction' that takes the 'interleave' "
              "of more than 1, found '"
           << instruction << "' for " << interleave;
  // A group of the left side is put into all lanes as one word, or beside that
  // of the next row in a vector of two.
  int64_t more = instruction.count(','), groupBits = interleave * lhsBits;
  bool inBlocks = groupBits == 64 && lanes == 4 && accumulates &&
                  lhsSteps == 1 && matrixUnit.empty();
  // Warps of a device copy that many at once.
  bool isCopied = groupBits == 128 && matrixUnit == "warp";
  if (interleave > 1 &&
      ((groupBits != 32 && !inBlocks && !isCopied) || lhsBits != rhsBits))
    return emitError() << "expected groups of 32 bits on both sides, of 64 "
                          "where an instruction adds products of two rows and "
                          "columns to 4 lanes, or of 128 for warps, found "
                       << interleave << " elements of " << lhsBits << " and "
                       << rhsBits << " bits";
  if (more > 1 || (more == 1 && (interleave != 4 || accumulates)))
    return emitError() << "expected one instruction, or two that sum four "
                          "neighbours and do not accumulate, found '"
                       << instruction << "' for " << interleave;
  if (wordGroups < 1 ||
      (wordGroups > 1 && !sumsNarrow && (more == 0 || unroll % wordGroups)))
    return emitError() << "expected 'wordGroups' of more than 1 to divide "
                          "'unroll' and to have two instructions, found "
                       << wordGroups;
  if (!matrixUnit.empty() && (more > 0 || !accumulates))
    return emitError() << "expected one 'instruction' that accumulates for the "
                          "matrix unit '"
                       << matrixUnit << "', found '" << instruction << "'";
  return success();
}

static LogicalResult verifyUnitStride(Operation *op, Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (memref && memref.getRank() > 0 && !memref.isLastDimUnitStride())
    return op->emitOpError("expected a unit innermost stride, found ") << type;
  return success();
}

/// A map from the output space reads each dimension at most once, and the last
/// one, which becomes a vector, contiguously.
static LogicalResult verifyEpilogueInput(AnchorOpInterface op, Value input,
                                         AffineMap map, int64_t number) {
  int64_t rank = op.getOutputRank();
  auto shaped = dyn_cast<ShapedType>(input.getType());
  int64_t inputRank = shaped ? shaped.getRank() : 0;
  if (map.getNumDims() != rank || map.getNumSymbols() != 0 ||
      map.getNumResults() != inputRank)
    return op->emitOpError("expected epilogue map ")
           << number << " to take " << rank << " dimensions to " << inputRank
           << ", found " << AffineMapAttr::get(map);
  llvm::SmallBitVector seen(rank);
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    int64_t size = shaped.getDimSize(i);
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0 || (ShapedType::isStatic(size) && size != 1))
        return op->emitOpError("expected a constant result of epilogue map ")
               << number << " to be 0 for a size of 1, found "
               << AffineMapAttr::get(map) << " and " << shaped;
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || seen.test(dim.getPosition()))
      return op->emitOpError("expected epilogue map ")
             << number << " to have distinct dimensions or 0 as results, found "
             << AffineMapAttr::get(map);
    seen.set(dim.getPosition());
    if (dim.getPosition() == rank - 1 && i + 1 != map.getNumResults())
      return op->emitOpError("expected the last dimension to be the last "
                             "result of epilogue map ")
             << number << ", found " << AffineMapAttr::get(map);
    int64_t expected = op.getOutputDimSize(dim.getPosition());
    if (ShapedType::isStatic(size) && ShapedType::isStatic(expected) &&
        size != expected)
      return op->emitOpError("expected epilogue input ")
             << number << " to have size " << expected << " in dimension " << i
             << ", found " << size;
  }
  if (seen.test(rank - 1))
    return verifyUnitStride(op, input.getType());
  return success();
}

static LogicalResult verifyEpilogue(AnchorOpInterface op) {
  Block &body = op.getEpilogue().front();
  OperandRange inputs = op.getEpilogueInputs();
  if (body.getNumArguments() != inputs.size() + 1)
    return op->emitOpError("expected an epilogue with ")
           << inputs.size() + 1 << " arguments, found "
           << body.getNumArguments();
  Type accumulator = body.getArgument(0).getType();
  if (!accumulator.isIntOrFloat())
    return op->emitOpError("expected a scalar accumulator, found ")
           << accumulator;
  for (auto [i, input, argument] :
       llvm::enumerate(inputs, body.getArguments().drop_front()))
    if (argument.getType() != getElementTypeOrSelf(input.getType()))
      return op->emitOpError("expected epilogue argument ")
             << i + 1 << " of type " << getElementTypeOrSelf(input.getType())
             << ", found " << argument.getType();
  auto yield = dyn_cast<mopt::YieldOp>(body.getTerminator());
  Type element = getElementTypeOrSelf(op.getInit().getType());
  if (!yield || yield.getOperandTypes() != ArrayRef<Type>{element})
    return op->emitOpError("expected an epilogue that yields ") << element;
  for (Operation &nested : body.without_terminator())
    if (!nested.hasTrait<OpTrait::ConstantLike>() &&
        !OpTrait::hasElementwiseMappableTraits(&nested))
      return nested.emitOpError(
          "is not elementwise, so it cannot stand in an epilogue");
  return success();
}

LogicalResult mopt::detail::verifyAnchor(Operation *operation) {
  auto op = cast<AnchorOpInterface>(operation);
  bool tensors = isa<TensorType>(op.getInit().getType());
  for (Type type : op->getOperandTypes())
    if (isa<ShapedType>(type) && isa<TensorType>(type) != tensors)
      return op->emitOpError(
          "expected all shaped operands to be tensors, or all memrefs");
  if (failed(verifyUnitStride(op, op.getInit().getType())))
    return failure();
  SmallVector<AffineMap> maps = op.getEpilogueIndexingMaps();
  if (maps.size() != op.getEpilogueInputs().size())
    return op->emitOpError("expected ")
           << op.getEpilogueInputs().size() << " epilogue maps, found "
           << maps.size();
  for (auto [i, input, map] : llvm::enumerate(op.getEpilogueInputs(), maps))
    if (failed(verifyEpilogueInput(op, input, map, i)))
      return failure();
  return verifyEpilogue(op);
}

void mopt::detail::getAnchorEffects(
    AnchorOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  auto destination = cast<DestinationStyleOpInterface>(op.getOperation());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (destination.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}
