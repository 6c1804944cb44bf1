//===- NVPTXMicroKernels.td - packed blocks of devices ------*- tablegen -*-===//
//
// A tile of a block of threads; its columns are those of a packed block.
//
//===----------------------------------------------------------------------===//

include "mopt/Target/MicroKernelSchema.td"

def NVPTXMicroKernels : MicroKernelTable;

class DeviceProduct<string feature> : MicroKernelRow<"product"> {
  let Name = "grid-64x64";
  let Features = feature;
  let VectorBits = 1024;
  let Registers = 255;
  let Rows = 64;
  let Vectors = 2;
  let Rank = 1;
}
def : DeviceProduct<"ptx80">;
def : DeviceProduct<"ptx86">;

// Groups of four warps multiply tiles in shared memory of 64 rows each; both
// sides and the result pass through the copy engine.
class WarpgroupProduct<string types> : MicroKernelRow<"warpgroup"> {
  let Name = "warpgroup-" # types;
  let Features = "sm_90a";
  let Registers = 255;
  let Rows = 64;
  let Vectors = 2;
  let Rank = 1;
  let Types = types;
}
def : WarpgroupProduct<"f16">;
def : WarpgroupProduct<"bf16">;
