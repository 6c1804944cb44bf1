/* Memory.h: memory of a model through the caller's allocator, and regions,
 * stacks of blocks that a run fills and the next run reuses. */
#ifndef MOPT_RUNTIME_MEMORY_H
#define MOPT_RUNTIME_MEMORY_H

#include "Runtime.h"
#include <pthread.h>

/// `allocator`, or malloc and free where it is null.
MoptAllocator mopt_rt_allocator(const MoptAllocator *allocator);

/// `bytes` (0 allowed) of 64-byte aligned memory, null without memory.
void *mopt_rt_allocate(const MoptAllocator *allocator, int64_t bytes);

/// `bytes` is what was asked for. Null is ignored.
void mopt_rt_deallocate(const MoptAllocator *allocator, void *data,
                        int64_t bytes);

typedef struct MoptBlock MoptBlock;

/// Memory in order of allocation. Its position is the sum of the sizes of what
/// it holds, so one block of `peak` bytes could have held everything.
typedef struct MoptRegion {
  const MoptAllocator *allocator;
  MoptBlock *newest;
  /// A block that a release has emptied, kept for the next allocation.
  MoptBlock *spare;
  int64_t peak;
  pthread_mutex_t mutex;
} MoptRegion;

void mopt_rt_region_init(MoptRegion *region, const MoptAllocator *allocator);
void mopt_rt_region_destroy(MoptRegion *region);

/// Null without memory. Thread-safe.
void *mopt_rt_region_alloc(MoptRegion *region, int64_t bytes);

/// Empties the region, leaving one block that holds what was held at most.
void mopt_rt_region_reset(MoptRegion *region);

int64_t mopt_rt_region_position(MoptRegion *region);

/// Frees what was allocated beyond `position`.
void mopt_rt_region_release(MoptRegion *region, int64_t position);

/// Whether any byte of [data, data + bytes) belongs to the region.
int mopt_rt_region_overlaps(const MoptRegion *region, const void *data,
                            int64_t bytes);

/// Whether two byte ranges share a byte.
int mopt_rt_overlap(const void *a, int64_t a_bytes, const void *b,
                    int64_t b_bytes);

#endif
