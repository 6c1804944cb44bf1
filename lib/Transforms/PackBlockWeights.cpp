// Level in and out: legal. Products of floats whose constant right side has few
// bits and scales that groups along the depth share read packed integers
// afterwards. What moves elements between the dequantization and the product is
// carried out at compile time. Leaves all other products alone.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Transforms/EvaluateOp.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/APFloat.h"

#include <cstring>
#include <numeric>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PACKBLOCKWEIGHTS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

namespace {
/// The right side of a product, element for element `[n, k]` or `[k, n]`. There
/// may be some hundred millions.
struct Weights {
  std::optional<ConstantTensor> integers, scales, zeros;
  int64_t width = 0, depth = 0, widthStride = 0, depthStride = 0;

  int64_t at(int64_t n, int64_t k) const {
    return n * widthStride + k * depthStride;
  }
  int64_t getInteger(int64_t i) const { return getByte(q, i); }
  int64_t getZero(int64_t i) const { return z ? getByte(z, i) : 0; }
  float getScale(int64_t i) const { return s[i]; }

  /// Call it when the tensors are there.
  void open() {
    q = integers->getBytes().data();
    s = reinterpret_cast<const float *>(scales->getBytes().data());
    z = zeros ? zeros->getBytes().data() : nullptr;
    isUnsigned = integers->getType().getElementType().isUnsignedInteger();
  }

private:
  int64_t getByte(const char *bytes, int64_t i) const {
    return isUnsigned ? int64_t(static_cast<uint8_t>(bytes[i]))
                      : static_cast<int8_t>(bytes[i]);
  }

  const char *q = nullptr, *z = nullptr;
  const float *s = nullptr;
  bool isUnsigned = false;
};
} // namespace

/// `parameter`, broadcast to `type`.
static std::optional<ConstantTensor> broadcast(const ConstantTensor &parameter,
                                               RankedTensorType type) {
  std::optional<ConstantTensor> result = ConstantTensor::allocate(
      type.clone(parameter.getType().getElementType()));
  ArrayRef<int64_t> shape = type.getShape();
  ArrayRef<int64_t> own = parameter.getType().getShape();
  SmallVector<int64_t> strides = ConstantTensor::getStrides(own),
                       index(shape.size(), 0);
  size_t bytes = parameter.getElementBytes();
  char *out = result->getMutableBytes().data();
  // A line along the last dimension is copied at once, or is one element.
  int64_t last = shape.size() - 1, length = shape[last];
  for (int64_t line = result->getNumElements() / std::max<int64_t>(length, 1),
               source = 0;
       line > 0; --line) {
    const char *from = parameter.getBytes().data() + source * bytes;
    if (own[last] != 1)
      std::memcpy(out, from, length * bytes);
    else if (bytes == 1)
      std::memset(out, *from, length);
    else
      for (int64_t i = 0; i < length; ++i)
        std::memcpy(out + i * bytes, from, bytes);
    out += length * bytes;
    for (int64_t dim = last - 1; dim >= 0; --dim) {
      int64_t step = own[dim] == 1 ? 0 : strides[dim];
      source += step;
      if (++index[dim] < shape[dim])
        break;
      source -= step * shape[dim];
      index[dim] = 0;
    }
  }
  return result;
}

/// `tensor` behind `moves`, which take single elements to other places.
static std::optional<ConstantTensor>
follow(std::optional<ConstantTensor> tensor, ArrayRef<Operation *> moves) {
  for (Operation *op : moves) {
    if (!tensor)
      return std::nullopt;
    Operation *moved = op->clone();
    moved->getResult(0).setType(
        getTensor(op->getResult(0)).clone(tensor->getType().getElementType()));
    SmallVector<ConstantTensor> operands;
    operands.push_back(std::move(*tensor));
    tensor = evaluateOp(moved, operands);
    moved->destroy();
  }
  return tensor;
}

