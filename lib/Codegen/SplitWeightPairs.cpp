// In: anchors on tensors, their weights packed. Out: no micro-kernel that sums
// the products of two neighbours along the depth in words can saturate: pairs of
// weights that would are halved, and the other halves multiplied after all
// groups, as the operand `excess`. Leaves all other anchors alone.
#include "MicroKernels/SafePairs.h"
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
/// Packed weights `[block.., step.., group]`: blocks of columns, in each of them
/// groups of neighbours for all its columns.
struct Groups {
  Groups(RankedTensorType type, int64_t leading)
      : steps(type.getShape().drop_front(leading).drop_back()),
        bytes(type.getShape().back()),
        perBlock(llvm::product_of(steps)),
        blocks(perBlock * bytes ? type.getNumElements() / (perBlock * bytes)
                                : 0) {}

  ArrayRef<int64_t> steps;
  int64_t bytes, perBlock, blocks;
};

/// The groups of each block in which some pair is not safe.
SmallVector<SmallVector<int64_t>> findUnsafe(const Groups &groups,
                                             const char *weights) {
  SmallVector<SmallVector<int64_t>> found(groups.blocks);
  for (int64_t block = 0; block < groups.blocks; ++block)
    for (int64_t step = 0; step < groups.perBlock; ++step) {
      const char *group =
          weights + (block * groups.perBlock + step) * groups.bytes;
      for (int64_t i = 0; i + 1 < groups.bytes; i += 2)
        if (!isSafePair(int8_t(group[i]), int8_t(group[i + 1]))) {
          found[block].push_back(step);
          break;
        }
    }
  return found;
}

/// Moves half of each pair of `group` that is not safe to `other`, which is 0.
void split(MutableArrayRef<char> group, char *other) {
  for (size_t i = 0; i + 1 < group.size(); i += 2)
    if (!isSafePair(int8_t(group[i]), int8_t(group[i + 1])))
      for (size_t j : {i, i + 1}) {
        other[j] = int8_t(group[j]) / 2;
        group[j] -= other[j];
      }
}

void writeWord(char *to, int64_t word) {
  llvm::support::endian::write32le(to, static_cast<uint32_t>(word));
}

/// The elements of a constant, maybe reshaped, in order.
std::optional<ConstantTensor> getConstant(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  ElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  return ConstantTensor::fromAttr(elements);
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
    std::optional<ConstantTensor> weights = getConstant(operand.get());
    if (!weights)
      return op.emitOpError("expected constant weights, because '")
             << config.getKernel() << "' sums two products in words";
    Groups groups(type, leading);
    SmallVector<SmallVector<int64_t>> found =
        findUnsafe(groups, weights->getBytes().data());
    int64_t rows = 0;
    for (ArrayRef<int64_t> block : found)
      rows = std::max<int64_t>(rows, block.size());
    if (rows == 0)
      return success();

    ExcessRow row = getExcessRow(config);
    SmallVector<int64_t> shape(type.getShape().take_front(leading));
    // Kernels of few different shapes can be shared.
    shape.append({int64_t(llvm::PowerOf2Ceil(rows)), row.getBytes()});
    ConstantTensor base = std::move(*ConstantTensor::allocate(type));
    ConstantTensor excess =
        std::move(*ConstantTensor::allocate(type.clone(shape)));
    MutableArrayRef<char> bytes = base.getMutableBytes();
    llvm::copy(weights->getBytes(), bytes.begin());
    MutableArrayRef<char> out = excess.getMutableBytes();
    llvm::fill(out, 0);
    SmallVector<int64_t> strides = ConstantTensor::getStrides(groups.steps);
    for (auto [block, steps] : llvm::enumerate(found)) {
      char *to = out.data() + block * shape[leading] * row.getBytes();
      writeWord(to + row.getCountOffset(), steps.size());
      for (int64_t step : steps) {
        split(bytes.slice((block * groups.perBlock + step) * groups.bytes,
                          groups.bytes),
              to);
        for (auto [dim, size] : llvm::enumerate(groups.steps))
          writeWord(to + row.getIndexOffset(dim), step / strides[dim] % size);
        to += row.getBytes();
      }
    }
    auto constant = [&](ConstantTensor tensor, StringRef name) -> Value {
      return arith::ConstantOp::create(
          rewriter, op.getLoc(),
          cast<TypedAttr>(std::move(tensor).toAttr(name)));
    };
    Value old = operand.get();
    rewriter.modifyOpInPlace(op, [&] {
      operand.set(constant(std::move(base), "base"));
      op.getExcessMutable().assign(constant(std::move(excess), "excess"));
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
