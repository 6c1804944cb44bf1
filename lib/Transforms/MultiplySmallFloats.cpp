// Level in and out: legal. Products of dequantized floats of 8 bits, for
// devices: of the bytes themselves where the device multiplies them, with the
// scales behind the sums, else of 16-bit floats, which hold every such number.
// Leaves those alone whose scales vary along what is summed, and all of
// processors.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_MULTIPLYSMALLFLOATS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Neighbours along the depth that devices copy together: rows begin at
/// multiples of as many.
static constexpr int64_t kGroup = 16;

/// What devices call the type (MicroKernelSchema.td).
static StringRef getTypeName(Type element) {
  return isa<Float8E4M3FNType>(element) ? "e4m3" : "e5m2";
}

namespace {
/// An operand that stands for `bytes` times `scale`, which may be null.
struct Side {
  Value bytes, scale;

  static std::optional<Side> find(Value operand) {
    Operation *def = operand.getDefiningOp();
    Side side;
    if (auto dequantize = dyn_cast_or_null<DequantizeOp>(def))
      side = {dequantize.getInput(), dequantize.getScale()};
    else if (auto cast = dyn_cast_or_null<CastOp>(def))
      side = {cast.getInput(), Value()};
    if (!side.bytes || !isMultiplied(getTensor(side.bytes).getElementType()))
      return std::nullopt;
    return side;
  }

