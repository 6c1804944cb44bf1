// Widens sums of 16 bits. Where neighbours are added, two vectors at a time:
// half of each result is left, and two halves make a vector without gaps.
#include "NarrowSums.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

static int64_t countLanes(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

/// Of each two neighbours of `x`, and of `y` behind it, the sum. As words,
/// because a shift and masks cost less than permutations.
static Value addNeighbours(IndexBuilder &ib, Value x, Value y) {
  auto words = VectorType::get(countLanes(x) / 2, ib.b.getI32Type());
  auto splat = [&](uint32_t word) -> Value {
    return arith::ConstantOp::create(
        ib.b, ib.loc, DenseElementsAttr::get(words, APInt(32, word)));
  };
  auto join = [&](Value low, Value high) {
    return vector::BitCastOp::create(
        ib.b, ib.loc, x.getType(),
        arith::OrIOp::create(ib.b, ib.loc, low, high));
  };
  Value a = vector::BitCastOp::create(ib.b, ib.loc, words, x),
        b = vector::BitCastOp::create(ib.b, ib.loc, words, y);
  Value inner = join(arith::ShRUIOp::create(ib.b, ib.loc, a, splat(16)),
                     arith::ShLIOp::create(ib.b, ib.loc, b, splat(16)));
  Value outer = join(arith::AndIOp::create(ib.b, ib.loc, a, splat(0xffff)),
                     arith::AndIOp::create(ib.b, ib.loc, b, splat(0xffff0000)));
  return arith::AddFOp::create(ib.b, ib.loc, inner, outer);
}

static void addWidened(IndexBuilder &ib, Value half, Value &sum) {
  sum = arith::AddFOp::create(
      ib.b, ib.loc, sum,
      arith::ExtFOp::create(ib.b, ib.loc, sum.getType(), half));
}

void mopt::addNarrowSums(IndexBuilder &ib, ArrayRef<Value> narrow,
                         MutableArrayRef<Value> sums) {
  for (size_t i = 0; i < narrow.size(); i += 2) {
    // The last one of an odd number has itself beside it.
    size_t count = std::min<size_t>(2, narrow.size() - i);
    Value x = narrow[i], y = narrow[i + count - 1];
    Value added = addNeighbours(ib, x, y);
    // One permutation for both.
    int64_t lanes = countLanes(added);
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask.push_back(lane * 2 % lanes + lane * 2 / lanes);
    Value apart = vector::ShuffleOp::create(ib.b, ib.loc, added, added, mask);
    for (size_t j = 0; j < count; ++j) {
      Value half = vector::ExtractStridedSliceOp::create(
          ib.b, ib.loc, apart, {int64_t(j) * lanes / 2}, {lanes / 2}, {1});
      addWidened(ib, half, sums[i + j]);
    }
  }
}

void mopt::addNarrowHalves(IndexBuilder &ib, ArrayRef<Value> narrow,
                           MutableArrayRef<Value> sums) {
  for (auto [i, sum] : llvm::enumerate(sums)) {
    int64_t lanes = countLanes(sum);
    Value half = vector::ExtractStridedSliceOp::create(
        ib.b, ib.loc, narrow[i / 2], {int64_t(i % 2) * lanes}, {lanes}, {1});
    addWidened(ib, half, sum);
  }
}
