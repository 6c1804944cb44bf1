// Level in and out: graph. No op is left whose result is known to have no
// elements, nor one that computes on nothing: later passes cut what they find
// into slices, which lie in bounds only where there is something to cut.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FOLDEMPTY
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Is a size of `value` known to be 0?
static bool isEmpty(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && llvm::is_contained(type.getShape(), 0);
}

/// Does `op` add products of which there are none?
static bool sumsNothing(Operation *op) {
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return isEmpty(matmul.getLhs()) || isEmpty(matmul.getRhs());
  auto conv = dyn_cast<ConvOp>(op);
  // A window may lie in the padding, whose value need not be 0, altogether.
  return conv && (isEmpty(conv.getFilter()) ||
                  (isEmpty(conv.getInput()) && conv.getPadValue() == 0));
}

/// `element`, a tensor of one element, with the sizes of `result`; null if its
/// op cannot tell them.
static Value broadcastTo(OpBuilder &b, OpResult result, Value element) {
  Location loc = result.getLoc();
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<OpFoldResult> sizes;
  if (type.hasStaticShape()) {
    sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
  } else {
    auto op = dyn_cast<ReifyRankedShapedTypeOpInterface>(result.getOwner());
    ReifiedRankedShapedTypeDims shapes;
    if (!op || failed(op.reifyResultShapes(b, shapes)))
      return {};
    sizes = shapes[result.getResultNumber()];
    // As much as the type knows.
    for (auto [size, known] : llvm::zip_equal(sizes, type.getShape()))
      if (ShapedType::isStatic(known))
        size = b.getIndexAttr(known);
  }
  SmallVector<OpFoldResult> ones(type.getRank(), b.getIndexAttr(1));
  Value spread = ReshapeOp::create(b, loc, element, ones);
  return BroadcastOp::create(b, loc, spread, sizes);
}

static Value makeZero(OpBuilder &b, Location loc, Type element) {
  auto type = RankedTensorType::get({}, element);
  Attribute zero = isa<FloatType>(element)
                       ? Attribute(FloatAttr::get(element, 0.0))
                       : IntegerAttr::get(element, 0);
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, zero));
}

/// What `result` is without its op; null if that has to stay.
static Value foldResult(OpBuilder &b, OpResult result) {
  Operation *op = result.getOwner();
  if (!getElementTypeOrSelf(result.getType()).isIntOrFloat())
    return {};
  if (isEmpty(result) || sumsNothing(op))
    return broadcastTo(
        b, result,
        makeZero(b, op->getLoc(), getElementTypeOrSelf(result.getType())));
  if (auto pad = dyn_cast<PadOp>(op))
    if (isEmpty(pad.getInput()) && pad.getMode() == PadMode::constant)
      return broadcastTo(b, result, pad.getValue());
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    SmallVector<Value> parts = llvm::to_vector(llvm::make_filter_range(
        concat.getInputs(), [](Value part) { return !isEmpty(part); }));
    if (parts.size() < concat.getInputs().size())
      return ConcatOp::create(b, op->getLoc(), parts, concat.getAxis());
  }
  if (auto scatter = dyn_cast<ScatterElementsOp>(op))
    if (isEmpty(scatter.getUpdates()))
      return scatter.getInput();
  if (auto scatter = dyn_cast<ScatterNDOp>(op))
    if (isEmpty(scatter.getUpdates()))
      return scatter.getInput();
  return {};
}

namespace {
struct FoldEmpty : mopt::impl::FoldEmptyBase<FoldEmpty> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      // Broadcasts are what others become.
      if (!isa<MoptDialect>(op->getDialect()) || op->getNumResults() == 0 ||
          isa<BroadcastOp>(op) || !isPure(op))
        return;
      OpBuilder b(op);
      for (OpResult result : op->getResults()) {
        Value folded = foldResult(b, result);
        if (!folded)
          continue;
        if (folded.getType() != result.getType())
          folded =
              tensor::CastOp::create(b, op->getLoc(), result.getType(), folded);
        result.replaceAllUsesWith(folded);
      }
      if (op->use_empty())
        op->erase();
    });
  }
};
} // namespace
