// Products on a grid: a thread for each result, or tiles of results in the
// registers of threads, four by four, whose operands pass through shared memory
// 16 steps of the depth at a time. Where there are few results, several groups
// of threads divide the depth among them. The epilogue is scalar throughout.
#include "Emit.h"
#include "Epilogue.h"
#include "ProductAccess.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"
#include "mopt/Target/SparseKernels.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Steps of the depth that are in shared memory, and results of a thread each
/// way.
static constexpr int64_t kDepth = 16, kResults = 4;
/// Slices of the depth that are on their way: memory answers after as long as
/// these take to multiply.
static constexpr int64_t kAhead = 3;
/// Up to here a tile would mostly be empty.
static constexpr int64_t kFewRows = 8;
/// Blocks that keep a device busy.
static constexpr int64_t kEnoughBlocks = 128;
static constexpr int64_t kWarp = 32;

namespace {
/// Results of a block each way, and the parts that its depth is cut into.
struct Tile {
  int64_t rows = 64, columns = 64, parts = 1;

  int64_t getThreads() const { return rows * columns / (kResults * kResults); }
  /// Elements of one step of the left side: the next one begins in another
  /// bank.
  int64_t getPitch() const { return rows + 4; }
};

class AnchorEmitter {
public:
  AnchorEmitter(OpBuilder &b, AnchorOpInterface op, ProductAccess &access,
                const EmitOptions &options)
      : g(b, op.getLoc()), b(b), op(op), access(access), options(options),
        type(op.getAccumulatorType()) {}

  LaunchShape emit() {
    bool isTiled = type.isF32() && access.rows > kFewRows &&
                   access.columns > kFewRows &&
                   !isa<DepthwiseAnchorOp>(op.getOperation());
    return isTiled ? emitTiles() : emitThreads();
  }

private:
  Value loadLhs(Value batch, Value row, Value k) {
    return widenElement(g, access.loadLhs(g, batch, row, k), type,
                        op->hasAttr("unsigned_lhs"));
  }
  Value loadRhs(Value batch, Value column, Value k) {
    return widenElement(g, access.loadRhs(g, batch, column, k), type,
                        op->hasAttr("unsigned_rhs"));
  }

  Value zero() {
    return arith::ConstantOp::create(b, g.loc, b.getZeroAttr(type));
  }

  void finish(Value batch, Value row, Value column, Value sum) {
    storeResults(g, op, access.getPoint(g, batch, row, column), sum);
  }

  /// Parts of the depth, each of at least `least` steps, for `blocks` blocks of
  /// one part each.
  int64_t choosePartCount(int64_t blocks, int64_t least, int64_t most) {
    int64_t parts = 1;
    while (options.reassociate && parts < most &&
           blocks * parts < 2 * kEnoughBlocks &&
           access.depth >= 2 * parts * least)
      parts *= 2;
    return parts;
  }

  LaunchShape emitThreads() {
    // A depthwise convolution's channels are neighbours.
    bool batchesLast = access.columns == 1;
    int64_t sizes[] = {batchesLast ? 1 : access.batches, access.rows,
                       batchesLast ? access.batches : access.columns};
    int64_t count = countElements(sizes);
    int64_t warps = llvm::divideCeil(count, kWarp);
    int64_t parts =
        isa<FloatType>(type) ? choosePartCount(warps, /*least=*/32, 16) : 1;
    int64_t threads = parts == 1 ? 128 : kWarp;
    int64_t blocks = llvm::divideCeil(count, threads);
    Value thread = g.thread();
    Value part = g.div(thread, threads);
    Value number = g.add(g.mul(g.block(), threads), g.rem(thread, threads));
    Value isInside =
        count == blocks * threads ? Value() : g.below(number, count);
    // All threads of a block must meet, so that those behind the last result
    // compute it once more.
    SmallVector<Value> at =
        g.split(isInside ? g.clamp(number, count - 1) : number, sizes);
    Value batch = at[batchesLast ? 2 : 0], row = at[1],
          column = batchesLast ? g.index(0) : at[2];
    int64_t depth = llvm::divideCeil(access.depth, parts);
    Value start = g.mul(part, depth);
    bool isRagged = depth * parts != access.depth;
    Value sum =
        g.loop(depth, 1, zero(), [&](Value step, ValueRange carried) {
           Value k = g.add(start, step), from = k;
           if (isRagged)
             from = g.clamp(k, access.depth - 1);
           Value next = multiplyAdd(g, loadLhs(batch, row, from),
                                    loadRhs(batch, column, from), carried[0]);
           if (isRagged)
             next = arith::SelectOp::create(b, g.loc, g.below(k, access.depth),
                                            next, carried[0]);
           return SmallVector<Value>{next};
         }).front();
    Value isFirst = isInside;
    if (parts > 1) {
      SmallVector<Value> sums{sum};
      addParts(sums, part, g.rem(thread, kWarp), parts, kWarp);
      sum = sums.front();
      isFirst = g.below(part, 1);
      if (isInside)
        isFirst = arith::AndIOp::create(b, g.loc, isFirst, isInside);
    }
    g.guard(isFirst, [&] { finish(batch, row, column, sum); });
    return {blocks, 1, threads * parts};
  }

