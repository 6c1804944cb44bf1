// Products of a few rows, which wait for the right side: each thread loads some
// neighbouring columns of it at once, and threads beside each other the next
// ones, then the next steps of the depth. The threads of a block share a strip
// of columns and add what they have summed in the order of the depth.
#include "Emit.h"
#include "Epilogue.h"
#include "ProductAccess.h"
#include "SharedBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// With more rows tiles waste less than these threads' registers would hold.
static constexpr int64_t kMostRows = 8;
/// Sums that a thread has at most.
static constexpr int64_t kMostSums = 32;
/// And of what it has loaded, in elements.
static constexpr int64_t kMostLoaded = 64;
/// What a thread loads at most at once.
static constexpr int64_t kChunk = 16;
static constexpr int64_t kThreads = 512, kWarp = 32;
/// Loads of a thread that are under way at most.
static constexpr int64_t kMostLoads = 8;
/// Blocks that keep a device busy.
static constexpr int64_t kEnoughBlocks = 128;
/// Columns of a packed block, and the fewest of a strip.
static constexpr int64_t kBlockColumns = 64, kLeastColumns = 16;

namespace {
class FewRowsEmitter {
public:
  FewRowsEmitter(OpBuilder &b, AnchorOpInterface op, PackedAccess &access)
      : g(b, op.getLoc()), b(b), op(op), access(access),
        sumType(op.getAccumulatorType()),
        element(cast<MemRefType>(access.rhs.getType()).getElementType()),
        bytes(element.getIntOrFloatBitWidth() / 8) {
    strip = kBlockColumns;
    while (strip > kLeastColumns &&
           llvm::divideCeil(access.columns, strip) * access.batches <
               kEnoughBlocks)
      strip /= 2;
    width = std::min(kChunk / bytes, strip);
    while (width > 1 && width * access.rows > kMostSums)
      width /= 2;
    across = strip / width;
    loads = std::min(kMostLoads, kMostLoaded / (width * access.rows));
    while (loads > 1 && kThreads / across * loads > access.depth)
      loads /= 2;
  }

  LaunchShape emit() {
    int64_t strips = llvm::divideCeil(access.columns, strip);
    Value thread = g.thread(), number = g.block();
    batch = g.div(number, strips);
    columnStart = g.mul(g.rem(number, strips), strip);
    Value start = g.mul(g.rem(thread, across), width);
    SmallVector<Value> sums = multiply(start, g.div(thread, across));
    addLanes(sums);
    finish(sums, thread, start);
    return {strips * access.batches, 1, kThreads};
  }

private:
  /// Columns from `start` in the strip on, and every so many steps from `first`
  /// on.
  SmallVector<Value> multiply(Value start, Value first) {
    int64_t steps = kThreads / across;
    Value zero = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(sumType));
    SmallVector<Value> sums(access.rows * width, zero);
    SharedBuilder &s = shared();
    Value begin = s.getStart(access.rhs);
    Value column = g.add(columnStart, start);
    Value place =
        g.add(access.getBlockPlace(g, batch, g.div(column, kBlockColumns)),
              g.rem(column, kBlockColumns));
    bool isRagged = access.depth % (steps * loads) != 0;
    return g.loop(
        access.depth, steps * loads, sums, [&](Value k, ValueRange values) {
          SmallVector<Value> next(values), at, isInside, weights;
          for (int64_t i = 0; i < loads; ++i) {
            Value step = g.add(g.add(k, first), i * steps);
            isInside.push_back(isRagged ? g.below(step, access.depth)
                                        : Value());
            at.push_back(isRagged ? g.clamp(step, access.depth - 1) : step);
            weights.push_back(LLVM::LoadOp::create(
                b, g.loc, VectorType::get(width, element),
                s.getGlobal(begin, g.add(place, g.mul(at[i], kBlockColumns)),
                            bytes),
                width * bytes));
          }
          for (int64_t i = 0; i < loads; ++i)
            addStep(next, at[i], isInside[i], splitElements(g, weights[i]));
          return next;
        });
  }

