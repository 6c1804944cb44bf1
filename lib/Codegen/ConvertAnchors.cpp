// In: mopt.matmul and mopt.conv with a configuration, on tensors. Out: anchors
// in destination style with packed right sides; the packing of constants folds
// later. Ops without a configuration are left alone.
#include "mopt/Codegen/Packing.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"
#include "mopt/Dialect/Mopt/IR/ShapeValues.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_CONVERTANCHORS
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// Static sizes from the type of the result, the others as the op computes
/// them.
SmallVector<OpFoldResult> getResultSizes(OpBuilder &b, Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  ReifiedRankedShapedTypeDims shapes;
  if (!type.hasStaticShape() && failed(reifyResultShapes(b, op, shapes)))
    return {};
  SmallVector<OpFoldResult> sizes;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    sizes.push_back(ShapedType::isDynamic(size)
                        ? shapes[0][i]
                        : OpFoldResult(b.getIndexAttr(size)));
  return sizes;
}

/// All dimensions but the last `kept` as one.
Value collapseLeading(OpBuilder &b, Location loc, Value value, int64_t kept) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  if (rank <= kept + 1)
    return value;
  SmallVector<ReassociationIndices> groups(1);
  for (int64_t i = 0; i < rank; ++i) {
    if (i >= rank - kept)
      groups.emplace_back();
    groups.back().push_back(i);
  }
  return tensor::CollapseShapeOp::create(b, loc, value, groups);
}

/// The product of sizes if all are known.
std::optional<int64_t> multiply(ArrayRef<OpFoldResult> sizes) {
  int64_t product = 1;
  for (OpFoldResult size : sizes) {
    std::optional<int64_t> known = getConstantIntValue(size);
    if (!known)
      return std::nullopt;
    product *= *known;
  }
  return product;
}

/// Bytes without their sign, whatever they stand for.
Value dropSign(OpBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.getElementType().isUnsignedInteger(8) &&
      !isMultiplied(type.getElementType()))
    return value;
  return BitcastOp::create(b, loc, type.clone(b.getIntegerType(8)), value);
}

bool isUnsigned(Value value) {
  return cast<RankedTensorType>(value.getType())
      .getElementType()
      .isUnsignedInteger();
}

/// Does the micro-kernel take a wider left side? It has a sign then.
bool isWidened(Value lhs, ConfigAttr config) {
  return getElementTypeOrSelf(lhs.getType()).isInteger(8) &&
         config.getLhsBits() > 8;
}

Value widen(OpBuilder &b, Location loc, Value lhs, ConfigAttr config) {
  auto type = cast<RankedTensorType>(lhs.getType());
  Type wide = b.getIntegerType(config.getLhsBits());
  return CastOp::create(b, loc, type.clone(wide), lhs, true);
}

/// The left side as the micro-kernel takes it, and whether it is unsigned then.
std::pair<Value, bool> prepareLhs(OpBuilder &b, Location loc, Value value,
                                  ConfigAttr config) {
  if (isWidened(value, config))
    return {widen(b, loc, value, config), false};
  return {dropSign(b, loc, value), isUnsigned(value)};
}

/// `value` without zeros behind dimension `depthDim` that packing groups of
/// `interleave` writes itself.
Value dropGroupPadding(OpBuilder &b, Value value, int64_t depthDim,
                       int64_t interleave) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  auto pad = (transpose ? transpose.getInput() : value).getDefiningOp<PadOp>();
  if (!pad || pad.getMode() != PadMode::constant)
    return value;
  int64_t dim = transpose ? transpose.getPermutation()[depthDim] : depthDim;
  auto from = cast<RankedTensorType>(pad.getInput().getType()),
       to = cast<RankedTensorType>(pad.getType());
  std::optional<ConstantTensor> zero = getConstantTensor(pad.getValue());
  if (!zero ||
      !llvm::all_of(zero->getBytes(), [](char byte) { return !byte; }) ||
      !from.hasStaticShape() || !to.hasStaticShape() ||
      llvm::divideCeil(from.getDimSize(dim), interleave) !=
          llvm::divideCeil(to.getDimSize(dim), interleave))
    return value;
  for (auto [i, low, high] :
       llvm::enumerate(pad.getStaticLow(), pad.getStaticHigh()))
    if (low != 0 || (high != 0 && int64_t(i) != dim))
      return value;
  if (!transpose)
    return pad.getInput();
  return TransposeOp::create(b, transpose.getLoc(), pad.getInput(),
                             transpose.getPermutation());
}

