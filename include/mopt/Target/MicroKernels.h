//===- MicroKernels.h - register tiles as table rows ------------*- C++ -*-===//

#ifndef MOPT_TARGET_MICROKERNELS_H
#define MOPT_TARGET_MICROKERNELS_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace mopt {
/// A row of a micro-kernel table, see MicroKernelSchema.td.
struct MicroKernelRow {
  const char *kind;
  const char *name;
  const char *features;
  uint32_t vectorBits;
  uint32_t registers;
  uint32_t rows;
  uint32_t vectors;
  uint32_t unroll;
  uint32_t streams;
  uint32_t prefetchBytes;
  uint32_t prefetchRows;
  uint32_t rank;
  const char *types;
  uint32_t interleave;
  const char *instruction;
  bool accumulates;
  uint32_t lhsBits;
  uint32_t rhsBits;
  uint32_t cost;
  const char *matrixUnit;
  uint32_t wordGroups;
  uint32_t lhsSteps;
  const char *tunes;

  /// Rows and columns that an instruction multiplies by each other: groups of
  /// more than 32 bits are those of a block.
  int64_t getBlockRows() const {
    return interleave > 1 && !*matrixUnit && interleave * lhsBits > 32
               ? interleave * lhsBits / 32
               : 1;
  }

  /// Are products summed in the elements' own type first?
  bool sumsNarrow() const { return wordGroups > 1 && !*instruction; }
};

/// The tables of the architectures, then the one for every machine.
llvm::SmallVector<llvm::ArrayRef<MicroKernelRow>> getMicroKernelTables();

/// Has `target` the features and registers that the row asks for, and is it one
/// that the row is for?
bool canRun(TargetAttr target, const MicroKernelRow &row);

/// Has `target` a micro-kernel that multiplies several bytes at once? It then
/// multiplies them faster than floats.
bool multipliesBytes(TargetAttr target);

/// Are the left sides signed in what multiplies several bytes at once? They are
/// unsigned elsewhere, and on a target that has both kinds.
bool multipliesSignedBytes(TargetAttr target);

/// Does it multiply words two at a time in its widest vectors, and four bytes
/// with several instructions? Convolutions in words that take less than half of
/// the products are faster then.
bool multipliesWords(TargetAttr target);

/// Does one of its instructions add a product to a float, rounded once?
/// `math.fma` is a call of the system's library where none does.
bool fusesProducts(TargetAttr target);

/// Does one of its instructions widen f16 to f32? Else that takes a dozen.
bool convertsHalves(TargetAttr target);

/// Does one of its instructions round f32 to bf16?
bool roundsToBrainFloats(TargetAttr target);

/// Has `target` one that multiplies elements of `types` (MicroKernelSchema.td)
/// in matrix registers, or in squares of rows and columns?
bool multipliesInMatrices(TargetAttr target, llvm::StringRef types);

/// Do groups of its warps multiply tiles of 16-bit floats and of bytes?
bool multipliesInWarpgroups(TargetAttr target);

/// The neighbours along the depth that one of the micro-kernels of which
/// `multipliesInMatrices` tells loads at once if rows begin at multiples of as
/// many; the most of any, at least 1.
int64_t countMatrixSteps(TargetAttr target, llvm::StringRef types);

/// May a kernel begin while the one before it runs, and wait for its end?
bool overlapsKernels(TargetAttr target);

/// The products that one of its micro-kernels sums in the elements' own 16 bits
/// before it widens them, the most of any; 0 if none does for `types`.
int64_t countNarrowSums(TargetAttr target, llvm::StringRef types);
} // namespace mopt

#endif // MOPT_TARGET_MICROKERNELS_H
