// In: mopt.matmul that is marked with #mopt.sparsity, on tensors, its weights a
// constant in the same function (L3). Out: sparse anchors with packed values
// and positions. Leaves all other products to mopt-convert-anchors.
#include "PackSparse.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"
#include "mopt/Dialect/Mopt/IR/Sparsity.h"
#include "mopt/Target/SparseKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_CONVERTSPARSEANCHORS
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// What multiplies, and what brings values and elements of the left side
/// together; empty for a form that needs no intrinsic for it. Lanes have one of
/// the latter for groups of 4 and one for larger ones; what multiplies bytes
/// may be two.
std::pair<StringRef, StringRef> getInstructions(const SparseKernel &kernel,
                                                int64_t group = 0) {
  auto [first, second] = StringRef(kernel.row->instruction).rsplit(',');
  if (kernel.form == SparseForm::lanes)
    return {"", group == 4 ? first : second};
  return {first, second};
}

ConfigAttr getConfig(TargetAttr target, const SparseKernel &kernel,
                     int64_t rows) {
  const MicroKernelRow &row = *kernel.row;
  int64_t lanes = row.vectorBits / 32, columns = lanes * row.vectors;
  if (kernel.form == SparseForm::scalars) {
    rows = chooseRowBlock(kernel, rows);
    lanes = getRowLanes(kernel, rows);
  } else {
    rows = std::min<int64_t>(rows, row.rows);
  }
  return ConfigAttr::get(target.getContext(), row.name, rows, columns, lanes,
                         row.unroll, row.streams, row.prefetchRows,
                         /*prefetchNext=*/false, row.interleave,
                         row.accumulates, row.lhsBits, row.rhsBits,
                         getInstructions(kernel).first, row.matrixUnit,
                         /*wordGroups=*/1, row.lhsSteps);
}

StringAttr getPermutation(OpBuilder &b, const SparseKernel &kernel,
                          SparsityAttr sparsity) {
  StringRef name = getInstructions(kernel, sparsity.getGroup()).second;
  return name.empty() ? StringAttr() : b.getStringAttr(name);
}

Value createConstant(OpBuilder &b, Location loc, PackedPart part,
                     StringRef name) {
  return arith::ConstantOp::create(
      b, loc,
      DenseResourceElementsAttr::get(
          part.type,
          DenseResourceElementsHandle::getManagerInterface(b.getContext())
              .insert(name, std::move(part.blob))));
}

/// The dimensions of a product's result but the last as one.
Value collapseRows(OpBuilder &b, Location loc, Value value) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  if (rank == 2)
    return value;
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i < rank; ++i)
    groups[i == rank - 1].push_back(i);
  return tensor::CollapseShapeOp::create(b, loc, value, groups);
}

/// The rows of a matrix as the leading dimensions of `type`.
Value expandRows(OpBuilder &b, Location loc, Value matrix,
                 RankedTensorType type) {
  if (type.getRank() == 2)
    return matrix;
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups[i == type.getRank() - 1].push_back(i);
  return tensor::ExpandShapeOp::create(b, loc, type, matrix, groups);
}

/// `[m, k]` as `[m / R, k, m % R]`.
Value packRows(OpBuilder &b, Location loc, Value value, ConfigAttr config) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  sizes[0] = applyAffine(
      b, loc, b.getAffineDimExpr(0).ceilDiv(config.getRows()), {sizes[0]});
  sizes.push_back(b.getIndexAttr(config.getRows()));
  if (config.getRows() == 1)
    return tensor::ExpandShapeOp::create(
        b, loc,
        RankedTensorType::get(
            {1, cast<RankedTensorType>(value.getType()).getDimSize(1), 1},
            b.getF32Type()),
        value, SmallVector<ReassociationIndices>{{0}, {1, 2}});
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  return PackColumnsOp::create(b, loc, empty.getType(), value, empty,
                               b.getI64IntegerAttr(config.getLanes()),
                               b.getUnitAttr(), b.getI64IntegerAttr(1),
                               DenseI64ArrayAttr())
      .getResult(0);
}

/// Is `op` a product of unsigned bytes and signed ones?
bool isByteProduct(Operation *op) {
  auto getElement = [&](unsigned i) {
    return getElementTypeOrSelf(op->getOperand(i).getType());
  };
  return isa<MatmulOp>(op) && getElement(0).isUnsignedInteger(8) &&
         getElement(1).isSignlessInteger(8) &&
         getElementTypeOrSelf(op->getResult(0).getType()).isInteger(32);
}

