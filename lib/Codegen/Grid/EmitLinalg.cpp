// linalg ops and the packing of columns, on a grid.
#include "Emit.h"
#include "Epilogue.h"
#include "LaneSums.h"
#include "RowChain.h"

#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
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
                const EmitOptions &options, linalg::LinalgOp reader = {})
      : g(b, op.getLoc()), b(b), op(op), reader(reader), initial(initial),
        options(options), ranges(op.getStaticLoopRanges()) {}

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

  /// Emits what `thread` of a block of `threads` does for the row at `row`, the
  /// point of the outermost loops.
  void emitRow(ValueRange row, Value thread, int64_t threads) {
    size_t rows = row.size();
    ArrayRef<int64_t> sizes = ArrayRef(ranges).drop_front(rows);
    int64_t count = countElements(sizes);
    auto getRowPoint = [&](Value number) {
      SmallVector<Value> point(row);
      llvm::append_range(point, g.split(number, sizes));
      return point;
    };
    if (op.getNumReductionLoops() == 0) {
      g.loop(llvm::alignTo(count, threads), threads, {},
             [&](Value start, ValueRange) -> SmallVector<Value> {
               Value number = g.add(start, thread);
               g.guard(count % threads ? g.below(number, count) : Value(), [&] {
                 SmallVector<Value> point = getRowPoint(number);
                 store(emitBody(point, loadResults(point)), point);
               });
               return {};
             });
      return;
    }
    (void)matchCombiner();
    Value sum = arith::ConstantOp::create(b, g.loc, neutral);
    sum = g.loop(llvm::alignTo(count, threads), threads, sum,
                 [&](Value start, ValueRange carried) -> SmallVector<Value> {
                   Value number = g.add(start, thread), known = number;
                   if (count % threads)
                     known = g.clamp(number, count - 1);
                   Value next = emitBody(getRowPoint(known), carried).front();
                   if (count % threads)
                     next = arith::SelectOp::create(
                         b, g.loc, g.below(number, count), next, carried[0]);
                   return {next};
                 })
              .front();
    LaneSums lanes(g, combiner);
    sum = lanes.addWarps(lanes.addLanes(sum), thread, threads / kWarp,
                         op->getParentOfType<gpu::GPUFuncOp>());
    g.guard(g.below(thread, 1), [&] {
      SmallVector<Value> point = getRowPoint(g.index(0));
      store(lanes.combine(loadResults(point).front(), sum), point);
    });
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
        reductions.back() + 1 != ranges.size() || ranges.back() < kWarp ||
        !isWorthSharing(op))
      return false;
    return matchCombiner();
  }

  bool matchCombiner() {
    combiner = findCombiner(op);
    if (combiner)
      neutral = *arith::getNeutralElement(combiner);
    return combiner;
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
  /// `operands`, if given, are those that are not read.
  SmallVector<Value> emitBody(ValueRange point, ValueRange results,
                              ValueRange operands = {}) {
    Block &block = op->getRegion(0).front();
    IRMapping mapping;
    for (OpOperand &operand : op->getOpOperands()) {
      BlockArgument argument = block.getArgument(operand.getOperandNumber());
      if (op.isDpsInit(&operand)) {
        mapping.map(argument,
                    results[operand.getOperandNumber() - op.getNumDpsInputs()]);
        continue;
      }
      if (argument.use_empty())
        continue;
      if (!operands.empty() && operands[operand.getOperandNumber()]) {
        mapping.map(argument, operands[operand.getOperandNumber()]);
        continue;
      }
      mapping.map(argument,
                  known.first && operand.get() == known.first
                      ? known.second
                      : g.load(operand.get(),
                               op.getMatchingIndexingMap(&operand), point));
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
    if (reader)
      return storeRead(values.front(), point);
    for (auto [value, out] : llvm::zip_equal(values, op.getDpsInitsMutable()))
      memref::StoreOp::create(b, g.loc, value, out.get(),
                              g.apply(op.getMatchingIndexingMap(&out), point));
  }

  /// What the reader makes of `sum`.
  void storeRead(Value sum, ValueRange point) {
    LinalgEmitter next(b, reader, Value(), options);
    next.known = {op.getDpsInits().front(), sum};
    ValueRange ofReader = point.take_front(reader.getNumLoops());
    next.store(next.emitBody(ofReader, next.loadResults(ofReader)), ofReader);
  }

  Value inside(Value number, int64_t count, int64_t launched) {
    return count == launched ? Value() : g.below(number, count);
  }

  /// Neighbouring results of a thread: as many as 16 bytes hold of the widest
  /// operand, if those are neighbours in the result, and if threads enough are
  /// left.
  int64_t countNeighbours(int64_t results) {
    if (!reductions.empty() || op.getNumDpsInits() != 1 || reader ||
        op.getNumLoops() == 0 || outer.back() + 1 != op.getNumLoops())
      return 1;
    int64_t bytes = 1;
    for (Value operand : op->getOperands())
      if (auto type = dyn_cast<MemRefType>(operand.getType())) {
        if (!type.getElementType().isIntOrFloat())
          return 1;
        bytes = std::max<int64_t>(
            bytes, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
      }
    int64_t count = std::max<int64_t>(1, kVectorBytes / bytes);
    while (ranges.back() % count != 0 || results / count < kBusyThreads)
      if ((count /= 2) <= 1)
        return 1;
    OpOperand &out = *op.getDpsInitOperand(0);
    return keepsNeighbours(cast<MemRefType>(out.get().getType()),
                           op.getMatchingIndexingMap(&out), count)
               ? count
               : 1;
  }

  /// A thread for `count` neighbouring results, which reads neighbours in one
  /// piece where they are.
  LaunchShape emitNeighbours(int64_t results, int64_t count) {
    int64_t vectors = results / count;
    int64_t blocks = llvm::divideCeil(vectors, kThreads);
    SmallVector<int64_t> sizes(outerSizes);
    sizes.back() /= count;
    Value number = g.globalThread(kThreads);
    g.guard(inside(number, vectors, blocks * kThreads), [&] {
      SmallVector<Value> first = g.split(number, sizes);
      first.back() = g.mul(first.back(), count);
      SmallVector<SmallVector<Value>> points;
      for (int64_t i = 0; i < count; ++i) {
        SmallVector<Value> position(first);
        position.back() = g.add(position.back(), i);
        points.push_back(getPoint(position, {}));
      }
      OpOperand &out = *op.getDpsInitOperand(0);
      SmallVector<SmallVector<Value>> operands(count);
      for (OpOperand &operand : op->getOpOperands()) {
        SmallVector<Value> elements(count);
        auto type = dyn_cast<MemRefType>(operand.get().getType());
        AffineMap map = op.getMatchingIndexingMap(&operand);
        if (op.getMatchingBlockArgument(&operand).use_empty()) {
          // Nobody sees them.
        } else if (type && keepsNeighbours(type, map, count)) {
          elements = splitElements(
              g, loadVector(operand.get(), type, map, points.front(), count));
        } else if (!map.isFunctionOfDim(map.getNumDims() - 1)) {
          elements.assign(count, g.load(operand.get(), map, points.front()));
        } else {
          for (int64_t i = 0; i < count; ++i)
            elements[i] = g.load(operand.get(), map, points[i]);
        }
        for (int64_t i = 0; i < count; ++i)
          operands[i].push_back(elements[i]);
      }
      SmallVector<Value> values;
      for (int64_t i = 0; i < count; ++i)
        values.push_back(
            emitBody(points[i], operands[i].back(), operands[i]).front());
      auto type = cast<MemRefType>(out.get().getType());
      vector::StoreOp::create(
          b, g.loc, joinElements(g, values), out.get(),
          g.apply(op.getMatchingIndexingMap(&out), points.front()),
          /*nontemporal=*/false, getAlignment(type, count));
    });
    return {blocks, 1, kThreads};
  }

  static llvm::MaybeAlign getAlignment(MemRefType type, int64_t count) {
    return llvm::MaybeAlign(count *
                            llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  }
  Value loadVector(Value buffer, MemRefType type, AffineMap map,
                   ValueRange point, int64_t count) {
    return vector::LoadOp::create(
        b, g.loc, VectorType::get(count, type.getElementType()), buffer,
        g.apply(map, point), /*nontemporal=*/false, getAlignment(type, count));
  }

  LaunchShape emitThreads(int64_t results) {
    if (int64_t count = countNeighbours(results); count > 1)
      return emitNeighbours(results, count);
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
      LaneSums lanes(g, combiner);
      sum = lanes.addLanes(sum);
      Value first = arith::CmpIOp::create(b, g.loc, arith::CmpIPredicate::eq,
                                          lane, g.index(0));
      g.guard(first, [&] {
        SmallVector<Value> zeros(reductions.size(), g.index(0));
        SmallVector<Value> point = getPoint(outerPoint, zeros);
        store(lanes.combine(loadResults(point).front(), sum), point);
      });
    });
    return {blocks, 1, warps * kWarp};
  }

  GridBuilder g;
  OpBuilder &b;
  linalg::LinalgOp op;
  /// The op that alone reads the results, at the same points.
  linalg::LinalgOp reader;
  /// A buffer that need not be read, and its element at this thread's point.
  std::pair<Value, Value> known;
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
                                        const EmitOptions &options,
                                        linalg::LinalgOp reader) {
  OpBuilder b(op);
  FailureOr<LaunchShape> shape =
      LinalgEmitter(b, op, initial, options, reader).emit();
  if (failed(shape))
    return shape;
  op->erase();
  if (reader)
    reader->erase();
  return shape;
}

LaunchShape mopt::emitRows(const RowChain &chain) {
  constexpr int64_t threads = 128;
  linalg::LinalgOp first = chain.members.front().op;
  OpBuilder b(first);
  GridBuilder g(b, first.getLoc());
  SmallVector<Value> row = g.split(g.block(), chain.rowSizes);
  Value thread = g.thread();
  EmitOptions options;
  for (auto [i, member] : llvm::enumerate(chain.members)) {
    // What one thread wrote, others read.
    if (i > 0)
      g.barrier();
    LinalgEmitter(b, member.op, member.initial, options)
        .emitRow(row, thread, threads);
  }
  for (const RowChain::Member &member : chain.members)
    linalg::LinalgOp(member.op)->erase();
  return {countElements(chain.rowSizes), 1, threads};
}

FailureOr<LaunchShape> mopt::emitPack(PackColumnsOp op) {
  OpBuilder b(op);
  GridBuilder g(b, op.getLoc());
  auto source = cast<MemRefType>(op.getSource().getType());
  auto init = cast<MemRefType>(op.getInit().getType());
  int64_t rank = source.getRank(), width = op.getBlockColumns(),
          interleave = op.getInterleave();
  int64_t columns =
      op.getPackedDimSize(op.getTransposed() ? rank - 2 : rank - 1);
  int64_t depth = op.getPackedDimSize(op.getTransposed() ? rank - 1 : rank - 2);
  int64_t count = init.getNumElements();
  int64_t blocks = llvm::divideCeil(count, kThreads);
  Value number = g.globalThread(kThreads);
  g.guard(g.below(number, count), [&] {
    SmallVector<Value> point = g.split(number, init.getShape());
    SmallVector<Value> from(ArrayRef(point).drop_back(3));
    // Behind the last column, and the last step, is 0.
    Value isInside;
    auto clamp = [&](Value value, int64_t size, int64_t group) {
      if (size % group == 0)
        return value;
      Value is = g.below(value, size);
      isInside = isInside ? arith::AndIOp::create(b, g.loc, isInside, is) : is;
      return g.clamp(value, size - 1);
    };
    Value column = clamp(
        g.add(g.mul(point[rank - 2], width), g.div(point[rank], interleave)),
        columns, width);
    Value step = clamp(g.add(g.mul(point[rank - 1], interleave),
                             g.rem(point[rank], interleave)),
                       depth, interleave);
    if (op.getTransposed())
      from.append({column, step});
    else
      from.append({step, column});
    SmallVector<Value> position(rank);
    for (auto [dim, index] : llvm::enumerate(from))
      position[op.getSourceDim(dim)] = index;
    Value value = memref::LoadOp::create(b, g.loc, op.getSource(), position);
    if (isInside) {
      Value zero = arith::ConstantOp::create(
          b, g.loc, b.getZeroAttr(source.getElementType()));
      value = arith::SelectOp::create(b, g.loc, isInside, value, zero);
    }
    memref::StoreOp::create(b, g.loc, value, op.getInit(), point);
  });
  op.erase();
  return LaunchShape{blocks, 1, kThreads};
}