/// `value` without its sign; where it is a part of another tensor, that part
/// and not a copy of it.
Value viewPart(OpBuilder &b, Location loc, Value value) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  auto slice = (reshape ? reshape.getInput() : value).getDefiningOp<SliceOp>();
  auto type = cast<RankedTensorType>(value.getType());
  if (!slice ||
      llvm::any_of(slice.getStaticStrides(),
                   [](int64_t stride) { return stride != 1; }) ||
      llvm::is_contained(type.getShape(), 0))
    return dropSign(b, loc, value);
  if (reshape && !getDroppedDims(reshape))
    return dropSign(b, loc, value);
  Value source = dropSign(b, loc, slice.getInput());
  return tensor::ExtractSliceOp::create(
      b, loc, type.clone(getElementTypeOrSelf(source.getType())), source,
      slice.getMixedOffsets(), slice.getMixedSizes(), slice.getMixedStrides());
}

/// An operand that is read from where it lies: its dimension `i` is dimension
/// `permutation[i]` of `source`.
struct Operand {
  Value source;
  SmallVector<int64_t> permutation;
};

Operand seeThrough(OpBuilder &b, Location loc, Value value) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  Operand operand{value, llvm::to_vector(llvm::seq<int64_t>(0, rank))};
  if (auto transpose = value.getDefiningOp<TransposeOp>())
    operand = {transpose.getInput(),
               SmallVector<int64_t>(transpose.getPermutation())};
  operand.source = viewPart(b, loc, operand.source);
  return operand;
}

/// The right side in blocks of columns: `value` is `[b.., k, n]`, or
/// `[b.., n, k]`. Its dimension `i` is dimension `permutation[i]` of what is
/// packed, if there is a permutation.
Value packColumns(OpBuilder &b, Location loc, Value value, bool transposed,
                  ConfigAttr config, ArrayRef<int64_t> permutation = {}) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  if (!permutation.empty())
    sizes = applyPermutation(sizes, permutation);
  if (transposed)
    std::swap(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
  // One block is packed as it is.
  if (!transposed && permutation.empty() && config.getInterleave() == 1 &&
      getConstantIntValue(sizes.back()) == config.getColumns()) {
    int64_t rank = sizes.size();
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0; i < rank - 2; ++i)
      groups.push_back({i});
    groups.append({{rank - 2, rank - 1}, {rank}});
    sizes.insert(sizes.end() - 2, b.getIndexAttr(1));
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return tensor::ExpandShapeOp::create(
        b, loc,
        RankedTensorType::get(
            shape, cast<RankedTensorType>(value.getType()).getElementType()),
        value, groups, sizes);
  }
  OpFoldResult width = sizes.pop_back_val(), depth = sizes.pop_back_val();
  sizes.push_back(applyAffine(
      b, loc, b.getAffineDimExpr(0).ceilDiv(config.getColumns()), {width}));
  sizes.push_back(applyAffine(
      b, loc, b.getAffineDimExpr(0).ceilDiv(config.getInterleave()), {depth}));
  sizes.push_back(b.getIndexAttr(config.getColumns() * config.getInterleave()));
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  Value empty = tensor::EmptyOp::create(b, loc, sizes, element);
  return PackColumnsOp::create(b, loc, empty.getType(), value, empty,
                               b.getI64IntegerAttr(config.getLanes()),
                               transposed ? b.getUnitAttr() : UnitAttr(),
                               b.getI64IntegerAttr(config.getInterleave()),
                               permutation.empty()
                                   ? DenseI64ArrayAttr()
                                   : b.getDenseI64ArrayAttr(permutation))
      .getResult(0);
}

/// The right sides of batches, each packed from where it lies. Depth and
/// columns change places where that makes neighbours of what lies side by side.
Value packBatches(OpBuilder &b, Location loc, Value value, bool wasTransposed,
                  ConfigAttr config) {
  bool transposed = wasTransposed;
  auto [source, permutation] = seeThrough(b, loc, value);
  int64_t last = permutation.size() - 1;
  if (last > 0 && permutation[last - 1] == last) {
    std::swap(permutation[last - 1], permutation[last]);
    transposed = !transposed;
  }
  // A constant is transposed and packed at compile time.
  if (permutation[last] != last || matchPattern(source, m_Constant()))
    return packColumns(b, loc, dropSign(b, loc, value), wasTransposed, config);
  if (llvm::is_sorted(permutation))
    permutation.clear();
  return packColumns(b, loc, source, transposed, config, permutation);
}