/// The constant right side of `op` as a matrix; nothing if it has none of f32,
/// or of i8 under an unsigned left one.
std::optional<DenseWeights> getWeights(Operation *op,
                                       const ConstantTensor &weights) {
  ArrayRef<int64_t> shape = weights.getType().getShape();
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  Type element = weights.getType().getElementType();
  bool areBytes = isByteProduct(op);
  if ((!areBytes && (!element.isF32() || !result.getElementType().isF32())) ||
      weights.getNumElements() == 0)
    return std::nullopt;
  const char *data = weights.getBytes().data();
  int64_t bytes = areBytes ? 1 : sizeof(float);
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    if (matmul.getTransposeLhs() ||
        llvm::any_of(shape.drop_back(2),
                     [](int64_t size) { return size != 1; }))
      return std::nullopt;
    int64_t first = shape.end()[-2], last = shape.end()[-1];
    if (matmul.getTransposeRhs())
      return DenseWeights{data, last, first, 1, last, bytes};
    return DenseWeights{data, first, last, last, 1, bytes};
  }
  if (!isPointwise(cast<ConvOp>(op)))
    return std::nullopt;
  return DenseWeights{data, shape[1], shape[0], 1, shape[1], bytes};
}

/// The sparse micro-kernel of a marked product; nothing for a dense one. IR of
/// this level may be compiled for another target than it was made for.
std::optional<SparseKernel> selectKernel(Operation *op, TargetAttr target,
                                         SparsityAttr sparsity,
                                         const DenseWeights &weights) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto conv = dyn_cast<ConvOp>(op);
  if (!type.hasStaticShape() || type.getNumElements() == 0 ||
      (conv && !conv.getChannelsLast()))
    return std::nullopt;
  int64_t rows = 1;
  for (int64_t size : type.getShape().drop_back())
    rows *= size;
  int64_t kept = 0;
  for (int64_t k = 0; k < weights.depth; ++k)
    for (int64_t n = 0; n < weights.width; ++n)
      kept += weights.isKept(k, n);
  return findSparseKernel(target, sparsity, rows, weights.depth,
                          isByteProduct(op),
                          double(kept) / (weights.depth * weights.width));
}

SparseAnchorOp createAnchor(OpBuilder &b, Location loc, Value lhs,
                            PackedSparse packed, RankedTensorType type,
                            const SparseLayout &layout, ConfigAttr config,
                            StringAttr permutation) {
  Value init =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  Value values = createConstant(b, loc, std::move(packed.values), "values");
  Value positions =
      createConstant(b, loc, std::move(packed.positions), "positions");
  auto anchor = SparseAnchorOp::create(
      b, loc, TypeRange{type}, lhs, values, positions, ValueRange(), init,
      layout.form, layout.sparsity, config, b.getAffineMapArrayAttr({}),
      layout.depthPart, permutation, packed.safePairs);
  OpBuilder::InsertionGuard guard(b);
  Block *body =
      b.createBlock(&anchor.getEpilogue(), {}, type.getElementType(), loc);
  mopt::YieldOp::create(b, loc, body->getArguments());
  return anchor;
}

