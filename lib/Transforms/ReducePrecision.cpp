// Level in and out: graph. Products of f32 take operands of 16 bits where that
// is faster: both where the target multiplies them in matrix registers, or in
// vectors of 16 bits, else the weights of few rows, which wait for memory. Sums
// stay in f32 but for short ones, and so does everything between the products.
// What --precision asks for.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_REDUCEPRECISION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Rows up to which a product waits for its weights, not for its arithmetic.
static constexpr int64_t kMemoryBoundRows = 4;
/// Neighbours along the depth that instructions take at once, at least.
static constexpr int64_t kGroup = 2;
/// With a smaller depth or width the sums cost as much as the products.
static constexpr int64_t kLeastSize = 16;
/// The same for sums that are widened in registers.
static constexpr int64_t kLeastNarrowDepth = 32, kLeastNarrowWidth = 64;
/// And for convolutions, whose input is turned and rounded besides: one of 1x1
/// from 64 channels to 64 takes 1.06 times as long as in f32.
static constexpr int64_t kLeastNarrowFilter = 96;
/// Operands up to 256 make no sum of 16 bits infinite, nor do those that its
/// roundings make larger.
static constexpr double kSafeOperand = 256 * (1 + 1.0 / 32);

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isF32(Value value) {
  return getTensor(value).getElementType().isF32();
}

static int64_t getDepth(MatmulOp op) {
  RankedTensorType lhs = getTensor(op.getLhs()), rhs = getTensor(op.getRhs());
  int64_t rank = lhs.getRank();
  int64_t depth = lhs.getDimSize(op.getTransposeLhs() ? rank - 2 : rank - 1);
  return ShapedType::isStatic(depth)
             ? depth
             : rhs.getDimSize(op.getTransposeRhs() ? rank - 1 : rank - 2);
}

/// Do matrix registers take the product, as mopt-select-microkernels sees it,
/// once its depth is a multiple of the group?
static bool suitsMatrices(MatmulOp op) {
  int64_t rows = op.countRows(), depth = getDepth(op),
          width = getTensor(op.getResult()).getShape().back();
  return !op.getTransposeLhs() && ShapedType::isStatic(depth) &&
         depth >= kLeastSize &&
         (ShapedType::isDynamic(rows) || rows > kMemoryBoundRows) &&
         (ShapedType::isDynamic(width) || width >= kLeastSize);
}

static bool suitsMatrices(ConvOp op) {
  RankedTensorType filter = getTensor(op.getFilter());
  if (!filter.hasStaticShape() || filter.getRank() > 5)
    return false;
  int64_t group = op.getGroup(), channels = filter.getDimSize(1),
          depth = ShapedType::getNumElements(filter.getShape().drop_front());
  bool isWhole = channels % kGroup == 0;
  // Channels of one group can be padded, but not where positions are rows.
  bool isPointwise = llvm::all_of(filter.getShape().drop_front(2),
                                  [](int64_t size) { return size == 1; });
  return (isWhole || (group == 1 && !isPointwise)) && depth >= kLeastSize &&
         filter.getDimSize(0) / group >= kLeastSize;
}

/// Are sums of 16 bits long enough, and wide enough, to be faster than f32?
/// They end where neighbours along the depth do.
static bool suitsNarrowSums(MatmulOp op) {
  int64_t width = getTensor(op.getResult()).getShape().back();
  return suitsMatrices(op) && getDepth(op) >= kLeastNarrowDepth &&
         ShapedType::isStatic(width) && width >= kLeastNarrowWidth;
}

static bool suitsNarrowSums(ConvOp op) {
  if (!suitsMatrices(op))
    return false;
  ArrayRef<int64_t> filter = getTensor(op.getFilter()).getShape();
  int64_t run = filter[1];
  if (op.getGroup() == 1 && op.getDilations().back() == 1)
    run *= filter.back();
  return run >= kLeastNarrowDepth &&
         ShapedType::getNumElements(filter.drop_front()) >=
             kLeastNarrowFilter &&
         filter[0] / int64_t(op.getGroup()) >= kLeastNarrowWidth;
}

