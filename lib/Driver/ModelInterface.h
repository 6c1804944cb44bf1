//===- ModelInterface.h - inputs and outputs of a model ---------*- C++ -*-===//

#ifndef MOPT_DRIVER_MODELINTERFACE_H
#define MOPT_DRIVER_MODELINTERFACE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace mopt {

struct TensorInterface {
  std::string name;
  /// "float", and "MOPT_FLOAT32"; empty where C has no such element.
  std::string cType;
  std::string dtype;
  unsigned elementBits = 0;
  /// -1 for a dynamic dimension, whose name may be empty.
  llvm::SmallVector<int64_t> dims;
  llvm::SmallVector<std::string> dimNames;

  bool isStatic() const;
  int64_t countElements() const;
};

struct ModelInterface {
  std::string entry;
  llvm::SmallVector<TensorInterface> inputs, outputs;
  bool known = false;
};

/// What the function with the attribute `mopt.entry` takes and returns. Without
/// one, as at level llvm, only the name is filled in and `known` stays false.
ModelInterface readInterface(mlir::ModuleOp module);

} // namespace mopt

#endif // MOPT_DRIVER_MODELINTERFACE_H
