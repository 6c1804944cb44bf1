//===- WarpgroupPlan.h - tiles that a copy engine brings --------*- C++ -*-===//
//
// Which products groups of four warps compute: in what tiles, and through which
// maps of tensors both sides are read and the result is written.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPGROUPPLAN_H
#define MOPT_LIB_CODEGEN_GRID_WARPGROUPPLAN_H

#include "LaunchShape.h"
#include "LinearPlace.h"
#include "ProductAccess.h"

namespace mopt {
/// Rows of a warpgroup, and its threads.
inline constexpr int64_t kGroupRows = 64, kGroupThreads = 128;
/// The copy engine's pattern: the rows that it exchanges pieces of, and how
/// often it repeats. Both sides have as many bytes of the depth in a stage.
inline constexpr int64_t kRowBytes = 128, kPatternBytes = 1024;
/// Neighbours of 16 bits in a row of a box.
inline constexpr int64_t kBoxColumns = kRowBytes / 2;
/// Stages of sparse weights that are multiplied together.
inline constexpr int64_t kSparseStages = 2;
/// Columns of a packed block.
inline constexpr int64_t kBlockColumns = 64;
/// Bytes along the depth that bytes are packed in, each column's side by side,
/// and that an instruction multiplies.
inline constexpr int64_t kGroupBytes = 16, kInstructionBytes = 32;
/// Blocks that run at once, one on each multiprocessor: those of the devices
/// that have such instructions. Only the choice of tiles depends on it.
inline constexpr int64_t kMultiprocessors = 132;

/// Results of a block, and how many stages of both sides are in shared memory.
struct WarpgroupTile {
  int64_t groups = 2, columns = 256, stages = 4;
  /// Of a stage.
  int64_t lhsRowBytes = kRowBytes;

  int64_t getRows() const { return groups * kGroupRows; }
  int64_t getLhsBytes() const { return getRows() * lhsRowBytes; }
  int64_t getRhsBytes() const { return columns * kRowBytes; }
  int64_t getStageBytes() const { return getLhsBytes() + getRhsBytes(); }
};

/// Where neighbours of the right side are: columns of a packed block, columns
/// of a row that need not end with a block, steps of the depth, or groups of
/// them, which columns of a packed block have side by side.
enum class RhsForm { Blocks, Rows, Columns, Groups };

/// Is a product large enough, in all its dimensions, for groups of warps to be
/// faster than warps?
bool suitsWarpgroups(int64_t batches, int64_t rows, int64_t columns,
                     int64_t depth);

/// A side of the product or its result, as the copy engine sees it.
struct Side {
  TensorMap map;
  /// For each dimension of the map behind the first ones: the batch dimension.
  llvm::SmallVector<unsigned> batchDims;
};

class WarpgroupPlan {
public:
  /// Nothing is planned before `match`.
  WarpgroupPlan(ContractAnchorOp op, const ProductAccess &access);
  /// Weights that keep two of four neighbours along the depth. Instructions
  /// take such a side as the left one only: here the rows are the weights'
  /// columns, and the columns are those of the result, which is turned.
  explicit WarpgroupPlan(SparseAnchorOp op);

  /// Can the copy engine reach both sides? Of few results only if
  /// `sparesPacking`. Then everything else is known.
  bool match(bool sparesPacking);

  int64_t countTiles(const WarpgroupTile &tile) const;

  /// Steps of the depth in a stage.
  int64_t getStageDepth() const { return kRowBytes / elementBytes; }
  /// Columns of the result that a row of a box has.
  int64_t getBoxColumns() const { return kRowBytes / result.map.elementBytes; }

  /// One of both is null.
  ContractAnchorOp op;
  SparseAnchorOp sparse;
  AnchorOpInterface anchor;
  int64_t rows, columns, depth, batches;
  /// Of both sides.
  int64_t elementBytes = 2;
  llvm::SmallVector<int64_t> batchSizes;
  WarpgroupTile tile;
  Side lhs, rhs, result;
  RhsForm form = RhsForm::Blocks;
  /// The result goes through shared memory to the copy engine, in `passes`
  /// parts of a tile's columns, which take `resultBytes`.
  bool storesBoxes = false;
  int64_t passes = 1, resultBytes = 0;

private:
  bool matchSparse();
  bool matchLhs();
  bool matchRhs();
  /// How many parts the columns pass through shared memory in, and how many
  /// stages fit besides.
  void divideShared();
  bool matchResult();
  /// The dimensions of batches in a place, counted in elements of `bytes`
  /// bytes, become those of its map.
  bool addBatches(Side &side, const LinearPlace &place, int64_t bytes) const;
  bool hasTypes();
  WarpgroupTile chooseTile();

  /// That of rows, and of the right side's blocks, in the anchor's maps.
  unsigned rowDim;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPGROUPPLAN_H
