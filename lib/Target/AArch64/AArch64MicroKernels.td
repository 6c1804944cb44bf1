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

// Four steps are one load of 128 bits, for which eight columns leave registers.
// So there are less instructions beside the products, for a processor that
// executes them in order, and for N1, whose model issues three a cycle.
defvar FewIssued = "cortex-a55,neoverse-n1";
def : NeonProduct<"10x8", 10, 2, 6> {
  let LhsSteps = 4; let Unroll = 4; let Tunes = FewIssued;
}

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
def : NeonDotProduct<"s8s8", "10x8", 10, 2, 6> {
  let LhsSteps = 4; let Unroll = 4; let Tunes = FewIssued;
}

// Squares of sums of two rows by two columns. Both rows of a pair are read into
// one register, which takes an operation of vectors for each. LLVM loads all
// vectors of the right side first, so there is no tile of eight.
class NeonSquares<string types, string name, int rows, int vectors, int rank>
    : NeonProduct<name, rows, vectors, rank> {
  defvar areBytes = !eq(types, "u8s8");
  let Name = "neon-" # types # "-squares-" # name;
  let Types = types;
  let Features = !if(areBytes, "neon,i8mm", "neon,bf16");
  let Instruction = !if(areBytes, "llvm.aarch64.neon.usmmla.v4i32.v16i8",
                        "llvm.aarch64.neon.bfmmla");
  let Interleave = !if(areBytes, 8, 4);
  let Accumulates = 1;
  let LhsBits = !if(areBytes, 8, 16);
  let RhsBits = LhsBits;
  let LhsSteps = 1;
  let Unroll = 1;
}
foreach types = ["u8s8", "bf16"] in {
  def : NeonSquares<types, "8x12", 8, 3, 9>;
  def : NeonSquares<types, "12x8", 12, 2, 7>;
  def : NeonSquares<types, "16x4", 16, 1, 6>;
}

// Floats of 16 bits, multiplied and added as such: eight columns in a vector. After
// 32 steps sums are widened and added to those of f32, which wait in memory.
class NeonHalfProduct<string name, int rows, int vectors, int rank>
    : NeonProduct<name, rows, vectors, rank> {
  let Name = "neon-f16-" # name;
  let Features = "neon,fullfp16";
  let Types = "f16";
  let LhsBits = 16;
  let RhsBits = 16;
  let WordGroups = 32;
  // Half an instruction for each step, and three to widen.
  let Cost = 19;
}
def : NeonHalfProduct<"8x24", 8, 6, 3>;
def : NeonHalfProduct<"12x16", 12, 4, 2>;
def : NeonHalfProduct<"16x8", 16, 2, 1>;
def : NeonHalfProduct<"10x16", 10, 4, 4> {
  let LhsSteps = 4; let Unroll = 4; let Tunes = FewIssued;
}

// A row of outputs more than the generic tile has: of a window of 3 x 3 they share
// two rows of inputs.
def : MicroKernelRow<"depthwise"> {
  let Types = "";
  let Name = "neon-depthwise-3x4";
  let Features = "neon";
  let VectorBits = 128;
  let Registers = 32;
  let Rows = 3;
  let Vectors = 4;
  let Rank = 1;
}

// Bytes as words, whose products are added to sums of 32 bits at once.
def : MicroKernelRow<"depthwise"> {
  let Types = "x8s8";
  let Name = "neon-depthwise-i16-1x4";
  let Features = "neon";
  let VectorBits = 128;
  let Registers = 32;
  let Rows = 1;
  let Vectors = 4;
  let LhsBits = 16;
  let RhsBits = 16;
  let Rank = 2;
}

// Weights of few bits with group scales.
class NeonBlockWeights<string name, int rows, int vectors>
    : NeonProduct<name, rows, vectors, 1> {
  let Name = "neon-" # name;
  let Kind = "block-weights";
  let Streams = 1;
  let LhsSteps = 1;
  let Unroll = 4;
}
// Both parts of a left side of 16 bits have sums.
def : NeonBlockWeights<"i16b", 2, 4> {
  let Features = "neon,dotprod";
  let Interleave = 4;
  let Instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8";
  let Accumulates = 1;
  let LhsBits = 8;
  let RhsBits = 8;
}
def : NeonBlockWeights<"f32w", 2, 4>;

def : MicroKernelRow<"lookup"> {
  let Name = "neon-lookup";
  let Features = "neon";
  let VectorBits = 128;
  let Registers = 32;
  let Rows = 1;
  let Vectors = 1;
  let Rank = 1;
  let Instruction = "llvm.aarch64.neon.tbl4.v16i8,llvm.aarch64.neon.tbx4.v16i8";
}

// Elements of the left side are picked by their bytes, whose places are made of a
// position by three instructions for all rows: for groups of 4 and of 8.
def : MicroKernelRow<"sparse-lanes"> {
  let Name = "neon-f32-permute";
  let Features = "neon";
  let VectorBits = 128;
  let Registers = 32;
  let Rows = 4;
  let Vectors = 2;
  let Unroll = 1;
  let Cost = 5;
  let Instruction =
      "llvm.aarch64.neon.tbl1.v16i8,llvm.aarch64.neon.tbl2.v16i8";
  let Rank = 2;
}

// Each value of sparse weights times vectors of rows; see the rows of x86.
def : MicroKernelRow<"sparse-scalars"> {
  let Name = "neon-f32-transposed";
  let Features = "neon";
  let VectorBits = 128;
  let Registers = 32;
  let Rows = 64;
  let Vectors = 16;
  let Rank = 1;
}
