// Attention: verifier and bufferization. The destination is written and never
// read, and shares no buffer: rows are read again after others were written.
#include "mopt/Dialect/Mopt/IR/Attention.h"
#include "mopt/Dialect/Mopt/IR/BufferizeInPlace.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mopt;

#define GET_OP_CLASSES
#include "mopt/Dialect/Mopt/IR/MoptAttentionOps.cpp.inc"

/// Does `map` take points of `sizes` to elements of `type`?
static LogicalResult verifyMap(AttentionOp op, StringRef name, AffineMap map,
                               Type type, ArrayRef<int64_t> sizes) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (map.getNumDims() != sizes.size() || map.getNumSymbols() != 0 ||
      int64_t(map.getNumResults()) != (shaped ? shaped.getRank() : 0))
    return op.emitOpError("expected ")
           << name << " from " << sizes.size()
           << " dimensions to those of its operand, found "
           << AffineMapAttr::get(map);
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    int64_t size = 1;
    if (auto of = dyn_cast<AffineDimExpr>(expr))
      size = sizes[of.getPosition()];
    else if (auto zero = dyn_cast<AffineConstantExpr>(expr);
             !zero || zero.getValue() != 0)
      return op.emitOpError("expected dimensions and zeros in ")
             << name << ", found " << AffineMapAttr::get(map);
    // The constant 0 may pick from more.
    if (isa<AffineDimExpr>(expr) && shaped.getDimSize(dim) != size)
      return op.emitOpError("expected a size of ")
             << size << " in dimension " << dim << " of the operand of " << name
             << ", found " << type;
  }
  return success();
}

LogicalResult AttentionOp::verify() {
  ArrayRef<int64_t> all = getSizes();
  if (all.size() < 4 ||
      llvm::any_of(all, [](int64_t size) { return size < 0; }))
    return emitOpError("expected static sizes of batches, rows, keys, depth "
                       "and columns");
  auto getSpace = [&](int64_t x, int64_t y) {
    SmallVector<int64_t> space(getBatchSizes());
    space.append({x, y});
    return space;
  };
  SmallVector<int64_t> scores = getSpace(getRows(), getKeys()),
                       results = getSpace(getRows(), getColumns());
  if (failed(verifyMap(*this, "query_map", getQueryMap(), getQuery().getType(),
                       getSpace(getRows(), getDepth()))) ||
      failed(verifyMap(*this, "key_map", getKeyMap(), getKey().getType(),
                       getSpace(getKeys(), getDepth()))) ||
      failed(verifyMap(*this, "value_map", getValueMap(), getValue().getType(),
                       getSpace(getKeys(), getColumns()))) ||
      failed(verifyMap(*this, "init_map", getInitMap(), getInit().getType(),
                       results)))
    return failure();
  if (getScoreMaps().size() != getScoreInputs().size() ||
      getResultMaps().size() != getResultInputs().size())
    return emitOpError("expected a map for each input of a region");
  for (auto [input, map] : llvm::zip_equal(
           getScoreInputs(), getScoreMaps().getAsValueRange<AffineMapAttr>()))
    if (failed(verifyMap(*this, "score_maps", map, input.getType(), scores)))
      return failure();
  for (auto [input, map] : llvm::zip_equal(
           getResultInputs(), getResultMaps().getAsValueRange<AffineMapAttr>()))
    if (failed(verifyMap(*this, "result_maps", map, input.getType(), results)))
      return failure();
  Type element = getElementTypeOrSelf(getQuery().getType());
  if (!(element.isF16() || element.isBF16()) ||
      getElementTypeOrSelf(getKey().getType()) != element ||
      getElementTypeOrSelf(getValue().getType()) != element)
    return emitOpError("expected queries, keys and values of f16 or bf16");
  return success();
}

LogicalResult AttentionOp::verifyRegions() {
  auto verifyBlock = [&](StringRef name, Block &block, int64_t indices,
                         OperandRange inputs, Type result) -> LogicalResult {
    SmallVector<Type> types{Float32Type::get(getContext())};
    types.append(indices, IndexType::get(getContext()));
    for (Value input : inputs)
      types.push_back(getElementTypeOrSelf(input.getType()));
    if (block.getArgumentTypes() != TypeRange(types))
      return emitOpError("expected arguments of '")
             << name << "' of types " << TypeRange(types);
    Operation *last = block.empty() ? nullptr : &block.back();
    if (!isa_and_nonnull<YieldOp>(last) ||
        last->getOperandTypes() != TypeRange(result))
      return emitOpError("expected '") << name << "' to yield " << result;
    return success();
  };
  if (failed(verifyBlock("scores", getScores().front(), getBatchRank() + 2,
                         getScoreInputs(), Float32Type::get(getContext()))))
    return failure();
  return verifyBlock("results", getResults().front(), 0, getResultInputs(),
                     getElementTypeOrSelf(getInit().getType()));
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

bool AttentionOp::bufferizesToMemoryRead(OpOperand &operand,
                                         const AnalysisState &) {
  return !isDpsInit(&operand);
}

bool AttentionOp::bufferizesToMemoryWrite(OpOperand &operand,
                                          const AnalysisState &) {
  return isDpsInit(&operand);
}

AliasingValueList AttentionOp::getAliasingValues(OpOperand &operand,
                                                 const AnalysisState &) {
  if (!isDpsInit(&operand))
    return {};
  return {{getTiedOpResult(&operand), BufferRelation::Equivalent}};
}

LogicalResult AttentionOp::bufferize(RewriterBase &rewriter,
                                     const BufferizationOptions &options,
                                     BufferizationState &state) {
  return bufferizeInPlace(cast<DestinationStyleOpInterface>(getOperation()),
                          rewriter, options, state);
}
