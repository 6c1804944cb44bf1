// Level in and out: graph. Ops on constants become constants, unless the result
// is large and larger than what it is made of.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/EvaluateOp.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct FoldConstants : mopt::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (auto reduce = dyn_cast<ReduceOp>(op); reduce && foldSum(reduce))
        return;
      if (isa<MoptDialect>(op->getDialect()) && op->getNumResults() == 1 &&
          op->getNumOperands() > 0 && !staysQuantized(op))
        fold(op);
    });
  }

  /// A single element is no gain in any form.
  bool staysQuantized(Operation *op) const {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    return isa<DequantizeOp>(op) && !dequantize &&
           !(type.hasStaticShape() && type.getNumElements() == 1);
  }

  /// Sums of constant integers. Bytes are not widened for it: that would be
  /// larger than they are.
  static bool foldSum(ReduceOp op) {
    auto cast = op.getInput().getDefiningOp<CastOp>();
    ElementsAttr elements;
    auto sumType = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getType()));
    Value source = cast ? cast.getInput() : op.getInput();
    if (op.getKind() != ReduceKind::sum || !sumType ||
        !isa<IntegerType>(getElementTypeOrSelf(source.getType())) ||
        !matchPattern(source, m_Constant(&elements)))
      return false;
    std::optional<ConstantTensor> bytes = ConstantTensor::fromAttr(elements);
    if (!bytes || bytes->getNumElements() == 0)
      return false;
    std::optional<ConstantTensor> sums =
        bytes->sumIntegers(op.getAxes(), sumType);
    if (!sums || sums->getType() != op.getType())
      return false;
    OpBuilder b(op);
    auto constant = arith::ConstantOp::create(
        b, op.getLoc(), ::cast<TypedAttr>(std::move(*sums).toAttr("sums")));
    op.getResult().replaceAllUsesWith(constant);
    op.erase();
    if (cast && isOpTriviallyDead(cast))
      cast.erase();
    return true;
  }

  void fold(Operation *op) {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape())
      return;
    SmallVector<ConstantTensor> operands;
    int64_t operandBytes = 0;
    for (Value operand : op->getOperands()) {
      ElementsAttr elements;
      if (!matchPattern(operand, m_Constant(&elements)))
        return;
      // A large splat is cheap as it is.
      if (isa<SplatElementsAttr>(elements) &&
          elements.getNumElements() > maxBytes)
        return;
      std::optional<ConstantTensor> tensor = ConstantTensor::fromAttr(elements);
      if (!tensor)
        return;
      operandBytes += tensor->getBytes().size();
      operands.push_back(std::move(*tensor));
    }
    std::optional<ConstantTensor> empty = ConstantTensor::allocate(
        type.clone(SmallVector<int64_t>(type.getRank(), 1)));
    if (!empty || type.getNumElements() * int64_t(empty->getElementBytes()) >
                      std::max<int64_t>(maxBytes, operandBytes))
      return;
    std::optional<ConstantTensor> result = evaluateOp(op, operands);
    if (!result)
      return;
    OpBuilder b(op);
    auto constant = arith::ConstantOp::create(
        b, op->getLoc(), cast<TypedAttr>(std::move(*result).toAttr("folded")));
    op->getResult(0).replaceAllUsesWith(constant);
    op->erase();
  }
};
} // namespace
