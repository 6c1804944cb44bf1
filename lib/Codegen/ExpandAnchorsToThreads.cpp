// Level in and out: buffer. Contraction anchors become gpu.launch ops in which
// one thread computes one element, with the same scalar epilogue that the
// micro-kernels of processors apply to vectors: slow, and the plainest form
// that a tuned template has to agree with.
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EXPANDANCHORSTOTHREADS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static constexpr int64_t kThreadsPerBlock = 128;

namespace {
/// The body of a thread, and what it is made from.
class ThreadEmitter {
public:
  ThreadEmitter(OpBuilder &b, ContractAnchorOp op)
      : b(b), loc(op.getLoc()), op(op),
        anchor(cast<AnchorOpInterface>(op.getOperation())) {}

  void emit() {
    SmallVector<Value> sizes = getOutputSizes();
    Value count = index(1);
    for (Value size : sizes)
      count = arith::MulIOp::create(b, loc, count, size);
    Value one = index(1), threads = index(kThreadsPerBlock);
    // A grid must not be empty.
    Value blocks = arith::MaxUIOp::create(
        b, loc, one, arith::CeilDivUIOp::create(b, loc, count, threads));
    auto launch =
        gpu::LaunchOp::create(b, loc, blocks, one, one, threads, one, one);
    b.setInsertionPointToStart(&launch.getBody().front());
    Value number = arith::AddIOp::create(
        b, loc,
        arith::MulIOp::create(b, loc, launch.getBlockIds().x,
                              launch.getBlockSize().x),
        launch.getThreadIds().x);
    Value isInside =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, number, count);
    auto branch = scf::IfOp::create(b, loc, isInside, /*withElse=*/false);
    gpu::TerminatorOp::create(b, loc);
    b.setInsertionPointToStart(branch.thenBlock());
    emitElement(split(number, sizes));
  }

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }

  /// The sizes [b.., m, n], read off the destination.
  SmallVector<Value> getOutputSizes() {
    AffineMap map = op.getInitIndexingMap();
    SmallVector<Value> sizes(map.getNumDims());
    for (auto [position, expr] : llvm::enumerate(map.getResults()))
      sizes[cast<AffineDimExpr>(expr).getPosition()] =
          memref::DimOp::create(b, loc, op.getInit(), position);
    return sizes;
  }

  /// The coordinates of element `number` in row-major order.
  SmallVector<Value> split(Value number, ArrayRef<Value> sizes) {
    SmallVector<Value> point(sizes.size());
    for (int64_t dim = sizes.size() - 1; dim > 0; --dim) {
      point[dim] = arith::RemUIOp::create(b, loc, number, sizes[dim]);
      number = arith::DivUIOp::create(b, loc, number, sizes[dim]);
    }
    point[0] = number;
    return point;
  }

  Value load(Value buffer, AffineMap map, ArrayRef<Value> point,
             ValueRange more = {}) {
    SmallVector<Value> indices = at(map, point);
    llvm::append_range(indices, more);
    return memref::LoadOp::create(b, loc, buffer, indices);
  }

  SmallVector<Value> at(AffineMap map, ArrayRef<Value> point) {
    SmallVector<Value> indices;
    for (AffineExpr expr : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      indices.push_back(dim ? point[dim.getPosition()] : index(0));
    }
    return indices;
  }

  /// A sum in the type of the epilogue's first argument.
  Value widen(Value value, Type type) {
    return value.getType() == type
               ? value
               : arith::ExtFOp::create(b, loc, type, value).getResult();
  }

  void emitElement(ArrayRef<Value> point) {
    Block &epilogue = op.getEpilogue().front();
    Type type = epilogue.getArgument(0).getType();
    int64_t rank = point.size();
    Value width = index(op.getBlockColumns());
    Value block = arith::DivUIOp::create(b, loc, point.back(), width);
    Value lane = arith::RemUIOp::create(b, loc, point.back(), width);
    auto rhs = cast<MemRefType>(op.getRhs().getType());
    Value depth = memref::DimOp::create(b, loc, op.getRhs(), rhs.getRank() - 2);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    auto loop =
        scf::ForOp::create(b, loc, index(0), depth, index(1), ValueRange{zero});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> left(point), right(point);
      left[rank - 1] = right[rank - 1] = loop.getInductionVar();
      right[rank - 2] = block;
      Value x = widen(load(op.getLhs(), op.getLhsIndexingMap(), left), type);
      Value w =
          widen(load(op.getRhs(), op.getRhsIndexingMap(), right, lane), type);
      Value product =
          arith::MulFOp::create(b, loc, x, w, arith::FastMathFlags::contract);
      Value sum =
          arith::AddFOp::create(b, loc, loop.getRegionIterArgs()[0], product,
                                arith::FastMathFlags::contract);
      scf::YieldOp::create(b, loc, sum);
    }
    IRMapping values;
    values.map(epilogue.getArgument(0), loop.getResult(0));
    for (auto [argument, input, map] : llvm::zip_equal(
             epilogue.getArguments().drop_front(), anchor.getEpilogueInputs(),
             anchor.getEpilogueIndexingMaps()))
      values.map(argument, isa<MemRefType>(input.getType())
                               ? load(input, map, point)
                               : Value(input));
    for (Operation &scalar : epilogue.without_terminator())
      b.clone(scalar, values);
    memref::StoreOp::create(
        b, loc, values.lookupOrDefault(epilogue.getTerminator()->getOperand(0)),
        op.getInit(), at(op.getInitIndexingMap(), point));
  }

  OpBuilder &b;
  Location loc;
  ContractAnchorOp op;
  AnchorOpInterface anchor;
};

struct ExpandAnchorsToThreads
    : mopt::impl::ExpandAnchorsToThreadsBase<ExpandAnchorsToThreads> {
  void runOnOperation() override {
    SmallVector<ContractAnchorOp> anchors;
    getOperation()->walk([&](ContractAnchorOp op) { anchors.push_back(op); });
    for (ContractAnchorOp op : anchors) {
      if (!isa<MemRefType>(op.getInit().getType())) {
        op->emitOpError("expected memrefs: bufferize before this pass");
        return signalPassFailure();
      }
      Type sum = op.getEpilogue().front().getArgument(0).getType();
      if (!isa<FloatType>(sum)) {
        op->emitOpError("expected sums of floats, found ") << sum;
        return signalPassFailure();
      }
      OpBuilder b(op);
      ThreadEmitter(b, op).emit();
      op->erase();
    }
  }
};
} // namespace
