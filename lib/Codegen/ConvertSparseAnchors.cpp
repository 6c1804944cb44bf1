// In: mopt.matmul that is marked with #mopt.sparsity, on tensors, its weights a
// constant in the same function (L3). Out: sparse anchors with packed values
// and positions. Leaves all other products to mopt-convert-anchors.
#include "PackSparse.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"
#include "mopt/Target/SparseKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_CONVERTSPARSEANCHORS
#include "mopt/Codegen/Passes.h.inc"

namespace {
ConfigAttr getConfig(TargetAttr target, const MicroKernelRow &row) {
  int64_t lanes = row.vectorBits / 32;
  return ConfigAttr::get(target.getContext(), row.name, row.rows,
                         lanes * row.vectors, lanes, row.unroll, row.streams,
                         row.prefetchRows, /*prefetchNext=*/false,
                         /*interleave=*/1, /*accumulates=*/false,
                         /*lhsBits=*/0, /*rhsBits=*/0, "", "");
}

/// Which of a row's intrinsics picks from groups of `sparsity`; null if the
/// form needs none. The first is for groups of 4, the second for those of 8.
StringAttr getPermutation(OpBuilder &b, const SparseKernel &kernel,
                          SparsityAttr sparsity) {
  if (kernel.form != SparseForm::lanes)
    return {};
  auto [ofFour, ofEight] = StringRef(kernel.row->instruction).split(',');
  return b.getStringAttr(sparsity.getGroup() == 4 ? ofFour : ofEight);
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

struct ConvertSparseAnchors
    : impl::ConvertSparseAnchorsBase<ConvertSparseAnchors> {
  using ConvertSparseAnchorsBase::ConvertSparseAnchorsBase;

  void runOnOperation() override {
    SmallVector<MatmulOp> ops;
    getOperation()->walk([&](MatmulOp op) {
      if (op->hasAttr(SparsityAttr::kAttrName))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (MatmulOp op : ops) {
      rewriter.setInsertionPoint(op);
      if (failed(convert(rewriter, op)))
        return signalPassFailure();
    }
  }

  LogicalResult convert(IRRewriter &rewriter, MatmulOp op) {
    auto sparsity = op->getAttrOfType<SparsityAttr>(SparsityAttr::kAttrName);
    std::optional<ConstantTensor> weights = getConstantTensor(op.getRhs());
    auto type = cast<RankedTensorType>(op.getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    if (!sparsity || !weights || !rhs.getElementType().isF32() ||
        !type.getElementType().isF32() || op.getTransposeLhs() ||
        llvm::any_of(rhs.getShape().drop_back(2),
                     [](int64_t size) { return size != 1; }))
      return op.emitOpError("expected '")
             << SparsityAttr::kAttrName
             << "' of '#mopt.sparsity' on a product with one matrix of "
                "constant f32 weights";
    TargetAttr target = TargetAttr::lookup(op);
    if (!target)
      return op->emitOpError("expected a target on the module ('")
             << TargetAttr::kModuleAttr << "')";
    int64_t rows = 1;
    for (int64_t size : type.getShape().drop_back())
      rows = ShapedType::isDynamic(size) || ShapedType::isDynamic(rows)
                 ? ShapedType::kDynamic
                 : rows * size;
    std::optional<SparseKernel> kernel =
        findSparseKernel(target, sparsity, rows);
    if (!kernel) {
      // IR of this level may be compiled for another target than it was made
      // for; the product is a dense one then.
      op->removeAttr(SparsityAttr::kAttrName);
      return success();
    }
    ConfigAttr config = getConfig(target, *kernel->row);
    if (remarks)
      op->emitRemark("computed by micro-kernel '") << config.getKernel() << "'";

    bool transposed = op.getTransposeRhs();
    int64_t depth = rhs.getShape().end()[transposed ? -1 : -2];
    int64_t width = rhs.getShape().end()[transposed ? -2 : -1];
    DenseWeights dense{
        reinterpret_cast<const float *>(weights->getBytes().data()), depth,
        width, transposed ? 1 : width, transposed ? depth : 1};
    SparseLayout layout{kernel->form, sparsity, config.getColumns(),
                        config.getLanes()};
    if (kernel->form == SparseForm::lanes)
      layout.sparsity = getLanePattern(sparsity);
    FailureOr<PackedSparse> packed = packSparse(dense, layout);
    if (failed(packed))
      return op.emitOpError("expected weights with at most ")
             << sparsity.getKept() << " of " << sparsity.getGroup()
             << " neighbours along the depth that are not 0";

    Location loc = op.getLoc();
    Value lhs = collapseRows(rewriter, loc, op.getLhs());
    SmallVector<OpFoldResult> sizes;
    ReifiedRankedShapedTypeDims shapes;
    if (type.hasStaticShape())
      sizes = getAsIndexOpFoldResult(&getContext(), type.getShape());
    else if (succeeded(reifyResultShapes(rewriter, op, shapes)))
      sizes = shapes[0];
    OpFoldResult rowCount = tensor::getMixedSize(rewriter, loc, lhs, 0);
    Value init = tensor::EmptyOp::create(
        rewriter, loc, {rowCount, sizes.back()}, type.getElementType());
    Value values =
        createConstant(rewriter, loc, std::move(packed->values), "values");
    Value positions = createConstant(rewriter, loc,
                                     std::move(packed->positions), "positions");
    auto anchor = SparseAnchorOp::create(
        rewriter, loc, TypeRange{init.getType()}, lhs, values, positions,
        ValueRange(), init, kernel->form, layout.sparsity, config,
        rewriter.getAffineMapArrayAttr({}), layout.depthPart,
        getPermutation(rewriter, *kernel, layout.sparsity));
    {
      OpBuilder::InsertionGuard guard(rewriter);
      Block *body = rewriter.createBlock(&anchor.getEpilogue(), {},
                                         type.getElementType(), loc);
      mopt::YieldOp::create(rewriter, loc, body->getArguments());
    }
    Value result = anchor.getResult(0);
    if (type.getRank() > 2) {
      SmallVector<ReassociationIndices> groups(2);
      for (int64_t i = 0; i < type.getRank(); ++i)
        groups[i == type.getRank() - 1].push_back(i);
      result = tensor::ExpandShapeOp::create(rewriter, loc, type, result,
                                             groups, sizes);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace
} // namespace mopt
