//===- AttentionPlan.h - attention in tiles of the copy engine --*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_ATTENTIONPLAN_H
#define MOPT_LIB_CODEGEN_GRID_ATTENTIONPLAN_H

#include "WarpgroupPlan.h"
#include "mopt/Dialect/Mopt/IR/Attention.h"

namespace mopt {
/// In what tiles groups of four warps compute an attention, and through which
/// maps of tensors all sides are read and the result is written.
class AttentionPlan {
public:
  /// Nothing is planned before `match`. If it `isCausal`, the first rows see
  /// fewest keys.
  AttentionPlan(AttentionOp op, bool isCausal);

  /// Can the copy engine reach queries, keys and values? Then everything else
  /// is known.
  bool match();

  int64_t getRowsOfTile() const { return groups * kGroupRows; }
  int64_t countRowTiles() const;
  int64_t countKeyTiles() const;
  /// Boxes of 64 columns, and their bytes, of a group's queries, of a stage's
  /// keys and of its values.
  int64_t countDepthBoxes() const;
  int64_t countColumnBoxes() const;
  int64_t getQueryBytes() const;
  int64_t getKeyBytes() const;
  int64_t getValueBytes() const;

  AttentionOp op;
  int64_t rows, keys, depth, columns, batches;
  llvm::SmallVector<int64_t> batchSizes;
  bool isCausal;
  /// Groups that multiply, keys of a tile, tiles under way.
  int64_t groups = 2, tileKeys = 128, stages = 2;
  Side query, key, value, result;
  /// The result goes through shared memory to the copy engine.
  bool storesBoxes = false;

private:
  int64_t chooseGroups() const;
  bool matchSide(Side &side, mlir::Value buffer, mlir::AffineMap map,
                 int64_t rows, int64_t columns, int64_t boxRows) const;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_ATTENTIONPLAN_H
