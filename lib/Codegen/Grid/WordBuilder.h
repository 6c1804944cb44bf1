//===- WordBuilder.h - arithmetic of 32 bits --------------------*- C++ -*-===//
//
// Addresses in shared memory and coordinates of the copy engine.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_WORDBUILDER_H
#define MOPT_LIB_CODEGEN_GRID_WORDBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace mopt {
/// Numbers of 32 bits.
class WordBuilder {
public:
  WordBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::Value word(int64_t value) {
    return mlir::arith::ConstantOp::create(
        b, loc, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
  }
  mlir::Value add(mlir::Value x, int64_t y) {
    return y == 0 ? x : add(x, word(y));
  }
  mlir::Value mul(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::MulIOp>(loc, x, word(y));
  }
  mlir::Value div(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::DivUIOp>(loc, x, word(y));
  }
  mlir::Value rem(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::RemUIOp>(loc, x, word(y));
  }
  mlir::Value band(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::AndIOp>(loc, x, word(y));
  }
  mlir::Value exclusiveOr(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::XOrIOp>(loc, x, y);
  }
  mlir::Value equals(mlir::Value x, int64_t y) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::eq,
                                       x, word(y));
  }
  mlir::Value least(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::MinUIOp>(loc, x, word(y));
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  mlir::Value index(mlir::Value x) {
    return b.createOrFold<mlir::arith::IndexCastUIOp>(loc, b.getIndexType(), x);
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WORDBUILDER_H
