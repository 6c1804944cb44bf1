/* relax.c: the x86 hint for spinning. */
#include "Pool.h"

void mopt_rt_relax(void) { __builtin_ia32_pause(); }
