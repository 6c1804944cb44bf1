//===- X86MicroKernels.td - register tiles of x86 -----------*- tablegen -*-===//
//
// Of the 16 (AVX2) or 32 (AVX-512) vector registers a tile takes rows x vectors
// as accumulators, one per vector for the right side, and one for the left.
//
//===----------------------------------------------------------------------===//

include "mopt/Target/MicroKernelSchema.td"

def X86MicroKernels : MicroKernelTable;

class AVX2Product<string name, int rows, int vectors, int rank>
    : MicroKernelRow<"product"> {
  let Name = "avx2-f32-" # name;
  let Features = "avx2,fma";
  let VectorBits = 256;
  let Registers = 16;
  let Rows = rows;
  let Vectors = vectors;
  let Rank = rank;
  let Unroll = 8;
}
def : AVX2Product<"6x16", 6, 2, 3>;
def : AVX2Product<"4x24", 4, 3, 2>;
def : AVX2Product<"6x8", 6, 1, 1>;

class AVX512Product<string name, int rows, int vectors, int rank>
    : MicroKernelRow<"product"> {
  let Name = "avx512-f32-" # name;
  let Features = "avx512f";
  let VectorBits = 512;
  let Registers = 32;
  let Rows = rows;
  let Vectors = vectors;
  let Rank = rank;
  let PrefetchBytes = 1048576;
  let PrefetchRows = 16;
}
def : AVX512Product<"8x48", 8, 3, 4>;
def : AVX512Product<"6x64", 6, 4, 3>;
def : AVX512Product<"12x32", 12, 2, 2>;
def : AVX512Product<"12x16", 12, 1, 1>;

// Unsigned bytes of the left side by signed ones, four at a time.
class AVX512DotProduct<string name, int rows, int vectors, int rank>
    : AVX512Product<name, rows, vectors, rank> {
  let Name = "avx512-vnni-u8s8-" # name;
  let Features = "avx512f,avx512vnni";
  let Types = "u8s8";
  let Interleave = 4;
  let Instruction = "llvm.x86.avx512.vpdpbusd.512";
  let Accumulates = 1;
  let LhsBits = 8;
  let RhsBits = 8;
}
def : AVX512DotProduct<"8x48", 8, 3, 4>;
def : AVX512DotProduct<"6x64", 6, 4, 3>;
def : AVX512DotProduct<"12x32", 12, 2, 2>;
def : AVX512DotProduct<"12x16", 12, 1, 1>;

// Tiles of 16 rows: two of rows by two of columns, four of sums.
class AMXProduct<string name, string types, int interleave, string instruction>
    : AVX512Product<name, 32, 2, 5> {
  let Name = "amx-" # name;
  let Features = "avx512f,amx-tile";
  let Types = types;
  let Interleave = interleave;
  let Instruction = instruction;
  let Accumulates = 1;
  let LhsBits = !div(32, interleave);
  let RhsBits = !div(32, interleave);
  let Unroll = 1;
  let Streams = 1;
  let MatrixUnit = "amx";
}
def : AMXProduct<"u8s8-32x32", "u8s8", 4, "llvm.x86.tdpbusd"> {
  let Features = "avx512f,amx-tile,amx-int8";
}
def : AMXProduct<"bf16-32x32", "bf16", 2, "llvm.x86.tdpbf16ps"> {
  let Features = "avx512f,amx-tile,amx-bf16";
}

// Floats of 16 bits, multiplied and added as such, two neighbours along the depth
// in each lane. After 32 steps the sums are widened, which takes fourteen operations
// for two vectors; until then both sums, narrow and wide, stay in registers.
class AVX512HalfProduct<string name, int rows, int vectors, int rank>
    : AVX512Product<name, rows, vectors, rank> {
  let Name = "avx512-f16-" # name;
  let Features = "avx512f,avx512bw,avx512fp16";
  let Types = "f16";
  let Interleave = 2;
  let LhsBits = 16;
  let RhsBits = 16;
  let WordGroups = 32;
  let Cost = 39;
}
def : AVX512HalfProduct<"7x32", 7, 2, 5>;
def : AVX512HalfProduct<"14x16", 14, 1, 4>;

