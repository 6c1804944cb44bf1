//===- WarpTile.h - how warps divide a product ------------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPTILE_H
#define MOPT_LIB_CODEGEN_GRID_WARPTILE_H

#include "ProductAccess.h"

namespace mopt {
/// Results of a block and of a warp; the warps that share the depth of a stage,
/// which is `stageBytes` of each row; and how many stages are under way.
struct WarpTile {
  int64_t rows, columns, warpRows, warpColumns, parts, stageBytes, stages;
  /// Time for the same depth, of a block that has a processor for itself and of
  /// one among several.
  int64_t alone = 0, crowded = 0;

  static constexpr int64_t kWarp = 32;
  /// What a warp multiplies at once: rows, columns, bytes of the depth.
  static constexpr int64_t kRows = 16, kColumns = 8, kStepBytes = 32;
  /// Columns of a packed block.
  static constexpr int64_t kBlockColumns = 64;
  /// Shared memory that a block has without asking for more.
  static constexpr int64_t kSharedBytes = 49152;

  int64_t getThreads() const {
    return rows / warpRows * (columns / warpColumns) * parts * kWarp;
  }
  int64_t getStageSize() const { return (rows + columns) * stageBytes; }
  /// The right side stands in shared memory behind the left one, in panels of
  /// as many columns.
  int64_t getPanelColumns() const { return std::min(columns, kBlockColumns); }
};

/// The tile of the least estimated time.
const WarpTile &chooseWarpTile(const PackedAccess &access);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPTILE_H
