//===- StageCopies.h - slices of a product in shared memory -----*- C++ -*-===//
//
// What a block copies of both sides: some steps of the depth for all rows and
// columns of its tile, a stage. Rows of the left side are `stageBytes` long;
// the right side is as it is packed, panel by panel. Chunks of 16 bytes change
// places within their row, so that what is loaded together is in different
// banks.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_STAGECOPIES_H
#define MOPT_LIB_CODEGEN_GRID_STAGECOPIES_H

#include "SharedBuilder.h"
#include "WarpTile.h"

namespace mopt {
class StageCopies {
public:
  /// Bytes that are copied and loaded together.
  static constexpr int64_t kChunk = 16;

  /// Of elements of `bytes` bytes.
  StageCopies(GridBuilder &g, SharedBuilder &s, PackedAccess &access,
              const WarpTile &tile, int64_t bytes);

  /// What this thread copies of the tile that begins at `rowStart` and
  /// `columnStart`.
  void plan(mlir::Value batch, mlir::Value rowStart, mlir::Value columnStart);

  /// Copies the right side from step `k` on to the stage at `slot`, and of the
  /// left side what can be copied without registers.
  void copy(mlir::Value k, mlir::Value slot);
  /// The left side in registers if it cannot, else nothing; and to the stage.
  llvm::SmallVector<mlir::Value> load(mlir::Value k);
  void store(mlir::ValueRange loaded, mlir::Value slot);

  /// Steps of the depth in a stage.
  int64_t getSteps() const { return steps; }
  /// Of the right side in a stage: bytes and number of a panel's rows, each of
  /// a step, or of as many as are side by side.
  int64_t getRightBytes() const {
    return tile.getPanelColumns() * access.interleave * bytes;
  }
  int64_t getRightRows() const { return steps / access.interleave; }
  int64_t getPanelSize() const { return getRightRows() * getRightBytes(); }
  /// Where the right side begins in a stage.
  int64_t getRightStart() const { return tile.rows * tile.stageBytes; }

  /// The place of a chunk in row `row` of a side.
  mlir::Value placeLeft(mlir::Value row, mlir::Value chunk);
  mlir::Value placeRight(mlir::Value row, mlir::Value chunk);

private:
  mlir::Value placeChunk(mlir::Value row, int64_t rowBytes, mlir::Value chunk);
  void planLeft(mlir::Value batch, mlir::Value rowStart);
  void planRight(mlir::Value batch, mlir::Value columnStart);
  void copyLeft(mlir::Value k, mlir::Value slot);
  void copyRight(mlir::Value k, mlir::Value slot);
  void copyChunk(mlir::Value target, mlir::Value source, int64_t count,
                 mlir::Value valid);
  mlir::Value countValid(mlir::Value k, int64_t count);
  int64_t countTurns(int64_t chunks) const;

  /// A row of the left side that this thread copies a chunk of: its place, its
  /// coordinates (see PackedAccess), and where the chunk goes in a stage.
  struct Row {
    mlir::Value place;
    llvm::SmallVector<mlir::Value> coordinates;
    mlir::Value target;
  };
  /// The same of the right side, `step` steps behind the stage's first.
  struct RightRow {
    mlir::Value place, step, target;
  };

  GridBuilder &g;
  SharedBuilder &s;
  PackedAccess &access;
  const WarpTile &tile;
  /// Of an element.
  int64_t bytes;
  int64_t steps;
  /// May the last stage have fewer?
  bool isRagged;
  /// Bytes of the left side that lie side by side, and whether they are copied
  /// without registers.
  int64_t copied;
  bool copiesLeft;

  mlir::Value thread, leftStart, rightStart;
  /// Steps in front of this thread's chunks of the left side.
  mlir::Value leftStep;
  llvm::SmallVector<Row> left;
  llvm::SmallVector<RightRow> right;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_STAGECOPIES_H
