//===- KernelReport.h - what became of the model's nodes --------*- C++ -*-===//

#ifndef MOPT_DRIVER_KERNELREPORT_H
#define MOPT_DRIVER_KERNELREPORT_H

#include "mopt/Driver/Level.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace mopt {

/// The kernels of a module, read while it passes through the levels: what was
/// fused, which micro-kernels compute it, where it is called.
class KernelReport {
public:
  /// Takes what `module`, now of `level`, says.
  void read(mlir::ModuleOp module, Level level);

  /// An array of objects with "name", "fused" (the ops), "micro_kernels" and
  /// "calls" (the ONNX nodes of each). Empty where the compilation ended before
  /// or began after the kernels were made.
  llvm::json::Array toJSON() const;

private:
  struct Kernel {
    std::string name;
    llvm::SmallVector<std::string> ops;
    llvm::SmallVector<std::string> microKernels;
    llvm::SmallVector<llvm::SmallVector<std::string>> calls;
  };
  std::vector<Kernel> kernels;
};

} // namespace mopt

#endif // MOPT_DRIVER_KERNELREPORT_H
