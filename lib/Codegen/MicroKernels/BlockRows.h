//===- BlockRows.h - rows as packed weights take them -----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_BLOCKROWS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_BLOCKROWS_H

#include "LinearView.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// Some rows of the left side of a product with packed weights, in stack slots,
/// whole groups of them: floats, or integers of 16 bits of which each group has
/// a scale of its own. 0 behind the depth.
class BlockRows {
public:
  /// Bytes are the two parts of integers, `256 * high + low`, both signed: four
  /// high ones, then four low ones, of the neighbours that stand in the four
  /// bytes of a word of weights at one place.
  enum class Form { floats, words, bytes };
  /// Slots for `capacity` rows, at the head of the function or parallel body
  /// around the insertion point.
  BlockRows(IndexBuilder &ib, BlockWeightsAttr layout, int64_t capacity,
            int64_t lanes, Form form);

  /// Fills in row `row` from `depth` elements from `start` on, `stride` apart.
  void fill(IndexBuilder &ib, mlir::OpFoldResult row, const LinearView &lhs,
            mlir::OpFoldResult start, mlir::OpFoldResult stride);

  /// Two neighbours of 16 bits in each lane, from number `k` of row `row` on.
  mlir::Value loadPair(IndexBuilder &ib, mlir::OpFoldResult row,
                       mlir::OpFoldResult k);
  /// For each place in a word of weights whose first neighbour is number `k`
  /// the high parts of its four bytes in each lane, and then the low ones.
  llvm::SmallVector<mlir::Value>
  loadParts(IndexBuilder &ib, mlir::OpFoldResult row, mlir::OpFoldResult k);
  /// Element `k` of row `row` in all lanes, for floats: divided by the power of
  /// two that its weight counts at its place in a half word.
  mlir::Value loadFloat(IndexBuilder &ib, mlir::OpFoldResult row,
                        mlir::OpFoldResult k);
  /// What an integer of a group counts, in all lanes.
  mlir::Value loadScale(IndexBuilder &ib, mlir::OpFoldResult row,
                        mlir::OpFoldResult group);
  /// Minus the sum of a group's integers, times the zero point that all weights
  /// have, if they have one, in all lanes. Zero points are as those of signed
  /// bytes if the form is bytes.
  mlir::Value loadNegativeSum(IndexBuilder &ib, mlir::OpFoldResult row,
                              mlir::OpFoldResult group);

  /// Bytes of a row.
  static int64_t getBytes(BlockWeightsAttr layout, Form form);
  /// How far weights and zero points move to fit a signed byte.
  static int64_t getByteShift(BlockWeightsAttr layout) {
    return layout.getBits() == 8 ? 128 : 0;
  }

private:
  mlir::OpFoldResult at(IndexBuilder &ib, mlir::OpFoldResult row,
                        mlir::OpFoldResult k);
  mlir::OpFoldResult groupAt(IndexBuilder &ib, mlir::OpFoldResult row,
                             mlir::OpFoldResult group);
  void fillGroup(IndexBuilder &ib, mlir::OpFoldResult row,
                 mlir::OpFoldResult group, int64_t count, const LinearView &lhs,
                 mlir::OpFoldResult start, mlir::OpFoldResult stride);
  void storeIntegers(IndexBuilder &ib, mlir::OpFoldResult row,
                     mlir::OpFoldResult group, mlir::ValueRange vectors);
  void storeParts(IndexBuilder &ib, mlir::OpFoldResult row,
                  mlir::OpFoldResult group,
                  llvm::ArrayRef<mlir::Value> integers);

  BlockWeightsAttr layout;
  int64_t lanes, depth;
  Form form;
  mlir::Value elements, scales, sums;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_BLOCKROWS_H
