// Products of bytes with packed weights: a permutation picks, for each byte of
// a vector of values, the element of the left side that it meets. What
// multiplies is the instruction of dense bytes.
#include "ByteLanes.h"
#include "mopt/Dialect/Mopt/IR/Sparsity.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

ByteLanes::ByteLanes(IndexBuilder &ib, SparseAnchorOp op, const LinearView &lhs,
                     const LinearView &values, const LinearView &positions,
                     OpFoldResult firstRow, int64_t rows, int64_t vectors,
                     ArrayRef<OpFoldResult> valueStarts,
                     ArrayRef<OpFoldResult> positionStarts)
    : ib(ib), op(op), lhs(lhs), values(values), positions(positions),
      firstRow(firstRow), rows(rows), vectors(vectors),
      valueStarts(valueStarts), positionStarts(positionStarts),
      depthOfStep(getDepthOfByteLanes(op.getSparsity())),
      stepsOfWord(8 / getBitsOfByteLanes(op.getSparsity())) {
  ConfigAttr config = op.getConfig();
  tile.lhs = &lhs;
  tile.accumulatorType = VectorType::get(config.getLanes(), ib.b.getI32Type());
  tile.dot = getDotProduct(config, /*unsignedLhs=*/true, /*unsignedRhs=*/false);
  type = VectorType::get(config.getLanes() * config.getInterleave(),
                         ib.b.getI8Type());
}

Value ByteLanes::load(const LinearView &view, OpFoldResult position) {
  return vector::LoadOp::create(ib.b, ib.loc, type, view.buffer,
                                ib.value(position));
}

Value ByteLanes::createConstant(function_ref<int64_t(int64_t)> getByte) {
  SmallVector<int8_t> bytes;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    bytes.push_back(getByte(i));
  return arith::ConstantOp::create(
      ib.b, ib.loc, DenseElementsAttr::get(type, ArrayRef<int8_t>(bytes)));
}

Value ByteLanes::loadLhs(int64_t row, OpFoldResult k, int64_t size) {
  OpFoldResult position =
      ib.add(ib.add(firstRow, ib.mul(ib.constant(row), lhs.strides[0])), k);
  auto group = VectorType::get(depthOfStep, ib.b.getI8Type());
  Value elements;
  if (size == depthOfStep) {
    elements = vector::LoadOp::create(ib.b, ib.loc, group, lhs.buffer,
                                      ib.value(position));
  } else {
    // Nothing behind the last element may be read.
    elements = arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(group));
    for (int64_t i = 0; i < size; ++i)
      elements = vector::InsertOp::create(
          ib.b, ib.loc,
          memref::LoadOp::create(ib.b, ib.loc, lhs.buffer,
                                 ib.value(ib.add(position, ib.constant(i)))),
          elements, i);
  }
  SmallVector<int64_t> repeated;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    repeated.push_back(i % depthOfStep);
  return vector::ShuffleOp::create(ib.b, ib.loc, elements, elements, repeated);
}

Value ByteLanes::takePicks(Value &word) {
  SparsityAttr sparsity = op.getSparsity();
  int64_t bits = getBitsOfByteLanes(sparsity);
  Value picks = arith::AndIOp::create(
      ib.b, ib.loc, word,
      createConstant([&](int64_t) { return (1 << bits) - 1; }));
  // Values of several groups stand side by side.
  int64_t kept = sparsity.getKept(), group = sparsity.getGroup();
  int64_t interleave = op.getConfig().getInterleave();
  if (kept < interleave)
    picks = arith::OrIOp::create(ib.b, ib.loc, picks,
                                 createConstant([&](int64_t i) {
                                   return i % interleave / kept * group;
                                 }));
  auto wide = VectorType::get(type.getNumElements() / 4, ib.b.getI32Type());
  Value shift = arith::ConstantOp::create(
      ib.b, ib.loc, DenseElementsAttr::get(wide, ib.b.getI32IntegerAttr(bits)));
  Value rest = arith::ShRUIOp::create(
      ib.b, ib.loc, vector::BitCastOp::create(ib.b, ib.loc, wide, word), shift);
  word = vector::BitCastOp::create(ib.b, ib.loc, type, rest);
  return picks;
}

Value ByteLanes::multiplyAdd(Value x, Value weights, Value sum) {
  if (!tile.dot.pairSum || op.getSafePairs())
    return tile.multiplyAdd(ib, x, weights, sum);
  // One product in each word cannot saturate.
  for (int64_t odd : {0, 1}) {
    Value one = arith::AndIOp::create(
        ib.b, ib.loc, weights,
        createConstant([&](int64_t i) { return i % 2 == odd ? -1 : 0; }));
    sum = tile.multiplyAdd(ib, x, one, sum);
  }
  return sum;
}

void ByteLanes::emitWord(OpFoldResult word, int64_t count, int64_t lastSize,
                         MutableArrayRef<Value> sums) {
  int64_t panels = valueStarts.size(), width = panels * vectors;
  int64_t bytes = type.getNumElements();
  int64_t perStep = op.getConfig().getColumns() / op.getConfig().getLanes();
  auto at = [&](OpFoldResult step, int64_t v) {
    return ib.add(ib.mul(step, ib.constant(perStep * bytes)),
                  ib.constant(v * bytes));
  };
  SmallVector<Value> words;
  for (int64_t p = 0; p < panels; ++p)
    for (int64_t v = 0; v < vectors; ++v)
      words.push_back(load(positions, ib.add(positionStarts[p], at(word, v))));
  OpFoldResult first = ib.mul(word, ib.constant(stepsOfWord));
  for (int64_t s = 0; s < count; ++s) {
    OpFoldResult step = ib.add(first, ib.constant(s));
    SmallVector<Value> elements;
    for (int64_t r = 0; r < rows; ++r)
      elements.push_back(loadLhs(r, ib.mul(step, ib.constant(depthOfStep)),
                                 s + 1 == count ? lastSize : depthOfStep));
    for (int64_t i = 0; i < width; ++i) {
      Value picks = takePicks(words[i]);
      Value weights =
          load(values, ib.add(valueStarts[i / vectors], at(step, i % vectors)));
      for (int64_t r = 0; r < rows; ++r) {
        Value x = LLVM::CallIntrinsicOp::create(ib.b, ib.loc, type,
                                                op.getPermutationAttr(),
                                                ValueRange{elements[r], picks})
                      .getResult(0);
        Value &sum = sums[r * width + i];
        sum = multiplyAdd(x, weights, sum);
      }
    }
  }
}

SmallVector<Value> ByteLanes::emit(SmallVector<Value> sums) {
  int64_t depth = op.getDepth();
  int64_t words = depth / (stepsOfWord * depthOfStep);
  if (words > 0) {
    auto loop = scf::ForOp::create(ib.b, ib.loc, ib.value(ib.constant(0)),
                                   ib.value(ib.constant(words)),
                                   ib.value(ib.constant(1)), sums);
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> inner(loop.getRegionIterArgs());
    emitWord(OpFoldResult(loop.getInductionVar()), stepsOfWord, depthOfStep,
             inner);
    scf::YieldOp::create(ib.b, ib.loc, inner);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }
  int64_t rest = depth - words * stepsOfWord * depthOfStep;
  if (rest > 0) {
    int64_t steps = llvm::divideCeil(rest, depthOfStep);
    emitWord(ib.constant(words), steps, rest - (steps - 1) * depthOfStep, sums);
  }
  return sums;
}
