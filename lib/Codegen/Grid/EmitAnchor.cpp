// Products on a grid: a thread for each result, or tiles of 64 x 64 results in
// registers of 256 threads, whose operands pass through shared memory 16 steps
// of the depth at a time. The epilogue is scalar either way.
#include "Emit.h"
#include "ProductAccess.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kThreads = 256;
/// Results of a tile each way, steps of the depth, and results of a thread.
static constexpr int64_t kTile = 64, kDepth = 16, kResults = 4;
/// Elements of one step of the left side: the next one begins in another bank.
static constexpr int64_t kPitch = kTile + 4;
/// Up to here a tile would mostly be empty.
static constexpr int64_t kFewRows = 8;

namespace {
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
  Value widen(Value value, bool isUnsigned) {
    if (value.getType() == type)
      return value;
    if (isa<FloatType>(type) && isa<FloatType>(value.getType()))
      return arith::ExtFOp::create(b, g.loc, type, value);
    if (isa<FloatType>(type))
      return arith::SIToFPOp::create(b, g.loc, type, value);
    if (isUnsigned)
      return arith::ExtUIOp::create(b, g.loc, type, value);
    return arith::ExtSIOp::create(b, g.loc, type, value);
  }

  Value loadLhs(Value batch, Value row, Value k) {
    return widen(access.loadLhs(g, batch, row, k), op->hasAttr("unsigned_lhs"));
  }
  Value loadRhs(Value batch, Value column, Value k) {
    return widen(access.loadRhs(g, batch, column, k),
                 op->hasAttr("unsigned_rhs"));
  }

  Value zero() {
    return arith::ConstantOp::create(b, g.loc, b.getZeroAttr(type));
  }

  Value multiplyAdd(Value x, Value y, Value sum) {
    if (!isa<FloatType>(type))
      return arith::AddIOp::create(b, g.loc, sum,
                                   arith::MulIOp::create(b, g.loc, x, y));
    if (options.contract)
      return math::FmaOp::create(b, g.loc, x, y, sum);
    return arith::AddFOp::create(b, g.loc, sum,
                                 arith::MulFOp::create(b, g.loc, x, y));
  }

  void finish(Value batch, Value row, Value column, Value sum) {
    SmallVector<Value> point = access.getPoint(g, batch, row, column);
    Block &epilogue = op.getEpilogue().front();
    IRMapping values;
    values.map(epilogue.getArgument(0), sum);
    for (auto [argument, input, map] :
         llvm::zip_equal(epilogue.getArguments().drop_front(),
                         op.getEpilogueInputs(), op.getEpilogueIndexingMaps()))
      values.map(argument, g.load(input, map, point));
    for (Operation &scalar : epilogue.without_terminator())
      b.clone(scalar, values);
    Value result =
        values.lookupOrDefault(epilogue.getTerminator()->getOperand(0));
    memref::StoreOp::create(b, g.loc, result, op.getInit(),
                            g.apply(op.getInitIndexingMap(), point));
  }