/// What the right side of `op` is made of, if it is a dequantized constant.
static std::optional<Weights> getWeights(MatmulOp op) {
  SmallVector<Operation *> moves;
  Operation *source = op.getRhs().getDefiningOp();
  while (isa_and_nonnull<ReshapeOp, SliceOp, TransposeOp>(source) &&
         source->getNumOperands() == 1 &&
         getTensor(source->getResult(0)).hasStaticShape()) {
    moves.insert(moves.begin(), source);
    source = source->getOperand(0).getDefiningOp();
  }
  auto dequantize = dyn_cast_or_null<DequantizeOp>(source);
  if (!dequantize || !getTensor(dequantize.getResult()).hasStaticShape() ||
      !getTensor(dequantize.getInput()).getElementType().isInteger(8) ||
      !getTensor(dequantize.getScale()).getElementType().isF32())
    return std::nullopt;
  std::optional<ConstantTensor> input =
                                    getConstantTensor(dequantize.getInput()),
                                scale =
                                    getConstantTensor(dequantize.getScale()),
                                zero;
  if (dequantize.getZeroPoint())
    zero = getConstantTensor(dequantize.getZeroPoint());
  if (!input || !scale || (dequantize.getZeroPoint() && !zero))
    return std::nullopt;
  Weights weights;
  RankedTensorType type = input->getType();
  weights.integers = follow(std::move(input), moves);
  weights.scales = follow(broadcast(*scale, type), moves);
  if (zero)
    weights.zeros = follow(broadcast(*zero, type), moves);
  if (!weights.integers || !weights.scales || (zero && !weights.zeros))
    return std::nullopt;
  RankedTensorType rhs = getTensor(op.getRhs());
  int64_t rank = rhs.getRank(), n = rank - 1, k = rank - 2;
  if (op.getTransposeRhs())
    std::swap(n, k);
  SmallVector<int64_t> strides = ConstantTensor::getStrides(rhs.getShape());
  weights.width = rhs.getDimSize(n), weights.widthStride = strides[n];
  weights.depth = rhs.getDimSize(k), weights.depthStride = strides[k];
  weights.open();
  return weights;
}

/// The largest group of neighbours along the depth, of which each has the scale
/// and zero point of the first; the depth if all have.
static int64_t findGroup(const Weights &weights) {
  int64_t group = 0;
  auto visit = [&](int64_t n, int64_t k) {
    int64_t i = weights.at(n, k), before = weights.at(n, k - 1);
    if (weights.getScale(i) != weights.getScale(before) ||
        weights.getZero(i) != weights.getZero(before))
      group = std::gcd(group, k);
  };
  // In the order in which they lie.
  if (weights.depthStride == 1) {
    for (int64_t n = 0; n < weights.width; ++n)
      for (int64_t k = 1; k < weights.depth; ++k)
        visit(n, k);
  } else {
    for (int64_t k = 1; k < weights.depth; ++k)
      for (int64_t n = 0; n < weights.width; ++n)
        visit(n, k);
  }
  return group ? group : weights.depth;
}

/// Sums of more products would not fit 32 bits: 2^15 * 255 * 128 < 2^31.
static constexpr int64_t kLargestGroup = 128;
/// Scales of fewer weights are as many bytes as these.
static constexpr int64_t kSmallestGroup = 16;

/// The group in which to store groups of `group` in words of `perWord`, 0 if
/// there is none.
static int64_t chooseGroup(int64_t group, int64_t depth, int64_t perWord) {
  if (group == depth)
    return std::min<int64_t>(llvm::alignTo(depth, kSmallestGroup),
                             kLargestGroup);
  for (int64_t part = std::min(group, kLargestGroup); part >= kSmallestGroup;
       --part)
    if (group % part == 0 && part % perWord == 0)
      return part;
  return 0;
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

static uint16_t toHalf(float x) {
  llvm::APFloat value(x);
  bool inexact;
  value.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven,
                &inexact);
  return static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
}

