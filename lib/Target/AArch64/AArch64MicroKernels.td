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
