// Index arithmetic of threads, see the header.
#include "GridBuilder.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

int64_t mopt::countElements(ArrayRef<int64_t> sizes) {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

Value GridBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value GridBuilder::add(Value x, Value y) {
  return b.createOrFold<arith::AddIOp>(loc, x, y);
}

Value GridBuilder::mul(Value x, int64_t y) {
  return b.createOrFold<arith::MulIOp>(loc, x, index(y));
}

/// `Op` with a constant in 32 bits.
template <typename Op>
static Value divide(OpBuilder &b, Location loc, Value x, int64_t y) {
  Type i32 = b.getI32Type();
  Value narrow = b.createOrFold<arith::IndexCastUIOp>(loc, i32, x);
  Value by = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(y));
  return b.createOrFold<arith::IndexCastUIOp>(
      loc, b.getIndexType(), b.createOrFold<Op>(loc, narrow, by));
}

Value GridBuilder::div(Value x, int64_t y) {
  return y == 1 ? x : divide<arith::DivUIOp>(b, loc, x, y);
}

Value GridBuilder::rem(Value x, int64_t y) {
  return y == 1 ? index(0) : divide<arith::RemUIOp>(b, loc, x, y);
}

Value GridBuilder::below(Value x, int64_t y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, index(y));
}

Value GridBuilder::clamp(Value x, int64_t y) {
  return b.createOrFold<arith::MinUIOp>(loc, x, index(y));
}

Value GridBuilder::thread() {
  return gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
}

Value GridBuilder::block(gpu::Dimension dimension) {
  return gpu::BlockIdOp::create(b, loc, dimension);
}

Value GridBuilder::globalThread(int64_t threadsPerBlock) {
  return add(mul(block(), threadsPerBlock), thread());
}

SmallVector<Value> GridBuilder::split(Value number, ArrayRef<int64_t> sizes) {
  SmallVector<Value> point(sizes.size());
  for (int64_t dim = static_cast<int64_t>(sizes.size()) - 1; dim > 0; --dim) {
    point[dim] = rem(number, sizes[dim]);
    number = div(number, sizes[dim]);
  }
  if (!point.empty())
    point[0] = sizes[0] == 1 ? index(0) : number;
  return point;
}

SmallVector<Value> GridBuilder::apply(AffineMap map, ValueRange dims) {
  SmallVector<Value> results;
  for (AffineExpr expr : map.getResults())
    results.push_back(affine::expandAffineExpr(b, loc, expr, dims, {}));
  return results;
}

Value GridBuilder::load(Value value, AffineMap map, ValueRange dims) {
  if (!isa<MemRefType>(value.getType()))
    return value;
  return memref::LoadOp::create(b, loc, value, apply(map, dims));
}

SmallVector<Value>
GridBuilder::loop(int64_t count, int64_t step, ValueRange initial,
                  function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  if (count <= step)
    return count == 0 ? SmallVector<Value>(initial) : body(index(0), initial);
  auto loop =
      scf::ForOp::create(b, loc, index(0), index(count), index(step), initial);
  OpBuilder::InsertionGuard guard(b);
  // Without values that are passed on there is a terminator already.
  if (initial.empty()) {
    b.setInsertionPoint(loop.getBody()->getTerminator());
    (void)body(loop.getInductionVar(), {});
  } else {
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, loc, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  }
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> GridBuilder::nest(
    ArrayRef<int64_t> sizes, ValueRange initial,
    function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  SmallVector<Value> point;
  std::function<SmallVector<Value>(size_t, ValueRange)> enter =
      [&](size_t depth, ValueRange values) -> SmallVector<Value> {
    if (depth == sizes.size())
      return body(point, values);
    return loop(sizes[depth], 1, values, [&](Value i, ValueRange inner) {
      point.push_back(i);
      SmallVector<Value> results = enter(depth + 1, inner);
      point.pop_back();
      return results;
    });
  };
  return enter(0, initial);
}

void GridBuilder::guard(Value condition, function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/false);
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

void GridBuilder::barrier() { gpu::BarrierOp::create(b, loc); }
