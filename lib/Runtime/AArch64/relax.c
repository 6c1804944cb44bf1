/* relax.c: the AArch64 hint for spinning. `yield` is a no-op on most cores;
 * `isb` delays about as long as the pause of x86. */
#include "Pool.h"

void mopt_rt_relax(void) { __asm__ volatile("isb" ::: "memory"); }
