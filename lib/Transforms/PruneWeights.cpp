// Level in and out: graph. What --prune asks for: of each M neighbours along
// the channels of constant weights only the N largest stay, or of all weights
// of an op the smallest go. Leaves the shapes as they are; what becomes of the
// zeros is decided later.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Support/SparsityPattern.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PRUNEWEIGHTS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// A copy of `weights` in which each group along `axis` keeps its largest
/// elements, the first ones of equal magnitude.
static ConstantTensor prune(const ConstantTensor &weights, int64_t axis,
                            const SparsityPattern &pattern) {
  RankedTensorType type = weights.getType();
  ConstantTensor result = std::move(*ConstantTensor::allocate(type));
  llvm::copy(weights.getBytes(), result.getMutableBytes().begin());
  int64_t size = type.getDimSize(axis);
  int64_t stride = ConstantTensor::getStrides(type.getShape())[axis];
  SmallVector<double> magnitudes(pattern.group);
  SmallVector<int64_t> order;
  for (int64_t line = 0, e = type.getNumElements() / size; line < e; ++line) {
    int64_t start = line / stride * stride * size + line % stride;
    for (int64_t k = 0; k < size; k += pattern.group) {
      int64_t count = std::min(pattern.group, size - k);
      order.resize(count);
      std::iota(order.begin(), order.end(), 0);
      for (int64_t i : order)
        magnitudes[i] = std::fabs(weights.getFloat(start + (k + i) * stride));
      llvm::stable_sort(order, [&](int64_t a, int64_t b) {
        return magnitudes[a] > magnitudes[b];
      });
      for (int64_t i :
           ArrayRef(order).drop_front(std::min(pattern.kept, count)))
        result.setFloat(start + (k + i) * stride, 0);
    }
  }
  return result;
}

/// A copy of `weights` whose smallest elements, the first ones of equal
/// magnitude, are zero, `share` of all.
static ConstantTensor pruneShare(const ConstantTensor &weights, double share) {
  ConstantTensor result =
      std::move(*ConstantTensor::allocate(weights.getType()));
  llvm::copy(weights.getBytes(), result.getMutableBytes().begin());
  int64_t count = weights.getNumElements();
  auto zeros = static_cast<int64_t>(std::nearbyint(share * count));
  std::vector<double> magnitudes(count);
  for (int64_t i = 0; i < count; ++i)
    magnitudes[i] = std::fabs(weights.getFloat(i));
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::nth_element(order.begin(), order.begin() + zeros, order.end(),
                   [&](int64_t a, int64_t b) {
                     return std::pair(magnitudes[a], a) <
                            std::pair(magnitudes[b], b);
                   });
  for (int64_t i : ArrayRef(order).take_front(zeros))
    result.setFloat(i, 0);
  return result;
}

namespace {
struct PruneWeights : mopt::impl::PruneWeightsBase<PruneWeights> {
  using PruneWeightsBase::PruneWeightsBase;

  void runOnOperation() override {
    if (pattern.empty())
      return;
    std::optional<PruningPattern> parsed =
        PruningPattern::parse(StringRef(pattern));
    if (!parsed) {
      emitError(getOperation().getLoc(),
                "expected 'pattern' of N:M or unstructured:SHARE, with "
                ":magnitude or not, found '")
          << pattern << "'";
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op)) {
        int64_t rank = cast<RankedTensorType>(matmul.getType()).getRank();
        pruneRhs(rewriter, op, matmul.getTransposeRhs() ? rank - 1 : rank - 2,
                 *parsed);
      } else if (isa<ConvOp>(op)) {
        pruneRhs(rewriter, op, /*axis=*/1, *parsed);
      }
    });
  }

  /// Prunes the right side of `op` along `axis` if it is a constant.
  void pruneRhs(IRRewriter &rewriter, Operation *op, int64_t axis,
                const PruningPattern &wanted) {
    auto leave = [&](StringRef why) { op->emitRemark("not pruned: ") << why; };
    std::optional<ConstantTensor> weights =
        getConstantTensor(op->getOperand(1));
    if (!weights || !weights->isFloat())
      return leave("its weights are no constant of floats");
    if (weights->getNumElements() == 0 ||
        (wanted.groups &&
         weights->getType().getDimSize(axis) < wanted.groups->group))
      return leave("its weights have no whole group of neighbours");
    for (int64_t i = 0, e = weights->getNumElements(); i < e; ++i)
      if (!std::isfinite(weights->getFloat(i)))
        return leave("its weights are not all finite");
    ConstantTensor pruned = wanted.groups
                                ? prune(*weights, axis, *wanted.groups)
                                : pruneShare(*weights, wanted.zeros);
    rewriter.setInsertionPoint(op);
    op->setOperand(1, arith::ConstantOp::create(
                          rewriter, op->getLoc(),
                          cast<TypedAttr>(std::move(pruned).toAttr("pruned"))));
  }
};
} // namespace
