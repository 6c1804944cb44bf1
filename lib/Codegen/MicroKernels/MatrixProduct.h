//===- MatrixProduct.h - products in matrix registers -----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_MATRIXPRODUCT_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_MATRIXPRODUCT_H

#include "Columns.h"
#include "RegisterTile.h"
#include "RowBlocks.h"
#include "mopt/Target/MatrixUnit.h"

namespace mopt {
/// Rows cut into pieces of the same size for one register each. Where they do
/// not divide, the last piece starts early and shares rows with the one before.
struct MatrixRows {
  MatrixRows(IndexBuilder &ib, mlir::OpFoldResult count, int64_t most);

  /// Where piece `i` starts, and how many of its rows come before those that no
  /// earlier piece has.
  std::pair<mlir::OpFoldResult, mlir::OpFoldResult>
  getStart(IndexBuilder &ib, mlir::OpFoldResult i) const;

  mlir::OpFoldResult count, pieces, size;
};

/// Groups along a run of the depth that one register takes: the largest divisor
/// of `groups` that fits. Nothing behind the run may be read.
int64_t getMatrixDepth(int64_t groups, int64_t mostBytes);

/// A piece of rows: where the left side starts, how many of its rows another
/// piece has as well, and the output coordinates of its first row; the last of
/// them counts the rows.
struct MatrixPiece {
  mlir::OpFoldResult lhsStart, skipped;
  llvm::SmallVector<mlir::OpFoldResult> coordinates;
};

/// Calls `body` for `pieces` pieces, two at once while there are as many:
/// `body(count, first, index)`, `index` counting the calls.
void forEachMatrixPieces(IndexBuilder &ib, mlir::OpFoldResult pieces,
                         RowBlockFn body);
/// How many calls that makes.
mlir::OpFoldResult countMatrixCalls(IndexBuilder &ib,
                                    mlir::OpFoldResult pieces);

/// Pieces of rows, and vectors of columns, at once.
inline constexpr int64_t kMatricesAtOnce = 2;

/// Memory on the stack, outside of all loops: of the parallel body if there is
/// one.
mlir::Value allocateOnStack(mlir::OpBuilder &b, mlir::Operation *op,
                            mlir::MemRefType type);

/// Emits products of one or two pieces of rows and one panel. Sums go through
/// memory to the epilogue: only there they become vectors.
class MatrixProduct {
public:
  /// `loops` are the reduction, `lhsRowStride` the elements between the rows of
  /// a piece. Sums have memory for `pieces` pieces. Takes the unit until
  /// `release`.
  MatrixProduct(IndexBuilder &ib, AnchorOpInterface op, const LinearView &lhs,
                const LinearView &rhs, mlir::OpFoldResult rows,
                mlir::OpFoldResult lhsRowStride,
                llvm::ArrayRef<ReductionLoop> loops,
                int64_t pieces = kMatricesAtOnce);
  void release(IndexBuilder &ib);

  void emit(IndexBuilder &ib, Epilogue &epilogue,
            const llvm::SmallBitVector &varying,
            llvm::ArrayRef<MatrixPiece> pieces, mlir::OpFoldResult rhsStart,
            llvm::ArrayRef<OutputVector> columns,
            const std::optional<PanelPrefetch> &prefetch);

  // The same for a panel that comes in parts of the depth: all sums are
  // cleared, each part is added for all pieces, of which `first` counts those
  // before `pieces`, and then they meet the epilogue.
  void clear(IndexBuilder &ib);
  /// `part` is a reduction of whole registers.
  void add(IndexBuilder &ib, llvm::ArrayRef<MatrixPiece> pieces,
           mlir::OpFoldResult first, int64_t vectors,
           const ReductionLoop &part);
  void finish(IndexBuilder &ib, Epilogue &epilogue,
              const llvm::SmallBitVector &varying,
              llvm::ArrayRef<MatrixPiece> pieces, mlir::OpFoldResult first,
              llvm::ArrayRef<OutputVector> columns);

private:
  /// Calls `body(register, address)` for the sums of `pieces` pieces.
  void forEachSums(IndexBuilder &ib, int64_t pieces, mlir::OpFoldResult first,
                   int64_t vectors,
                   llvm::function_ref<void(int64_t, mlir::Value)> body);
  void emitLoops(IndexBuilder &ib, llvm::ArrayRef<ReductionLoop> rest,
                 llvm::ArrayRef<MatrixPiece> pieces, int64_t vectors,
                 mlir::OpFoldResult lhsOffset, mlir::OpFoldResult rhsOffset,
                 mlir::OpFoldResult step,
                 const std::optional<PanelPrefetch> &prefetch);
  void emitStep(IndexBuilder &ib, llvm::ArrayRef<MatrixPiece> pieces,
                int64_t vectors, mlir::OpFoldResult lhsOffset,
                mlir::OpFoldResult rhsOffset);
  void emitEpilogue(IndexBuilder &ib, Epilogue &epilogue,
                    const llvm::SmallBitVector &varying,
                    mlir::OpFoldResult number, const MatrixPiece &piece,
                    llvm::ArrayRef<OutputVector> columns);

  AnchorOpInterface op;
  ConfigAttr config;
  const MatrixUnit &unit;
  const LinearView &lhs, &rhs;
  mlir::OpFoldResult rows;
  llvm::SmallVector<ReductionLoop> loops;
  /// Groups per register.
  int64_t depth;
  mlir::VectorType accumulatorType;
  /// The sums of `pieces` pieces, rows of as many columns as a panel has.
  int64_t pieces;
  mlir::Value sums;
  mlir::Value lhsBase, rhsBase, sumsBase;
  mlir::Value lhsStrideBytes, rhsStrideBytes, sumsStrideBytes;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_MATRIXPRODUCT_H
