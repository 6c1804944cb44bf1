// In: mopt.matmul, mopt.conv (L3, channels last) and anchors. Out: those that a
// micro-kernel can compute have its configuration; the others are left to the
// generic path. What already has a configuration keeps it.
#include "MicroKernels/SafePairs.h"
#include "MicroKernels/Selection.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"
#include "mopt/Target/TargetRegistry.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SELECTMICROKERNELS
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// The most neighbours of the rows that multiply some groups twice.
constexpr int64_t kLargestSplit = 4;

int64_t product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes) {
    if (ShapedType::isDynamic(size))
      return ShapedType::kDynamic;
    result *= size;
  }
  return result;
}

/// Looks at a constant right side whose depth is dimension `depthDim`.
void setUnsafeShares(ProductTypes &types, Value rhs, int64_t depthDim) {
  if (!types.unsignedLhs)
    return;
  types.unsafeInOne = getUnsafeShare(rhs, depthDim, 1);
  types.unsafeInTwo = getUnsafeShare(rhs, depthDim, 2);
}

bool hasStaticShapes(Operation *op) {
  auto isStatic = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return !shaped || shaped.hasStaticShape();
  };
  return llvm::all_of(op->getOperandTypes(), isStatic) &&
         llvm::all_of(op->getResultTypes(), isStatic);
}

/// The types of a product that micro-kernels know: floats with sums in f32, or
/// bytes. The depth is dimension `depthDim` of the right side.
std::optional<ProductTypes> getTypes(RankedTensorType lhs, Value right,
                                     RankedTensorType result,
                                     int64_t depthDim) {
  auto rhs = cast<RankedTensorType>(right.getType());
  ProductTypes types{lhs.getElementType(), rhs.getElementType(),
                     result.getElementType(),
                     lhs.getElementType().isUnsignedInteger(),
                     rhs.getElementType().isUnsignedInteger()};
  auto isFloat = [](Type type) {
    return type.isF32() || type.isBF16() || type.isF16();
  };
  bool areSmall = isMultiplied(types.lhs) && types.rhs == types.lhs &&
                  types.accumulator.isF32();
  bool areFloats = isFloat(types.lhs) && types.accumulator.isF32() &&
                   (isFloat(types.rhs) ||
                    (types.lhs.isF32() && types.rhs.isSignlessInteger(8)));
  bool areBytes = types.lhs.isInteger(8) && types.rhs.isInteger(8);
  bool areWords =
      types.lhs.isSignlessInteger(16) && types.rhs.isSignlessInteger(16);
  if (!areFloats && !areBytes && !areWords && !areSmall)
    return std::nullopt;
  setUnsafeShares(types, right, depthDim);
  return types;
}

template <typename Anchor>
ProductTypes getTypes(Anchor op, Value lhs, Value rhs) {
  ProductTypes types{
      getElementTypeOrSelf(lhs.getType()), getElementTypeOrSelf(rhs.getType()),
      cast<AnchorOpInterface>(op.getOperation()).getAccumulatorType(),
      op.getUnsignedLhs(), op.getUnsignedRhs()};
  // Where the right side is packed, neighbours along the depth are neighbours
  // in its last dimension; those of other groups are not known.
  if (types.unsignedLhs)
    types.unsafeInOne =
        getUnsafeShare(rhs, cast<ShapedType>(rhs.getType()).getRank() - 1, 1);
  return types;
}

bool isKnown(const ProductTypes &types) {
  return types.accumulator.isF32() || types.accumulator.isInteger(32);
}

ConfigAttr select(TargetAttr target, bool shortened, MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  auto result = cast<RankedTensorType>(op.getType());
  int64_t rank = result.getRank();
  int64_t depthDim = op.getTransposeRhs() ? rank - 1 : rank - 2;
  std::optional<ProductTypes> types =
      getTypes(lhs, op.getRhs(), result, depthDim);
  if (!types)
    return {};
  types->shortened = shortened;
  ArrayRef<int64_t> shape = result.getShape();
  bool shared = llvm::all_of(rhs.getShape().drop_back(2),
                             [](int64_t size) { return size == 1; });
  int64_t rows = shared && !op.getTransposeLhs() ? product(shape.drop_back())
                                                 : shape[rank - 2];
  ProductShape product{*types, rows, shape.back(), rhs.getDimSize(depthDim)};
  product.depthUnit = op.getTransposeLhs();
  product.canSplit =
      shared && !op.getTransposeLhs() && product.depth % kLargestSplit == 0;
  return selectProduct(target, product);
}

/// Neighbours along the depth of a convolution that stand side by side in the
/// input: all channels, padded to whole groups of 32 bits where nothing else
/// stands between two positions, and then the positions of a window's row.
int64_t getDepthRun(const ProductTypes &types, int64_t channels,
                    int64_t kernelWidth, int64_t dilation, int64_t groups) {
  if (groups > 1)
    return channels;
  int64_t padded = llvm::alignTo(
      channels, std::max<int64_t>(1, 32 / types.lhs.getIntOrFloatBitWidth()));
  return dilation == 1 ? padded * kernelWidth : padded;
}

