//===- SafePairs.h - weights that cannot saturate words ---------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H

#include "mlir/IR/Value.h"

namespace mopt {
/// Is `weights` a constant of signed bytes of which each pair of neighbours
/// along dimension `dim`, the first of them at an even index, gives a sum in 16
/// signed bits whatever two unsigned bytes they are multiplied by?
bool arePairsSafe(mlir::Value weights, int64_t dim);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H