struct ConvertSparseAnchors
    : impl::ConvertSparseAnchorsBase<ConvertSparseAnchors> {
  using ConvertSparseAnchorsBase::ConvertSparseAnchorsBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp>(op) && op->hasAttr(SparsityAttr::kAttrName))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops) {
      rewriter.setInsertionPoint(op);
      if (failed(convert(rewriter, op)))
        return signalPassFailure();
    }
  }

  /// For warps of a device, or groups of them.
  LogicalResult convertForDevice(IRRewriter &rewriter, MatmulOp op,
                                 const MicroKernelRow &row,
                                 const ConstantTensor &constant) {
    auto type = cast<RankedTensorType>(op.getType());
    ArrayRef<int64_t> shape = constant.getType().getShape();
    int64_t first = shape.end()[-2], last = shape.end()[-1];
    Type element = constant.getType().getElementType();
    bool areBytes = element.isInteger(8);
    if (!(areBytes ? type.getElementType().isInteger(32)
                   : type.getElementType().isF32()) ||
        !type.hasStaticShape() || op.getTransposeLhs() ||
        type.getNumElements() == 0 ||
        constant.getNumElements() != first * last) {
      op->removeAttr(SparsityAttr::kAttrName);
      return success();
    }
    const char *data = constant.getBytes().data();
    int64_t bytes = areBytes ? 1 : 2;
    DenseWeights weights =
        op.getTransposeRhs() ? DenseWeights{data, last, first, 1, last, bytes}
                             : DenseWeights{data, first, last, last, 1, bytes};
    int64_t lanes = row.vectorBits / 32, columns = lanes * row.vectors;
    FailureOr<PackedSparse> packed = packForDevice(weights, element, columns);
    if (failed(packed))
      return op->emitOpError("expected weights with at most 2 of 4 neighbours "
                             "along the depth that are not 0");
    auto config = ConfigAttr::get(
        op.getContext(), row.name, row.rows, columns, lanes, row.unroll,
        row.streams, /*prefetchRows=*/0, /*prefetchNext=*/false, row.interleave,
        row.accumulates, row.lhsBits, row.rhsBits, row.instruction,
        row.matrixUnit, /*wordGroups=*/1, row.lhsSteps);
    if (remarks)
      op->emitRemark("computed by micro-kernel '") << config.getKernel() << "'";
    SparseLayout layout{SparseForm::lanes,
                        SparsityAttr::get(op.getContext(), 2, 4), columns,
                        lanes};
    Location loc = op.getLoc();
    int64_t rows = type.getNumElements() / weights.width;
    Value lhs = collapseRows(rewriter, loc, op.getLhs());
    if (areBytes)
      lhs = BitcastOp::create(
          rewriter, loc,
          cast<RankedTensorType>(lhs.getType()).clone(rewriter.getI8Type()),
          lhs);
    Value result = createAnchor(rewriter, loc, lhs, std::move(*packed),
                                RankedTensorType::get({rows, weights.width},
                                                      type.getElementType()),
                                layout, config, StringAttr())
                       .getResult(0);
    rewriter.replaceOp(op, expandRows(rewriter, loc, result, type));
    return success();
  }

  LogicalResult convert(IRRewriter &rewriter, Operation *op) {
    auto sparsity = op->getAttrOfType<SparsityAttr>(SparsityAttr::kAttrName);
    std::optional<ConstantTensor> constant =
        getConstantTensor(op->getOperand(1));
    std::optional<DenseWeights> weights;
    TargetAttr device = TargetAttr::lookup(op);
    if (sparsity && constant && device && isa<MatmulOp>(op))
      if (const MicroKernelRow *row = findDeviceSparseRow(
              device, constant->getType().getElementType(),
              getElementTypeOrSelf(op->getOperand(0)).isUnsignedInteger(8)))
        return convertForDevice(rewriter, cast<MatmulOp>(op), *row, *constant);
    if (sparsity && constant)
      weights = getWeights(op, *constant);
    if (!weights)
      return op->emitOpError("expected '")
             << SparsityAttr::kAttrName
             << "' of '#mopt.sparsity' on a product with one matrix of "
                "constant weights, f32, or i8 under an unsigned left side";
    TargetAttr target = TargetAttr::lookup(op);
    if (!target)
      return op->emitOpError("expected a target on the module ('")
             << TargetAttr::kModuleAttr << "')";
    std::optional<SparseKernel> kernel =
        selectKernel(op, target, sparsity, *weights);
    if (!kernel) {
      op->removeAttr(SparsityAttr::kAttrName);
      return success();
    }
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t rows = type.getNumElements() / weights->width;
    ConfigAttr config = getConfig(target, *kernel, rows);
    if (remarks)
      op->emitRemark("computed by micro-kernel '") << config.getKernel() << "'";

    SparseLayout layout{kernel->form, sparsity, config.getColumns(),
                        config.getLanes()};
    if (kernel->form == SparseForm::lanes)
      layout.sparsity = getLanePattern(sparsity, *kernel->row);
    if (kernel->form == SparseForm::byte_lanes)
      layout.sparsity = getByteLanePattern(sparsity);
    if (kernel->form == SparseForm::scalars)
      layout.depthPart = getSparseDepthPart(config.getRows()),
      layout.rowBlock = config.getRows(),
      layout.together =
          countColumnsTogether(config.getRows(), config.getLanes());
    FailureOr<PackedSparse> packed = packSparse(*weights, layout);
    if (failed(packed))
      return op->emitOpError("expected weights with at most ")
             << sparsity.getKept() << " of " << sparsity.getGroup()
             << " neighbours along the depth that are not 0";

    Location loc = op->getLoc();
    Value lhs = collapseRows(rewriter, loc, op->getOperand(0));
    // What the result's type knows.
    auto lhsType =
        cast<RankedTensorType>(lhs.getType()).clone({rows, weights->depth});
    if (lhs.getType() != lhsType)
      lhs = tensor::CastOp::create(rewriter, loc, lhsType, lhs);
    if (isByteProduct(op))
      lhs = BitcastOp::create(rewriter, loc,
                              lhsType.clone(rewriter.getI8Type()), lhs);
    if (kernel->form == SparseForm::scalars)
      lhs = packRows(rewriter, loc, lhs, config);
    Value result =
        createAnchor(rewriter, loc, lhs, std::move(*packed),
                     RankedTensorType::get({rows, weights->width},
                                           type.getElementType()),
                     layout, config,
                     getPermutation(rewriter, *kernel, layout.sparsity))
            .getResult(0);
    rewriter.replaceOp(op, expandRows(rewriter, loc, result, type));
    return success();
  }
};
} // namespace
} // namespace mopt
