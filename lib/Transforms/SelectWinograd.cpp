// Level in and out: legal, channels last. Convolutions by constant filters of
// 3x3 become products with 4/9 of the multiplications between two transforms,
// F(2x2, 3x3): those of bytes products of words where the target multiplies
// words as fast as half as many bytes, exactly, with a filter's transform times
// 4; those of floats on processors, with about half of the direct form's error.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SELECTWINOGRAD
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// With fewer channels the transforms take longer than what they save.
static constexpr int64_t kLeastChannels = 64;
/// Up to here sums fit 32 bits: of products of 4 * 255 and 9 * 128.
static constexpr int64_t kMostChannels = 1024;
/// With fewer tiles the transformed filter, which is 32 / 9 times as large, is
/// what takes time.
static constexpr int64_t kLeastTiles = 36;

/// Patches or products of floats have so many bytes at most: more would come
/// from memory, and take four times what pictures do of it.
static constexpr int64_t kMostBytes = 32 << 20;

static bool areAll(ArrayRef<int64_t> list, int64_t value) {
  return llvm::all_of(list, [=](int64_t v) { return v == value; });
}

/// Are its operands floats, of bytes otherwise?
static bool isFloat(ConvOp op) {
  return getElementTypeOrSelf(op.getInput().getType()).isF32();
}

static bool hasTypes(ConvOp op, bool ofBytes, bool ofFloats) {
  Type input = getElementTypeOrSelf(op.getInput().getType()),
       filter = getElementTypeOrSelf(op.getFilter().getType());
  if (isFloat(op))
    return ofFloats && getElementTypeOrSelf(op.getType()).isF32();
  return ofBytes && input.isInteger(8) && filter.isInteger(8) &&
         !filter.isUnsignedInteger();
}

static bool suits(ConvOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto result = cast<RankedTensorType>(op.getType());
  if (!op.getChannelsLast() || input.getRank() != 4 ||
      !input.hasStaticShape() || !result.hasStaticShape() ||
      op.getGroup() != 1 || !areAll(op.getStrides(), 1) ||
      !areAll(op.getDilations(), 1) ||
      !areAll(filter.getShape().drop_front(2), 3))
    return false;
  int64_t channels = filter.getDimSize(1), rows = result.getDimSize(1),
          columns = result.getDimSize(2);
  // 16 values for each 2x2 results, of either side of the product.
  int64_t bytes = result.getDimSize(0) * rows * columns * 4 *
                  std::max(channels, filter.getDimSize(0)) * 4;
  if (isFloat(op) && bytes > kMostBytes)
    return false;
  return channels >= kLeastChannels && filter.getDimSize(0) >= kLeastChannels &&
         (isFloat(op) || channels <= kMostChannels) && rows % 2 == 0 &&
         columns % 2 == 0 && rows * columns / 4 >= kLeastTiles;
}

/// Sets element `(p * channels + c) * outputs + o` to element p of 4 G g G^T of
/// the filter from channel c to o.
template <typename T, typename Get, typename Set>
static void transform(int64_t outputs, int64_t channels, Get get, Set set) {
  // 2 G x: 2 x0, x0 + x1 + x2, x0 - x1 + x2, 2 x2.
  auto doubled = [](T x0, T x1, T x2) {
    return std::array<T, 4>{2 * x0, x0 + x1 + x2, x0 - x1 + x2, 2 * x2};
  };
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t c = 0; c < channels; ++c) {
      std::array<std::array<T, 4>, 3> columns;
      for (int64_t j = 0; j < 3; ++j) {
        auto at = [&](int64_t i) {
          return get(((o * channels + c) * 3 + i) * 3 + j);
        };
        columns[j] = doubled(at(0), at(1), at(2));
      }
      for (int64_t i = 0; i < 4; ++i) {
        std::array<T, 4> row =
            doubled(columns[0][i], columns[1][i], columns[2][i]);
        for (int64_t j = 0; j < 4; ++j)
          set(((4 * i + j) * channels + c) * outputs + o, row[j]);
      }
    }
}

