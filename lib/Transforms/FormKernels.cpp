// Level in: legal. Level out: legal with mopt.fused around all that computes.
// Each group is a graph of ops with one result, so moving it to its last op
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

/// A load for each element keeps a loop from using vectors.
static bool isAlone(Operation *op) { return isa<LookupOp>(op); }

namespace {
struct Group {
  /// The results of the last in program order are the group's.
  llvm::SetVector<Operation *> ops;
  /// At most one op is not elementwise.
  bool hasAnchor = false;
};

/// Can the values of `producer` be computed where the ops of a group that use
/// them are, all of its users being among them?
bool canJoin(Operation *producer, const llvm::SetVector<Operation *> &group) {
  if (producer->getNumResults() != 1 || isAlone(producer))
    return false;
  auto from = cast<RankedTensorType>(producer->getResult(0).getType());
  return llvm::all_of(producer->getUsers(), [&](Operation *user) {
    if (!group.contains(user))
      return false;
    if (isElementwise(user)) {
      // No element is computed twice.
      auto to = cast<RankedTensorType>(user->getResult(0).getType());
      return from.getShape() == to.getShape();
    }
    // Reductions read each element once.
    return isa<ReduceOp>(user) && isElementwise(producer);
  });
}

/// The ops outside of the group that its ops take values from.
llvm::SetVector<Operation *> getProducers(const Group &group) {
  llvm::SetVector<Operation *> producers;
  for (Operation *op : group.ops)
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp();
          producer && !group.ops.contains(producer))
        producers.insert(producer);
  return producers;
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

  /// Does `op` only make elements wider?
  static bool widens(Operation &op) {
    if (isa<DequantizeOp>(op))
      return true;
    auto cast = dyn_cast<CastOp>(op);
    if (!cast)
      return false;
    Type from = getElementTypeOrSelf(cast.getInput().getType()),
         to = getElementTypeOrSelf(cast.getType());
    return isa<FloatType>(from) && isa<FloatType>(to) &&
           from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth();
  }

  /// Each elementwise reader of widened elements widens them by itself: it then
  /// reads the narrow ones, which are fewer bytes.
  static void duplicateWidening(Block *block) {
    SmallVector<Operation *> ops;
    for (Operation &op : *block)
      if (widens(op))
        ops.push_back(&op);
    for (Operation *op : ops) {
      auto readsOnce = [&](OpOperand &use) {
        Operation *user = use.getOwner();
        return user->getBlock() == block &&
               (isElementwise(user) || isa<ReduceOp>(user));
      };
      SmallVector<OpOperand *> uses;
      for (OpOperand &use : op->getUses())
        uses.push_back(&use);
      if (uses.size() < 2)
        continue;
      // The others share what stays.
      bool isShared =
          llvm::any_of(uses, [&](OpOperand *use) { return !readsOnce(*use); });
      for (OpOperand *use : ArrayRef(uses).drop_front(isShared ? 0 : 1))
        if (readsOnce(*use)) {
          OpBuilder b(op);
          use->set(b.clone(*op)->getResult(0));
        }
    }
  }

  void formInBlock(Block *block, OpBuilder &builder, ShapeValues &shapes) {
    if (fuse)
      duplicateWidening(block);
    SmallVector<Operation *> order;
    llvm::MapVector<Operation *, Group> groups;
    for (Operation &op : *block)
      if (computes(&op))
        order.push_back(&op);
    for (Operation *op : order) {
      Group group;
      group.hasAnchor = !isElementwise(op);
      group.ops.insert(op);
      // Joining an op brings its operands within reach, and may bring the last
      // user of another's.
      for (bool changed = fuse && !isAlone(op); changed;) {
        changed = false;
        for (Operation *producer : getProducers(group)) {
          auto found = groups.find(producer);
          if (found == groups.end() || !canJoin(producer, group.ops) ||
              (found->second.hasAnchor && group.hasAnchor))
            continue;
          group.hasAnchor |= found->second.hasAnchor;
          group.ops.insert_range(found->second.ops);
          groups.erase(found);
          changed = true;
        }
      }
      groups[op] = std::move(group);
    }
    for (auto &[last, group] : groups) {
      SmallVector<Operation *> ops = group.ops.takeVector();
      llvm::sort(ops, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
      form(last, ops, builder, shapes);
    }
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
    auto fused = FusedOp::create(builder, builder.getFusedLoc(locations),
                                 last->getResultTypes(), sizes);
    Block *body = &fused.getBody().emplaceBlock();
    last->replaceAllUsesWith(fused);
    for (Operation *op : ops)
      op->moveBefore(body, body->end());
    builder.setInsertionPointToEnd(body);
    YieldOp::create(builder, last->getLoc(), last->getResults());
  }
};
} // namespace
