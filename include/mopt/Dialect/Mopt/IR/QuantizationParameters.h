//===- QuantizationParameters.h - scales and zero points --------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_QUANTIZATIONPARAMETERS_H
#define MOPT_DIALECT_MOPT_IR_QUANTIZATIONPARAMETERS_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/ConstantTensor.h"

#include "mlir/IR/Builders.h"
#include <optional>

namespace mopt {
/// The scale and the zero point (null for 0) of a quantize or dequantize op.
struct QuantizationParameters {
  mlir::Value scale, zeroPoint;

  explicit QuantizationParameters(QuantizeOp op)
      : scale(op.getScale()), zeroPoint(op.getZeroPoint()) {}
  explicit QuantizationParameters(DequantizeOp op)
      : scale(op.getScale()), zeroPoint(op.getZeroPoint()) {}

  /// Is there one scale and zero point for all elements?
  bool isPerTensor() const;
  /// Are both known to have the same values, whatever their shapes?
  bool operator==(const QuantizationParameters &other) const;
};

/// Is `parameter` (null for none) one element?
bool isOneElement(mlir::Value parameter);

/// The number that `value`, a constant, holds in every element.
std::optional<double> getSplatNumber(mlir::Value value);

/// The bytes of `value` if it is a constant that has any.
std::optional<ConstantTensor> getConstantTensor(mlir::Value value);

/// `parameter` of a tensor of shape `from` for one of shape `to` with the same
/// elements in the same order; null where its positions have no dimension of
/// their own there. Null stays null.
std::optional<mlir::Value>
reshapeParameter(mlir::OpBuilder &b, mlir::Location loc, mlir::Value parameter,
                 mlir::RankedTensorType from, mlir::RankedTensorType to);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_QUANTIZATIONPARAMETERS_H
