//===- MatrixUnit.h - registers that hold matrices --------------*- C++ -*-===//

#ifndef MOPT_TARGET_MATRIXUNIT_H
#define MOPT_TARGET_MATRIXUNIT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace mopt {
/// What a register holds: `rows` (an `index`) rows of `rowBytes` bytes.
struct MatrixShape {
  mlir::Value rows;
  int64_t rowBytes;
};

/// Emits instructions on a machine's matrix registers, which are numbered.
/// Their shapes are state of the thread: between `configure` and `release`
/// nothing else may use the unit.
class MatrixUnit {
public:
  virtual ~MatrixUnit() = default;

  virtual int64_t getRegisters() const = 0;
  /// The largest shape of a register.
  virtual int64_t getRows() const = 0;
  virtual int64_t getRowBytes() const = 0;
  /// Bytes of the memory that `configure` writes the shapes to, 64-byte
  /// aligned.
  virtual int64_t getShapeBytes() const = 0;
  /// The part of the processor's state that a process must ask its operating
  /// system for, as MoptModelDesc.processor_state.
  virtual int64_t getProcessorState() const = 0;

  /// Gives register i the i-th shape; `slot` is a memref of getShapeBytes()
  /// bytes.
  virtual void configure(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value slot,
                         llvm::ArrayRef<MatrixShape> shapes) const = 0;
  virtual void release(mlir::OpBuilder &b, mlir::Location loc) const = 0;
  virtual void zero(mlir::OpBuilder &b, mlir::Location loc,
                    int64_t target) const = 0;
  /// Rows from `address` on (an `index`), `stride` bytes apart.
  virtual void load(mlir::OpBuilder &b, mlir::Location loc, int64_t target,
                    mlir::Value address, mlir::Value stride) const = 0;
  virtual void store(mlir::OpBuilder &b, mlir::Location loc, int64_t source,
                     mlir::Value address, mlir::Value stride) const = 0;
  /// `sums += lhs * rhs` by the intrinsic `instruction`. A row of `rhs` holds
  /// groups of 4 bytes, neighbours along the depth.
  virtual void multiply(mlir::OpBuilder &b, mlir::Location loc,
                        llvm::StringRef instruction, int64_t sums, int64_t lhs,
                        int64_t rhs) const = 0;
};

/// The unit of that name in a micro-kernel row; null for another name.
const MatrixUnit *getMatrixUnit(llvm::StringRef name);
} // namespace mopt

#endif // MOPT_TARGET_MATRIXUNIT_H
