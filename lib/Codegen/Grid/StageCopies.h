//===- StageCopies.h - slices of a product in shared memory -----*- C++ -*-===//
//
// What a block copies of both sides: some steps of the depth for all rows and
// columns of its tile, a stage. Rows of the left side are `stageBytes` long;
// the right side is as it is packed, panel by panel.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_STAGECOPIES_H
#define MOPT_LIB_CODEGEN_GRID_STAGECOPIES_H

#include "RowCopies.h"
#include "StageLoop.h"
#include "WarpTile.h"

namespace mopt {
class StageCopies : public StageSource {
public:
  /// Bytes that are copied and loaded together.
  static constexpr int64_t kChunk = RowCopies::kChunk;

  /// Of elements of `bytes` bytes.
  StageCopies(GridBuilder &g, SharedBuilder &s, PackedAccess &access,
              const WarpTile &tile, int64_t bytes);

  /// What this thread copies of the tile that begins at `rowStart` and
  /// `columnStart`.
  void plan(mlir::Value batch, mlir::Value rowStart, mlir::Value columnStart);

  /// Copies the right side from step `k` on to the stage at `slot`, and of the
  /// left side what can be copied without registers.
  void copy(mlir::Value k, mlir::Value slot) override;
  /// The left side in registers if it cannot, else nothing; and to the stage.
  llvm::SmallVector<mlir::Value> load(mlir::Value k) override {
    return left.load(k);
  }
  void store(mlir::ValueRange loaded, mlir::Value slot) override {
    left.store(loaded, slot);
  }

  /// Steps of the depth in a stage.
  int64_t getSteps() const { return left.getSteps(); }
  /// Of the right side in a stage: bytes and number of a panel's rows, each of
  /// a step, or of as many as are side by side.
  int64_t getRightBytes() const {
    return tile.getPanelColumns() * access.interleave * bytes;
  }
  int64_t getRightRows() const { return getSteps() / access.interleave; }
  int64_t getPanelSize() const { return getRightRows() * getRightBytes(); }
  /// Where the right side begins in a stage.
  int64_t getRightStart() const { return tile.rows * tile.stageBytes; }

  /// The place of a chunk in row `row` of a side.
  mlir::Value placeLeft(mlir::Value row, mlir::Value chunk) {
    return left.place(row, chunk);
  }
  mlir::Value placeRight(mlir::Value row, mlir::Value chunk);

private:
  void planRight(mlir::Value batch, mlir::Value columnStart);

  /// A row of the right side that this thread copies a chunk of, `step` steps
  /// behind the stage's first: its place, and where the chunk goes in a stage.
  struct RightRow {
    mlir::Value place, step, target;
  };

  GridBuilder &g;
  SharedBuilder &s;
  PackedAccess &access;
  const WarpTile &tile;
  /// Of an element.
  int64_t bytes;
  RowCopies left;

  mlir::Value rightStart;
  llvm::SmallVector<RightRow> right;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_STAGECOPIES_H
