// linalg ops and the packing of columns, on a grid.
#include "Emit.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kThreads = 256;
static constexpr int64_t kWarp = 32;
/// Warps of a block that each make a result.
static constexpr int64_t kWarps = 4;

namespace {
class LinalgEmitter {
public:
  LinalgEmitter(OpBuilder &b, linalg::LinalgOp op, Value initial,
                const EmitOptions &options)
      : g(b, op.getLoc()), b(b), op(op), initial(initial), options(options),
        ranges(op.getStaticLoopRanges()) {}

  FailureOr<LaunchShape> emit() {
    orderLoops();
    int64_t results = countElements(outerSizes);
    for (OpOperand &out : op.getDpsInitsMutable())
      for (unsigned dim : reductions)
        if (op.getMatchingIndexingMap(&out).isFunctionOfDim(dim))
          return op->emitError("has results for each element of a sum, which "
                               "is not supported for devices");
    if (reductions.empty() || !canUseWarps())
      return emitThreads(results);
    return emitWarps(results);
  }

private:
  /// Neighbouring threads write neighbouring elements of the first result.
  void orderLoops() {
    SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    auto addOuter = [&](unsigned dim) {
      if (kinds[dim] == utils::IteratorType::parallel &&
          !llvm::is_contained(outer, dim))
        outer.push_back(dim);
    };
    for (unsigned dim = 0; dim < kinds.size(); ++dim)
      if (!map.isFunctionOfDim(dim))
        addOuter(dim);
    for (AffineExpr expr : map.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        addOuter(dim.getPosition());
    for (unsigned dim = 0; dim < kinds.size(); ++dim)
      addOuter(dim);
    for (unsigned dim : outer)
      outerSizes.push_back(ranges[dim]);
    for (unsigned dim = 0; dim < kinds.size(); ++dim)
      if (kinds[dim] != utils::IteratorType::parallel) {
        reductions.push_back(dim);
        reductionSizes.push_back(ranges[dim]);
      }
  }

  /// Is it one sum (product, maximum, ...) of at least a warp's width along the
  /// innermost dimension?
  bool canUseWarps() {
    if (!options.reassociate || op.getNumDpsInits() != 1 ||
        reductions.back() + 1 != ranges.size() || ranges.back() < kWarp)
      return false;
    SmallVector<Operation *> combiners;
    if (!matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
        combiners.size() != 1 || combiners[0]->getNumOperands() != 2)
      return false;
    Type type = combiners[0]->getResult(0).getType();
    if (!type.isIntOrFloat() || (type.getIntOrFloatBitWidth() != 32 &&
                                 type.getIntOrFloatBitWidth() != 64))
      return false;
    std::optional<TypedAttr> element = arith::getNeutralElement(combiners[0]);
    if (!element)
      return false;
    combiner = combiners[0];
    neutral = *element;
    return true;
  }

  SmallVector<Value> getPoint(ValueRange outerPoint, ValueRange inner) {
    SmallVector<Value> point(ranges.size());
    for (auto [dim, value] : llvm::zip_equal(outer, outerPoint))
      point[dim] = value;
    for (auto [dim, value] : llvm::zip_equal(reductions, inner))
      point[dim] = value;
    return point;
  }

  /// The op's scalar code at `point`; `results` are what it sees as such.
  SmallVector<Value> emitBody(ValueRange point, ValueRange results) {
    Block &block = op->getRegion(0).front();
    IRMapping mapping;
    for (OpOperand &operand : op->getOpOperands()) {
      BlockArgument argument = block.getArgument(operand.getOperandNumber());
      if (op.isDpsInit(&operand)) {
        mapping.map(argument,
                    results[operand.getOperandNumber() - op.getNumDpsInputs()]);
        continue;
      }
      if (!argument.use_empty())
        mapping.map(
            argument,
            g.load(operand.get(), op.getMatchingIndexingMap(&operand), point));
    }
    SmallVector<Value> yielded;
    for (Operation &inner : block.without_terminator()) {
      if (auto number = dyn_cast<linalg::IndexOp>(inner)) {
        mapping.map(number.getResult(), point[number.getDim()]);
        continue;
      }
      Operation *clone = b.clone(inner, mapping);
      clone->walk([&](linalg::IndexOp nested) {
        nested.replaceAllUsesWith(point[nested.getDim()]);
        nested.erase();
      });
    }
    for (Value value : block.getTerminator()->getOperands())
      yielded.push_back(mapping.lookupOrDefault(value));
    return yielded;
  }

  SmallVector<Value> loadResults(ValueRange point) {
    SmallVector<Value> values;
    for (OpOperand &out : op.getDpsInitsMutable()) {
      BlockArgument seen = op.getMatchingBlockArgument(&out);
      if (initial)
        values.push_back(initial);
      else if (seen.use_empty() && reductions.empty())
        values.push_back(Value());
      else
        values.push_back(
            g.load(out.get(), op.getMatchingIndexingMap(&out), point));
    }
    return values;
  }

  void store(ValueRange values, ValueRange point) {
    for (auto [value, out] : llvm::zip_equal(values, op.getDpsInitsMutable()))
      memref::StoreOp::create(b, g.loc, value, out.get(),
                              g.apply(op.getMatchingIndexingMap(&out), point));
  }

  Value inside(Value number, int64_t count, int64_t launched) {
    return count == launched ? Value() : g.below(number, count);
  }

  LaunchShape emitThreads(int64_t results) {
    int64_t threads =
        std::min<int64_t>(kThreads, llvm::alignTo(results, kWarp));
    int64_t blocks = llvm::divideCeil(results, threads);
    Value number = g.globalThread(threads);
    g.guard(inside(number, results, blocks * threads), [&] {
      SmallVector<Value> outerPoint = g.split(number, outerSizes);
      SmallVector<Value> zeros(reductions.size(), g.index(0));
      SmallVector<Value> start = getPoint(outerPoint, zeros);
      SmallVector<Value> values = loadResults(start);
      if (reductions.empty())
        values = emitBody(start, values);
      else
        values = g.nest(
            reductionSizes, values,
            [&](ValueRange inner, ValueRange carried) -> SmallVector<Value> {
              return emitBody(getPoint(outerPoint, inner), carried);
            });
      store(values, start);
    });
    return {blocks, 1, threads};
  }

  /// The value of the lane whose number differs in the bit `distance`.
  Value exchange(Value value, int64_t distance) {
    Type type = value.getType(), i32 = b.getI32Type(), i64 = b.getI64Type();
    auto swap = [&](Value word) -> Value {
      return gpu::ShuffleOp::create(b, g.loc, word, distance, kWarp,
                                    gpu::ShuffleMode::XOR)
          .getShuffleResult();
    };
    if (type.getIntOrFloatBitWidth() == 32)
      return swap(value);
    Value bits =
        type == i64
            ? value
            : arith::BitcastOp::create(b, g.loc, i64, value).getResult();
    Value width = arith::ConstantOp::create(b, g.loc, b.getI64IntegerAttr(32));
    Value low = arith::TruncIOp::create(b, g.loc, i32, bits);
    Value high = arith::TruncIOp::create(
        b, g.loc, i32, arith::ShRUIOp::create(b, g.loc, bits, width));
    low = arith::ExtUIOp::create(b, g.loc, i64, swap(low));
    high = arith::ShLIOp::create(
        b, g.loc, arith::ExtUIOp::create(b, g.loc, i64, swap(high)), width);
    bits = arith::OrIOp::create(b, g.loc, low, high);
    return type == i64
               ? bits
               : arith::BitcastOp::create(b, g.loc, type, bits).getResult();
  }

  Value combine(Value x, Value y) {
    Operation *clone = b.clone(*combiner);
    clone->setOperands({x, y});
    return clone->getResult(0);
  }

  LaunchShape emitWarps(int64_t results) {
    int64_t warps = std::min(kWarps, results);
    int64_t blocks = llvm::divideCeil(results, warps);
    Value thread = g.thread();
    Value lane = g.rem(thread, kWarp);
    Value number = g.add(g.mul(g.block(), warps), g.div(thread, kWarp));
    g.guard(inside(number, results, blocks * warps), [&] {
      SmallVector<Value> outerPoint = g.split(number, outerSizes);
      int64_t width = reductionSizes.back();
      SmallVector<int64_t> sizes(reductionSizes);
      sizes.back() = width / kWarp;
      Value start = arith::ConstantOp::create(b, g.loc, neutral);
      auto step = [&](ValueRange inner, ValueRange carried) {
        SmallVector<Value> position(inner);
        position.back() = g.add(g.mul(position.back(), kWarp), lane);
        return emitBody(getPoint(outerPoint, position), carried);
      };
      Value sum = g.nest(sizes, start, step).front();
      if (int64_t rest = width % kWarp) {
        auto branch = scf::IfOp::create(b, g.loc, sum.getType(),
                                        g.below(lane, rest), /*withElse=*/true);
        {
          OpBuilder::InsertionGuard restore(b);
          b.setInsertionPointToStart(branch.thenBlock());
          SmallVector<int64_t> others(reductionSizes);
          others.pop_back();
          SmallVector<Value> tail =
              g.nest(others, sum, [&](ValueRange inner, ValueRange carried) {
                SmallVector<Value> position(inner);
                position.push_back(g.add(lane, width - rest));
                return emitBody(getPoint(outerPoint, position), carried);
              });
          scf::YieldOp::create(b, g.loc, tail);
          b.setInsertionPointToStart(branch.elseBlock());
          scf::YieldOp::create(b, g.loc, sum);
        }
        sum = branch.getResult(0);
      }
      for (int64_t distance = kWarp / 2; distance > 0; distance /= 2)
        sum = combine(sum, exchange(sum, distance));
      Value first = arith::CmpIOp::create(b, g.loc, arith::CmpIPredicate::eq,
                                          lane, g.index(0));
      g.guard(first, [&] {
        SmallVector<Value> zeros(reductions.size(), g.index(0));
        SmallVector<Value> point = getPoint(outerPoint, zeros);
        store(combine(loadResults(point).front(), sum), point);
      });
    });
    return {blocks, 1, warps * kWarp};
  }

  GridBuilder g;
  OpBuilder &b;
  linalg::LinalgOp op;
  Value initial;
  const EmitOptions &options;
  SmallVector<int64_t> ranges;
  /// Parallel loops, the fastest last, and the others.
  SmallVector<unsigned> outer, reductions;
  SmallVector<int64_t> outerSizes, reductionSizes;
  Operation *combiner = nullptr;
  TypedAttr neutral;
};
} // namespace

FailureOr<LaunchShape> mopt::emitLinalg(linalg::LinalgOp op, Value initial,
                                        const EmitOptions &options) {
  OpBuilder b(op);
  FailureOr<LaunchShape> shape = LinalgEmitter(b, op, initial, options).emit();
  if (succeeded(shape))
    op->erase();
  return shape;
}

FailureOr<LaunchShape> mopt::emitPack(PackColumnsOp op) {
  if (op.getInterleave() != 1)
    return op.emitError("packs neighbours along the depth, which is not "
                        "supported for devices");
  OpBuilder b(op);
  GridBuilder g(b, op.getLoc());
  auto source = cast<MemRefType>(op.getSource().getType());
  auto init = cast<MemRefType>(op.getInit().getType());
  int64_t rank = source.getRank(), width = op.getBlockColumns();
  int64_t columns = source.getDimSize(op.getTransposed() ? rank - 2 : rank - 1);
  int64_t count = init.getNumElements();
  int64_t blocks = llvm::divideCeil(count, kThreads);
  Value number = g.globalThread(kThreads);
  g.guard(g.below(number, count), [&] {
    SmallVector<Value> point = g.split(number, init.getShape());
    SmallVector<Value> from(ArrayRef(point).drop_back(3));
    Value column = g.add(g.mul(point[rank - 2], width), point[rank]);
    Value known = g.clamp(column, columns - 1), depth = point[rank - 1];
    if (op.getTransposed())
      from.append({known, depth});
    else
      from.append({depth, known});
    Value value = memref::LoadOp::create(b, g.loc, op.getSource(), from);
    if (columns % width != 0) {
      Value zero = arith::ConstantOp::create(
          b, g.loc, b.getZeroAttr(source.getElementType()));
      value = arith::SelectOp::create(b, g.loc, g.below(column, columns), value,
                                      zero);
    }
    memref::StoreOp::create(b, g.loc, value, op.getInit(), point);
  });
  op.erase();
  return LaunchShape{blocks, 1, kThreads};
}
