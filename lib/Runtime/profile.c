/* profile.c: how often kernels ran, and how long, in libraries that were made
 * to count it. A context counts its own runs. */
#include "Model.h"
#include <string.h>
#include <time.h>

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void mopt_rt_kernel_begin(MoptRun *run) { run->kernel_begin = now(); }

void mopt_rt_kernel_end(MoptRun *run, int64_t place) {
  MoptKernelCounter *counter = &run->kernels[place];
  counter->nanoseconds += now() - run->kernel_begin;
  ++counter->calls;
}

int32_t mopt_rt_profile(const MoptContext *context, MoptKernelProfile *kernels,
                        int32_t capacity) {
  if (!context)
    return 0;
  const MoptModelDesc *desc = context->model->desc;
  const char *strings = desc->kernels;
  for (int32_t i = 0; i < desc->kernel_count && i < capacity && kernels; ++i) {
    kernels[i].kernel = strings;
    strings += strlen(strings) + 1;
    kernels[i].nodes = strings;
    strings += strlen(strings) + 1;
    kernels[i].calls = context->run.kernels[i].calls;
    kernels[i].nanoseconds = context->run.kernels[i].nanoseconds;
  }
  return (int32_t)desc->kernel_count;
}
