/* error.c: the error of a run. The first one is kept, since later ones often
 * follow from it. */
#include "Model.h"
#include <stdio.h>

static void record(MoptRun *run, MoptStatus status, const char *format,
                   va_list arguments) {
  if (atomic_exchange(&run->failed, 1))
    return;
  run->status = status;
  vsnprintf(run->error, sizeof(run->error), format, arguments);
}

MoptStatus mopt_rt_error(MoptRun *run, MoptStatus status, const char *format,
                         ...) {
  if (run) {
    va_list arguments;
    va_start(arguments, format);
    record(run, status, format, arguments);
    va_end(arguments);
  }
  return status;
}

void mopt_rt_fail(MoptRun *run, int32_t status, const char *message) {
  if (status == MOPT_OK)
    status = MOPT_INTERNAL;
  mopt_rt_error(run, status, "%s", message ? message : "");
}

int32_t mopt_rt_failed(MoptRun *run) {
  return atomic_load_explicit(&run->failed, memory_order_relaxed);
}