/// `value` with dimension `i` of the result taken from `permutation[i]`.
Value transpose(OpBuilder &b, Location loc, Value value,
                ArrayRef<int64_t> permutation) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value), out;
  for (int64_t dim : permutation)
    out.push_back(sizes[dim]);
  Value empty = tensor::EmptyOp::create(
      b, loc, out, cast<RankedTensorType>(value.getType()).getElementType());
  return linalg::TransposeOp::create(b, loc, value, empty, permutation)
      .getResult()[0];
}

/// `anchor` multiplies elements of `type`, which it has as bytes where they are
/// small floats.
void setSmallFloat(ContractAnchorOp anchor, Type type) {
  if (isMultiplied(type))
    anchor->setAttr(kSmallFloatAttr, TypeAttr::get(type));
}

/// Rows of all leading dimensions times a right side that they share; the
/// result has the type `type` and the sizes `sizes`.
Value contractRows(OpBuilder &b, Location loc, Value lhs, Value packed,
                   RankedTensorType type, ArrayRef<OpFoldResult> sizes,
                   ConfigAttr config, bool unsignedRhs,
                   BlockWeightsAttr weights = {}) {
  bool unsignedLhs = false;
  Type element = getElementTypeOrSelf(lhs.getType());
  // Rows become integers in the tile, group by group.
  if (!weights)
    std::tie(lhs, unsignedLhs) = prepareLhs(b, loc, lhs, config);
  lhs = collapseLeading(b, loc, lhs, 1);
  OpFoldResult rows = type.getRank() == 2
                          ? sizes.front()
                          : tensor::getMixedSize(b, loc, lhs, 0);
  if (std::optional<int64_t> count = multiply(sizes.drop_back()))
    rows = b.getIndexAttr(*count);
  Value init = tensor::EmptyOp::create(b, loc, {rows, sizes.back()},
                                       type.getElementType());
  auto anchor = ContractAnchorOp::create(b, loc, lhs, packed, init, AffineMap(),
                                         AffineMap(), AffineMap(), config,
                                         unsignedLhs, unsignedRhs);
  if (weights)
    anchor.setWeightsAttr(weights);
  setSmallFloat(anchor, element);
  Value result = anchor.getResult(0);
  if (type.getRank() == 2)
    return result;
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups[i == type.getRank() - 1].push_back(i);
  return tensor::ExpandShapeOp::create(b, loc, type, result, groups, sizes);
}

/// For variants that share weights.
void notePackingOf(BlockMatmulOp op) {
  ElementsAttr elements;
  if (!matchPattern(op.getWeights(), m_Constant(&elements)))
    return;
  BlockWeightsAttr layout = op.getLayout();
  Packing packing;
  packing.depth = layout.getGroups();
  packing.width = layout.getWidth();
  packing.columns = layout.getColumns();
  packing.wordRows = layout.getGroup() / layout.getPerWord();
  packing.scaleBytes = layout.getScaleBits() / 8;
  packing.zeroBytes = layout.hasZeroPoints() ? 1 : 0;
  notePacking(op->getParentOfType<ModuleOp>(), elements, packing);
}

Value convertBlockMatmul(OpBuilder &b, BlockMatmulOp op, ConfigAttr config) {
  notePackingOf(op);
  SmallVector<OpFoldResult> sizes = getResultSizes(b, op);
  return contractRows(b, op.getLoc(), op.getLhs(), op.getWeights(),
                      cast<RankedTensorType>(op.getType()), sizes, config,
                      /*unsignedRhs=*/false, op.getLayout());
}

/// A batch dimension of static size 1 in an operand is broadcast.
SmallVector<AffineExpr> getBatchExprs(OpBuilder &b, RankedTensorType operand,
                                      RankedTensorType result) {
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < result.getRank() - 2; ++i)
    exprs.push_back(operand.getDimSize(i) == 1 && result.getDimSize(i) != 1
                        ? b.getAffineConstantExpr(0)
                        : b.getAffineDimExpr(i));
  return exprs;
}