  /// What is behind the depth counts as 0 on both sides: it may be infinite.
  void addStep(SmallVectorImpl<Value> &sums, Value k, Value isInside,
               SmallVector<Value> weights) {
    for (Value &weight : weights)
      weight =
          orZero(widenElement(g, weight, sumType, op->hasAttr("unsigned_rhs")),
                 isInside);
    for (int64_t row = 0; row < access.rows; ++row) {
      Value x = access.loadLhs(g, batch, g.index(row), k);
      x = orZero(widenElement(g, x, sumType, op->hasAttr("unsigned_lhs")),
                 isInside);
      for (int64_t i = 0; i < width; ++i) {
        Value &sum = sums[row * width + i];
        sum = multiplyAdd(g, x, weights[i], sum);
      }
    }
  }

  Value orZero(Value value, Value condition) {
    if (!condition)
      return value;
    Value zero = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(sumType));
    return arith::SelectOp::create(b, g.loc, condition, value, zero);
  }

  Value addSums(Value x, Value y) {
    if (isa<FloatType>(sumType))
      return arith::AddFOp::create(b, g.loc, x, y);
    return arith::AddIOp::create(b, g.loc, x, y);
  }

  /// Lanes of a warp that have the same columns.
  void addLanes(SmallVectorImpl<Value> &sums) {
    for (int64_t distance = across; distance < kWarp; distance *= 2)
      for (Value &sum : sums) {
        Value other = gpu::ShuffleOp::create(b, g.loc, sum, distance, kWarp,
                                             gpu::ShuffleMode::XOR)
                          .getShuffleResult();
        sum = addSums(sum, other);
      }
  }

  int64_t countSums() const { return access.rows * strip; }

  SharedBuilder &shared() {
    if (!memory)
      memory.emplace(g, op->getParentOfType<gpu::GPUFuncOp>(),
                     kThreads / kWarp * countSums() * 4);
    return *memory;
  }

  void finish(ArrayRef<Value> sums, Value thread, Value start) {
    SharedBuilder &s = shared();
    Value lane = g.rem(thread, kWarp);
    Value ofWarp = s.mul(s.toWord(g.div(thread, kWarp)), countSums() * 4);
    g.guard(g.below(lane, across), [&] {
      for (auto [i, sum] : llvm::enumerate(sums)) {
        int64_t row = i / width, column = i % width;
        Value place = s.add(ofWarp, s.mul(s.toWord(start), 4));
        LLVM::StoreOp::create(
            b, g.loc, sum, s.getShared(place, (row * strip + column) * 4), 4);
      }
    });
    g.barrier();
    g.loop(countSums(), kThreads, {}, [&](Value first, ValueRange) {
      Value number = g.add(first, thread);
      Value row = g.div(number, strip),
            column = g.add(columnStart, g.rem(number, strip));
      Value isInside = g.below(column, access.columns);
      if (countSums() % kThreads != 0)
        isInside = arith::AndIOp::create(b, g.loc, isInside,
                                         g.below(number, countSums()));
      g.guard(isInside, [&] {
        Value place = s.mul(s.toWord(number), 4), total;
        for (int64_t warp = 0; warp < kThreads / kWarp; ++warp) {
          Value sum = LLVM::LoadOp::create(
              b, g.loc, sumType, s.getShared(place, warp * countSums() * 4), 4);
          total = total ? addSums(total, sum) : sum;
        }
        storeResults(g, op, access.getPoint(g, batch, row, column), total);
      });
      return SmallVector<Value>();
    });
  }

  GridBuilder g;
  OpBuilder &b;
  AnchorOpInterface op;
  PackedAccess &access;
  Type sumType, element;
  int64_t bytes;
  /// Columns of a block and of a thread, and threads that share those of a
  /// block at one step of the depth; and loads under way.
  int64_t strip, width, across, loads;
  std::optional<SharedBuilder> memory;
  Value batch, columnStart;
};
} // namespace

std::optional<LaunchShape> mopt::emitFewRows(AnchorOpInterface op,
                                             PackedAccess &access,
                                             const EmitOptions &options) {
  Type sums = op.getAccumulatorType();
  if (access.rows > kMostRows || access.columns < kLeastColumns ||
      access.width != kBlockColumns || access.interleave != 1)
    return std::nullopt;
  // Lanes exchange words; sums of floats are in another order.
  if (sums.getIntOrFloatBitWidth() != 32 ||
      (isa<FloatType>(sums) && !options.reassociate))
    return std::nullopt;
  OpBuilder b(op);
  return FewRowsEmitter(b, op, access).emit();
}