static bool isHalf(float x) {
  llvm::APFloat value(x);
  bool inexact;
  value.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven,
                &inexact);
  return !inexact;
}

/// How to store `weights` in blocks of `columns`, and the integer that is
/// stored as 0; nothing if their groups are too small.
static std::optional<std::pair<BlockWeightsAttr, int64_t>>
chooseLayout(MLIRContext *context, const Weights &weights, int64_t columns) {
  int64_t low = weights.getZero(0), high = low, zero = low;
  bool sharesZero = true;
  for (int64_t i = 0; i < weights.integers->getNumElements(); ++i) {
    int64_t q = weights.getInteger(i), z = weights.getZero(i);
    low = std::min({low, q, z});
    high = std::max({high, q, z});
    sharesZero &= z == zero;
  }
  int64_t bits = high - low < 4 ? 2 : high - low < 16 ? 4 : 8;
  int64_t group = chooseGroup(findGroup(weights), weights.depth, 32 / bits);
  if (group == 0)
    return std::nullopt;
  bool areHalves = true;
  for (int64_t n = 0; n < weights.width && areHalves; ++n)
    for (int64_t k = 0; k < weights.depth && areHalves; k += group)
      areHalves = isHalf(weights.getScale(weights.at(n, k)));
  auto layout = BlockWeightsAttr::get(
      context, bits, group, columns, weights.width, weights.depth,
      areHalves ? 16 : 32, sharesZero ? zero - low : -1);
  return std::pair(layout, low);
}

/// The bytes that `layout` describes.
static ConstantTensor pack(const Weights &weights, BlockWeightsAttr layout,
                           int64_t low) {
  int64_t bits = layout.getBits(), columns = layout.getColumns();
  auto type = RankedTensorType::get(
      {layout.getBlocks(), layout.getGroups(), layout.getGroupBytes()},
      IntegerType::get(layout.getContext(), 8));
  std::optional<ConstantTensor> result = ConstantTensor::allocate(type);
  MutableArrayRef<char> bytes = result->getMutableBytes();
  std::fill(bytes.begin(), bytes.end(), 0);
  int64_t perWord = layout.getPerWord(), size = layout.getGroup();
  for (int64_t n = 0; n < weights.width; ++n)
    for (int64_t g = 0; g < layout.getGroups(); ++g) {
      char *group = bytes.data() + (n / columns * layout.getGroups() + g) *
                                       layout.getGroupBytes();
      char *words = group + n % columns * 4;
      int64_t count = std::min(size, weights.depth - g * size);
      for (int64_t k = 0; k < count; k += perWord) {
        uint32_t word = 0;
        int64_t used = std::min(perWord, count - k);
        for (int64_t i = 0; i < used; ++i) {
          int64_t q = weights.getInteger(weights.at(n, g * size + k + i)) - low;
          word |= static_cast<uint32_t>(q) << (i % 2 * 16 + i / 2 * bits);
        }
        std::memcpy(words + k / perWord * columns * 4, &word, 4);
      }
      int64_t first = weights.at(n, g * size);
      float scale = weights.getScale(first);
      char *scales = group + layout.getScaleOffset();
      if (layout.getScaleBits() == 16) {
        uint16_t half = toHalf(scale);
        std::memcpy(scales + n % columns * 2, &half, 2);
      } else {
        std::memcpy(scales + n % columns * 4, &scale, 4);
      }
      if (layout.hasZeroPoints())
        group[layout.getZeroOffset() + n % columns] =
            static_cast<char>(weights.getZero(first) - low);
    }
  return std::move(*result);
}

//===----------------------------------------------------------------------===//
// Decision
//===----------------------------------------------------------------------===//

