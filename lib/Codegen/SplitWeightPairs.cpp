// In: anchors on tensors, their weights packed. Out: no micro-kernel that sums
// products in words can exceed these: what of the weights is too much is
// multiplied after all groups, as the operand `excess`. Leaves all other
// anchors alone.
#include "MicroKernels/SafePairs.h"
#include "mopt/Codegen/Packing.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/ExcessWeights.h"
#include "mopt/Support/ConstantTensor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SPLITWEIGHTPAIRS
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// Packed weights `[block.., step.., group]`: blocks of columns, in each of
/// them groups of neighbours for all its columns.
struct Groups {
  Groups(RankedTensorType type, int64_t leading)
      : steps(type.getShape().drop_front(leading).drop_back()),
        bytes(type.getShape().back()), perBlock(llvm::product_of(steps)),
        blocks(perBlock * bytes ? type.getNumElements() / (perBlock * bytes)
                                : 0) {}

  ArrayRef<int64_t> steps;
  int64_t bytes, perBlock, blocks;
};

/// A group of neighbours of a block, and the weights of it that are multiplied
/// besides those in the block.
struct ExcessGroup {
  int64_t step;
  SmallVector<char> weights;
};

/// Takes from `weights`, one after the other, what a sum in words holds, and
/// returns it; the rest stays.
SmallVector<int8_t> takeSafe(MutableArrayRef<int8_t> weights) {
  int64_t positive = kLargestSafeSum, negative = kSmallestSafeSum;
  SmallVector<int8_t> taken;
  for (int8_t &weight : weights) {
    int64_t part = std::clamp<int64_t>(weight, negative, positive);
    (part > 0 ? positive : negative) -= part;
    taken.push_back(part);
    weight -= part;
  }
  return taken;
}

/// Of `count` groups whose products are summed in words, `bytes` bytes each,
/// keeps what these hold; the rest becomes groups of their own, from step
/// `step` on.
void split(MutableArrayRef<char> groups, int64_t count, int64_t bytes,
           int64_t step, SmallVectorImpl<ExcessGroup> &excess) {
  SmallVector<SmallVector<char>> rests(count);
  SmallVector<int8_t> sum;
  for (int64_t i = 0; i + 1 < bytes; i += 2) {
    sum.clear();
    // The rest is mostly in the first group, if the others are served first.
    for (int64_t g = count - 1; g >= 0; --g)
      sum.append(
          {int8_t(groups[g * bytes + i]), int8_t(groups[g * bytes + i + 1])});
    if (areSafe(sum))
      continue;
    SmallVector<int8_t> kept = takeSafe(sum);
    for (int64_t g = 0; g < count; ++g)
      for (int64_t j : {0, 1}) {
        int64_t at = (count - 1 - g) * 2 + j;
        groups[g * bytes + i + j] = kept[at];
        if (sum[at] == 0)
          continue;
        rests[g].resize(bytes, 0);
        rests[g][i + j] = sum[at];
      }
  }
  for (auto [g, rest] : llvm::enumerate(rests))
    while (!rest.empty()) {
      ExcessGroup group{step + int64_t(g), SmallVector<char>(bytes, 0)};
      bool more = false;
      for (int64_t i = 0; i + 1 < bytes; i += 2) {
        SmallVector<int8_t> pair{int8_t(rest[i]), int8_t(rest[i + 1])};
        SmallVector<int8_t> taken = takeSafe(pair);
        for (int64_t j : {0, 1}) {
          group.weights[i + j] = taken[j];
          rest[i + j] = pair[j];
          more |= pair[j] != 0;
        }
      }
      excess.push_back(std::move(group));
      if (!more)
        rest.clear();
    }
}

void writeWord(char *to, int64_t word) {
  llvm::support::endian::write32le(to, static_cast<uint32_t>(word));
}

/// A constant, maybe reshaped; null for anything else.
ElementsAttr getConstant(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  ElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) ? elements : ElementsAttr();
}

