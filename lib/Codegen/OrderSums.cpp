// Level in and out: buffer, anchors expanded. A sum along the last, contiguous
// dimension of a `linalg.generic` becomes a loop over vectors of eight, whose
// lanes are summed by halves: the order in which ONNX Runtime sums. The squares
// of layer normalization are fused with their sum, as there. Leaves alone what
// is no multiple of eight long: its order there depends on where memory lies.
#include "FusedProduct.h"
#include "OperandIndices.h"

#include "mopt/Codegen/Passes.h"
#include "mopt/Support/SumOrder.h"
#include "mopt/Target/MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_ORDERSUMS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static constexpr int64_t kLanes = 8;

namespace {
/// A generic op that sums along its last loop, and how.
struct Sum {
  linalg::GenericOp op;
  /// What adds to the running value.
  arith::AddFOp combiner;

  static std::optional<Sum> match(linalg::GenericOp op) {
    int64_t loops = op.getNumLoops();
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    if (op->hasAttr(kInOrderAttr) || !op.hasPureBufferSemantics() ||
        op.getNumReductionLoops() != 1 || op.getNumDpsInits() != 1 ||
        op.hasIndexSemantics() ||
        iterators.back() != utils::IteratorType::reduction)
      return std::nullopt;
    int64_t size = op.getStaticLoopRanges().back();
    if (ShapedType::isDynamic(size) || size % kLanes != 0)
      return std::nullopt;
    AffineExpr last = getAffineDimExpr(loops - 1, op.getContext());
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [i, expr] : llvm::enumerate(map.getResults())) {
        bool isLast = expr == last;
        if ((!isLast && !isa<AffineDimExpr>(expr) &&
             expr != getAffineConstantExpr(0, op.getContext())) ||
            (isLast && i + 1 != map.getNumResults()))
          return std::nullopt;
      }
      if (map.getNumResults() > 0 &&
          llvm::is_contained(map.getResults(), last) &&
          !cast<MemRefType>(operand.get().getType()).isLastDimUnitStride())
        return std::nullopt;
    }
    Block *body = op.getBody();
    Value running = op.getRegionOutputArgs().front();
    auto combiner =
        body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    if (!combiner || combiner->getBlock() != body || !running.hasOneUse() ||
        !llvm::is_contained(combiner->getOperands(), running))
      return std::nullopt;
    for (Operation &inner : body->without_terminator())
      if (!OpTrait::hasElementwiseMappableTraits(&inner) &&
          !isa<arith::ConstantOp>(inner))
        return std::nullopt;
    return Sum{op, combiner};
  }

  /// Does the order decide what a quantized model computes? Bytes go in, or it
  /// is the second one of layer normalization. The first one is of f64, in
  /// which floats from bytes have an exact sum.
  bool isOrdered() { return isOfBytes() || getDeviation(); }

  bool isOfBytes() {
    return llvm::any_of(*op.getBody(), [](Operation &inner) {
      return isa<arith::SIToFPOp, arith::UIToFPOp>(inner);
    });
  }

  /// What is squared, if squares of differences from a mean that was rounded
  /// from f64 are summed; else null.
  Value getDeviation() {
    for (Value term : combiner->getOperands()) {
      auto square = term.getDefiningOp<arith::MulFOp>();
      auto difference =
          square ? square.getLhs().getDefiningOp<arith::SubFOp>() : nullptr;
      if (difference && square.getLhs() == square.getRhs() &&
          difference.getRhs().getDefiningOp<arith::TruncFOp>())
        return square.getLhs();
    }
    return {};
  }

  void expand(bool fuses) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(b, loc, 0),
          one = arith::ConstantIndexOp::create(b, loc, 1),
          lanes = arith::ConstantIndexOp::create(b, loc, kLanes);
    SmallVector<Range, 4> ranges =
        cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, loc);
    SmallVector<Value> indices;
    for (const Range &range : ArrayRef(ranges).drop_back()) {
      Value end = getValueOrCreateConstantIndexOp(b, loc, range.size);
      auto loop = scf::ForOp::create(b, loc, zero, end, one);
      b.setInsertionPointToStart(loop.getBody());
      indices.push_back(loop.getInductionVar());
    }
    Value size = getValueOrCreateConstantIndexOp(b, loc, ranges.back().size);
    Type element = combiner.getType();
    auto vector = VectorType::get(kLanes, element);
    Value start = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(vector, b.getFloatAttr(element, 0)));
    // What is the same for all of a row is computed before its loop.
    IRMapping scalars, vectors;
    for (OpOperand *input : op.getDpsInputOperands())
      if (!isAlongRow(input))
        scalars.map(
            op.getMatchingBlockArgument(input),
            memref::LoadOp::create(b, loc, input->get(),
                                   getOperandIndices(b, op, *input, indices)));
    for (Operation &inner : op.getBody()->without_terminator())
      if (&inner != combiner && llvm::all_of(inner.getOperands(), [&](Value x) {
            return scalars.contains(x) || x.getParentBlock() != op.getBody();
          }))
        b.clone(inner, scalars);
    auto loop = scf::ForOp::create(b, loc, zero, size, lanes, start);
    OpBuilder inside = OpBuilder::atBlockBegin(loop.getBody());
    indices.push_back(loop.getInductionVar());
    for (OpOperand *input : op.getDpsInputOperands())
      if (isAlongRow(input)) {
        Type type = cast<MemRefType>(input->get().getType()).getElementType();
        vectors.map(
            op.getMatchingBlockArgument(input),
            vector::LoadOp::create(inside, loc, VectorType::get(kLanes, type),
                                   input->get(),
                                   getOperandIndices(b, op, *input, indices)));
      }
    vectors.map(op.getRegionOutputArgs().front(), loop.getRegionIterArg(0));
    Value total;
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (llvm::all_of(inner.getResults(),
                       [&](Value x) { return scalars.contains(x); }))
        continue;
      Operation *wide = widen(inside, inner, scalars, vectors);
      if (&inner == combiner)
        total = wide->getResult(0);
    }
    if (Value deviation = getDeviation()) {
      Value d = vectors.lookup(deviation);
      total = createFusedProduct(inside, loc, d, d, loop.getRegionIterArg(0),
                                 fuses);
    }
    scf::YieldOp::create(inside, loc, total);
    indices.pop_back();
    OpOperand *init = op.getDpsInitOperand(0);
    SmallVector<Value> where = getOperandIndices(b, op, *init, indices);
    Value before = memref::LoadOp::create(b, loc, init->get(), where);
    Value sum = arith::AddFOp::create(b, loc, before,
                                      sumLanes(b, loc, loop.getResult(0)));
    memref::StoreOp::create(b, loc, sum, init->get(), where);
    op.erase();
  }