/// The micro-kernel for packed weights that `target` can run, null for none.
/// Without one of integers floats are multiplied.
static ConfigAttr selectConfig(TargetAttr target, bool exact) {
  const MicroKernelRow *best = nullptr;
  for (ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (StringRef(row.kind) == "block-weights" && canRun(target, row) &&
          exact == StringRef(row.instruction).empty() &&
          (!best || std::pair(row.vectorBits, row.rank) >
                        std::pair(best->vectorBits, best->rank)))
        best = &row;
  if (!best)
    return exact ? ConfigAttr() : selectConfig(target, /*exact=*/true);
  int64_t lanes = best->vectorBits / 32;
  return ConfigAttr::get(
      target.getContext(), best->name, best->rows, lanes * best->vectors, lanes,
      best->unroll, best->streams, best->prefetchRows,
      /*prefetchNext=*/false, best->interleave, best->accumulates,
      best->lhsBits, best->rhsBits, best->instruction, "",
      /*wordGroups=*/1, best->lhsSteps);
}

/// Rows up to which packed weights are faster than floats, which need no
/// unpacking: any number where an instruction sums products of 16 bits into its
/// accumulator, else those that wait for memory.
static int64_t getMostRows(ConfigAttr config) {
  if (config.getAccumulates())
    return std::numeric_limits<int64_t>::max();
  return config.getInterleave() > 1 ? 8 : 4;
}

namespace {
struct PackBlockWeights : mopt::impl::PackBlockWeightsBase<PackBlockWeights> {
  using PackBlockWeightsBase::PackBlockWeightsBase;

  void runOnOperation() override {
    SmallVector<MatmulOp> ops;
    getOperation()->walk([&](MatmulOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (MatmulOp op : ops) {
      rewriter.setInsertionPoint(op);
      pack(rewriter, op);
    }
  }

  void pack(IRRewriter &rewriter, MatmulOp op) {
    TargetAttr target = TargetAttr::lookup(op);
    RankedTensorType lhs = getTensor(op.getLhs()), rhs = getTensor(op.getRhs());
    if (!target || op.getTransposeLhs() || !lhs.getElementType().isF32() ||
        !rhs.hasStaticShape() || rhs.getNumElements() == 0 ||
        llvm::any_of(rhs.getShape().drop_back(2),
                     [](int64_t size) { return size != 1; }))
      return;
    std::optional<Weights> weights = getWeights(op);
    if (!weights)
      return;
    auto leave = [&](const Twine &why) {
      if (remarks)
        op->emitRemark("weights are dequantized at compile time: ") << why;
    };
    ConfigAttr config = selectConfig(target, exact);
    if (!config)
      return leave("the target has no micro-kernel for packed ones");
    int64_t rows = op.countRows(), most = getMostRows(config);
    if (ShapedType::isStatic(rows) && rows > most)
      return leave("with " + Twine(rows) + " rows, more than " + Twine(most) +
                   ", floats are faster");
    auto layout = chooseLayout(&getContext(), *weights, config.getColumns());
    if (!layout)
      return leave("their groups are no multiple of 16 neighbours");
    // Few rows read such weights without unpacking, and scale the sums.
    auto [attr, low] = *layout;
    if (attr.getBits() == 8 && ShapedType::isStatic(rows) &&
        findGroup(*weights) == weights->depth)
      return leave("one scale serves all of a column");
    if (attr.getBlocks() * attr.getGroups() * attr.getGroupBytes() >
        2 * rhs.getNumElements())
      return leave("they would hardly be smaller");
    ConstantTensor packed = ::pack(*weights, attr, low);
    Value constant = arith::ConstantOp::create(
        rewriter, op.getLoc(),
        cast<TypedAttr>(std::move(packed).toAttr("packed")));
    auto product = BlockMatmulOp::create(rewriter, op.getLoc(), op.getType(),
                                         op.getLhs(), constant, attr);
    product->setAttr(ConfigAttr::kAttrName, config);
    if (remarks)
      op->emitRemark("weights of ")
          << attr.getBits() << " bits in groups of " << attr.getGroup()
          << " computed by micro-kernel '" << config.getKernel() << "'";
    rewriter.replaceOp(op, product);
  }
};
} // namespace
