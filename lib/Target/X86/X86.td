//===- X86.td - machines of the x86 family ------------------*- tablegen -*-===//

include "mopt/Target/TargetSchema.td"
include "mopt/Target/SystemSymbols.td"

def X86Targets : TargetTable;
def X86SystemSymbols : SystemSymbolTable;

// The psABI's levels.
defvar V2 = "+cx16,+sahf,+cmov,+cx8,+mmx,+fxsr,+sse,+sse2,+sse3,+ssse3,+sse4.1,"
  # "+sse4.2,+popcnt";
defvar V3 = V2 # ",+avx,+avx2,+f16c,+fma,+bmi,+bmi2,+lzcnt,+movbe,+xsave";
defvar V4 = V3 # ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl";
// What Ice Lake and every later AVX-512 machine adds.
defvar IceLake = V4 # ",+avx512vnni,+avx512vbmi,+avx512vbmi2,+avx512bitalg,"
  # "+avx512vpopcntdq,+avx512ifma,+gfni,+vaes,+vpclmulqdq,+aes,+pclmul,+adx";

class X86Row<string name, int rank> : TargetRow<name> {
  let Triple = "x86_64-unknown-linux-gnu";
  let Rank = rank;
}
class AVX512Row<string name, int rank> : X86Row<name, rank> {
  let Cpu = "x86-64-v4";
  let VectorBits = 512;
  let VectorRegisters = 32;
}

def : X86Row<"x86-64-v2", 1> {
  let Cpu = "x86-64-v2"; let Features = V2;
  let VectorBits = 128; let VectorRegisters = 16;
  let L1Bytes = 32768; let L2Bytes = 262144;
}
def : X86Row<"x86-64-v3", 2> {
  let Cpu = "x86-64-v3"; let Features = V3;
  let VectorBits = 256; let VectorRegisters = 16;
  let L1Bytes = 32768; let L2Bytes = 524288;
}
def : AVX512Row<"x86-64-v4", 3> {
  let Features = V4;
  let L1Bytes = 32768; let L2Bytes = 1048576;
}
def : AVX512Row<"icelake-server", 4> {
  let Tune = "icelake-server"; let Features = IceLake;
  let L1Bytes = 49152; let L2Bytes = 1310720;
}
// sse4a and clzero tell AMD's line from the other one that has bf16.
def : AVX512Row<"znver4", 5> {
  let Tune = "znver4"; let Features = IceLake # ",+avx512bf16,+sse4a,+clzero";
  let L1Bytes = 32768; let L2Bytes = 1048576;
}
def : AVX512Row<"sapphirerapids", 6> {
  let Tune = "sapphirerapids";
  let Features = IceLake # ",+avx512bf16,+avx512fp16,+avxvnni,+amx-tile,"
    # "+amx-int8,+amx-bf16";
  let L1Bytes = 49152; let L2Bytes = 2097152;
}

def : SystemSymbolRow<Libc, "GLIBC_2.2.5", LibcFirst>;
def : SystemSymbolRow<Libc, "GLIBC_2.3.2", "pthread_cond_init "
  # "pthread_cond_destroy pthread_cond_wait pthread_cond_timedwait "
  # "pthread_cond_signal pthread_cond_broadcast">;
def : SystemSymbolRow<Libc, "GLIBC_2.3.4", "sched_getaffinity">;
def : SystemSymbolRow<Libc, "GLIBC_2.4", "__stack_chk_fail">;
def : SystemSymbolRow<Libc, "GLIBC_2.6", "__sched_cpucount">;
def : SystemSymbolRow<Libc, "GLIBC_2.7", "__sched_cpualloc __sched_cpufree">;
def : SystemSymbolRow<Libc, "GLIBC_2.14", "memcpy">;
def : SystemSymbolRow<Libc, "GLIBC_2.16", "aligned_alloc getauxval">;
def : SystemSymbolRow<Libc, "GLIBC_2.17", "secure_getenv clock_gettime clock_nanosleep">;
def : SystemSymbolRow<Libm, "GLIBC_2.2.5", LibmFirst>;
