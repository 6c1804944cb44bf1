//===- FusedProduct.h - a product and a sum, rounded once -------*- C++ -*-===//

#ifndef MOPT_CODEGEN_FUSEDPRODUCT_H
#define MOPT_CODEGEN_FUSEDPRODUCT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

namespace mopt {

/// x * y + z, all of f32 or vectors of it. Where the target does not fuse
/// (`fusesProducts`) in f64, in which the product is exact, as the sum mostly
/// is: rounding it before it is rounded to f32 changes one result in 2^29.
inline mlir::Value createFusedProduct(mlir::OpBuilder &b, mlir::Location loc,
                                      mlir::Value x, mlir::Value y,
                                      mlir::Value z, bool fuses) {
  if (fuses)
    return mlir::math::FmaOp::create(b, loc, x, y, z);
  mlir::Type type = x.getType(), wide = b.getF64Type();
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
    wide = vector.clone(wide);
  auto widen = [&](mlir::Value value) -> mlir::Value {
    return mlir::arith::ExtFOp::create(b, loc, wide, value);
  };
  mlir::Value product = mlir::arith::MulFOp::create(b, loc, widen(x), widen(y));
  mlir::Value sum = mlir::arith::AddFOp::create(b, loc, product, widen(z));
  return mlir::arith::TruncFOp::create(b, loc, type, sum);
}

} // namespace mopt

#endif // MOPT_CODEGEN_FUSEDPRODUCT_H