  Type getElement() const { return getTensor(bytes).getElementType(); }
  /// Is the scale the same along `dim`?
  bool isShared(int64_t dim) const {
    return !scale || getTensor(scale).getDimSize(dim) == 1;
  }
};

struct MultiplySmallFloats
    : mopt::impl::MultiplySmallFloatsBase<MultiplySmallFloats> {
  using MultiplySmallFloatsBase::MultiplySmallFloatsBase;

  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    if (!target || !isDevice(TargetInfo(target)))
      return;
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      if (auto matmul = dyn_cast<MatmulOp>(op))
        convert(rewriter, matmul, target);
      else if (auto conv = dyn_cast<ConvOp>(op))
        convert(rewriter, conv, target);
    });
  }

  void remark(Operation *op, bool areMultiplied) {
    if (remarks)
      op->emitRemark(areMultiplied ? "multiplies floats of 8 bits"
                                   : "multiplies floats of 8 bits as f16");
  }

  static Value toHalf(OpBuilder &b, Location loc, const Side &side) {
    return CastOp::create(b, loc, getTensor(side.bytes).clone(b.getF16Type()),
                          side.bytes);
  }

  /// Of 16-bit floats; the filter may have a scale for each output.
  void convert(IRRewriter &rewriter, ConvOp op, TargetAttr target) {
    std::optional<Side> input = Side::find(op.getInput()),
                        filter = Side::find(op.getFilter());
    if (!input || !filter || op.getChannelsLast() ||
        (input->scale && !isOneElement(input->scale)) ||
        !multipliesInMatrices(target, "f16"))
      return;
    int64_t rank = getTensor(op.getFilter()).getRank();
    for (int64_t dim = 1; dim < rank; ++dim)
      if (!filter->isShared(dim))
        return;
    remark(op, /*areMultiplied=*/false);
    Location loc = op.getLoc();
    auto type = getTensor(op.getResult()).clone(rewriter.getF32Type());
    Value result = ConvOp::create(
        rewriter, loc, type, toHalf(rewriter, loc, *input),
        toHalf(rewriter, loc, *filter), op.getStridesAttr(),
        op.getDilationsAttr(), op.getPadsBeginAttr(), op.getPadsEndAttr(),
        op.getGroupAttr(), op.getChannelsLastAttr(), op.getPadValueAttr(),
        rewriter.getUnitAttr());
    result = scale(
        rewriter, loc, result, toFloat(rewriter, loc, input->scale),
        exchange(rewriter, loc, toFloat(rewriter, loc, filter->scale), 0, 1));
    finish(rewriter, op, result);
  }

  static void finish(IRRewriter &rewriter, Operation *op, Value result) {
    Type type = op->getResult(0).getType();
    if (result.getType() != type)
      result = CastOp::create(rewriter, op->getLoc(), type, result);
    rewriter.replaceOp(op, result);
  }

  void convert(IRRewriter &rewriter, MatmulOp op, TargetAttr target) {
    std::optional<Side> lhs = Side::find(op.getLhs()),
                        rhs = Side::find(op.getRhs());
    if (!lhs || !rhs)
      return;
    int64_t rank = getTensor(op.getResult()).getRank();
    if (!lhs->isShared(op.getTransposeLhs() ? rank - 2 : rank - 1) ||
        !rhs->isShared(op.getTransposeRhs() ? rank - 1 : rank - 2))
      return;
    Type element = lhs->getElement();
    bool areMultiplied = !exact && element == rhs->getElement() &&
                         !op.getTransposeLhs() &&
                         multipliesInMatrices(target, getTypeName(element));
    if (!areMultiplied && !multipliesInMatrices(target, "f16"))
      return;
    remark(op, areMultiplied);
    Location loc = op.getLoc();
    int64_t depth = getTensor(rhs->bytes)
                        .getDimSize(op.getTransposeRhs() ? rank - 1 : rank - 2);
    int64_t added =
        ShapedType::isStatic(depth) ? llvm::alignTo(depth, kGroup) - depth : 0;
    auto getOperand = [&](Side side, int64_t depthDim) -> Value {
      if (areMultiplied)
        return padDepth(rewriter, loc, side.bytes, depthDim, added);
      return toHalf(rewriter, loc, side);
    };
    auto type = getTensor(op.getResult()).clone(rewriter.getF32Type());
    Value result = MatmulOp::create(
        rewriter, loc, type, getOperand(*lhs, rank - 1),
        getOperand(*rhs, op.getTransposeRhs() ? rank - 1 : rank - 2),
        op.getTransposeLhs(), op.getTransposeRhs(), /*f32_result=*/true);
    result = scale(rewriter, loc, result,
                   orient(rewriter, loc, lhs->scale, op.getTransposeLhs()),
                   orient(rewriter, loc, rhs->scale, op.getTransposeRhs()));
    finish(rewriter, op, result);
  }

  /// `x` with `added` zeros along `dim`.
  static Value padDepth(OpBuilder &b, Location loc, Value x, int64_t dim,
                        int64_t added) {
    if (added == 0)
      return x;
    RankedTensorType type = getTensor(x);
    if (std::optional<ConstantTensor> constant = getConstantTensor(x)) {
      SmallVector<int64_t> shape(type.getShape());
      int64_t inner = ConstantTensor::getStrides(shape)[dim] * shape[dim];
      shape[dim] += added;
      int64_t outer = ConstantTensor::getStrides(shape)[dim] * shape[dim];
      ConstantTensor padded = *ConstantTensor::allocate(type.clone(shape));
      char *to = padded.getMutableBytes().data();
      ArrayRef<char> from = constant->getBytes();
      std::memset(to, 0, padded.getMutableBytes().size());
      for (; !from.empty(); from = from.drop_front(inner), to += outer)
        std::memcpy(to, from.data(), inner);
      return arith::ConstantOp::create(
          b, loc, cast<TypedAttr>(std::move(padded).toAttr("padded")));
    }
    SmallVector<OpFoldResult> low(type.getRank(), b.getIndexAttr(0)),
        high = low;
    high[dim] = b.getIndexAttr(added);
    Value zero = arith::ConstantOp::create(
        b, loc,
        b.getZeroAttr(RankedTensorType::get({}, type.getElementType())));
    return PadOp::create(b, loc, PadMode::constant, x, zero, low, high);
  }

  /// A scale in f32 so that it is broadcast to the result.
  static Value orient(OpBuilder &b, Location loc, Value scale,
                      bool isTransposed) {
    scale = toFloat(b, loc, scale);
    int64_t rank = scale ? getTensor(scale).getRank() : 0;
    return isTransposed ? exchange(b, loc, scale, rank - 2, rank - 1) : scale;
  }

  static Value toFloat(OpBuilder &b, Location loc, Value scale) {
    if (!scale || getTensor(scale).getElementType().isF32())
      return scale;
    return CastOp::create(b, loc, getTensor(scale).clone(b.getF32Type()),
                          scale);
  }

  static Value exchange(OpBuilder &b, Location loc, Value scale, int64_t one,
                        int64_t other) {
    if (!scale || isOneElement(scale))
      return scale;
    SmallVector<int64_t> permutation =
        llvm::to_vector(llvm::seq<int64_t>(0, getTensor(scale).getRank()));
    std::swap(permutation[one], permutation[other]);
    return TransposeOp::create(b, loc, scale, permutation);
  }

  static Value scale(OpBuilder &b, Location loc, Value sums, Value lhs,
                     Value rhs) {
    auto multiply = [&](Value x, Value y) -> Value {
      return BinaryOp::create(b, loc, BinaryKind::mul, x, y);
    };
    if (lhs && rhs && (isOneElement(lhs) || isOneElement(rhs)))
      return multiply(sums, multiply(lhs, rhs));
    for (Value scale : {lhs, rhs})
      if (scale)
        sums = multiply(sums, scale);
    return sums;
  }
};
} // namespace
