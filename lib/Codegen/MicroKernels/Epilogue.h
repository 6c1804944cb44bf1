//===- Epilogue.h - an anchor's epilogue on vectors -------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_EPILOGUE_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_EPILOGUE_H

#include "LinearView.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// A vector of the last output dimension.
struct OutputVector {
  /// First element.
  mlir::OpFoldResult column;
  /// Null if all lanes exist.
  mlir::Value mask;
};

/// Turns accumulators into stored results: loads what the epilogue reads,
/// clones it for vectors, stores.
class Epilogue {
public:
  /// Views the operands; call it outside all loops.
  Epilogue(IndexBuilder &ib, AnchorOpInterface op);

  /// Results of `rows` (coordinates of the output space but the last) times
  /// `vectors`; `accumulators` has one vector per pair, rows first. Dimensions
  /// not in `varying` are the same for all rows.
  void emit(IndexBuilder &ib,
            llvm::ArrayRef<llvm::SmallVector<mlir::OpFoldResult>> rows,
            const llvm::SmallBitVector &varying,
            llvm::ArrayRef<OutputVector> vectors,
            mlir::ValueRange accumulators);

private:
  mlir::Value load(IndexBuilder &ib, const LinearView &view,
                   mlir::AffineMap map, llvm::ArrayRef<mlir::OpFoldResult> row,
                   const OutputVector &vector, int64_t lanes);
  mlir::Value apply(IndexBuilder &ib, mlir::Value accumulator,
                    mlir::ValueRange inputs);

  AnchorOpInterface op;
  llvm::SmallVector<mlir::AffineMap> maps;
  /// The view of a memref input, or a scalar input itself.
  llvm::SmallVector<std::optional<LinearView>> views;
  LinearView init;
};

/// The position that `map` takes output coordinates to.
mlir::OpFoldResult mapPosition(IndexBuilder &ib, const LinearView &view,
                               mlir::AffineMap map,
                               llvm::ArrayRef<mlir::OpFoldResult> coordinates);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_EPILOGUE_H