static double getLargest(FloatType type) {
  return APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
}

/// Are all of a constant's finite numbers up to `largest`?
static bool fitsRange(const ConstantTensor &values, double largest) {
  for (int64_t i = 0; i < values.getNumElements(); ++i)
    if (std::isfinite(values.getFloat(i)) &&
        std::abs(values.getFloat(i)) > largest)
      return false;
  return true;
}

namespace {
struct ReducePrecision : mopt::impl::ReducePrecisionBase<ReducePrecision> {
  using ReducePrecisionBase::ReducePrecisionBase;

  void runOnOperation() override {
    if (type == "f32")
      return;
    roundedValues.clear();
    roundingProducts.clear();
    onlyRounded.clear();
    Builder b(&getContext());
    if (type == "bf16")
      narrow = b.getBF16Type();
    else if (type == "f16")
      narrow = b.getF16Type();
    if (!narrow) {
      emitError(getOperation().getLoc(),
                "expected 'type' of f32, bf16 or f16, found '")
          << type << "'";
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> products;
    getOperation()->walk([&](Operation *op) {
      if (!isa<MatmulOp, ConvOp>(op) || !isF32(op->getOperand(0)) ||
          !isF32(op->getOperand(1)))
        return;
      // What is quantized is computed as its quantization says.
      if (op->getOperand(0).getDefiningOp<DequantizeOp>() ||
          op->getOperand(1).getDefiningOp<DequantizeOp>())
        return;
      products.push_back(op);
    });
    SmallVector<std::optional<std::string>> obstacles;
    for (Operation *op : products) {
      auto matmul = dyn_cast<MatmulOp>(op);
      obstacles.push_back(
          matmul ? getObstacle(matmul, matmul.getRhs())
                 : getObstacle(cast<ConvOp>(op), cast<ConvOp>(op).getFilter()));
      if (!obstacles.back())
        roundingProducts.insert(op);
    }
    // Before anything changes.
    for (Operation *op : roundingProducts)
      for (Value value : op->getOperands())
        while (isOnlyRounded(value) && moves(value.getDefiningOp()))
          value = value.getDefiningOp()->getOperand(0);
    for (auto [op, obstacle] : llvm::zip_equal(products, obstacles)) {
      rewriter.setInsertionPoint(op);
      if (auto matmul = dyn_cast<MatmulOp>(op))
        convert(rewriter, matmul, obstacle);
      else
        convert(rewriter, cast<ConvOp>(op), obstacle);
    }
    storeRounded(rewriter);
  }

  static bool moves(Operation *op) {
    return isa_and_present<ReshapeOp, TransposeOp, SliceOp>(op);
  }

  /// Do all readers of `value` round it, be it after they moved it? That is so
  /// for none if nothing reads it.
  bool isOnlyRounded(Value value) {
    auto [found, isNew] = onlyRounded.try_emplace(value, false);
    if (!isNew)
      return found->second;
    bool result = !value.use_empty() &&
                  llvm::all_of(value.getUses(), [&](OpOperand &use) {
                    Operation *user = use.getOwner();
                    return moves(user) ? isOnlyRounded(user->getResult(0))
                                       : roundingProducts.contains(user);
                  });
    return onlyRounded[value] = result;
  }

  void remark(Operation *op, const Twine &what) {
    if (remarks)
      op->emitRemark(what);
  }

  /// Weights that the type cannot hold stay.
  bool canHold(Value weights) {
    std::optional<ConstantTensor> values = getConstantTensor(weights);
    return !values || fitsRange(*values, getLargest(narrow));
  }

  /// Why the product does not take operands of 16 bits; nothing if it does.
  template <typename Product>
  std::optional<std::string> getObstacle(Product op, Value weights) {
    if (!canHold(weights))
      return ": weights beyond the range of " + type;
    TargetAttr target = TargetAttr::lookup(op);
    int64_t narrowSums = target ? countNarrowSums(target, type) : 0;
    bool inMatrices = target && multipliesInMatrices(target, type);
    if (inMatrices ? !suitsMatrices(op)
                   : narrowSums == 0 || !suitsNarrowSums(op))
      return ", which is as fast on this target";
    if (inMatrices)
      return std::nullopt;
    std::optional<ConstantTensor> values = getConstantTensor(weights);
    if (!values)
      return ": sums of unknown weights may be beyond the range of " + type;
    if (!fitsRange(*values, getLargest(narrow) / (narrowSums * kSafeOperand)))
      return ": sums of such weights may be beyond the range of " + type;
    return std::nullopt;
  }

  /// `value` in 16 bits, rounded once and where it is made, so that it can be
  /// stored so.
  Value round(OpBuilder &b, Value value) {
    Value &rounded = roundedValues[value];
    if (rounded)
      return rounded;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfterValue(value);
    Operation *def = value.getDefiningOp();
    if (moves(def) && onlyRounded.lookup(value)) {
      Value source = round(b, def->getOperand(0));
      b.setInsertionPoint(def);
      IRMapping mapping;
      mapping.map(def->getOperand(0), source);
      Operation *moved = b.clone(*def, mapping);
      moved->getResult(0).setType(getTensor(value).clone(narrow));
      return roundedValues[value] = moved->getResult(0);
    }
    rounded = CastOp::create(b, value.getLoc(), getTensor(value).clone(narrow),
                             value);
    return rounded;
  }

  /// Where all that reads a value computes elements from elements, or rounds
  /// it, it is stored in 16 bits alone.
  void storeRounded(IRRewriter &rewriter) {
    for (auto [value, rounded] : roundedValues) {
      Operation *cast = rounded.getDefiningOp();
      auto isRounding = [&, value = value](Operation *user) {
        return user == cast && cast->getOperand(0) == value;
      };
      if (!value.getDefiningOp() || getConstantTensor(value) ||
          !llvm::all_of(value.getUsers(), [&](Operation *user) {
            return isRounding(user) || user->hasTrait<Elementwise>();
          }))
        continue;
      rewriter.setInsertionPointAfter(cast);
      Value widened =
          CastOp::create(rewriter, value.getLoc(), value.getType(), rounded);
      rewriter.replaceUsesWithIf(value, widened, [&](OpOperand &use) {
        return !isRounding(use.getOwner());
      });
    }
  }

  /// What the depth of `op` becomes a multiple of.
  int64_t getGroup(MatmulOp op) {
    return std::max(kGroup, countMatrixSteps(TargetAttr::lookup(op), type));
  }

  /// `value` with `added` zeros along a dimension counted from the last one.
  /// They are copied, which takes less than a product of floats.
  static Value padDepth(OpBuilder &b, Value value, int64_t fromBack,
                        int64_t added) {
    if (added == 0)
      return value;
    RankedTensorType type = getTensor(value);
    SmallVector<OpFoldResult> low(type.getRank(), b.getIndexAttr(0)),
        high = low;
    high[type.getRank() - fromBack] = b.getIndexAttr(added);
    auto scalar = RankedTensorType::get({}, type.getElementType());
    Value zero =
        arith::ConstantOp::create(b, value.getLoc(), b.getZeroAttr(scalar));
    return PadOp::create(b, value.getLoc(), PadMode::constant, value, zero, low,
                         high);
  }

  /// Channels of zeros that let a device copy those of each position in one
  /// piece: three, as of pictures, become four.
  int64_t countAddedChannels(ConvOp op) {
    constexpr int64_t piece = 4;
    int64_t channels = getTensor(op.getFilter()).getDimSize(1);
    int64_t added = llvm::alignTo(channels, piece) - channels;
    bool isFew = channels < piece && 3 * added <= channels;
    return isFew && op.getGroup() == 1 && !op.getChannelsLast() &&
                   getConstantTensor(op.getFilter()) &&
                   isDevice(TargetInfo(TargetAttr::lookup(op)))
               ? added
               : 0;
  }

  /// A constant filter with `added` more channels of zeros.
  static Value addChannels(OpBuilder &b, Value filter, int64_t added) {
    std::optional<ConstantTensor> from = getConstantTensor(filter);
    RankedTensorType type = getTensor(filter);
    SmallVector<int64_t> shape(type.getShape());
    int64_t window = ShapedType::getNumElements(type.getShape().drop_front(2));
    int64_t size = shape[1] * window, filters = shape[0];
    shape[1] += added;
    auto to = ConstantTensor::allocate(type.clone(shape));
    for (int64_t i = 0; i < to->getNumElements(); ++i)
      to->setFloat(i, 0);
    for (int64_t i = 0; i < filters; ++i)
      for (int64_t j = 0; j < size; ++j)
        to->setFloat(i * shape[1] * window + j, from->getFloat(i * size + j));
    return arith::ConstantOp::create(b, filter.getLoc(),
                                     std::move(*to).toAttr("padded"));
  }

  void convert(IRRewriter &rewriter, MatmulOp op,
               const std::optional<std::string> &obstacle) {
    int64_t rows = op.countRows();
    if (!obstacle) {
      remark(op, "operands in " + type);
      Value lhs = round(rewriter, op.getLhs()),
            rhs = round(rewriter, op.getRhs());
      int64_t added = llvm::alignTo(getDepth(op), getGroup(op)) - getDepth(op);
      lhs = padDepth(rewriter, lhs, /*fromBack=*/1, added);
      rhs = padDepth(rewriter, rhs, op.getTransposeRhs() ? 1 : 2, added);
      rewriter.replaceOpWithNewOp<MatmulOp>(
          op, op.getType(), lhs, rhs, op.getTransposeLhs(),
          op.getTransposeRhs(), /*f32_result=*/true);
    } else if (canHold(op.getRhs()) && ShapedType::isStatic(rows) &&
               rows <= kMemoryBoundRows && getConstantTensor(op.getRhs()) &&
               !op.getTransposeLhs()) {
      remark(op, "weights in " + type);
      Value rhs = round(rewriter, op.getRhs());
      rewriter.modifyOpInPlace(op, [&] { op.getRhsMutable().set(rhs); });
    } else {
      remark(op, "stays in f32" + *obstacle);
    }
  }

  void convert(IRRewriter &rewriter, ConvOp op,
               const std::optional<std::string> &obstacle) {
    if (obstacle)
      return remark(op, "stays in f32" + *obstacle);
    remark(op, "operands in " + type);
    Value input = round(rewriter, op.getInput()), filter = op.getFilter();
    if (int64_t added = countAddedChannels(op)) {
      int64_t rank = getTensor(filter).getRank();
      input = padDepth(rewriter, input, /*fromBack=*/rank - 1, added);
      filter = addChannels(rewriter, filter, added);
    }
    filter = round(rewriter, filter);
    rewriter.replaceOpWithNewOp<ConvOp>(
        op, op.getType(), input, filter, op.getStridesAttr(),
        op.getDilationsAttr(), op.getPadsBeginAttr(), op.getPadsEndAttr(),
        op.getGroupAttr(), op.getChannelsLastAttr(), op.getPadValueAttr(),
        rewriter.getUnitAttr());
  }

  FloatType narrow;
  llvm::MapVector<Value, Value> roundedValues;
  /// The products whose operands are rounded.
  llvm::SetVector<Operation *> roundingProducts;
  llvm::DenseMap<Value, bool> onlyRounded;
};
} // namespace