ConfigAttr select(TargetAttr target, bool shortened, ConvOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto result = cast<RankedTensorType>(op.getType());
  int64_t rank = input.getRank(), group = op.getGroup();
  if (!op.getChannelsLast() || rank > 5 || !filter.hasStaticShape() ||
      filter.getNumElements() == 0)
    return {};
  std::optional<ProductTypes> types =
      getTypes(input, op.getFilter(), result, /*depthDim=*/1);
  if (!types)
    return {};
  types->shortened = shortened;
  int64_t outputs = filter.getDimSize(0), channels = filter.getDimSize(1);
  if (channels == 1 && outputs == group && group > 1)
    return selectDepthwise(target, *types, result.getDimSize(rank - 2),
                           op.getStrides().back());
  ProductShape shape{*types,
                     product(result.getShape().drop_front().drop_back()),
                     outputs / group, product(filter.getShape().drop_front())};
  shape.parts = product(filter.getShape().drop_front(2));
  // A group's channels can be padded only where there is one group.
  shape.depthUnit = group == 1 ? 0 : channels;
  // A last group that is not whole is multiplied once, unless it is padded.
  shape.canSplit = !op.isProductOfRows() || channels % kLargestSplit == 0;
  if (op.isProductOfRows())
    return selectProduct(target, shape);
  // Two groups must not belong to two positions of a window.
  if (channels % (2 * kLargestSplit) != 0)
    shape.types.unsafeInTwo = std::nullopt;
  shape.rowRun = result.getDimSize(rank - 2);
  shape.depthRun = getDepthRun(*types, channels, filter.getShape().back(),
                               op.getDilations().back(), group);
  return selectProduct(target, shape);
}

ConfigAttr select(TargetAttr target, bool shortened, ContractAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  auto rhs = cast<ShapedType>(op.getRhs().getType());
  ProductTypes types = getTypes(op, op.getLhs(), op.getRhs());
  if (!isKnown(types))
    return {};
  types.shortened = shortened;
  int64_t rank = op.getOutputRank();
  int64_t steps = rhs.getDimSize(*op.getRhsIndexingMap().getResultPosition(
      getAffineDimExpr(rank - 1, op.getContext())));
  ProductShape shape{types,
                     anchor.getOutputDimSize(rank - 2),
                     anchor.getOutputDimSize(rank - 1),
                     ShapedType::isDynamic(steps)
                         ? steps
                         : steps * int64_t(op.getInterleave()),
                     op.getBlockColumns(),
                     int64_t(op.getInterleave())};
  return selectProduct(target, shape);
}

ConfigAttr select(TargetAttr target, bool shortened, ConvAnchorOp op) {
  auto filter = cast<ShapedType>(op.getFilter().getType());
  auto init = cast<ShapedType>(op.getInit().getType());
  ProductTypes types = getTypes(op, op.getInput(), op.getFilter());
  if (!isKnown(types))
    return {};
  types.shortened = shortened;
  int64_t outputs = init.getShape().back();
  ArrayRef<int64_t> window = filter.getShape().drop_front(2).drop_back();
  int64_t interleave = op.getInterleave();
  ProductShape shape{types,
                     product(init.getShape().drop_front().drop_back()),
                     ShapedType::isDynamic(outputs) ? outputs
                                                    : outputs / op.getGroups(),
                     product(window) * interleave,
                     op.getBlockColumns(),
                     interleave};
  shape.rowRun = init.getDimSize(init.getRank() - 2);
  shape.depthRun =
      getDepthRun(types, window.back() * interleave, window[window.size() - 2],
                  op.getDilations().back(), op.getGroups());
  return selectProduct(target, shape);
}

ConfigAttr select(TargetAttr target, bool shortened, DepthwiseAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  ProductTypes types = getTypes(op, op.getInput(), op.getFilter());
  if (!isKnown(types))
    return {};
  return selectDepthwise(target, types,
                         anchor.getOutputDimSize(op.getOutputRank() - 2),
                         op.getStrides().back());
}

struct SelectMicrokernels : impl::SelectMicrokernelsBase<SelectMicrokernels> {
  using SelectMicrokernelsBase::SelectMicrokernelsBase;

  void runOnOperation() override {
    WalkResult result = getOperation()->walk([&](Operation *op) {
      auto anchor = dyn_cast<AnchorOpInterface>(op);
      if (!anchor && !isa<MatmulOp, ConvOp>(op))
        return WalkResult::advance();
      if (anchor ? bool(anchor.getConfigAttr())
                 : op->hasAttr(ConfigAttr::kAttrName))
        return WalkResult::advance();
      TargetAttr target = TargetAttr::lookup(op);
      if (!target) {
        op->emitOpError("expected a target on the module ('")
            << TargetAttr::kModuleAttr << "')";
        return WalkResult::interrupt();
      }
      // Grids are made of sizes. What depends on values is the host's.
      if (isDevice(TargetInfo(target)) && !hasStaticShapes(op))
        return WalkResult::advance();
      ConfigAttr config =
          llvm::TypeSwitch<Operation *, ConfigAttr>(op)
              .Case<MatmulOp, ConvOp, ContractAnchorOp, ConvAnchorOp,
                    DepthwiseAnchorOp>([&](auto anchored) {
                return select(target, shortened, anchored);
              })
              .Default(ConfigAttr());
      if (remarks && config)
        op->emitRemark("computed by micro-kernel '")
            << config.getKernel() << "'";
      else if (remarks)
        op->emitRemark("computed without a micro-kernel");
      if (!config)
        return WalkResult::advance();
      if (anchor)
        anchor.setConfigAttr(config);
      else
        op->setAttr(ConfigAttr::kAttrName, config);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
} // namespace mopt
