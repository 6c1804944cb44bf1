// Level in and out: structured. Each result of a kernel is computed in its
// destination argument, or copied there.
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_BINDDESTINATIONS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// The operand that `value` was built upon in place, or null at its origin.
static OpOperand *getBase(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return nullptr;
  unsigned number = cast<OpResult>(value).getResultNumber();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(def))
    return dps.getTiedOpOperand(cast<OpResult>(value));
  if (auto loop = dyn_cast<scf::ForOp>(def))
    return &loop.getInitArgsMutable()[number];
  if (auto forall = dyn_cast<scf::ForallOp>(def))
    return &forall.getOutputsMutable()[number];
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(def))
    return &insert.getDestMutable();
  if (auto insert = dyn_cast<tensor::InsertOp>(def))
    return &insert.getDestMutable();
  if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(def))
    return &def->getOpOperand(0);
  return nullptr;
}

/// `destination`, which stands for the result of `op`, seen as its source.
static Value invert(OpBuilder &b, Operation *op, Value destination) {
  Location loc = op->getLoc();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return tensor::CastOp::create(b, loc, cast.getSource().getType(),
                                  destination);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::CollapseShapeOp::create(b, loc, expand.getSrcType(),
                                           destination,
                                           expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    // Only one dimension of a group may be dynamic for this to be known.
    RankedTensorType type = collapse.getSrcType();
    SmallVector<OpFoldResult> sizes;
    for (auto [dim, group] :
         llvm::enumerate(collapse.getReassociationIndices())) {
      int64_t fixed = 1, open = -1;
      for (int64_t source : group) {
        if (!type.isDynamicDim(source))
          fixed *= type.getDimSize(source);
        else if (open >= 0)
          return {};
        else
          open = source;
      }
      for (int64_t source : group) {
        if (source != open) {
          sizes.push_back(b.getIndexAttr(type.getDimSize(source)));
          continue;
        }
        if (fixed != 1)
          return {};
        sizes.push_back(tensor::getMixedSize(b, loc, destination, dim));
      }
    }
    return tensor::ExpandShapeOp::create(
        b, loc, type, destination, collapse.getReassociationIndices(), sizes);
  }
  return destination;
}

namespace {
struct BindDestinations : mopt::impl::BindDestinationsBase<BindDestinations> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr(kKernelAttr) || kernel.isDeclaration())
      return;
    auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
    for (BlockArgument argument : kernel.getArguments()) {
      auto number = kernel.getArgAttrOfType<IntegerAttr>(
          argument.getArgNumber(), kDestinationAttr);
      if (number)
        bind(ret->getOpOperand(number.getInt()), argument);
    }
  }

  /// Makes what computes `result` do so in `destination`, views of which come
  /// in at `b`. Fails if that is not known to be free.
  static LogicalResult compute(OpBuilder &b, Value result, Value destination) {
    // From the result back to the first op that writes; views between it and
    // the origin are left to its other users.
    SmallVector<Operation *> path;
    OpOperand *first = nullptr;
    size_t length = 0;
    Value origin = result;
    while (OpOperand *base = getBase(origin)) {
      path.push_back(base->getOwner());
      if (!isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
              base->getOwner())) {
        first = base;
        length = path.size();
      }
      origin = base->get();
    }
    if (!first || !origin.getDefiningOp<tensor::EmptyOp>())
      return failure();
    Value seen = destination;
    for (Operation *op : ArrayRef(path).take_front(length))
      if (!(seen = invert(b, op, seen)))
        return failure();
    if (seen.getType() != first->get().getType())
      seen = tensor::CastOp::create(b, first->getOwner()->getLoc(),
                                    first->get().getType(), seen);
    first->set(seen);
    // What the first writer puts in a place of its own is computed there.
    auto insert = dyn_cast<tensor::InsertSliceOp>(first->getOwner());
    auto type = insert ? insert.getSourceType() : RankedTensorType();
    if (!insert || !type.hasStaticShape() ||
        !insert->getOperands().drop_front(2).empty())
      return success();
    Value place = tensor::ExtractSliceOp::create(
        b, insert.getLoc(), type, seen, insert.getMixedOffsets(),
        insert.getMixedSizes(), insert.getMixedStrides());
    if (failed(compute(b, insert.getSource(), place)))
      place.getDefiningOp()->erase();
    return success();
  }

  void bind(OpOperand &result, BlockArgument destination) {
    OpBuilder b(&getContext());
    b.setInsertionPointToStart(destination.getOwner());
    if (succeeded(compute(b, result.get(), destination)))
      return;
    b.setInsertionPoint(result.getOwner());
    Value value = result.get();
    if (value.getType() != destination.getType())
      value = tensor::CastOp::create(b, value.getLoc(), destination.getType(),
                                     value);
    result.set(
        linalg::CopyOp::create(b, value.getLoc(), value, Value(destination))
            .getResult(0));
  }
};
} // namespace