  LaunchShape emitThreads() {
    // A depthwise convolution's channels are neighbours.
    bool batchesLast = access.columns == 1;
    int64_t sizes[] = {batchesLast ? 1 : access.batches, access.rows,
                       batchesLast ? access.batches : access.columns};
    int64_t count = countElements(sizes);
    int64_t threads = 128, blocks = llvm::divideCeil(count, threads);
    Value number = g.globalThread(threads);
    Value inside = count == blocks * threads ? Value() : g.below(number, count);
    g.guard(inside, [&] {
      SmallVector<Value> at = g.split(number, sizes);
      Value batch = at[batchesLast ? 2 : 0], row = at[1],
            column = batchesLast ? g.index(0) : at[2];
      Value sum =
          g.loop(access.depth, 1, zero(), [&](Value k, ValueRange carried) {
             return SmallVector<Value>{multiplyAdd(loadLhs(batch, row, k),
                                                   loadRhs(batch, column, k),
                                                   carried[0])};
           }).front();
      finish(batch, row, column, sum);
    });
    return {blocks, 1, threads};
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

  LaunchShape emitTiles() {
    int64_t rowTiles = llvm::divideCeil(access.rows, kTile);
    int64_t columnTiles = llvm::divideCeil(access.columns, kTile);
    Value left = addShared(kDepth * kPitch), right = addShared(kDepth * kTile);
    Value thread = g.thread();
    // Neighbouring blocks share rows of the left side.
    Value number = g.block();
    Value columnStart = g.mul(g.rem(number, columnTiles), kTile);
    Value rowStart = g.mul(g.div(number, columnTiles), kTile);
    Value batch = g.block(gpu::Dimension::y);
    Value rowOfThread = g.mul(g.div(thread, kTile / kResults), kResults);
    Value columnOfThread = g.mul(g.rem(thread, kTile / kResults), kResults);

    SmallVector<Value> sums(kResults * kResults, zero());
    sums = g.loop(access.depth, kDepth, sums, [&](Value k, ValueRange carried) {
      stage(left, right, batch, rowStart, columnStart, k, thread);
      g.barrier();
      SmallVector<Value> next(carried);
      for (int64_t step = 0; step < kDepth; ++step) {
        SmallVector<Value> xs =
            loadVector(left, g.add(rowOfThread, step * kPitch));
        SmallVector<Value> ys =
            loadVector(right, g.add(columnOfThread, step * kTile));
        for (int64_t i = 0; i < kResults; ++i)
          for (int64_t j = 0; j < kResults; ++j)
            next[i * kResults + j] =
                multiplyAdd(xs[i], ys[j], next[i * kResults + j]);
      }
      g.barrier();
      return next;
    });
    for (int64_t i = 0; i < kResults; ++i) {
      Value row = g.add(rowStart, g.add(rowOfThread, i));
      g.guard(access.rows % kTile ? g.below(row, access.rows) : Value(), [&] {
        for (int64_t j = 0; j < kResults; ++j) {
          Value column = g.add(columnStart, g.add(columnOfThread, j));
          g.guard(access.columns % kTile ? g.below(column, access.columns)
                                         : Value(),
                  [&] { finish(batch, row, column, sums[i * kResults + j]); });
        }
      });
    }
    return {rowTiles * columnTiles, access.batches, kThreads};
  }

  /// Brings 16 steps of the depth from `k` on into shared memory, zeros behind
  /// the last.
  void stage(Value left, Value right, Value batch, Value rowStart,
             Value columnStart, Value k, Value thread) {
    bool isRagged = access.depth % kDepth != 0;
    SmallVector<std::pair<Value, Value>> lhs, rhs;
    for (int64_t i = 0; i < kTile * kDepth / kThreads; ++i) {
      Value element = g.add(thread, i * kThreads);
      // Neighbouring threads read neighbours along the depth.
      Value step = g.rem(element, kDepth), row = g.div(element, kDepth);
      Value at = g.add(k, step), from = at;
      Value isInside;
      if (isRagged) {
        isInside = g.below(at, access.depth);
        from = g.clamp(at, access.depth - 1);
      }
      Value position = g.add(rowStart, row);
      if (access.rows % kTile)
        position = g.clamp(position, access.rows - 1);
      lhs.push_back({orZero(loadLhs(batch, position, from), isInside),
                     g.add(g.mul(step, kPitch), row)});
    }
    for (int64_t i = 0; i < kTile * kDepth / kThreads; ++i) {
      Value element = g.add(thread, i * kThreads);
      Value step = g.div(element, kTile), column = g.rem(element, kTile);
      Value at = g.add(k, step), from = at;
      Value isInside;
      if (isRagged) {
        isInside = g.below(at, access.depth);
        from = g.clamp(at, access.depth - 1);
      }
      Value position = g.add(columnStart, column);
      if (access.columns % kTile)
        position = g.clamp(position, access.columns - 1);
      rhs.push_back({orZero(loadRhs(batch, position, from), isInside),
                     g.add(g.mul(step, kTile), column)});
    }
    // All loads are under way before the first one is waited for.
    for (auto [value, at] : lhs)
      memref::StoreOp::create(b, g.loc, value, left, at);
    for (auto [value, at] : rhs)
      memref::StoreOp::create(b, g.loc, value, right, at);
  }

  GridBuilder g;
  OpBuilder &b;
  AnchorOpInterface op;
  ProductAccess &access;
  const EmitOptions &options;
  Type type;
};
} // namespace

FailureOr<LaunchShape> mopt::emitAnchor(AnchorOpInterface op,
                                        const EmitOptions &options) {
  std::unique_ptr<ProductAccess> access = createProductAccess(op);
  if (!access)
    return failure();
  OpBuilder b(op);
  LaunchShape shape = AnchorEmitter(b, op, *access, options).emit();
  op->erase();
  return shape;
}
