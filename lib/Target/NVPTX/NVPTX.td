//===- NVPTX.td - NVIDIA's processors -----------------------*- tablegen -*-===//
//
// Devices: the host's code is for a row of its own. The vector is what a warp
// does at once in f32; the registers are a thread's.
//
//===----------------------------------------------------------------------===//

include "mopt/Target/TargetSchema.td"

def NVPTXTargets : TargetTable;

class DeviceRow<string name, string ptx, int rank = 0> : TargetRow<name> {
  let Triple = "nvptx64-nvidia-cuda";
  let Cpu = name;
  let Features = "+" # ptx;
  let VectorBits = 1024;
  let VectorRegisters = 255;
  // Shared memory that a block may have without asking, and the least L2.
  let L1Bytes = 49152;
  let L2Bytes = 4194304;
  let Rank = rank;
}
def : DeviceRow<"sm_80", "ptx80">;
// Bytes of two kinds by groups of warps, and floats of 8 bits, are of PTX 8.4.
def : DeviceRow<"sm_89", "ptx84">;
// Their names are features, too: what has instructions that no later one has.
def : DeviceRow<"sm_90a", "ptx84,+sm_90a", 1>;
def : DeviceRow<"sm_100a", "ptx86,+sm_100a", 1>;
