//===- ClusterPlan.h - products of clusters of blocks -----------*- C++ -*-===//
//
// Which products blocks of a cluster compute together: in what tiles, how many
// blocks share the depth of one, and through which maps of tensors both sides
// are read.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_CLUSTERPLAN_H
#define MOPT_LIB_CODEGEN_GRID_CLUSTERPLAN_H

#include "WarpgroupPlan.h"

namespace mopt {
/// Steps of the depth in a stage, of 16 bits.
inline constexpr int64_t kStageDepth = kBoxColumns;

/// The windows of a convolution along its spatial dimensions, the innermost
/// first.
struct WindowPlan {
  struct Dim {
    /// Of the window, and of the positions.
    int64_t size, positions;
    int64_t stride, dilation;
    /// How far the first window begins in front of the input.
    int64_t front;
  };
  llvm::SmallVector<Dim, 3> dims;
  /// Of a group: each row of the product is so long at every place of its
  /// window.
  int64_t channels = 0;
};

class ClusterPlan {
public:
  /// Nothing is planned before `match`.
  ClusterPlan(AnchorOpInterface anchor, const ProductAccess &access);

  /// True for contractions of few results and convolutions whose sides the copy
  /// engine can reach. Then everything else is known.
  bool match();

  int64_t countTiles(const WarpgroupTile &tile) const;
  /// Stages of the depth, of all blocks and of the one that has most.
  int64_t countStages() const;
  int64_t countOwnStages() const;

  /// Sums of a tile's row in shared memory, with what keeps rows in different
  /// banks.
  int64_t getPitch() const { return tile.columns + 8; }
  /// Both sides' stages, or the sums that take their place.
  int64_t getStagesBytes() const;

  AnchorOpInterface anchor;
  int64_t rows, columns, depth, batches;
  mlir::Type type;
  WarpgroupTile tile;
  /// Blocks of a cluster, of which each multiplies a part of the depth.
  int64_t blocks = 1;
  Side lhs, rhs;
  /// Of a contraction: its batches. A convolution's are its groups.
  llvm::SmallVector<int64_t> batchSizes;
  std::optional<WindowPlan> windows;

private:
  bool matchContraction(ContractAnchorOp op);
  bool matchConvolution(ConvAnchorOp op);
  void choose();
  int64_t estimate() const;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_CLUSTERPLAN_H