// Bytes of any sign as words, two at a time: exact, where the instruction of
// bytes would saturate. The product needs a register of its own.
class AVX512PairProduct<string name, int rows, int vectors, int rank>
    : AVX512Product<name, rows, vectors, rank> {
  let Name = "avx512-i16-" # name;
  let Features = "avx512f,avx512bw";
  let Types = "x8s8";
  let Interleave = 2;
  let Instruction = "llvm.x86.avx512.pmaddw.d.512";
  let LhsBits = 16;
  let RhsBits = 16;
  let Cost = 2;
  let Unroll = 2;
}
def : AVX512PairProduct<"8x48", 8, 3, 3>;
def : AVX512PairProduct<"12x32", 12, 2, 2>;
def : AVX512PairProduct<"12x16", 12, 1, 1>;

// Unsigned bytes by weights few of which saturate the words in which two
// products are summed: three instructions for four products. The products need a
// register, the ones another. Where few weights are so large that words do not
// even hold the sum of four, five instructions do for eight.
class AVX512ByteProduct<string name, int rows, int vectors, int rank>
    : AVX512Product<name, rows, vectors, rank> {
  let Name = "avx512-u8p8-" # name;
  let Features = "avx512f,avx512bw";
  let Types = "u8p8";
  let Interleave = 4;
  let Instruction =
      "llvm.x86.avx512.pmaddubs.w.512,llvm.x86.avx512.pmaddw.d.512";
  let LhsBits = 8;
  let RhsBits = 8;
  let Cost = 3;
  let Unroll = 2;
}
class AVX512BytesProduct<string name, int rows, int vectors, int rank>
    : AVX512ByteProduct<name, rows, vectors, rank> {
  let Name = "avx512-u8w8-" # name;
  let Cost = 5;
  let WordGroups = 2;
}
def : AVX512BytesProduct<"6x48", 6, 3, 1>;
def : AVX512BytesProduct<"10x32", 10, 2, 0>;
def : AVX512ByteProduct<"8x48", 8, 3, 3>;
def : AVX512ByteProduct<"12x32", 12, 2, 2>;
def : AVX512ByteProduct<"12x16", 12, 1, 1>;

class AVX2ByteProduct<string name, int rows, int vectors, int rank>
    : AVX2Product<name, rows, vectors, rank> {
  let Name = "avx2-u8p8-" # name;
  let Features = "avx2";
  let Types = "u8p8";
  let Interleave = 4;
  let Instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd";
  let LhsBits = 8;
  let RhsBits = 8;
  let Cost = 3;
  let Unroll = 2;
}
class AVX2BytesProduct<string name, int rows, int vectors, int rank>
    : AVX2ByteProduct<name, rows, vectors, rank> {
  let Name = "avx2-u8w8-" # name;
  let Cost = 5;
  let WordGroups = 2;
}
def : AVX2BytesProduct<"3x16", 3, 2, 1>;
def : AVX2BytesProduct<"6x8", 6, 1, 0>;
def : AVX2ByteProduct<"5x16", 5, 2, 3>;
def : AVX2ByteProduct<"6x8", 6, 1, 2>;

class AVX2PairProduct<string name, int rows, int vectors, int rank>
    : AVX2Product<name, rows, vectors, rank> {
  let Name = "avx2-i16-" # name;
  let Features = "avx2";
  let Types = "x8s8";
  let Interleave = 2;
  let Instruction = "llvm.x86.avx2.pmadd.wd";
  let LhsBits = 16;
  let RhsBits = 16;
  let Cost = 2;
  let Unroll = 2;
}
def : AVX2PairProduct<"5x16", 5, 2, 3>;
def : AVX2PairProduct<"6x8", 6, 1, 2>;