  /// What the other parts of a block have summed, added in their order to what
  /// the first has. `thread` is the number of this one in its part of
  /// `threads`.
  void addParts(SmallVectorImpl<Value> &sums, Value part, Value thread,
                int64_t parts, int64_t threads) {
    int64_t count = sums.size();
    Value shared = addShared((parts - 1) * threads * count);
    Value isOther = arith::CmpIOp::create(b, g.loc, arith::CmpIPredicate::ne,
                                          part, g.index(0));
    // Neighbouring threads use neighbouring banks.
    auto place = [&](Value other, int64_t i) {
      return g.add(g.mul(g.add(g.mul(other, count), i), threads), thread);
    };
    g.guard(isOther, [&] {
      Value other = arith::SubIOp::create(b, g.loc, part, g.index(1));
      for (int64_t i = 0; i < count; ++i)
        memref::StoreOp::create(b, g.loc, sums[i], shared, place(other, i));
    });
    g.barrier();
    // The other parts read what they do not use.
    for (int64_t other = 0; other < parts - 1; ++other)
      for (int64_t i = 0; i < count; ++i) {
        Value more =
            memref::LoadOp::create(b, g.loc, shared, place(g.index(other), i));
        sums[i] = arith::AddFOp::create(b, g.loc, sums[i], more);
      }
  }

  /// A buffer of a block.
  Value addShared(int64_t elements) {
    auto function = op->getParentOfType<gpu::GPUFuncOp>();
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    unsigned number = function.getNumWorkgroupAttributions();
    Value shared = function.addWorkgroupAttribution(
        MemRefType::get({elements}, type, MemRefLayoutAttrInterface(), space),
        g.loc);
    // As the vectors that are loaded from it.
    function.setWorkgroupAttributionAttr(number, "llvm.align",
                                         b.getI64IntegerAttr(16));
    return shared;
  }

  Value orZero(Value value, Value condition) {
    return condition
               ? arith::SelectOp::create(b, g.loc, condition, value, zero())
                     .getResult()
               : value;
  }

  SmallVector<Value> loadVector(Value shared, Value position) {
    auto vector = VectorType::get(kResults, type);
    Value whole = vector::LoadOp::create(b, g.loc, vector, shared, position,
                                         /*nontemporal=*/false,
                                         /*alignment=*/llvm::MaybeAlign(16));
    SmallVector<Value> elements;
    for (int64_t i = 0; i < kResults; ++i)
      elements.push_back(vector::ExtractOp::create(b, g.loc, whole, i));
    return elements;
  }

  int64_t countBlocks(const Tile &tile) {
    return llvm::divideCeil(access.rows, tile.rows) *
           llvm::divideCeil(access.columns, tile.columns) * access.batches;
  }

  Tile chooseTile() {
    static constexpr Tile tiles[] = {{64, 64, 1}, {32, 32, 1}, {16, 32, 1}};
    Tile tile;
    for (const Tile &candidate : tiles) {
      tile = candidate;
      if (countBlocks(tile) >= kEnoughBlocks)
        return tile;
    }
    tile.parts = choosePartCount(countBlocks(tile), /*least=*/4 * kDepth, 8);
    return tile;
  }