Value convertMatmul(OpBuilder &b, MatmulOp op, ConfigAttr config) {
  Location loc = op.getLoc();
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  auto type = cast<RankedTensorType>(op.getType());
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> sizes = getResultSizes(b, op);
  bool shared = llvm::all_of(rhs.getShape().drop_back(2),
                             [](int64_t size) { return size == 1; });
  bool unsignedRhs = isUnsigned(op.getRhs());
  Value right = dropGroupPadding(b, op.getRhs(),
                                 op.getTransposeRhs() ? rank - 1 : rank - 2,
                                 config.getInterleave());
  Value packed =
      shared ? packColumns(b, loc,
                           collapseLeading(b, loc, dropSign(b, loc, right), 1),
                           op.getTransposeRhs(), config)
             : packBatches(b, loc, right, op.getTransposeRhs(), config);
  if (shared && !op.getTransposeLhs())
    return contractRows(b, loc, op.getLhs(), packed, type, sizes, config,
                        unsignedRhs);

  AffineExpr row = b.getAffineDimExpr(rank - 2),
             last = b.getAffineDimExpr(rank - 1);
  SmallVector<AffineExpr> lhsExprs = getBatchExprs(b, lhs, type);
  lhsExprs.append({row, last});
  if (op.getTransposeLhs())
    std::swap(lhsExprs[rank - 2], lhsExprs[rank - 1]);
  SmallVector<AffineExpr> rhsExprs;
  if (!shared)
    rhsExprs = getBatchExprs(b, rhs, type);
  rhsExprs.append({row, last});
  Value init = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  bool unsignedLhs = isUnsigned(op.getLhs());
  Value left;
  if (isWidened(op.getLhs(), config)) {
    left = widen(b, loc, op.getLhs(), config);
    unsignedLhs = false;
  } else {
    Operand operand = seeThrough(b, loc, op.getLhs());
    // A row must be contiguous.
    if (operand.permutation.back() == rank - 1) {
      left = operand.source;
      for (auto [i, expr] : llvm::enumerate(SmallVector<AffineExpr>(lhsExprs)))
        lhsExprs[operand.permutation[i]] = expr;
    } else {
      left = dropSign(b, loc, op.getLhs());
    }
  }
  auto anchor = ContractAnchorOp::create(
      b, loc, left, packed, init,
      AffineMap::get(rank, 0, lhsExprs, b.getContext()),
      AffineMap::get(rank, 0, rhsExprs, b.getContext()), AffineMap(), config,
      unsignedLhs, unsignedRhs);
  setSmallFloat(anchor, lhs.getElementType());
  return anchor.getResult(0);
}

/// `input` with the padding of `op`, and channels up to a multiple of
/// `interleave`: the filter is 0 there.
Value padInput(OpBuilder &b, ConvOp op, Value input, int64_t interleave) {
  auto type = cast<RankedTensorType>(input.getType());
  int64_t channels = type.getShape().back(), added = 0;
  if (interleave > 1)
    added = llvm::alignTo(channels, interleave) - channels;
  if (llvm::all_of(op.getPadsBegin(), [](int64_t pad) { return pad == 0; }) &&
      llvm::all_of(op.getPadsEnd(), [](int64_t pad) { return pad == 0; }) &&
      added == 0)
    return input;
  auto wrap = [&](ArrayRef<int64_t> pads, int64_t ofChannels) {
    SmallVector<int64_t> all{0};
    llvm::append_range(all, pads);
    all.push_back(ofChannels);
    return getAsIndexOpFoldResult(b.getContext(), all);
  };
  TypedAttr value = b.getZeroAttr(type.getElementType());
  if (auto integer = dyn_cast<IntegerType>(type.getElementType()))
    value = IntegerAttr::get(
        integer, APInt(64, op.getPadValue()).trunc(integer.getWidth()));
  return tensor::PadOp::create(
      b, op.getLoc(), Type(), input, wrap(op.getPadsBegin(), 0),
      wrap(op.getPadsEnd(), added),
      Value(arith::ConstantOp::create(b, op.getLoc(), value)));
}