// Words by words, two at a time: Winograd convolutions of bytes. In vectors of 512
// bits they gain nothing (ResNet-50 19.4 ms, 19.4 without).
class AVX2WordProduct<string name, int rows, int vectors, int rank>
    : AVX2PairProduct<name, rows, vectors, rank> {
  let Name = "avx2-s16-" # name;
  let Types = "s16";
}
def : AVX2WordProduct<"6x16", 6, 2, 3>;
def : AVX2WordProduct<"6x8", 6, 1, 2>;
def : MicroKernelRow<"lookup"> {
  let Name = "avx512-vbmi-lookup";
  let Features = "avx512f,avx512bw,avx512vbmi";
  let VectorBits = 512;
  let Registers = 32;
  let Rows = 1;
  let Vectors = 1;
  let Rank = 1;
  let Instruction = "llvm.x86.avx512.vpermi2var.qi.512";
}

class Gather<string features, int width> : MicroKernelRow<"gather"> {
  let Name = features # "-gather";
  let Features = features;
  let VectorBits = width;
  let Registers = 16;
  let Rows = 1;
  let Vectors = 1;
  let Rank = 1;
}
def : Gather<"avx2", 256>;
def : Gather<"avx512f", 512>;

// Sparse weights. Where few rows wait for them, they are read in packed form: the
// elements of the left side that belong to a vector of values are picked by a
// permutation, or values are expanded by a mask. Rows is the most that gain.
class SparseKernel<string form, string name> : MicroKernelRow<"sparse-" # form> {
  let Name = name;
  let PrefetchRows = 16;
}
def : SparseKernel<"masks", "avx512-f32-expand"> {
  let Features = "avx512f,avx512bw,avx512vl";
  let VectorBits = 512;
  let Registers = 32;
  let Rows = 4;
  let Vectors = 4;
  let Unroll = 2;
  let Rank = 3;
}
// Fetched ahead by hand they come slower than the processor fetches them.
class SparseLanesKernel<string name> : SparseKernel<"lanes", name> {
  let Rows = 4;
  let Vectors = 2;
  let Streams = 2;
  let PrefetchRows = 0;
  let Unroll = 1;
}
def : SparseLanesKernel<"avx512-f32-permute"> {
  let Features = "avx512f";
  let VectorBits = 512;
  let Registers = 32;
  // For groups of 4 and larger ones.
  let Instruction =
      "llvm.x86.avx512.vpermilvar.ps.512,llvm.x86.avx512.permvar.sf.512";
  let Rank = 4;
}
def : SparseLanesKernel<"avx2-f32-permute"> {
  let Features = "avx2,fma";
  let VectorBits = 256;
  let Registers = 16;
  let Instruction = "llvm.x86.avx.vpermilvar.ps.256,llvm.x86.avx2.permps";
  let Rows = 2;
  let Rank = 2;
}

// Bytes, four along the depth to a lane.
def : SparseKernel<"bytes", "avx512-vnni-u8s8-expand"> {
  let Features = "avx512f,avx512bw,avx512vnni,avx512vbmi2";
  let Types = "u8s8";
  let VectorBits = 512;
  let Registers = 32;
  let Rows = 4;
  let Vectors = 4;
  let Unroll = 2;
  let Interleave = 4;
  let Instruction =
      "llvm.x86.avx512.vpdpbusd.512,llvm.x86.avx512.mask.expand";
  let Accumulates = 1;
  let LhsBits = 8;
  let RhsBits = 8;
  let Rank = 1;
}

