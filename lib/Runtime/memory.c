/* memory.c: the allocator of a model and the regions of its contexts. After a
 * first run of some sizes, a run of the same sizes allocates nothing. */
#include "Memory.h"
#include <stdlib.h>
#include <sys/mman.h>

/* Far above any real size, far below what overflows when sizes are added. */
#define MAX_BYTES ((int64_t)1 << 56)
#define MIN_BLOCK_BYTES ((int64_t)1 << 16)
#define HUGE_PAGE_BYTES ((size_t)1 << 21)

struct MoptBlock {
  MoptBlock *older;
  /// Position in the region where this block starts.
  int64_t position;
  int64_t capacity;
  int64_t used;
};

static void *default_allocate(void *user, size_t bytes, size_t alignment) {
  (void)user;
  /* Large memory in huge pages where the system has them to give: kernels walk
   * over far more small pages than the processor keeps translations of. */
  int huge = bytes >= 2 * HUGE_PAGE_BYTES;
  void *data = NULL;
  if (posix_memalign(&data, huge ? HUGE_PAGE_BYTES : alignment, bytes) != 0)
    return NULL;
  if (huge)
    madvise(data, bytes & ~(HUGE_PAGE_BYTES - 1), MADV_HUGEPAGE);
  return data;
}

static void default_deallocate(void *user, void *data, size_t bytes) {
  (void)user;
  (void)bytes;
  free(data);
}

MoptAllocator mopt_rt_allocator(const MoptAllocator *allocator) {
  if (allocator)
    return *allocator;
  MoptAllocator result = {NULL, default_allocate, default_deallocate};
  return result;
}

static int64_t round_up(int64_t bytes) {
  if (bytes == 0)
    return MOPT_RT_ALIGNMENT;
  return (bytes + MOPT_RT_ALIGNMENT - 1) & ~(int64_t)(MOPT_RT_ALIGNMENT - 1);
}

void *mopt_rt_allocate(const MoptAllocator *allocator, int64_t bytes) {
  if (bytes < 0 || bytes > MAX_BYTES)
    return NULL;
  return allocator->allocate(allocator->user, (size_t)round_up(bytes),
                             MOPT_RT_ALIGNMENT);
}

void mopt_rt_deallocate(const MoptAllocator *allocator, void *data,
                        int64_t bytes) {
  if (data)
    allocator->deallocate(allocator->user, data, (size_t)round_up(bytes));
}

/* The header of a block takes the first 64 bytes, so data stays aligned. */
static char *block_data(const MoptBlock *block) {
  return (char *)block + MOPT_RT_ALIGNMENT;
}

static MoptBlock *block_create(MoptRegion *region, int64_t capacity) {
  MoptBlock *block =
      mopt_rt_allocate(region->allocator, capacity + MOPT_RT_ALIGNMENT);
  if (!block)
    return NULL;
  block->older = NULL;
  block->position = 0;
  block->capacity = capacity;
  block->used = 0;
  return block;
}

static void block_destroy(MoptRegion *region, MoptBlock *block) {
  if (block)
    mopt_rt_deallocate(region->allocator, block,
                       block->capacity + MOPT_RT_ALIGNMENT);
}

void mopt_rt_region_init(MoptRegion *region, const MoptAllocator *allocator) {
  region->allocator = allocator;
  region->newest = NULL;
  region->spare = NULL;
  region->peak = 0;
  pthread_mutex_init(&region->mutex, NULL);
}

static void destroy_blocks(MoptRegion *region) {
  while (region->newest) {
    MoptBlock *block = region->newest;
    region->newest = block->older;
    block_destroy(region, block);
  }
  block_destroy(region, region->spare);
  region->spare = NULL;
}

void mopt_rt_region_destroy(MoptRegion *region) {
  destroy_blocks(region);
  pthread_mutex_destroy(&region->mutex);
}

static int64_t position_of(const MoptRegion *region) {
  const MoptBlock *newest = region->newest;
  return newest ? newest->position + newest->used : 0;
}

/* Makes a block with room for `bytes` the newest: the spare one, or one that
 * doubles the region, so that growth costs few allocations. */
static int grow(MoptRegion *region, int64_t bytes) {
  int64_t position = position_of(region);
  MoptBlock *block = region->spare;
  if (block && block->capacity >= bytes) {
    region->spare = NULL;
  } else {
    int64_t capacity = bytes > position ? bytes : position;
    if (capacity < MIN_BLOCK_BYTES)
      capacity = MIN_BLOCK_BYTES;
    block = block_create(region, capacity);
    if (!block && capacity > bytes)
      block = block_create(region, bytes);
    if (!block)
      return 0;
  }
  block->older = region->newest;
  block->position = position;
  block->used = 0;
  region->newest = block;
  return 1;
}

void *mopt_rt_region_alloc(MoptRegion *region, int64_t bytes) {
  if (bytes < 0 || bytes > MAX_BYTES)
    return NULL;
  bytes = round_up(bytes);
  void *data = NULL;
  pthread_mutex_lock(&region->mutex);
  MoptBlock *block = region->newest;
  if ((block && block->capacity - block->used >= bytes) ||
      grow(region, bytes)) {
    block = region->newest;
    data = block_data(block) + block->used;
    block->used += bytes;
    int64_t position = position_of(region);
    if (position > region->peak)
      region->peak = position;
  }
  pthread_mutex_unlock(&region->mutex);
  return data;
}

void mopt_rt_region_reset(MoptRegion *region) {
  MoptBlock *block = region->newest;
  if (!block)
    return;
  if (block->older || block->capacity < region->peak) {
    destroy_blocks(region);
    /* Without memory for one block the run grows as the first one did. */
    region->newest = block_create(region, region->peak);
    return;
  }
  block->used = 0;
}

int64_t mopt_rt_region_position(MoptRegion *region) {
  return position_of(region);
}

void mopt_rt_region_release(MoptRegion *region, int64_t position) {
  while (region->newest && region->newest->position > position) {
    MoptBlock *block = region->newest;
    region->newest = block->older;
    if (!region->spare || region->spare->capacity < block->capacity) {
      MoptBlock *smaller = region->spare;
      region->spare = block;
      block = smaller;
    }
    block_destroy(region, block);
  }
  MoptBlock *newest = region->newest;
  if (newest && newest->position + newest->used > position)
    newest->used = position - newest->position;
}

int mopt_rt_overlap(const void *a, int64_t a_bytes, const void *b,
                    int64_t b_bytes) {
  uintptr_t a_begin = (uintptr_t)a, b_begin = (uintptr_t)b;
  return a_bytes > 0 && b_bytes > 0 && a_begin < b_begin + (uintptr_t)b_bytes &&
         b_begin < a_begin + (uintptr_t)a_bytes;
}

int mopt_rt_region_overlaps(const MoptRegion *region, const void *data,
                            int64_t bytes) {
  for (const MoptBlock *block = region->newest; block; block = block->older)
    if (mopt_rt_overlap(block_data(block), block->capacity, data, bytes))
      return 1;
  return region->spare && mopt_rt_overlap(block_data(region->spare),
                                          region->spare->capacity, data, bytes);
}
