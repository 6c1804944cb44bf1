// The loop over stages, see the header.
#include "StageLoop.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

StageSource::~StageSource() = default;

/// The slot of `size` bytes behind `slot`, or the first of `count`.
static Value getNext(SharedBuilder &s, Value slot, int64_t size,
                     int64_t count) {
  Value next = s.add(slot, size);
  return s.select(s.equals(next, count * size), s.word(0), next);
}

SmallVector<Value> StageLoop::run(
    GridBuilder &g, SharedBuilder &s, StageSource &source,
    SmallVector<Value> sums,
    function_ref<void(Value, SmallVectorImpl<Value> &)> multiply) const {
  int64_t count = sums.size();
  for (int64_t stage = 0; stage < stages - 1; ++stage) {
    if (stage * steps < depth) {
      Value k = g.index(stage * steps), slot = s.word(stage * size);
      source.copy(k, slot);
      source.store(source.load(k), slot);
    }
    NVVM::CpAsyncCommitGroupOp::create(g.b, g.loc);
  }
  SmallVector<Value> carried = std::move(sums);
  carried.append({s.word(0), s.word((stages - 1) * size)});
  int64_t last = llvm::alignTo(depth, steps) - steps;
  bool goesAhead = (stages - 1) * steps < depth;
  carried = g.loop(depth, steps, carried, [&](Value k, ValueRange values) {
    Value from = values[count], to = values[count + 1];
    NVVM::CpAsyncWaitGroupOp::create(g.b, g.loc, stages - 2);
    g.barrier();
    Value ahead = g.add(k, (stages - 1) * steps);
    SmallVector<Value> loaded;
    if (goesAhead) {
      g.guard(g.below(ahead, depth), [&] { source.copy(ahead, to); });
      // Behind the last stage that one again, which nobody reads.
      loaded = source.load(g.clamp(ahead, last));
    }
    NVVM::CpAsyncCommitGroupOp::create(g.b, g.loc);
    SmallVector<Value> next(values.take_front(count));
    multiply(from, next);
    if (goesAhead)
      source.store(loaded, to);
    next.append({getNext(s, from, size, stages), getNext(s, to, size, stages)});
    return next;
  });
  carried.truncate(count);
  return carried;
}