/// `[o, c / group, kernel..]` as `[group, blocks, kernel.., c / group, L]`,
/// `source` being the filter of `op`.
Value packFilter(OpBuilder &b, ConvOp op, Value source, ConfigAttr config) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(source.getType());
  int64_t rank = type.getRank(), group = op.getGroup();
  int64_t outputs = type.getDimSize(0) / group;
  SmallVector<int64_t> shape{group, outputs};
  llvm::append_range(shape, type.getShape().drop_front());
  SmallVector<ReassociationIndices> groups{{0, 1}};
  for (int64_t i = 1; i < rank; ++i)
    groups.push_back({i + 1});
  Value filter =
      tensor::ExpandShapeOp::create(b, loc, type.clone(shape), source, groups);
  // [group, o, c, kernel..] to [group, kernel.., c, o].
  SmallVector<int64_t> permutation{0};
  for (int64_t i = 3; i <= rank; ++i)
    permutation.push_back(i);
  permutation.append({2, 1});
  filter = transpose(b, loc, filter, permutation);
  int64_t interleave = config.getInterleave();
  if (type.getDimSize(1) % interleave != 0) {
    // Each kernel position has a last group of its own:
    // [group, kernel.., blocks, ..] to [group, blocks, kernel.., ..].
    Value packed = packColumns(b, loc, filter, /*transposed=*/false, config);
    SmallVector<int64_t> order{0, rank - 1};
    for (int64_t i = 1; i < rank - 1; ++i)
      order.push_back(i);
    order.append({rank, rank + 1});
    return transpose(b, loc, packed, order);
  }
  ReassociationIndices steps;
  for (int64_t i = 1; i < rank; ++i)
    steps.push_back(i);
  filter = tensor::CollapseShapeOp::create(
      b, loc, filter, SmallVector<ReassociationIndices>{{0}, steps, {rank}});
  Value packed = packColumns(b, loc, filter, /*transposed=*/false, config);
  SmallVector<int64_t> packedShape(
      cast<RankedTensorType>(packed.getType()).getShape().take_front(2));
  llvm::append_range(packedShape, type.getShape().drop_front(2));
  packedShape.append(
      {type.getDimSize(1) / interleave, config.getColumns() * interleave});
  ReassociationIndices packedSteps;
  for (int64_t i = 2; i <= rank; ++i)
    packedSteps.push_back(i);
  return tensor::ExpandShapeOp::create(
      b, loc, type.clone(packedShape), packed,
      SmallVector<ReassociationIndices>{{0}, {1}, packedSteps, {rank + 1}});
}

Value convertConv(OpBuilder &b, ConvOp op, ConfigAttr config) {
  Location loc = op.getLoc();
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto type = cast<RankedTensorType>(op.getType());
  int64_t rank = type.getRank(), group = op.getGroup();
  SmallVector<OpFoldResult> sizes = getResultSizes(b, op);
  bool unsignedRhs = isUnsigned(op.getFilter());
  Value weights = dropSign(b, loc, op.getFilter());
  bool isDepthwise =
      filter.getDimSize(1) == 1 && filter.getDimSize(0) == group && group > 1;

  if (isDepthwise) {
    SmallVector<ReassociationIndices> groups{{0, 1}};
    SmallVector<int64_t> permutation;
    for (int64_t i = 2; i < rank; ++i) {
      groups.push_back({i});
      permutation.push_back(i - 1);
    }
    permutation.push_back(0);
    weights = transpose(
        b, loc, tensor::CollapseShapeOp::create(b, loc, weights, groups),
        permutation);
    Value init = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
    Value input = padInput(b, op, dropSign(b, loc, op.getInput()), 1);
    return DepthwiseAnchorOp::create(b, loc, input, weights, init,
                                     op.getStrides(), op.getDilations(), config,
                                     isUnsigned(op.getInput()), unsignedRhs)
        .getResult(0);
  }
  if (op.isProductOfRows()) {
    SmallVector<ReassociationIndices> groups{{0}, {}};
    for (int64_t i = 1; i < rank; ++i)
      groups[1].push_back(i);
    weights = tensor::CollapseShapeOp::create(b, loc, weights, groups);
    return contractRows(
        b, loc, op.getInput(),
        packColumns(b, loc, weights, /*transposed=*/true, config), type, sizes,
        config, unsignedRhs);
  }
  auto [input, unsignedLhs] = prepareLhs(b, loc, op.getInput(), config);
  input = padInput(b, op, input, config.getInterleave());
  Value init = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  return ConvAnchorOp::create(b, loc, input, packFilter(b, op, weights, config),
                              init, op.getStrides(), op.getDilations(), config,
                              unsignedLhs, unsignedRhs)
      .getResult(0);
}

struct ConvertAnchors : impl::ConvertAnchorsBase<ConvertAnchors> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<MatmulOp, BlockMatmulOp, ConvOp>(op) &&
          op->hasAttr(ConfigAttr::kAttrName))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops) {
      auto config = op->getAttrOfType<ConfigAttr>(ConfigAttr::kAttrName);
      if (!config) {
        op->emitOpError("expected '")
            << ConfigAttr::kAttrName << "' to be a '#mopt.config'";
        return signalPassFailure();
      }
      rewriter.setInsertionPoint(op);
      Value result;
      if (auto matmul = dyn_cast<MatmulOp>(op))
        result = convertMatmul(rewriter, matmul, config);
      else if (auto matmul = dyn_cast<BlockMatmulOp>(op))
        result = convertBlockMatmul(rewriter, matmul, config);
      else
        result = convertConv(rewriter, cast<ConvOp>(op), config);
      rewriter.replaceOp(op, result);
    }
  }
};
} // namespace
} // namespace mopt
