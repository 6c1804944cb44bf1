// Level in: legal. Level out: legal with mopt.fused around all that computes.
// Each group is a tree of ops with one result, so moving it to its last op
// keeps every use dominated.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeValues.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FORMKERNELS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Does `op` read or write elements? Reshapes only rename them.
static bool computes(Operation *op) {
  return isa<MoptDialect>(op->getDialect()) &&
         !isa<ReshapeOp, FusedOp, YieldOp>(op) && op->getNumResults() > 0;
}

static bool isElementwise(Operation *op) { return op->hasTrait<Elementwise>(); }

namespace {
struct Group {
  /// In program order; the last one's results are the group's.
  SmallVector<Operation *> ops;
  /// At most one op is not elementwise.
  bool hasAnchor = false;
};

/// Can the values of `producer` be computed where `consumer` uses them?
bool canJoin(Operation *producer, Operation *consumer, Value operand) {
  if (producer->getNumResults() != 1 || !operand.hasOneUse() ||
      producer->getBlock() != consumer->getBlock())
    return false;
  auto from = cast<RankedTensorType>(operand.getType());
  if (isElementwise(consumer)) {
    // No element is computed twice.
    auto to = cast<RankedTensorType>(consumer->getResult(0).getType());
    return from.getShape() == to.getShape();
  }
  // Reductions read each element once.
  return isa<ReduceOp>(consumer) && isElementwise(producer);
}

struct FormKernels : mopt::impl::FormKernelsBase<FormKernels> {
  using FormKernelsBase::FormKernelsBase;

  void runOnOperation() override {
    OpBuilder builder(&getContext());
    ShapeValues shapes(builder);
    SmallVector<Block *> blocks;
    getOperation().walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      formInBlock(block, builder, shapes);
  }

  void formInBlock(Block *block, OpBuilder &builder, ShapeValues &shapes) {
    SmallVector<Operation *> order;
    llvm::MapVector<Operation *, Group> groups;
    for (Operation &op : *block)
      if (computes(&op))
        order.push_back(&op);
    for (Operation *op : order) {
      Group group;
      group.hasAnchor = !isElementwise(op);
      for (Value operand : fuse ? op->getOperands() : ValueRange()) {
        Operation *producer = operand.getDefiningOp();
        auto found = producer ? groups.find(producer) : groups.end();
        if (found == groups.end() || !canJoin(producer, op, operand))
          continue;
        if (found->second.hasAnchor && group.hasAnchor)
          continue;
        group.hasAnchor |= found->second.hasAnchor;
        llvm::append_range(group.ops, found->second.ops);
        groups.erase(found);
      }
      llvm::sort(group.ops, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
      group.ops.push_back(op);
      groups[op] = std::move(group);
    }
    for (auto &[last, group] : groups)
      form(last, group.ops, builder, shapes);
  }

  /// Moves the ops of a group into a mopt.fused in the last one's place.
  static void form(Operation *last, ArrayRef<Operation *> ops,
                   OpBuilder &builder, ShapeValues &shapes) {
    builder.setInsertionPointAfter(last);
    SmallVector<OpFoldResult> dynamic;
    for (Value result : last->getResults()) {
      auto type = cast<RankedTensorType>(result.getType());
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          dynamic.push_back(shapes.getDim(result, dim));
    }
    // Sizes were emitted right behind the ops they belong to; what uses the
    // results stays behind the kernel.
    auto isSize = [&](Operation *op) {
      return op->getNumResults() == 1 && isPure(op) &&
             isa<IndexType, IntegerType>(op->getResult(0).getType()) &&
             llvm::none_of(op->getOperands(), [&](Value operand) {
               return operand.getDefiningOp() == last;
             });
    };
    Operation *position = last->getNextNode();
    while (!dynamic.empty() && isSize(position))
      position = position->getNextNode();
    builder.setInsertionPoint(position);
    SmallVector<Value> sizes;
    for (OpFoldResult size : dynamic)
      sizes.push_back(
          getValueOrCreateConstantIndexOp(builder, last->getLoc(), size));
    SmallVector<Location> locations = llvm::map_to_vector(
        ops, [](Operation *op) -> Location { return op->getLoc(); });
    auto fused = FusedOp::create(
        builder, builder.getFusedLoc(locations), last->getResultTypes(), sizes);
    Block *body = &fused.getBody().emplaceBlock();
    last->replaceAllUsesWith(fused);
    for (Operation *op : ops)
      op->moveBefore(body, body->end());
    builder.setInsertionPointToEnd(body);
    YieldOp::create(builder, last->getLoc(), last->getResults());
  }
};
} // namespace
