//===- AArch64MicroKernels.td - register tiles of AArch64 ---*- tablegen -*-===//
//
// Of the 32 vector registers a tile takes rows x vectors as accumulators, one per
// vector of the right side for each step that is loaded at once, and one for the
// left side, whose lanes multiply.
//
//===----------------------------------------------------------------------===//

include "mopt/Target/MicroKernelSchema.td"

def AArch64MicroKernels : MicroKernelTable;

// Two steps of a row are one load of 64 bits.
class NeonProduct<string name, int rows, int vectors, int rank>
    : MicroKernelRow<"product"> {
  let Name = "neon-f32-" # name;
  let Features = "neon";
  let VectorBits = 128;
  let Registers = 32;
  let Rows = rows;
  let Vectors = vectors;
  let Rank = rank;
  let LhsSteps = 2;
  // LLVM moves loads of more steps forward until registers run out.
  let Unroll = 2;
  // What the second-level cache of the smallest machine holds.
  let PrefetchBytes = 131072;
}
def : NeonProduct<"8x12", 8, 3, 5>;
def : NeonProduct<"5x16", 5, 4, 4>;
def : NeonProduct<"12x8", 12, 2, 3>;
def : NeonProduct<"16x4", 16, 1, 2>;

// Four bytes of a row are a lane. Left sides are signed where the processor
// multiplies no unsigned by signed bytes.
class NeonDotProduct<string types, string name, int rows, int vectors, int rank>
    : NeonProduct<name, rows, vectors, rank> {
  let Name = "neon-" # types # "-" # name;
  let Types = types;
  let Interleave = 4;
  let Accumulates = 1;
  let LhsBits = 8;
  let RhsBits = 8;
  let Features = !if(!eq(types, "u8s8"), "neon,i8mm", "neon,dotprod");
  let Instruction = !if(!eq(types, "u8s8"),
                        "llvm.aarch64.neon.usdot.v4i32.v16i8",
                        "llvm.aarch64.neon.sdot.v4i32.v16i8");
}
foreach types = ["s8s8", "u8s8"] in {
  def : NeonDotProduct<types, "8x12", 8, 3, 5>;
  def : NeonDotProduct<types, "5x16", 5, 4, 4>;
  def : NeonDotProduct<types, "12x8", 12, 2, 3>;
  def : NeonDotProduct<types, "16x4", 16, 1, 2>;
}

// Squares of sums of two rows by two columns. Both rows of a pair are read into
// one register, which takes an operation of vectors for each.
class NeonBlockProduct<string name, int rows, int vectors, int rank>
    : NeonProduct<name, rows, vectors, rank> {
  let Features = "neon,i8mm";
  let Types = "u8s8";
  let Interleave = 8;
  let Instruction = "llvm.aarch64.neon.usmmla.v4i32.v16i8";
  let Accumulates = 1;
  let LhsBits = 8;
  let RhsBits = 8;
  let LhsSteps = 1;
  let Unroll = 1;
  let Name = "neon-u8s8-squares-" # name;
}
def : NeonBlockProduct<"8x12", 8, 3, 9>;
def : NeonBlockProduct<"6x16", 6, 4, 8>;
def : NeonBlockProduct<"12x8", 12, 2, 7>;
def : NeonBlockProduct<"16x4", 16, 1, 6>;
