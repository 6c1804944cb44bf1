// In: mopt.matmul, mopt.conv (L3, channels last) and anchors. Out: those that a
// micro-kernel can compute have its configuration; the others are left to the
// generic path. What already has a configuration keeps it.
#include "MicroKernels/Selection.h"
#include "mopt/Codegen/Passes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SELECTMICROKERNELS
#include "mopt/Codegen/Passes.h.inc"

namespace {
int64_t product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes) {
    if (ShapedType::isDynamic(size))
      return ShapedType::kDynamic;
    result *= size;
  }
  return result;
}

ConfigAttr select(TargetAttr target, MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  auto result = cast<RankedTensorType>(op.getType());
  if (!lhs.getElementType().isF32() || !rhs.getElementType().isF32())
    return {};
  int64_t rank = result.getRank();
  ArrayRef<int64_t> shape = result.getShape();
  bool shared = llvm::all_of(rhs.getShape().drop_back(2),
                             [](int64_t size) { return size == 1; });
  int64_t rows = shared && !op.getTransposeLhs() ? product(shape.drop_back())
                                                 : shape[rank - 2];
  return selectProduct(
      target, {lhs.getElementType(), rows, shape.back(),
               rhs.getDimSize(op.getTransposeRhs() ? rank - 1 : rank - 2)});
}

ConfigAttr select(TargetAttr target, ConvOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto result = cast<RankedTensorType>(op.getType());
  int64_t rank = input.getRank(), group = op.getGroup();
  if (!op.getChannelsLast() || rank > 5 || !filter.hasStaticShape() ||
      filter.getNumElements() == 0 || !input.getElementType().isF32() ||
      !filter.getElementType().isF32())
    return {};
  int64_t outputs = filter.getDimSize(0), channels = filter.getDimSize(1);
  if (channels == 1 && outputs == group && group > 1)
    return selectDepthwise(target, input.getElementType(),
                           result.getDimSize(rank - 2), op.getStrides().back());
  return selectProduct(
      target, {input.getElementType(),
               product(result.getShape().drop_front().drop_back()),
               outputs / group, product(filter.getShape().drop_front())});
}

ConfigAttr select(TargetAttr target, ContractAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  auto rhs = cast<ShapedType>(op.getRhs().getType());
  if (!anchor.getAccumulatorType().isF32())
    return {};
  int64_t rank = op.getOutputRank();
  return selectProduct(
      target, {anchor.getAccumulatorType(), anchor.getOutputDimSize(rank - 2),
               anchor.getOutputDimSize(rank - 1),
               rhs.getDimSize(*op.getRhsIndexingMap().getResultPosition(
                   getAffineDimExpr(rank - 1, op.getContext()))),
               op.getBlockColumns()});
}

ConfigAttr select(TargetAttr target, ConvAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  auto filter = cast<ShapedType>(op.getFilter().getType());
  auto init = cast<ShapedType>(op.getInit().getType());
  if (!anchor.getAccumulatorType().isF32())
    return {};
  int64_t outputs = init.getShape().back();
  return selectProduct(
      target,
      {anchor.getAccumulatorType(),
       product(init.getShape().drop_front().drop_back()),
       ShapedType::isDynamic(outputs) ? outputs : outputs / op.getGroups(),
       product(filter.getShape().drop_front(2).drop_back()),
       op.getBlockColumns()});
}

ConfigAttr select(TargetAttr target, DepthwiseAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  if (!anchor.getAccumulatorType().isF32())
    return {};
  return selectDepthwise(target, anchor.getAccumulatorType(),
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
      ConfigAttr config =
          llvm::TypeSwitch<Operation *, ConfigAttr>(op)
              .Case<MatmulOp, ConvOp, ContractAnchorOp, ConvAnchorOp,
                    DepthwiseAnchorOp>(
                  [&](auto anchored) { return select(target, anchored); })
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