struct SplitWeightPairs : impl::SplitWeightPairsBase<SplitWeightPairs> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    WalkResult result = getOperation()->walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      LogicalResult done = success();
      if (auto contract = dyn_cast<ContractAnchorOp>(op)) {
        int64_t rank = cast<ShapedType>(contract.getRhs().getType()).getRank();
        done = visit(rewriter, contract, contract.getRhsMutable(), rank - 2);
      } else if (auto conv = dyn_cast<ConvAnchorOp>(op)) {
        done = visit(rewriter, conv, conv.getFilterMutable(), 2);
      }
      return failed(done) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  /// `leading` dimensions of the weights count blocks.
  template <typename Anchor>
  static LogicalResult visit(IRRewriter &rewriter, Anchor op,
                             OpOperand &operand, int64_t leading) {
    ConfigAttr config = op.getConfigAttr();
    if (!config || !config.getInstruction().contains(',') || op.getExcess())
      return success();
    auto type = cast<RankedTensorType>(operand.get().getType());
    ElementsAttr whole = getConstant(operand.get());
    std::optional<ConstantTensor> weights;
    if (whole)
      weights = ConstantTensor::fromAttr(whole);
    if (!weights)
      return op.emitOpError("expected constant weights, because '")
             << config.getKernel() << "' sums products in words";
    Groups groups(type, leading);
    ConstantTensor base = std::move(*ConstantTensor::allocate(type));
    MutableArrayRef<char> bytes = base.getMutableBytes();
    llvm::copy(weights->getBytes(), bytes.begin());
    // Groups that are summed follow one another along the innermost loop.
    int64_t last = groups.steps.empty() ? 1 : groups.steps.back();
    SmallVector<SmallVector<ExcessGroup>> found(groups.blocks);
    int64_t rows = 0;
    for (int64_t block = 0; block < groups.blocks; ++block) {
      for (int64_t step = 0; step < groups.perBlock;) {
        int64_t count = std::min(config.getWordGroups(), last - step % last);
        split(bytes.slice((block * groups.perBlock + step) * groups.bytes,
                          count * groups.bytes),
              count, groups.bytes, step, found[block]);
        step += count;
      }
      rows = std::max<int64_t>(rows, found[block].size());
    }
    if (rows == 0)
      return success();

    ExcessRow row = getExcessRow(config);
    SmallVector<int64_t> shape(type.getShape().take_front(leading));
    // Kernels of few different shapes can be shared.
    shape.append({int64_t(llvm::PowerOf2Ceil(rows)), row.getBytes()});
    ConstantTensor excess =
        std::move(*ConstantTensor::allocate(type.clone(shape)));
    MutableArrayRef<char> out = excess.getMutableBytes();
    llvm::fill(out, 0);
    SmallVector<int64_t> strides = ConstantTensor::getStrides(groups.steps);
    for (auto [block, rest] : llvm::enumerate(found)) {
      char *to = out.data() + block * shape[leading] * row.getBytes();
      writeWord(to + row.getCountOffset(), rest.size());
      for (const ExcessGroup &group : rest) {
        llvm::copy(group.weights, to);
        for (auto [dim, size] : llvm::enumerate(groups.steps))
          writeWord(to + row.getIndexOffset(dim),
                    group.step / strides[dim] % size);
        to += row.getBytes();
      }
    }
    auto module = op->template getParentOfType<ModuleOp>();
    ElementsAttr rest = std::move(base).toAttr("base");
    if (std::optional<Packing> packing = getPacking(module, whole)) {
      packing->origin = whole;
      notePacking(module, rest, *packing);
    }
    auto constant = [&](ElementsAttr elements) -> Value {
      return arith::ConstantOp::create(rewriter, op.getLoc(),
                                       cast<TypedAttr>(elements));
    };
    Value old = operand.get();
    rewriter.modifyOpInPlace(op, [&] {
      operand.set(constant(rest));
      op.getExcessMutable().assign(
          constant(std::move(excess).toAttr("excess")));
    });
    while (old && isOpTriviallyDead(old.getDefiningOp())) {
      Operation *unused = old.getDefiningOp();
      old = unused->getNumOperands() > 0 ? unused->getOperand(0) : Value();
      rewriter.eraseOp(unused);
    }
    return success();
  }
};
} // namespace
} // namespace mopt
