//===- NVPTXMicroKernels.td - packed blocks of devices ------*- tablegen -*-===//
//
// A tile of a block of threads; its columns are those of a packed block. Where
// elements are narrow a warp multiplies 16 rows by 8 columns at once, 32 bytes of
// the depth, of which 16 are copied together.
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

class WarpProduct<string feature, string types, int width, string suffix>
    : DeviceProduct<feature> {
  let Name = "warp-" # types;
  let Types = types;
  let Interleave = !if(!eq(width, 8), 4, 1);
  let Instruction =
      "llvm.nvvm.mma.m16n8k" # !div(256, width) # ".row.col." # suffix;
  let Accumulates = 1;
  let LhsBits = width;
  let RhsBits = width;
  let LhsSteps = !div(128, width);
  let Unroll = LhsSteps;
  let MatrixUnit = "warp";
  let Rank = 2;
}
foreach feature = ["ptx80", "ptx84", "ptx86"] in {
  def : DeviceProduct<feature>;
  def : WarpProduct<feature, "f16", 16, "f32.f32">;
  def : WarpProduct<feature, "bf16", 16, "bf16">;
  def : WarpProduct<feature, "u8s8", 8, "u8.s8">;
  def : WarpProduct<feature, "s8s8", 8, "s8">;
}

// f32 with 10 bits of mantissa, where that is asked for.
class ShortenedProduct<string feature>
    : WarpProduct<feature, "tf32", 32, "tf32"> {
  let Interleave = 4;
}
foreach feature = ["ptx80", "ptx84", "ptx86"] in
  def : ShortenedProduct<feature>;

// Floats of 8 bits, by an instruction that LLVM does not have.
class SmallFloatProduct<string feature, string types>
    : WarpProduct<feature, types, 8, ""> {
  let Instruction = "mma.sync.aligned.m16n8k32.row.col.f32." # types # "."
    # types # ".f32";
}
foreach types = ["e4m3", "e5m2"] in
  foreach feature = ["ptx84", "ptx86"] in
    def : SmallFloatProduct<feature, types>;

// The same for products so large that groups of warps compute them if they can:
// these read bytes of the right side sixteen at a time.
class GroupedProduct<string types, string suffix>
    : WarpProduct<"sm_90a", types, 8, suffix> {
  let Name = "groups-" # types;
  let Interleave = 16;
  let Rank = 3;
}
def : GroupedProduct<"u8s8", "u8.s8">;
def : GroupedProduct<"s8s8", "s8">;
class GroupedFloats<string types> : SmallFloatProduct<"sm_90a", types> {
  let Name = "groups-" # types;
  let Interleave = 16;
  let Rank = 3;
}
def : GroupedFloats<"e4m3">;
def : GroupedFloats<"e5m2">;

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
def : WarpgroupProduct<"u8s8">;
def : WarpgroupProduct<"s8s8">;
def : WarpgroupProduct<"e4m3">;
def : WarpgroupProduct<"e5m2">;

// Weights that keep two of four neighbours along the depth.
class SparseProduct<string feature, string types, int width>
    : MicroKernelRow<"sparse-device"> {
  let Features = feature;
  let Registers = 255;
  let VectorBits = 1024;
  let Rows = 64;
  let Types = types;
  let Accumulates = 1;
  let LhsBits = width;
  let RhsBits = width;
}

// N stands for the columns of a tile.
class SparseGroups<string types, int width, string suffix>
    : SparseProduct<"sm_90a", types, width> {
  let Name = "sparse-warpgroup-" # types;
  let Vectors = 4;
  let Rank = 2;
  let Instruction = "wgmma.mma_async.sp.sync.aligned.m64nNk"
    # !div(512, width) # "." # suffix;
  let MatrixUnit = "warpgroup";
}
def : SparseGroups<"f16", 16, "f32.f16.f16">;
def : SparseGroups<"bf16", 16, "f32.bf16.bf16">;
def : SparseGroups<"u8s8", 8, "s32.s8.u8">;
def : SparseGroups<"s8s8", 8, "s32.s8.s8">;

// By warps, 16 columns of the result and 8 rows at once. Positions ascend; PTX
// has instructions that say so from 8.5 on.
class SparseWarps<string feature, string types, int width, string suffix>
    : SparseProduct<feature, types, width> {
  let Name = "sparse-warp-" # types;
  let Vectors = 2;
  let Rank = 1;
  let Instruction = "llvm.nvvm.mma.sp"
    # !if(!eq(feature, "ptx86"), ".ordered.metadata", "")
    # ".m16n8k" # !div(512, width) # ".row.col." # suffix;
  let MatrixUnit = "warp";
}
foreach feature = ["ptx80", "ptx84", "ptx86"] in {
  def : SparseWarps<feature, "f16", 16, "f32.f32">;
  def : SparseWarps<feature, "bf16", 16, "bf16">;
  def : SparseWarps<feature, "u8s8", 8, "s8.u8">;
  def : SparseWarps<feature, "s8s8", 8, "s8">;
}
