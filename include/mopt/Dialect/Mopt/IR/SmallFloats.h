//===- SmallFloats.h - products of floats of 8 bits -------------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_SMALLFLOATS_H
#define MOPT_DIALECT_MOPT_IR_SMALLFLOATS_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// On an anchor whose sides are bytes and whose sums are floats: the type of
/// float that each byte is.
inline constexpr llvm::StringLiteral kSmallFloatAttr = "mopt.small_float";

/// The elements of an anchor's sides as that says; null without the attribute.
inline mlir::Type getSmallFloat(mlir::Operation *anchor) {
  auto type = anchor->getAttrOfType<mlir::TypeAttr>(kSmallFloatAttr);
  return type ? type.getValue() : mlir::Type();
}

/// Floats of 8 bits that devices multiply.
inline bool isMultiplied(mlir::Type element) {
  return llvm::isa<mlir::Float8E4M3FNType, mlir::Float8E5M2Type>(element);
}
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_SMALLFLOATS_H
