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
