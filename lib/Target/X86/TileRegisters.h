//===- TileRegisters.h - AMX as a matrix unit -------------------*- C++ -*-===//

#ifndef MOPT_LIB_TARGET_X86_TILEREGISTERS_H
#define MOPT_LIB_TARGET_X86_TILEREGISTERS_H

#include "mopt/Target/MatrixUnit.h"

namespace mopt {
const MatrixUnit &getTileRegisters();
} // namespace mopt

#endif // MOPT_LIB_TARGET_X86_TILEREGISTERS_H
