//===- X86.td - machines of the x86 family ------------------*- tablegen -*-===//

include "mopt/Target/TargetSchema.td"
include "mopt/Target/SystemSymbols.td"

def X86Targets : TargetTable;
def X86Features : FeatureTable;
def X86SystemSymbols : SystemSymbolTable;

// The psABI's levels.
defvar V2 = "+cx16,+sahf,+cmov,+cx8,+mmx,+fxsr,+sse,+sse2,+sse3,+ssse3,+sse4.1,"
  # "+sse4.2,+popcnt";
defvar V3 = V2 # ",+avx,+avx2,+f16c,+fma,+bmi,+bmi2,+lzcnt,+movbe,+xsave";
defvar V4 = V3 # ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl";
// What Ice Lake and every later AVX-512 machine adds.
defvar IceLake = V4 # ",+avx512vnni,+avx512vbmi,+avx512vbmi2,+avx512bitalg,"
  # "+avx512vpopcntdq,+avx512ifma,+gfni,+vaes,+vpclmulqdq,+aes,+pclmul,+adx";
defvar BF16 = IceLake # ",+avx512bf16";
defvar FP16 = BF16 # ",+avx512fp16";

class X86Row<string name, int rank> : TargetRow<name> {
  let Triple = "x86_64-unknown-linux-gnu";
  let Rank = rank;
}
class AVX512Row<string name, int rank> : X86Row<name, rank> {
  let Cpu = "x86-64-v4";
  let VectorBits = 512;
  let VectorRegisters = 32;
}

def : X86Row<"x86-64-v2", 10> {
  let Cpu = "x86-64-v2"; let Features = V2;
  let VectorBits = 128; let VectorRegisters = 16;
  let L1Bytes = 32768; let L2Bytes = 262144;
}
def : X86Row<"x86-64-v3", 20> {
  let Cpu = "x86-64-v3"; let Features = V3;
  let VectorBits = 256; let VectorRegisters = 16;
  let L1Bytes = 32768; let L2Bytes = 524288;
}
def : AVX512Row<"x86-64-v4", 30> {
  let Features = V4;
  let L1Bytes = 32768; let L2Bytes = 1048576;
}
def : AVX512Row<"icelake-server", 40> {
  let Tune = "icelake-server"; let Features = IceLake;
  let L1Bytes = 49152; let L2Bytes = 1310720;
}
// What tells it from Intel's machines is what these have more: their ranks are
// higher.
def : AVX512Row<"znver4", 50> {
  let Tune = "znver4"; let Features = BF16;
  let L1Bytes = 32768; let L2Bytes = 1048576;
}
def : AVX512Row<"znver5", 55> {
  let Tune = "znver5"; let Features = BF16 # ",+avxvnni,+avx512vp2intersect";
  let L1Bytes = 49152; let L2Bytes = 1048576;
}
// Intel's machines from Sapphire Rapids on where AMX is not given to a process:
// by many virtual machines, and by systems that do not know it.
def : AVX512Row<"avx10.1", 60> {
  let Tune = "sapphirerapids"; let Features = FP16;
  let L1Bytes = 49152; let L2Bytes = 2097152;
}
// Granite Rapids too: nothing here uses what it adds.
def : AVX512Row<"sapphirerapids", 70> {
  let Tune = "sapphirerapids";
  let Features = FP16 # ",+avxvnni,+amx-tile,+amx-int8,+amx-bf16";
  let L1Bytes = 49152; let L2Bytes = 2097152;
}

