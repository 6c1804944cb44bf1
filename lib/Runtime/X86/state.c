/* state.c: the state of a processor that Linux gives only to processes that
 * ask. */
#include "Processor.h"
#include <sys/syscall.h>
#include <unistd.h>

/* ARCH_REQ_XCOMP_PERM of <asm/prctl.h>, since Linux 5.16. */
#define REQUEST_STATE 0x1023

int mopt_rt_request_state(int64_t state) {
  return syscall(SYS_arch_prctl, REQUEST_STATE, state) == 0;
}