  LaunchShape emitTiles() {
    tile = chooseTile();
    int64_t rowTiles = llvm::divideCeil(access.rows, tile.rows);
    int64_t columnTiles = llvm::divideCeil(access.columns, tile.columns);
    int64_t threads = tile.getThreads();
    Value left = addShared(tile.parts * kDepth * tile.getPitch()),
          right = addShared(tile.parts * kDepth * tile.columns);
    Value all = g.thread();
    Value part = g.div(all, threads), thread = g.rem(all, threads);
    // Neighbouring blocks share rows of the left side.
    Value number = g.block();
    columnStart = g.mul(g.rem(number, columnTiles), tile.columns);
    rowStart = g.mul(g.div(number, columnTiles), tile.rows);
    batch = g.block(gpu::Dimension::y);
    int64_t across = tile.columns / kResults;
    Value rowOfThread = g.mul(g.div(thread, across), kResults);
    Value columnOfThread = g.mul(g.rem(thread, across), kResults);
    leftStart = g.mul(part, kDepth * tile.getPitch());
    rightStart = g.mul(part, kDepth * tile.columns);

    // Every part takes as many steps.
    depth = llvm::alignTo(llvm::divideCeil(access.depth, tile.parts), kDepth);
    Value start = g.mul(part, depth);
    int64_t count = kResults * kResults;
    SmallVector<Value> carried(count, zero());
    int64_t last = depth - kDepth;
    for (int64_t slice = 0; slice < kAhead; ++slice)
      llvm::append_range(
          carried,
          loadSlice(g.add(start, std::min(slice * kDepth, last)), thread));
    int64_t loads = getLeftLoads() + getRightLoads();
    carried = g.loop(depth, kDepth, carried, [&](Value k, ValueRange values) {
      g.barrier();
      storeSlice(values.slice(count, loads), left, right, thread);
      g.barrier();
      // Behind the last slice that one again.
      Value ahead = g.clamp(g.add(k, kAhead * kDepth), last);
      SmallVector<Value> slices(values.drop_front(count + loads));
      llvm::append_range(slices, loadSlice(g.add(start, ahead), thread));
      SmallVector<Value> next(values.take_front(count));
      Value leftOfThread = g.add(leftStart, rowOfThread);
      Value rightOfThread = g.add(rightStart, columnOfThread);
      for (int64_t step = 0; step < kDepth; ++step) {
        SmallVector<Value> xs =
            loadVector(left, g.add(leftOfThread, step * tile.getPitch()));
        SmallVector<Value> ys =
            loadVector(right, g.add(rightOfThread, step * tile.columns));
        for (int64_t i = 0; i < count; ++i)
          next[i] = multiplyAdd(g, xs[i / kResults], ys[i % kResults], next[i]);
      }
      llvm::append_range(next, slices);
      return next;
    });
    SmallVector<Value> sums(ArrayRef(carried).take_front(count));
    if (tile.parts > 1)
      addParts(sums, part, thread, tile.parts, threads);
    g.guard(tile.parts > 1 ? g.below(part, 1) : Value(),
            [&] { finishTile(sums, rowOfThread, columnOfThread); });
    return {rowTiles * columnTiles, access.batches, threads * tile.parts};
  }

  void finishTile(ArrayRef<Value> sums, Value rowOfThread,
                  Value columnOfThread) {
    for (int64_t i = 0; i < kResults; ++i) {
      Value row = g.add(rowStart, g.add(rowOfThread, i));
      g.guard(access.rows % tile.rows ? g.below(row, access.rows) : Value(),
              [&] {
                for (int64_t j = 0; j < kResults; ++j) {
                  Value column = g.add(columnStart, g.add(columnOfThread, j));
                  g.guard(access.columns % tile.columns
                              ? g.below(column, access.columns)
                              : Value(),
                          [&] {
                            finish(batch, row, column, sums[i * kResults + j]);
                          });
                }
              });
    }
  }

  /// Elements of a slice that each thread brings, of the left side and the
  /// right.
  int64_t getLeftLoads() { return tile.rows * kDepth / tile.getThreads(); }
  int64_t getRightLoads() { return tile.columns * kDepth / tile.getThreads(); }
  /// Of the thread's element `i` of the left side: its step of the depth and
  /// its row. Neighbouring threads read neighbours along the depth.
  std::pair<Value, Value> getLeft(Value thread, int64_t i) {
    Value element = g.add(thread, i * tile.getThreads());
    return {g.rem(element, kDepth), g.div(element, kDepth)};
  }
  /// Of the right side: neighbouring threads read neighbouring columns.
  std::pair<Value, Value> getRight(Value thread, int64_t i) {
    Value element = g.add(thread, i * tile.getThreads());
    return {g.div(element, tile.columns), g.rem(element, tile.columns)};
  }

