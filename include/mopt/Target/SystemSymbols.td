//===- SystemSymbols.td - what a library may import ---------*- tablegen -*-===//
//
// The names that have one version on every architecture, and the lists that
// each architecture puts under its own first version.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_TARGET_SYSTEMSYMBOLS_TD
#define MOPT_TARGET_SYSTEMSYMBOLS_TD

include "mopt/Target/TargetSchema.td"

defvar Libc = "libc.so.6";
defvar Libm = "libm.so.6";

// In libc since the architecture's first version.
defvar LibcFirst = "memmove memset memcmp bcmp memchr strlen strcmp strncmp "
  # "strchr strrchr strstr strcspn strerror strtol strtoll strtoul strtoull malloc calloc realloc free "
  # "posix_memalign abort getenv qsort snprintf vsnprintf fopen fclose fread "
  # "fgets sscanf __isoc99_sscanf open open64 close read pread pread64 lseek "
  # "lseek64 mmap mmap64 munmap mprotect madvise sysconf __errno_location "
  # "pthread_self pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock "
  # "pthread_mutex_unlock pthread_attr_init pthread_attr_destroy sched_yield "
  # "nanosleep syscall sigfillset _setjmp longjmp";
// In libm since then.
defvar LibmFirst = "expm1 expm1f log10 log10f log1p log1pf sin sinf cos cosf "
  # "tan tanf asin asinf acos acosf atan atanf atan2 atan2f sinh sinhf cosh "
  # "coshf tanh tanhf asinh asinhf acosh acoshf atanh atanhf erf erff erfc "
  # "erfcf sqrt sqrtf cbrt cbrtf floor floorf ceil ceilf round roundf trunc "
  # "truncf rint rintf nearbyint nearbyintf lrint lrintf llrint llrintf lround "
  # "lroundf llround llroundf fmod fmodf remainder remainderf fma fmaf fmin "
  # "fminf fmax fmaxf fdim fdimf frexp frexpf ldexp ldexpf scalbn scalbnf modf "
  # "modff copysign copysignf fabs fabsf tgamma tgammaf sincos sincosf exp10";

// Newer than the first version of any architecture.
def : SystemSymbolRow<Libc, "GLIBC_2.32", "pthread_getaffinity_np pthread_sigmask">;
def : SystemSymbolRow<Libc, "GLIBC_2.33", "fstat fstat64">;
// Since this version threads are part of libc, and libpthread is not needed.
def : SystemSymbolRow<Libc, "GLIBC_2.34", "pthread_create pthread_join "
  # "pthread_detach pthread_once pthread_mutex_trylock "
  # "pthread_attr_setstacksize pthread_setaffinity_np pthread_key_create "
  # "pthread_getspecific pthread_setspecific dlopen dlsym dlclose dlerror dladdr">;
def : SystemSymbolRow<Libm, "GLIBC_2.23", "lgamma lgammaf">;
def : SystemSymbolRow<Libm, "GLIBC_2.25", "roundeven roundevenf">;
def : SystemSymbolRow<Libm, "GLIBC_2.27", "expf exp2f logf log2f powf">;
def : SystemSymbolRow<Libm, "GLIBC_2.29", "exp exp2 log log2 pow">;
def : SystemSymbolRow<Libm, "GLIBC_2.32", "exp10f">;
def : SystemSymbolRow<Libm, "GLIBC_2.35", "hypot hypotf">;

#endif // MOPT_TARGET_SYSTEMSYMBOLS_TD
