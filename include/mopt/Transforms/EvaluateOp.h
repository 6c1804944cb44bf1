//===- EvaluateOp.h - mopt ops on constants ---------------------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_EVALUATEOP_H
#define MOPT_TRANSFORMS_EVALUATEOP_H

#include "mopt/Support/ConstantTensor.h"

#include "mlir/IR/Operation.h"

namespace mopt {
/// The result of a mopt op whose operands have the given values; nothing if it
/// is not one that is evaluated at compile time. The result's type is static.
std::optional<ConstantTensor> evaluateOp(mlir::Operation *op,
                                         llvm::ArrayRef<ConstantTensor> operands);
} // namespace mopt

#endif // MOPT_TRANSFORMS_EVALUATEOP_H