// CPUID's bits, and what of XCR0 must be set for the registers: Intel's and AMD's
// manuals, "Processor Identification" and "XGETBV".
class CpuidFeature<string name, int leaf, int word, int position, int state = 0>
    : FeatureRow<name> {
  let Leaf = leaf; let Word = word; let Bit = position; let State = state;
}
defvar EAX = 0;
defvar EBX = 1;
defvar ECX = 2;
defvar EDX = 3;
defvar AVXState = 0x6;
defvar AVX512State = 0xe6;
defvar TileState = 0x60000;
def : CpuidFeature<"cx8", 1, EDX, 8>;
def : CpuidFeature<"cmov", 1, EDX, 15>;
def : CpuidFeature<"mmx", 1, EDX, 23>;
def : CpuidFeature<"fxsr", 1, EDX, 24>;
def : CpuidFeature<"sse", 1, EDX, 25>;
def : CpuidFeature<"sse2", 1, EDX, 26>;
def : CpuidFeature<"sse3", 1, ECX, 0>;
def : CpuidFeature<"pclmul", 1, ECX, 1>;
def : CpuidFeature<"ssse3", 1, ECX, 9>;
def : CpuidFeature<"cx16", 1, ECX, 13>;
def : CpuidFeature<"sse4.1", 1, ECX, 19>;
def : CpuidFeature<"sse4.2", 1, ECX, 20>;
def : CpuidFeature<"movbe", 1, ECX, 22>;
def : CpuidFeature<"popcnt", 1, ECX, 23>;
def : CpuidFeature<"aes", 1, ECX, 25>;
def : CpuidFeature<"xsave", 1, ECX, 26>;
def : CpuidFeature<"fma", 1, ECX, 12, AVXState>;
def : CpuidFeature<"avx", 1, ECX, 28, AVXState>;
def : CpuidFeature<"f16c", 1, ECX, 29, AVXState>;
def : CpuidFeature<"bmi", 7, EBX, 3>;
def : CpuidFeature<"bmi2", 7, EBX, 8>;
def : CpuidFeature<"adx", 7, EBX, 19>;
def : CpuidFeature<"sha", 7, EBX, 29>;
def : CpuidFeature<"avx2", 7, EBX, 5, AVXState>;
def : CpuidFeature<"avx512f", 7, EBX, 16, AVX512State>;
def : CpuidFeature<"avx512dq", 7, EBX, 17, AVX512State>;
def : CpuidFeature<"avx512ifma", 7, EBX, 21, AVX512State>;
def : CpuidFeature<"avx512cd", 7, EBX, 28, AVX512State>;
def : CpuidFeature<"avx512bw", 7, EBX, 30, AVX512State>;
def : CpuidFeature<"avx512vl", 7, EBX, 31, AVX512State>;
def : CpuidFeature<"gfni", 7, ECX, 8>;
def : CpuidFeature<"vaes", 7, ECX, 9, AVXState>;
def : CpuidFeature<"vpclmulqdq", 7, ECX, 10, AVXState>;
def : CpuidFeature<"avx512vbmi", 7, ECX, 1, AVX512State>;
def : CpuidFeature<"avx512vbmi2", 7, ECX, 6, AVX512State>;
def : CpuidFeature<"avx512vnni", 7, ECX, 11, AVX512State>;
def : CpuidFeature<"avx512bitalg", 7, ECX, 12, AVX512State>;
def : CpuidFeature<"avx512vpopcntdq", 7, ECX, 14, AVX512State>;
def : CpuidFeature<"avx512vp2intersect", 7, EDX, 8, AVX512State>;
def : CpuidFeature<"avx512fp16", 7, EDX, 23, AVX512State>;
def : CpuidFeature<"amx-bf16", 7, EDX, 22, TileState>;
def : CpuidFeature<"amx-tile", 7, EDX, 24, TileState>;
def : CpuidFeature<"amx-int8", 7, EDX, 25, TileState>;
def : CpuidFeature<"avxvnni", 7, EAX, 4, AVXState> { let Subleaf = 1; }
def : CpuidFeature<"avxifma", 7, EAX, 23, AVXState> { let Subleaf = 1; }
def : CpuidFeature<"avx512bf16", 7, EAX, 5, AVX512State> { let Subleaf = 1; }
def : CpuidFeature<"amx-fp16", 7, EAX, 21, TileState> { let Subleaf = 1; }
def : CpuidFeature<"avxvnniint8", 7, EDX, 4, AVXState> { let Subleaf = 1; }
def : CpuidFeature<"avxneconvert", 7, EDX, 5, AVXState> { let Subleaf = 1; }
def : CpuidFeature<"avxvnniint16", 7, EDX, 10, AVXState> { let Subleaf = 1; }
def : CpuidFeature<"sahf", 0x80000001, ECX, 0>;
def : CpuidFeature<"lzcnt", 0x80000001, ECX, 5>;
def : CpuidFeature<"sse4a", 0x80000001, ECX, 6>;
def : CpuidFeature<"tbm", 0x80000001, ECX, 21>;
def : CpuidFeature<"xop", 0x80000001, ECX, 11, AVXState>;
def : CpuidFeature<"fma4", 0x80000001, ECX, 16, AVXState>;
def : CpuidFeature<"clzero", 0x80000008, EBX, 0>;

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
