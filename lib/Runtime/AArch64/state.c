/* state.c: all of the processor's state is any process's. */
#include "Processor.h"

int mopt_rt_request_state(int64_t state) { return state == 0; }
