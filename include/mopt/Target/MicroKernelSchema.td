//===- MicroKernelSchema.td - class of micro-kernel rows ----*- tablegen -*-===//
//
// Which register tiles an architecture has, in
// lib/Target/<Arch>/<Arch>MicroKernels.td. A tile of a family of which the shape
// wastes least is chosen; of nearly equal ones that of the highest rank.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_TARGET_MICROKERNELSCHEMA_TD
#define MOPT_TARGET_MICROKERNELSCHEMA_TD

include "llvm/TableGen/SearchableTable.td"

// `struct MicroKernelRow`.
class MicroKernelRow<string kind> {
  // "product": scalars of the left side times vectors of the right one.
  // "depthwise": vectors of channels. With LhsBits bytes are multiplied as integers
  // of that width, and vectors have as many; else as floats.
  // "block-weights": as "product", of weights in few bits with group scales. An
  // instruction takes pairs of 16 bits, or with an Interleave of 4 signed bytes,
  // twice for left sides of 16 bits; without one, floats are multiplied.
  // "lookup": bytes in a table; the instruction takes 64 of the table, the lower 7
  // bits of 64 indices, and the next 64 of the table. Of two instructions both take
  // four vectors of the table and a vector of indices; the second one takes the
  // results so far before them, and keeps those whose indices are not in there.
  // "warpgroup": 16-bit floats or bytes, in groups of warps (lib/Codegen/Grid).
  // "sparse-device": weights that keep two of four neighbours, on a device, in
  // warps or groups of them, as MatrixUnit says.
  // "gather": elements of 32 bits collected by indices of 32 bits.
  string Kind = kind;
  string Name = ?;
  // Features that the target must have, "avx2,fma".
  string Features = "";
  // Vectors of this width; 0 for the target's.
  bits<32> VectorBits = 0;
  // Vector registers that the target must have.
  bits<32> Registers = ?;
  // The register tile: rows and vectors, or output rows and output columns.
  bits<32> Rows = ?;
  bits<32> Vectors = ?;
  // Steps of the innermost reduction that are emitted at once.
  bits<32> Unroll = 4;
  // Packed blocks that advance together when there are few rows.
  bits<32> Streams = 4;
  // Right sides of more bytes than this are prefetched: the next packed block,
  // and the one in use that many steps ahead.
  bits<32> PrefetchBytes = 0;
  bits<32> PrefetchRows = 0;
  // Decides between tiles that waste about as much.
  bits<32> Rank = ?;
  // What is multiplied: "float" elements of one type, "u8s8" for unsigned by
  // signed bytes, "s8s8" for signed ones, "x8s8" for bytes of any sign by signed
  // ones, "s16" for words, "u8p8" for
  // unsigned bytes by constant signed ones whose products are summed in 16 bits
  // (few of them may be too large), "tf32" for f32 with a short mantissa, "bf16", "f16", "e4m3" or "e5m2" for both sides
  // of that type of float.
  // Empty: anything, each widened to its accumulator.
  string Types = "float";
  // Neighbours along the depth that the instruction, an LLVM intrinsic or, of a
  // device, what its assembly has, sums
  // into one lane. Where they have 64 bits it multiplies the groups of two rows
  // by those of two columns, and four lanes are the square of sums. With Accumulates it takes the lanes as its first operand. A
  // second intrinsic, behind a comma, multiplies what the first one gives, of
  // twice the width, by ones and sums neighbours.
  bits<32> Interleave = 1;
  string Instruction = "";
  bit Accumulates = 0;
  // The widths that it takes.
  bits<32> LhsBits = 0;
  bits<32> RhsBits = 0;
  // Instructions for each of its products: itself, and an addition.
  bits<32> Cost = 1;
  // Groups of neighbours whose products the first of two instructions leaves in
  // words that are added before the second one; Cost is for all of them. Without
  // an instruction the elements are multiplied and added in their own 16 bits,
  // and the sums of as many groups widened: of two neighbours in a lane, or with
  // an Interleave of 1 of two lanes' columns.
  bits<32> WordGroups = 1;
  // Steps whose elements of the left side are loaded as one vector where they
  // are neighbours: for instructions that multiply by a lane of a register.
  bits<32> LhsSteps = 1;
  // The unit whose registers hold matrices (MatrixUnit.h): Rows and Vectors are
  // up to two registers each way. "warp", "warpgroup": the threads of one, of a
  // device.
  string MatrixUnit = "";
  // LLVM's names of the processors whose tuning it is for, "cortex-a55,neoverse-n1";
  // empty for all that can run it.
  string Tunes = "";
}

class MicroKernelTable : GenericTable {
  let FilterClass = "MicroKernelRow";
  let Fields = ["Kind", "Name", "Features", "VectorBits", "Registers", "Rows",
                "Vectors", "Unroll", "Streams", "PrefetchBytes",
                "PrefetchRows", "Rank", "Types", "Interleave", "Instruction",
                "Accumulates", "LhsBits", "RhsBits", "Cost", "MatrixUnit",
                "WordGroups", "LhsSteps", "Tunes"];
}

#endif // MOPT_TARGET_MICROKERNELSCHEMA_TD