private:
  bool isAlongRow(OpOperand *operand) {
    return op.getMatchingIndexingMap(operand).isFunctionOfDim(op.getNumLoops() -
                                                              1);
  }

  /// `inner` on vectors. The order is what counts, so no flag is kept that
  /// would allow another one.
  Operation *widen(OpBuilder &b, Operation &inner, const IRMapping &scalars,
                   IRMapping &vectors) {
    for (Value operand : inner.getOperands())
      if (!vectors.contains(operand))
        vectors.map(operand, vector::BroadcastOp::create(
                                 b, inner.getLoc(),
                                 VectorType::get(kLanes, operand.getType()),
                                 scalars.lookupOrDefault(operand)));
    Operation *wide = b.cloneWithoutRegions(inner, vectors);
    for (OpResult result : wide->getResults())
      result.setType(VectorType::get(kLanes, result.getType()));
    if (auto math = dyn_cast<arith::ArithFastMathInterface>(wide))
      wide->setAttr(math.getFastMathAttrName(),
                    arith::FastMathFlagsAttr::get(b.getContext(),
                                                  arith::FastMathFlags::none));
    return wide;
  }

  static Value sumLanes(OpBuilder &b, Location loc, Value lanes) {
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      SmallVector<int64_t> low = llvm::to_vector(llvm::seq<int64_t>(0, half)),
                           high = llvm::to_vector(llvm::seq(half, 2 * half));
      lanes = arith::AddFOp::create(
          b, loc, vector::ShuffleOp::create(b, loc, lanes, lanes, low),
          vector::ShuffleOp::create(b, loc, lanes, lanes, high));
    }
    return vector::ExtractOp::create(b, loc, lanes, 0);
  }
};

struct OrderSums : mopt::impl::OrderSumsBase<OrderSums> {
  using OrderSumsBase::OrderSumsBase;

  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    bool fuses = target && fusesProducts(target);
    SmallVector<Sum> sums;
    getOperation()->walk([&](linalg::GenericOp op) {
      std::optional<Sum> sum = Sum::match(op);
      if (sum && (everywhere || sum->isOrdered()))
        sums.push_back(*sum);
    });
    for (Sum &sum : sums)
      sum.expand(fuses);
  }
};
} // namespace
