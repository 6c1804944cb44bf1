// Level in and out: graph. A model of floats gets quantized weights, and
// activations that are quantized as they come: what --quantize asks for.
// Contractions without constant weights, of other types than f32, and those too
// small to gain stay as they are.
#include "RoundWeights.h"

#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_INSERTQUANTIZATION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// The largest number of the small floats that are used.
static constexpr double kLargestSmallFloat = 448;

/// `x` through small floats, or unsigned bytes around 128, whose scale fits the
/// largest magnitude along `axes`.
static Value quantizeActivations(OpBuilder &b, Location loc, Value x,
                                 ArrayRef<int64_t> axes, bool asFloats) {
  RankedTensorType type = getTensor(x);
  int64_t rank = type.getRank();
  Type f32 = b.getF32Type(), byte = b.getIntegerType(8, /*isSigned=*/false);
  if (asFloats)
    byte = Float8E4M3FNType::get(b.getContext());
  double steps = asFloats ? kLargestSmallFloat : 127;
  auto number = [&](double value) {
    return createNumber(b, loc, f32, rank, value);
  };
  Value largest =
      ReduceOp::create(b, loc, ReduceKind::max,
                       UnaryOp::create(b, loc, UnaryKind::abs, x), axes);
  // Of zeros only, any scale will do.
  Value isZero = CompareOp::create(b, loc, CompareKind::eq, largest, number(0));
  largest = SelectOp::create(b, loc, isZero, number(1), largest);
  Value factor =
      BinaryOp::create(b, loc, BinaryKind::div, number(steps), largest);
  Value scale =
      BinaryOp::create(b, loc, BinaryKind::mul, largest, number(1.0 / steps));
  Value zero = asFloats ? Value() : createNumber(b, loc, byte, rank, 128);
  Value q = QuantizeOp::create(
      b, loc, type.clone(byte),
      BinaryOp::create(b, loc, BinaryKind::mul, x, factor), number(1), zero,
      /*saturate=*/true);
  return DequantizeOp::create(b, loc, type, q, scale, zero);
}

/// Constant weights as small floats, with a scale for each position along the
/// dimensions but `axis`.
static Value quantizeToFloats(OpBuilder &b, Location loc,
                              const ConstantTensor &weights, int64_t axis) {
  RankedTensorType type = weights.getType();
  SmallVector<int64_t> shape(type.getShape());
  int64_t size = std::exchange(shape[axis], 1);
  ConstantTensor scales = *ConstantTensor::allocate(type.clone(shape)),
                 values = *ConstantTensor::allocate(
                     type.clone(Float8E4M3FNType::get(b.getContext())));
  int64_t inner = ConstantTensor::getStrides(type.getShape())[axis];
  for (int64_t line = 0; line < scales.getNumElements(); ++line) {
    int64_t first = line / inner * inner * size + line % inner;
    double largest = 0;
    for (int64_t i = 0; i < size; ++i)
      largest =
          std::max(largest, std::abs(weights.getFloat(first + i * inner)));
    scales.setFloat(line, largest > 0 ? largest / kLargestSmallFloat : 1);
    double scale = scales.getFloat(line);
    for (int64_t i = 0; i < size; ++i) {
      int64_t at = first + i * inner;
      values.setFloat(at, std::clamp(weights.getFloat(at) / scale,
                                     -kLargestSmallFloat, kLargestSmallFloat));
    }
  }
  auto create = [&](ConstantTensor tensor) -> Value {
    return arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(std::move(tensor).toAttr("quantized")));
  };
  return DequantizeOp::create(b, loc, type, create(std::move(values)),
                              create(std::move(scales)), Value());
}

namespace {
struct InsertQuantization
    : mopt::impl::InsertQuantizationBase<InsertQuantization> {
  using InsertQuantizationBase::InsertQuantizationBase;

  void runOnOperation() override {
    if (mode == "none")
      return;
    TargetAttr target = TargetAttr::lookup(getOperation());
    if (usesFloats() && (!target || !multipliesInMatrices(target, "e4m3"))) {
      emitError(getOperation().getLoc(),
                "floats of 8 bits are not supported: the target does not "
                "multiply them");
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      rewriter.setInsertionPoint(op);
      if (auto matmul = dyn_cast<MatmulOp>(op))
        quantize(rewriter, matmul);
      else
        quantize(rewriter, cast<ConvOp>(op));
    }
  }

  bool usesFloats() const { return mode == "dynamic-fp8"; }
  bool isDynamic() const { return mode == "dynamic-int8" || usesFloats(); }
  int64_t getBits() const { return mode == "weight-int4" ? 4 : 8; }

  /// Rounds the right side of `op`, whose sums run along `axes` of it.
  bool quantizeRhs(OpBuilder &b, Operation *op, ArrayRef<int64_t> axes) {
    Value weights = op->getOperand(1);
    auto leave = [&](const Twine &why) {
      op->emitRemark("not quantized: ") << why;
      return false;
    };
    TargetAttr target = TargetAttr::lookup(op);
    if (isDynamic() && (!target || !multipliesBytes(target)))
      return leave("the target multiplies bytes no faster than floats");
    std::optional<ConstantTensor> values = getConstantTensor(weights);
    if (!values || !getTensor(weights).getElementType().isF32() ||
        !getTensor(op->getOperand(0)).getElementType().isF32())
      return leave("its weights are no f32 constant");
    int64_t depth = 1;
    for (int64_t axis : axes)
      depth *= getTensor(weights).getDimSize(axis);
    if (isDynamic() && !usesFloats() && depth > kMostProductsOfBytes)
      return leave("sums of " + Twine(depth) + " products may not fit 32 bits");
    if (isTooSmallToQuantize(depth, values->getNumElements()))
      return leave("it is too small to gain");
    for (int64_t i = 0; i < values->getNumElements(); ++i)
      if (!std::isfinite(values->getFloat(i)))
        return leave("its weights are not all finite");
    if (usesFloats()) {
      op->setOperand(1,
                     quantizeToFloats(b, op->getLoc(), *values, axes.front()));
      return true;
    }
    // A convolution's depth has several dimensions: one step for each output.
    int64_t size = isDynamic() || axes.size() != 1 ? 0 : int64_t(group);
    if (size > 0 && depth % size != 0)
      return leave("its depth of " + Twine(depth) + " has no whole groups of " +
                   Twine(size));
    op->setOperand(1, roundWeights(*values, axes, size, getBits(),
                                   isDynamic() || symmetric)
                          .materialize(b, op->getLoc()));
    return true;
  }

  void quantize(IRRewriter &rewriter, MatmulOp op) {
    int64_t rank = getTensor(op.getResult()).getRank();
    int64_t depth = op.getTransposeRhs() ? rank - 1 : rank - 2;
    if (!quantizeRhs(rewriter, op, depth) || !isDynamic())
      return;
    // Each row has a scale of its own.
    int64_t along = op.getTransposeLhs() ? rank - 2 : rank - 1;
    op.getLhsMutable().set(quantizeActivations(
        rewriter, op.getLoc(), op.getLhs(), along, usesFloats()));
  }

  void quantize(IRRewriter &rewriter, ConvOp op) {
    if (usesFloats())
      return op->emitRemark("not quantized: it is a convolution"), void();
    int64_t rank = getTensor(op.getFilter()).getRank();
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
    if (!quantizeRhs(rewriter, op, axes) || !isDynamic())
      return;
    SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    op.getInputMutable().set(quantizeActivations(rewriter, op.getLoc(),
                                                 op.getInput(), all,
                                                 /*asFloats=*/false));
  }
};
} // namespace
