//===- KernelNames.h - what the ops of a kernel are called ------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_KERNELNAMES_H
#define MOPT_TRANSFORMS_KERNELNAMES_H

#include "mlir/IR/Operation.h"
#include <string>

namespace mopt {
/// Does a kernel's name mention `op`? Constants and sizes do not count.
bool isNamedInKernel(mlir::Operation *op);
/// "add" for `mopt.binary <add>`, "conv" for `mopt.conv`.
std::string getKernelOpName(mlir::Operation *op);
} // namespace mopt

#endif // MOPT_TRANSFORMS_KERNELNAMES_H
