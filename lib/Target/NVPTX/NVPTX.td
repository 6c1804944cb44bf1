//===- NVPTX.td - NVIDIA's processors -----------------------*- tablegen -*-===//
//
// Devices: the host's code is for a row of its own. The vector is what a warp
// does at once in f32; the registers are a thread's.
//
//===----------------------------------------------------------------------===//

include "mopt/Target/TargetSchema.td"

def NVPTXTargets : TargetTable;

class DeviceRow<string name, string ptx> : TargetRow<name> {
  let Triple = "nvptx64-nvidia-cuda";
  let Cpu = name;
  let Features = "+" # ptx;
  let VectorBits = 1024;
  let VectorRegisters = 255;
  // Shared memory that a block may have without asking, and the least L2.
  let L1Bytes = 49152;
  let L2Bytes = 4194304;
  let Rank = 0;
}
def : DeviceRow<"sm_80", "ptx80">;
def : DeviceRow<"sm_89", "ptx80">;
// The name is a feature, too: of what has instructions that no later one has.
def : DeviceRow<"sm_90a", "ptx80,+sm_90a">;
def : DeviceRow<"sm_100a", "ptx86">;