  /// This thread's elements of the 16 steps from `k` on, zeros behind the last.
  SmallVector<Value> loadSlice(Value k, Value thread) {
    bool isRagged = depth * tile.parts != access.depth;
    SmallVector<Value> values;
    auto add = [&](Value step, bool isLeft, Value position, int64_t size,
                   int64_t tileSize) {
      Value at = g.add(k, step), from = at, isInside;
      if (isRagged) {
        isInside = g.below(at, access.depth);
        from = g.clamp(at, access.depth - 1);
      }
      if (size % tileSize)
        position = g.clamp(position, size - 1);
      values.push_back(orZero(isLeft ? loadLhs(batch, position, from)
                                     : loadRhs(batch, position, from),
                              isInside));
    };
    for (int64_t i = 0; i < getLeftLoads(); ++i) {
      auto [step, row] = getLeft(thread, i);
      add(step, /*isLeft=*/true, g.add(rowStart, row), access.rows, tile.rows);
    }
    for (int64_t i = 0; i < getRightLoads(); ++i) {
      auto [step, column] = getRight(thread, i);
      add(step, /*isLeft=*/false, g.add(columnStart, column), access.columns,
          tile.columns);
    }
    return values;
  }

  void storeSlice(ValueRange values, Value left, Value right, Value thread) {
    for (int64_t i = 0; i < getLeftLoads(); ++i) {
      auto [step, row] = getLeft(thread, i);
      memref::StoreOp::create(
          b, g.loc, values[i], left,
          g.add(leftStart, g.add(g.mul(step, tile.getPitch()), row)));
    }
    for (int64_t i = 0; i < getRightLoads(); ++i) {
      auto [step, column] = getRight(thread, i);
      memref::StoreOp::create(
          b, g.loc, values[getLeftLoads() + i], right,
          g.add(rightStart, g.add(g.mul(step, tile.columns), column)));
    }
  }

  GridBuilder g;
  OpBuilder &b;
  AnchorOpInterface op;
  ProductAccess &access;
  const EmitOptions &options;
  Type type;
  /// Of a tiled product: what the block computes, from where on, and where its
  /// part of the block has its slices. `depth` is that of a part.
  Tile tile;
  int64_t depth = 0;
  Value batch, rowStart, columnStart, leftStart, rightStart;
};
} // namespace

/// What warps multiply the weights of `op` by; empty if they do not.
static StringRef getWarpInstruction(SparseAnchorOp op) {
  ConfigAttr config = op.getConfig();
  if (config.getMatrixUnit() == "warp")
    return config.getInstruction();
  TargetAttr target = TargetAttr::lookup(op);
  bool isUnsigned = config.getInstruction().ends_with(".u8");
  const MicroKernelRow *row =
      target
          ? findDeviceSparseRow(target,
                                getElementTypeOrSelf(op.getValues().getType()),
                                isUnsigned, "warp")
          : nullptr;
  return row ? StringRef(row->instruction) : StringRef();
}

/// By groups of warps where these take the left side, else by warps.
static FailureOr<LaunchShape> emitSparse(SparseAnchorOp op) {
  std::optional<LaunchShape> shape;
  if (op.getConfig().getMatrixUnit() == "warpgroup")
    shape = emitSparseProduct(op);
  if (!shape) {
    std::unique_ptr<ProductAccess> access =
        createProductAccess(cast<AnchorOpInterface>(op.getOperation()));
    PackedAccess *packed = access->asPacked();
    StringRef instruction = getWarpInstruction(op);
    if (!packed || instruction.empty())
      return op.emitError("multiplies sparse weights by rows that warps do not "
                          "reach, which is not supported");
    shape = emitSparseWarpProduct(op, *packed, instruction);
  }
  op.erase();
  return *shape;
}

FailureOr<LaunchShape> mopt::emitAnchor(AnchorOpInterface op,
                                        const EmitOptions &options) {
  if (auto sparse = dyn_cast<SparseAnchorOp>(op.getOperation()))
    return emitSparse(sparse);
  std::unique_ptr<ProductAccess> access = createProductAccess(op);
  if (!access)
    return failure();
  // Integers are exact in any order.
  if (options.hasWarpgroupProducts &&
      (options.reassociate || !isa<FloatType>(op.getAccumulatorType()))) {
    std::optional<LaunchShape> shape =
        emitClusterProduct(op, *access, options.hasConstantRhs);
    if (!shape)
      shape = emitWarpgroupProduct(op, *access, /*sparesPacking=*/false);
    if (shape) {
      op->erase();
      return *shape;
    }
  }
  OpBuilder b(op);
  if (PackedAccess *packed = access->asPacked()) {
    std::optional<LaunchShape> shape = emitWarpProduct(op, *packed, options);
    if (!shape)
      shape = emitFewRows(op, *packed, options);
    if (shape) {
      op->erase();
      return *shape;
    }
  }
  if (getSmallFloat(op))
    return op->emitError("multiplies floats of 8 bits, which is not supported "
                         "for sides in such an order, or in strict order");
  LaunchShape shape = AnchorEmitter(b, op, *access, options).emit();
  op->erase();
  return shape;
}
