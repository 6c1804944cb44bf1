// Level in: legal. Level out: legal with mopt.fused around all that computes.
// Each group is a graph of ops with one result, so moving it to its last op
// keeps every use dominated.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
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

/// Does a reshape of a slice only drop dimensions of size 1? Readers can see
/// through it, and through the slice.
static bool dropsDims(Operation *op) {
  auto reshape = dyn_cast<ReshapeOp>(op);
  return reshape && reshape.getInput().getDefiningOp<SliceOp>() &&
         getDroppedDims(reshape);
}

/// Does `op` read or write elements? Other reshapes only rename them.
static bool computes(Operation *op) {
  return isa<MoptDialect>(op->getDialect()) &&
         (!isa<ReshapeOp, FusedOp, YieldOp>(op) || dropsDims(op)) &&
         op->getNumResults() > 0;
}

static bool isElementwise(Operation *op) { return op->hasTrait<Elementwise>(); }

/// A part of a tensor that its reader finds where it lies.
static bool isView(Operation *op) {
  if (auto slice = dyn_cast<SliceOp>(op))
    return llvm::all_of(slice.getStaticStrides(),
                        [](int64_t stride) { return stride == 1; });
  return dropsDims(op);
}

/// The matrix product whose batches have right sides of their own: it reads and
/// writes matrices in any order.
static MatmulOp getBatchedProduct(Operation *op) {
  auto matmul = dyn_cast<MatmulOp>(op);
  if (!matmul)
    return {};
  auto rhs = cast<RankedTensorType>(matmul.getRhs().getType());
  bool isShared = llvm::all_of(rhs.getShape().drop_back(2),
                               [](int64_t size) { return size == 1; });
  return isShared ? MatmulOp() : matmul;
}

/// Elements that instructions take at once along the depth of a product.
static constexpr int64_t kLargestGroup = 4;

/// Are the zeros that `op` adds at the end of one dimension fewer than a group?
/// Who packs groups writes them anyway.
static bool completesGroup(PadOp op) {
  auto isZero = [](int64_t size) { return size == 0; };
  std::optional<ConstantTensor> value = getConstantTensor(op.getValue());
  return op.getMode() == PadMode::constant && value &&
         value->getNumElements() == 1 &&
         llvm::all_of(value->getBytes(), [](char byte) { return byte == 0; }) &&
         llvm::all_of(op.getStaticLow(), isZero) &&
         llvm::count_if(op.getStaticHigh(), isZero) + 1 ==
             int64_t(op.getStaticHigh().size()) &&
         llvm::all_of(op.getStaticHigh(), [](int64_t size) {
           return size >= 0 && size < kLargestGroup;
         });
}

/// Can `op` be computed between the borders that `padding` adds?
static bool isPaddedInPlace(Operation *op, PadOp padding) {
  // Negative amounts remove.
  auto adds = [](int64_t size) {
    return ShapedType::isStatic(size) && size >= 0;
  };
  return padding.getMode() == PadMode::constant &&
         (isElementwise(op) || isa<SoftmaxOp, NormalizeOp>(op)) &&
         cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape() &&
         llvm::all_of(padding.getStaticLow(), adds) &&
         llvm::all_of(padding.getStaticHigh(), adds);
}

static bool keepsLastDim(TransposeOp op) {
  return op.getPermutation().back() == int64_t(op.getPermutation().size()) - 1;
}

/// Can the product of a batch read its operand `number` where `op` takes it
/// from? A row of its left side, and a row or column of its right one, must be
/// contiguous.
static bool isReadInPlace(TransposeOp op, MatmulOp product, unsigned number) {
  ArrayRef<int64_t> permutation = op.getPermutation();
  int64_t last = permutation.size() - 1;
  if (number == 0)
    return !product.getTransposeLhs() && keepsLastDim(op);
  return permutation[last] == last || permutation[last - 1] == last;
}

/// A load for each element keeps a loop from using vectors.
static bool isAlone(Operation *op) { return isa<LookupOp>(op); }

namespace {
struct Group {
  /// The results of the last in program order are the group's.
  llvm::SetVector<Operation *> ops;
  /// At most one op is neither elementwise nor computed in place.
  bool hasAnchor = false;
  /// The op that is, if it is a product of batches.
  MatmulOp product;
};

/// Does the user of `producer`, the last of `from`, read elements where they
/// are before `producer` moves them, or does what computes them write where the
/// user moves them?
bool isInPlace(Operation *producer, const Group &from, OpOperand &use,
               const Group &group) {
  Operation *user = use.getOwner();
  if (isView(producer) && (isView(user) || isa<TransposeOp, PadOp>(user)))
    return true;
  auto pad = dyn_cast<PadOp>(producer);
  if (pad && isa<TransposeOp>(user))
    return completesGroup(pad);
  if (auto padding = dyn_cast<PadOp>(user))
    return group.ops.size() == 1 && !from.product &&
           isPaddedInPlace(producer, padding);
  if (MatmulOp product = getBatchedProduct(user); product && !from.product) {
    auto transpose = dyn_cast<TransposeOp>(producer);
    return isView(producer) ||
           (pad && use.getOperandNumber() == 1 && completesGroup(pad)) ||
           (transpose &&
            isReadInPlace(transpose, product, use.getOperandNumber()));
  }
  auto transpose = dyn_cast<TransposeOp>(user);
  return transpose && group.ops.size() == 1 && from.product &&
         keepsLastDim(transpose);
}

/// Can the values of `producer`, the last of `from`, be computed where the ops
/// of a group that use them are, all of its users being among them?
bool canJoin(Operation *producer, const Group &from, const Group &group) {
  if (producer->getNumResults() != 1 || isAlone(producer))
    return false;
  return llvm::all_of(producer->getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (!group.ops.contains(user))
      return false;
    if (isInPlace(producer, from, use, group))
      return true;
    if (from.hasAnchor && group.hasAnchor)
      return false;
    if (isElementwise(user)) {
      // No element is computed twice.
      return cast<RankedTensorType>(producer->getResult(0).getType())
                 .getShape() ==
             cast<RankedTensorType>(user->getResult(0).getType()).getShape();
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
      group.hasAnchor = !isElementwise(op) && !isView(op);
      group.product = getBatchedProduct(op);
      group.ops.insert(op);
      // Joining an op brings its operands within reach, and may bring the last
      // user of another's.
      for (bool changed = fuse && !isAlone(op); changed;) {
        changed = false;
        for (Operation *producer : getProducers(group)) {
          auto found = groups.find(producer);
          if (found == groups.end() || !canJoin(producer, found->second, group))
            continue;
          group.hasAnchor |= found->second.hasAnchor;
          if (found->second.product)
            group.product = found->second.product;
          group.ops.insert_range(found->second.ops);
          groups.erase(found);
          changed = true;
        }
      }
      groups[op] = std::move(group);
    }
    for (auto &[last, group] : groups) {
      SmallVector<Operation *> ops = group.ops.takeVector();
      // A reshape that joined nothing stays one.
      if (isa<ReshapeOp>(last) && ops.size() == 1)
        continue;
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