// The same for more rows: bytes are expanded to panels of matrix registers, a
// part ahead of what multiplies them.
def : SparseKernel<"bytes", "amx-u8s8-expand"> {
  let Features = "avx512f,avx512bw,avx512vbmi2,amx-tile,amx-int8";
  let Types = "u8s8";
  let VectorBits = 512;
  let Registers = 32;
  let Rows = 32;
  let Vectors = 2;
  let Unroll = 4;
  let Streams = 1;
  let PrefetchRows = 128;
  let Interleave = 4;
  let Instruction = "llvm.x86.tdpbusd,llvm.x86.avx512.mask.expand";
  let Accumulates = 1;
  let LhsBits = 8;
  let RhsBits = 8;
  let MatrixUnit = "amx";
  let Rank = 3;
}

// Bytes of the left side picked for four values of each column.
class SparseByteLanesKernel<string name> : SparseKernel<"byte_lanes", name> {
  let Types = "u8s8";
  let Rows = 4;
  let Vectors = 2;
  let Streams = 2;
  let PrefetchRows = 0;
  let Unroll = 1;
  let Interleave = 4;
  let LhsBits = 8;
  let RhsBits = 8;
}
def : SparseByteLanesKernel<"avx2-u8p8-permute"> {
  let Features = "avx2";
  let Types = "u8p8";
  let VectorBits = 256;
  let Registers = 16;
  let Instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd,"
                    "llvm.x86.avx2.pshuf.b";
  let Rank = 0;
}
def : SparseByteLanesKernel<"avx512-vnni-u8s8-permute"> {
  let Features = "avx512f,avx512bw,avx512vnni";
  let VectorBits = 512;
  let Registers = 32;
  let Vectors = 4;
  let Instruction = "llvm.x86.avx512.vpdpbusd.512,llvm.x86.avx512.pshuf.b.512";
  let Accumulates = 1;
  let Rank = 2;
}

// Each value times vectors of rows, or for one row vectors of columns' values
// times elements that are collected. Rows is the largest block of them, Vectors
// those of columns whose sums lie in a scratch of up to 16 KiB.
class SparseRowsKernel<string name> : SparseKernel<"scalars", name> {
  let PrefetchRows = 0;
  let Rows = 64;
}
def : SparseRowsKernel<"avx512-f32-transposed"> {
  let Features = "avx512f";
  let VectorBits = 512;
  let Registers = 32;
  let Vectors = 4;
  let Rank = 3;
}
def : SparseRowsKernel<"avx2-f32-transposed"> {
  let Features = "avx2,fma";
  let VectorBits = 256;
  let Registers = 16;
  let Vectors = 8;
  let Rank = 2;
}
// Weights of few bits with group scales. Sums of a group are integers, or floats
// where activations stay such; those of the whole depth are a register more for
// each, which waits in memory while a group is summed.
class BlockWeights<string name, string features, int width, int registers,
                   int rows, int vectors, string instruction, int rank>
    : MicroKernelRow<"block-weights"> {
  let Name = name;
  let Features = features;
  let VectorBits = width;
  let Registers = registers;
  let Rows = rows;
  let Vectors = vectors;
  let Streams = 1;
  let Rank = rank;
  let Interleave = !if(!eq(instruction, ""), 1, 2);
  let Instruction = instruction;
  let LhsBits = !if(!eq(instruction, ""), 0, 16);
  let RhsBits = LhsBits;
}
def : BlockWeights<"avx512-vnni-i16w", "avx512f,avx512bw,avx512vnni", 512, 32,
                   4, 4, "llvm.x86.avx512.vpdpwssd.512", 2> {
  let Accumulates = 1;
}
def : BlockWeights<"avx512-i16w", "avx512f,avx512bw", 512, 32, 4, 4,
                   "llvm.x86.avx512.pmaddw.d.512", 1>;
def : BlockWeights<"avx2-i16w", "avx2,fma,f16c", 256, 16, 4, 2,
                   "llvm.x86.avx2.pmadd.wd", 1>;
def : BlockWeights<"avx512-f32w", "avx512f,avx512bw", 512, 32, 4, 4, "", 1>;
def : BlockWeights<"avx2-f32w", "avx2,fma,f16c", 256, 16, 4, 2, "", 1>;
