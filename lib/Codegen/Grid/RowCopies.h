//===- RowCopies.h - rows of a product in shared memory ---------*- C++ -*-===//
//
// What a block copies of the left side: some steps of the depth for all rows of
// its tile, a stage, in which they are neighbours. Chunks of 16 bytes change
// places within their row, so that what is loaded together is in different
// banks.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_ROWCOPIES_H
#define MOPT_LIB_CODEGEN_GRID_ROWCOPIES_H

#include "ProductAccess.h"
#include "SharedBuilder.h"

namespace mopt {
class RowCopies {
public:
  /// Bytes that are copied and loaded together.
  static constexpr int64_t kChunk = 16;

  /// The tile: `rows` rows of `rowBytes` bytes of a stage, elements of `bytes`
  /// bytes, copied by `threads` threads.
  struct Shape {
    int64_t rows, rowBytes, bytes, threads;
  };

  RowCopies(GridBuilder &g, SharedBuilder &s, PackedAccess &access,
            Shape shape);

  /// What this thread copies of the tile that begins at row `rowStart`.
  void plan(mlir::Value batch, mlir::Value rowStart);

  /// Copies what can be copied without registers, from step `k` on, to the
  /// stage at `slot`.
  void copy(mlir::Value k, mlir::Value slot);
  /// The rest in registers: all of it, or nothing; and to the stage.
  llvm::SmallVector<mlir::Value> load(mlir::Value k);
  void store(mlir::ValueRange loaded, mlir::Value slot);

  /// Steps of the depth in a stage; may the last stage have fewer?
  int64_t getSteps() const { return shape.rowBytes / shape.bytes; }
  bool isRagged() const { return access.depth % getSteps() != 0; }

  /// The place of a chunk in row `row` of a stage.
  mlir::Value place(mlir::Value row, mlir::Value chunk);
  /// The same within rows of `rowBytes` bytes, from the row's begin.
  static mlir::Value placeChunk(SharedBuilder &s, mlir::Value row,
                                int64_t rowBytes, mlir::Value chunk);
  /// Copies `count` bytes without registers, of which only the first `valid`
  /// are read, the others being 0; null for all.
  static void copyChunk(GridBuilder &g, mlir::Value target, mlir::Value source,
                        int64_t count, mlir::Value valid);

private:
  mlir::Value countValid(mlir::Value k, int64_t count);

  /// A row that this thread copies a chunk of: its place, its coordinates (see
  /// PackedAccess), and where the chunk goes in a stage.
  struct Row {
    mlir::Value place;
    llvm::SmallVector<mlir::Value> coordinates;
    mlir::Value target;
  };

  GridBuilder &g;
  SharedBuilder &s;
  PackedAccess &access;
  Shape shape;
  /// Bytes that lie side by side, and whether they are copied without
  /// registers.
  int64_t copied;
  bool copiesRows;

  /// Where the side begins, and the steps in front of this thread's chunks.
  mlir::Value start, ownStep;
  llvm::SmallVector<Row> own;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_ROWCOPIES_H