/// The transform of `[o, c, 3, 3]` as `[16, c, o]`.
static std::optional<ConstantTensor>
transformFilter(const ConstantTensor &filter) {
  RankedTensorType type = filter.getType();
  bool isFloat = type.getElementType().isF32();
  int64_t outputs = type.getDimSize(0), channels = type.getDimSize(1);
  Type element =
      isFloat ? type.getElementType() : IntegerType::get(type.getContext(), 16);
  std::optional<ConstantTensor> result = ConstantTensor::allocate(
      RankedTensorType::get({16, channels, outputs}, element));
  if (!result)
    return std::nullopt;
  if (isFloat)
    transform<double>(
        outputs, channels, [&](int64_t i) { return filter.getFloat(i); },
        [&](int64_t i, double x) { result->setFloat(i, x / 4); });
  else
    transform<int64_t>(
        outputs, channels, [&](int64_t i) { return filter.getInt(i); },
        [&](int64_t i, int64_t x) { result->setInt(i, x); });
  return result;
}

static Value padInput(OpBuilder &b, ConvOp op) {
  if (areAll(op.getPadsBegin(), 0) && areAll(op.getPadsEnd(), 0))
    return op.getInput();
  Type element = getElementTypeOrSelf(op.getInput().getType());
  std::optional<ConstantTensor> value =
      ConstantTensor::allocate(RankedTensorType::get({}, element));
  if (isFloat(op))
    value->setFloat(0, 0);
  else
    value->setInt(0, op.getPadValue());
  Value scalar = arith::ConstantOp::create(
      b, op.getLoc(), cast<TypedAttr>(std::move(*value).toAttr("padding")));
  auto wrap = [&](ArrayRef<int64_t> pads) {
    return getAsIndexOpFoldResult(b.getContext(),
                                  SmallVector<int64_t>{0, pads[0], pads[1], 0});
  };
  return PadOp::create(b, op.getLoc(), PadMode::constant, op.getInput(), scalar,
                       wrap(op.getPadsBegin()), wrap(op.getPadsEnd()));
}

namespace {
struct SelectWinograd : mopt::impl::SelectWinogradBase<SelectWinograd> {
  using SelectWinogradBase::SelectWinogradBase;

  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    if (!target)
      return;
    bool ofBytes = multipliesWords(target),
         ofFloats = floats && !isDevice(TargetInfo(target));
    SmallVector<ConvOp> convolutions;
    getOperation().walk([&](ConvOp op) {
      if (hasTypes(op, ofBytes, ofFloats) && suits(op))
        convolutions.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (ConvOp op : convolutions)
      if (std::optional<ConstantTensor> filter =
              getConstantTensor(op.getFilter()))
        convert(rewriter, op, *filter);
  }

  void convert(IRRewriter &rewriter, ConvOp op, const ConstantTensor &filter) {
    std::optional<ConstantTensor> transformed = transformFilter(filter);
    if (!transformed)
      return;
    rewriter.setInsertionPoint(op);
    Location loc = op.getLoc();
    Value patches =
        WinogradInputOp::create(rewriter, loc, padInput(rewriter, op));
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(patches.getType()).getShape();
    auto sizes = [&](ArrayRef<int64_t> list) {
      return getAsIndexOpFoldResult(&getContext(), list);
    };
    int64_t outputs = filter.getType().getDimSize(0);
    Value rows = ReshapeOp::create(
        rewriter, loc, patches,
        sizes({16, shape[1] * shape[2] * shape[3], shape[4]}));
    Value weights = arith::ConstantOp::create(
        rewriter, loc,
        cast<TypedAttr>(std::move(*transformed).toAttr("winograd")));
    Value product = MatmulOp::create(rewriter, loc, rows, weights);
    product =
        ReshapeOp::create(rewriter, loc, product,
                          sizes({16, shape[1], shape[2], shape[3], outputs}));
    rewriter.replaceOpWithNewOp<WinogradOutputOp>(op, op.getType(), product);
  }
};
} // namespace
