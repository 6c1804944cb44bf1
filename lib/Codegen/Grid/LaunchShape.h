//===- LaunchShape.h - what a launch asks for -------------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_LAUNCHSHAPE_H
#define MOPT_LIB_CODEGEN_GRID_LAUNCHSHAPE_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace mopt {
/// A tensor of which the device's copy engine moves boxes of elements between
/// memory and shared memory. The innermost dimension comes first, its elements
/// are neighbours. Behind the last element of a dimension zeros are read and
/// nothing is written.
struct TensorMap {
  /// Numbers of arguments of the kernel: the buffer, and the map itself.
  int64_t buffer = 0, argument = 0;
  /// In bytes, multiples of 16 (of the buffer's begin, too).
  int64_t offset = 0;
  /// Bytes of an element: 1, 2 or 4.
  int64_t elementBytes = 2;
  struct Dim {
    int64_t size;
    /// In bytes, a multiple of 16; the innermost one's is an element.
    int64_t stride;
    int64_t box;
  };
  /// At most kMostDims. Where rows of the box have 64 or 128 bytes, their
  /// pieces of 16 are exchanged so that columns of them lie in different banks;
  /// longer rows lie as they are.
  llvm::SmallVector<Dim, 5> dims;
  static constexpr size_t kMostDims = 5;
  /// Of a map of windows, for each dimension between the innermost and the
  /// outermost one: where the first window begins, relative to the first
  /// element, and the last one, relative to the last element, and their
  /// distance. The box of the outermost dimension is then a number of windows
  /// one after the other, and what they have of the innermost one.
  struct Window {
    int64_t first, last, step;
  };
  static constexpr size_t kMostWindows = kMostDims - 2;
  llvm::SmallVector<Window, kMostWindows> windows;
};

/// How a kernel is launched: blocks in x and y, threads of a block.
struct LaunchShape {
  LaunchShape() = default;
  LaunchShape(int64_t blocksX, int64_t blocksY, int64_t threads)
      : blocksX(blocksX), blocksY(blocksY), threads(threads) {}

  int64_t blocksX = 1, blocksY = 1, threads = 1;
  /// Shared memory besides what the kernel declares.
  int64_t sharedBytes = 0;
  /// Blocks take what there is to do in turns, so that fewer will do: no more
  /// than run at once.
  bool isPersistent = false;
  /// Neighbouring blocks in x that run at once and reach each other's shared
  /// memory; their number divides blocksX.
  int64_t clusterBlocks = 1;
  llvm::SmallVector<TensorMap> maps;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_LAUNCHSHAPE_H
