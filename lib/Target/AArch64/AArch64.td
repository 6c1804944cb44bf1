//===- AArch64.td - machines of the AArch64 family ----------*- tablegen -*-===//

include "mopt/Target/TargetSchema.td"
include "mopt/Target/SystemSymbols.td"

def AArch64Targets : TargetTable;
def AArch64Features : FeatureTable;
def AArch64SystemSymbols : SystemSymbolTable;

defvar V8 = "+fp-armv8,+neon";
// Armv8.2 with half precision and dot products.
defvar V82 = V8 # ",+crc,+lse,+rdm,+rcpc,+fullfp16,+dotprod";

class AArch64Row<string name, int rank> : TargetRow<name> {
  let Triple = "aarch64-unknown-linux-gnu";
  let Cpu = "generic";
  // Code for scalable vectors counts as 128 bits: the least that SVE has.
  let VectorBits = 128;
  let VectorRegisters = 32;
  let Rank = rank;
}

def : AArch64Row<"armv8-a", 1> {
  let Features = V8; let L1Bytes = 32768; let L2Bytes = 524288;
}
def : AArch64Row<"cortex-a55", 2> {
  let Tune = "cortex-a55"; let Features = V82;
  let L1Bytes = 32768; let L2Bytes = 131072;
}
def : AArch64Row<"cortex-a76", 3> {
  let Tune = "cortex-a76"; let Features = V82;
  let L1Bytes = 65536; let L2Bytes = 262144;
}
def : AArch64Row<"neoverse-n1", 4> {
  let Tune = "neoverse-n1"; let Features = V82;
  let L1Bytes = 65536; let L2Bytes = 1048576;
}
// The second-level cache is shared by the four fast cores.
def : AArch64Row<"apple-m1", 5> {
  let Tune = "apple-m1"; let Features = V82 # ",+fp16fml,+sha3";
  let L1Bytes = 131072; let L2Bytes = 3145728;
}
def : AArch64Row<"neoverse-v1", 6> {
  let Tune = "neoverse-v1"; let Features = V82 # ",+fp16fml,+bf16,+i8mm,+sve";
  let L1Bytes = 65536; let L2Bytes = 1048576;
}
def : AArch64Row<"neoverse-v2", 7> {
  let Tune = "neoverse-v2";
  let Features = V82 # ",+fp16fml,+bf16,+i8mm,+sve,+sve2";
  let L1Bytes = 65536; let L2Bytes = 2097152;
}

// The kernel's bits, arch/arm64/include/uapi/asm/hwcap.h. Half precision of
// vectors comes with that of scalars.
class HwcapFeature<string name, int position> : FeatureRow<name> {
  let Leaf = 16; let Bit = position;
}
class Hwcap2Feature<string name, int position> : FeatureRow<name> {
  let Leaf = 26; let Bit = position;
}
def : HwcapFeature<"fp-armv8", 0>;
def : HwcapFeature<"neon", 1>;
def : HwcapFeature<"crc", 7>;
def : HwcapFeature<"lse", 8>;
def : HwcapFeature<"fullfp16", 10>;
def : HwcapFeature<"rdm", 12>;
def : HwcapFeature<"rcpc", 15>;
def : HwcapFeature<"sha3", 17>;
def : HwcapFeature<"dotprod", 20>;
def : HwcapFeature<"sve", 22>;
def : HwcapFeature<"fp16fml", 23>;
def : Hwcap2Feature<"sve2", 1>;
def : Hwcap2Feature<"i8mm", 13>;
def : Hwcap2Feature<"bf16", 14>;

def : SystemSymbolRow<Libc, "GLIBC_2.17", LibcFirst # " memcpy "
  # "pthread_cond_init pthread_cond_destroy pthread_cond_wait "
  # "pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast "
  # "sched_getaffinity __stack_chk_fail __sched_cpucount __sched_cpualloc "
  # "__sched_cpufree aligned_alloc getauxval secure_getenv clock_gettime "
  # "clock_nanosleep">;
def : SystemSymbolRow<Libm, "GLIBC_2.17", LibmFirst>;
