//===- Activation.h - activation functions chosen by name -------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_ACTIVATION_H
#define MOPT_CONVERSION_ONNXTOMOPT_ACTIVATION_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// An activation function of a recurrent operator, with its parameters.
struct Activation {
  enum class Kind {
    relu,
    tanh,
    sigmoid,
    affine,
    leakyRelu,
    thresholdedRelu,
    scaledTanh,
    hardSigmoid,
    elu,
    softsign,
    softplus
  };

  mlir::Value build(OpBinder &op, mlir::Value x) const;

  Kind kind = Kind::relu;
  double alpha = 0, beta = 0;
};

/// The functions that 'activations', 'activation_alpha' and 'activation_beta'
/// tell for each direction, or `defaults` for each.
mlir::FailureOr<llvm::SmallVector<Activation>>
getActivations(OpBinder &op, int64_t numDirections,
               llvm::ArrayRef<Activation::Kind> defaults);
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_ACTIVATION_H
