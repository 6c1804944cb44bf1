/* place.c: the arena of buffers whose sizes follow from the inputs' dimensions.
 * Placed anew only when a size changes; the memory stays with the context. */
#include "Model.h"
#include <string.h>

/* Far above any real size, far below what overflows when sizes are added. */
#define MAX_BYTES ((int64_t)1 << 56)

static int64_t align(int64_t bytes) {
  return (bytes + MOPT_RT_ALIGNMENT - 1) & ~(int64_t)(MOPT_RT_ALIGNMENT - 1);
}

static int meet(const int32_t *a, const int32_t *b) {
  return a[0] <= b[1] && b[0] <= a[1];
}

/* The numbers of the buffers, the largest first, equal ones in their order. */
static void sort_by_size(const int64_t *bytes, int64_t count, int32_t *order) {
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = i;
    for (; place > 0 && bytes[order[place - 1]] < bytes[i]; --place)
      order[place] = order[place - 1];
    order[place] = (int32_t)i;
  }
}

/* Each buffer, the largest first, at the lowest place that is free in its
 * time. `scratch` is 2 * count numbers. Returns the bytes of it all, -1 for
 * sizes beyond any memory. */
static int64_t place(const int64_t *bytes, const int32_t *lifetimes,
                     int64_t count, int64_t *offsets, int32_t *scratch) {
  int32_t *order = scratch, *placed = scratch + count;
  int64_t placed_count = 0, total = 0;
  sort_by_size(bytes, count, order);
  for (int64_t i = 0; i < count; ++i) {
    int32_t buffer = order[i];
    if (bytes[buffer] < 0 || bytes[buffer] > MAX_BYTES)
      return -1;
    int64_t size = align(bytes[buffer]), offset = 0, after = placed_count;
    for (int64_t p = 0; p < placed_count; ++p) {
      int32_t other = placed[p];
      if (!meet(lifetimes + 2 * buffer, lifetimes + 2 * other))
        continue;
      if (offset + size <= offsets[other])
        break;
      int64_t end = offsets[other] + align(bytes[other]);
      if (end > offset)
        offset = end;
    }
    if (offset + size > MAX_BYTES)
      return -1;
    /* `placed` is in the order of offsets. */
    for (; after > 0 && offsets[placed[after - 1]] > offset; --after)
      placed[after] = placed[after - 1];
    placed[after] = buffer;
    ++placed_count;
    offsets[buffer] = offset;
    if (offset + size > total)
      total = offset + size;
  }
  return total;
}

static int64_t plan_bytes(int64_t count) {
  return count * (int64_t)(2 * sizeof(int64_t) + 2 * sizeof(int32_t));
}

int64_t mopt_rt_planned_bytes(const int64_t *bytes, const int32_t *lifetimes,
                              int64_t count) {
  MoptAllocator allocator = mopt_rt_allocator(NULL);
  int64_t *offsets = mopt_rt_allocate(&allocator, plan_bytes(count));
  if (!offsets)
    return -1;
  int64_t total =
      place(bytes, lifetimes, count, offsets, (int32_t *)(offsets + 2 * count));
  mopt_rt_deallocate(&allocator, offsets, plan_bytes(count));
  return total;
}

/* Makes the plan's memory, then the arena. 0 without memory. */
static int renew(MoptRun *run, const int64_t *bytes, const int32_t *lifetimes,
                 int64_t count) {
  const MoptAllocator *allocator = run->region.allocator;
  MoptPlan *plan = &run->plan;
  if (!plan->bytes) {
    plan->bytes = mopt_rt_allocate(allocator, plan_bytes(count));
    if (!plan->bytes)
      return 0;
    plan->count = count;
    plan->offsets = plan->bytes + count;
  }
  int32_t *scratch = (int32_t *)(plan->offsets + count);
  int64_t total = place(bytes, lifetimes, count, plan->offsets, scratch);
  /* Not the sizes of a plan until there is memory for it. */
  plan->bytes[0] = -1;
  if (total < 0)
    return 0;
  if (!plan->arena || total > plan->arena_bytes) {
    mopt_rt_deallocate(allocator, plan->arena, plan->arena_bytes);
    plan->arena = mopt_rt_allocate(allocator, total);
    plan->arena_bytes = plan->arena ? total : 0;
  }
  if (!plan->arena)
    return 0;
  memcpy(plan->bytes, bytes, (size_t)count * sizeof(*bytes));
  return 1;
}

/* Not memcmp, which becomes bcmp, a symbol more to import. */
static int is_current(const MoptPlan *plan, const int64_t *sizes,
                      int64_t count) {
  int64_t i = 0;
  while (plan->bytes && i < count && plan->bytes[i] == sizes[i])
    ++i;
  return i == count;
}

void *mopt_rt_place(MoptRun *run, int64_t *sizes, const int32_t *lifetimes,
                    int64_t count) {
  MoptPlan *plan = &run->plan;
  if (!is_current(plan, sizes, count) && !renew(run, sizes, lifetimes, count)) {
    int64_t total = mopt_rt_planned_bytes(sizes, lifetimes, count);
    if (total < 0)
      mopt_rt_error(run, MOPT_OUT_OF_MEMORY,
                    "no memory for buffers of such sizes");
    mopt_rt_out_of_memory(run, total);
    return NULL;
  }
  memcpy(sizes, plan->offsets, (size_t)count * sizeof(*sizes));
  return plan->arena;
}

void mopt_rt_plan_destroy(MoptRun *run) {
  const MoptAllocator *allocator = run->region.allocator;
  mopt_rt_deallocate(allocator, run->plan.bytes, plan_bytes(run->plan.count));
  mopt_rt_deallocate(allocator, run->plan.arena, run->plan.arena_bytes);
}
