//===- NarrowSums.h - sums of 16 bits that become wider ---------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_NARROWSUMS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_NARROWSUMS_H

#include "IndexBuilder.h"

namespace mopt {
/// Adds to each vector of `sums` the vector of `narrow` at its place, which has
/// two elements of 16 bits for each of f32. Those two are added first, rounded.
void addNarrowSums(IndexBuilder &ib, llvm::ArrayRef<mlir::Value> narrow,
                   llvm::MutableArrayRef<mlir::Value> sums);
/// Adds `narrow` sums, widened, to those of `sums`, of half as many columns
/// each and so at most twice as many.
void addNarrowHalves(IndexBuilder &ib, llvm::ArrayRef<mlir::Value> narrow,
                     llvm::MutableArrayRef<mlir::Value> sums);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_NARROWSUMS_H
