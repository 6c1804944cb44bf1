// Level in and out: graph. Products of the same left side by constants become
// one product by all of their columns, of which each takes its part:
// attention's queries, keys and values. A device starts one kernel instead of
// several that do not fill it. Sums are those of before.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_MERGEPRODUCTS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// A product, and the sum with a constant for each column that is all that
/// reads it, if that is so.
struct Part {
  MatmulOp product;
  BinaryOp sum;
  Value bias;

  Value getResult() { return sum ? sum.getResult() : product.getResult(); }
  int64_t getColumns() {
    return cast<RankedTensorType>(product.getType()).getShape().back();
  }
};

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// The constant if it has one number for each of `columns` columns, as a tensor
/// of `rank` dimensions.
bool isForColumns(Value value, int64_t rank, int64_t columns) {
  auto type = cast<RankedTensorType>(value.getType());
  return isConstant(value) && type.getRank() <= rank && type.getRank() > 0 &&
         type.getShape().back() == columns && type.getNumElements() == columns;
}

Part findPart(MatmulOp product) {
  Part part{product, {}, {}};
  Value result = product.getResult();
  auto sum = result.hasOneUse() ? dyn_cast<BinaryOp>(*result.user_begin())
                                : BinaryOp();
  if (!sum || sum.getKind() != BinaryKind::add ||
      sum.getType() != product.getType())
    return part;
  Value other = sum.getLhs() == result ? sum.getRhs() : sum.getLhs();
  int64_t rank = cast<RankedTensorType>(product.getType()).getRank();
  if (other == result || !isForColumns(other, rank, part.getColumns()))
    return part;
  part.sum = sum;
  part.bias = other;
  return part;
}

struct MergeProducts : mopt::impl::MergeProductsBase<MergeProducts> {
  void runOnOperation() override {
    // What has the same left side, block, element type, and ranks of the right
    // side and the bias.
    using Key = std::tuple<Value, Block *, Type, int64_t, int64_t>;
    llvm::MapVector<Key, SmallVector<Part>> groups;
    getOperation()->walk([&](MatmulOp op) {
      auto rhs = cast<RankedTensorType>(op.getRhs().getType());
      auto type = cast<RankedTensorType>(op.getType());
      if (op.getTransposeLhs() || op.getTransposeRhs() ||
          llvm::any_of(rhs.getShape().drop_back(2),
                       [](int64_t size) { return size != 1; }) ||
          rhs.getElementType() != getElementTypeOrSelf(op.getLhs().getType()) ||
          op.getF32Result() || !type.hasStaticShape() ||
          type.getNumElements() == 0 || !isConstant(op.getRhs()))
        return;
      Part part = findPart(op);
      int64_t rank =
          part.bias ? cast<RankedTensorType>(part.bias.getType()).getRank() : 0;
      groups[{op.getLhs(), op->getBlock(), type.getElementType(), rhs.getRank(),
              rank}]
          .push_back(part);
    });
    IRRewriter rewriter(&getContext());
    for (auto &[key, parts] : groups)
      if (parts.size() > 1)
        merge(rewriter, parts);
  }

  /// Copies of constants, which may stand behind the first product, joined.
  static Value join(OpBuilder &b, Location loc, ArrayRef<Value> constants) {
    SmallVector<Value> copies;
    for (Value constant : constants)
      copies.push_back(b.clone(*constant.getDefiningOp())->getResult(0));
    int64_t rank = cast<RankedTensorType>(copies.front().getType()).getRank();
    return ConcatOp::create(b, loc, copies, rank - 1);
  }

  static void merge(IRRewriter &rewriter, MutableArrayRef<Part> parts) {
    MatmulOp first = parts.front().product;
    SmallVector<Location> locs;
    SmallVector<Value> weights, biases;
    for (Part &part : parts) {
      locs.push_back(part.product.getLoc());
      weights.push_back(part.product.getRhs());
      if (part.sum) {
        locs.push_back(part.sum.getLoc());
        biases.push_back(part.bias);
      }
    }
    Location loc = rewriter.getFusedLoc(locs);
    rewriter.setInsertionPoint(first);
    Value whole =
        MatmulOp::create(rewriter, loc, first.getLhs(),
                         join(rewriter, loc, weights), /*transpose_lhs=*/false,
                         /*transpose_rhs=*/false, /*f32_result=*/false);
    if (!biases.empty())
      whole = BinaryOp::create(rewriter, loc, whole.getType(), BinaryKind::add,
                               whole, join(rewriter, loc, biases));
    SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(
        rewriter.getContext(),
        cast<RankedTensorType>(whole.getType()).getShape());
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0)),
        strides(sizes.size(), rewriter.getIndexAttr(1));
    int64_t column = 0;
    for (Part &part : parts) {
      offsets.back() = rewriter.getIndexAttr(column);
      sizes.back() = rewriter.getIndexAttr(part.getColumns());
      column += part.getColumns();
      Value result = part.getResult();
      Value slice =
          SliceOp::create(rewriter, loc, whole, offsets, sizes, strides);
      rewriter.replaceAllUsesWith(result, slice);
      if (part.sum)
        rewriter.eraseOp(part.sum);
      rewriter.eraseOp(part.product);
    }
  }
};
} // namespace
