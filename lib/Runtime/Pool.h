/* Pool.h: threads. */
#ifndef MOPT_RUNTIME_POOL_H
#define MOPT_RUNTIME_POOL_H

#include "Runtime.h"

/// MoptModelApi.pool_create.
MoptStatus mopt_rt_pool_create(const MoptPoolOptions *options, MoptPool **pool);

/// How many threads to use when `requested` are asked for: those where above
/// 0, else MOPT_NUM_THREADS where it is set, else what the affinity mask and
/// the cgroup's quota allow. At least 1.
int32_t mopt_rt_choose_threads(int32_t requested);

/// Tells the processor that the thread is spinning.
void mopt_rt_relax(void);

#endif
