// Sums of lanes, by exchanges, and of warps, through shared memory.
#include "LaneSums.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kWarp = 32;

Value LaneSums::exchange(Value value, int64_t distance) {
  Type type = value.getType(), i32 = g.b.getI32Type(), i64 = g.b.getI64Type();
  auto swap = [&](Value word) -> Value {
    return gpu::ShuffleOp::create(g.b, g.loc, word, distance, kWarp,
                                  gpu::ShuffleMode::XOR)
        .getShuffleResult();
  };
  if (type.getIntOrFloatBitWidth() == 32)
    return swap(value);
  Value bits =
      type == i64
          ? value
          : arith::BitcastOp::create(g.b, g.loc, i64, value).getResult();
  Value width =
      arith::ConstantOp::create(g.b, g.loc, g.b.getI64IntegerAttr(32));
  Value low = arith::TruncIOp::create(g.b, g.loc, i32, bits);
  Value high = arith::TruncIOp::create(
      g.b, g.loc, i32, arith::ShRUIOp::create(g.b, g.loc, bits, width));
  low = arith::ExtUIOp::create(g.b, g.loc, i64, swap(low));
  high = arith::ShLIOp::create(
      g.b, g.loc, arith::ExtUIOp::create(g.b, g.loc, i64, swap(high)), width);
  bits = arith::OrIOp::create(g.b, g.loc, low, high);
  return type == i64
             ? bits
             : arith::BitcastOp::create(g.b, g.loc, type, bits).getResult();
}

Value LaneSums::combine(Value x, Value y) {
  Operation *clone = g.b.clone(*combiner);
  clone->setOperands({x, y});
  return clone->getResult(0);
}

Value LaneSums::addLanes(Value sum) {
  for (int64_t distance = kWarp / 2; distance > 0; distance /= 2)
    sum = combine(sum, exchange(sum, distance));
  return sum;
}

Value LaneSums::addWarps(Value sum, Value thread, int64_t warps,
                         gpu::GPUFuncOp function) {
  auto space = gpu::AddressSpaceAttr::get(g.b.getContext(),
                                          gpu::AddressSpace::Workgroup);
  Value shared = function.addWorkgroupAttribution(
      MemRefType::get({warps}, sum.getType(), MemRefLayoutAttrInterface(),
                      space),
      g.loc);
  g.guard(g.below(g.rem(thread, kWarp), 1), [&] {
    memref::StoreOp::create(g.b, g.loc, sum, shared, g.div(thread, kWarp));
  });
  g.barrier();
  sum = memref::LoadOp::create(g.b, g.loc, shared, g.index(0));
  for (int64_t warp = 1; warp < warps; ++warp)
    sum =
        combine(sum, memref::LoadOp::create(g.b, g.loc, shared, g.index(warp)));
  return sum;
}
