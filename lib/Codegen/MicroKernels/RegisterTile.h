//===- RegisterTile.h - the tile that stays in registers --------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_REGISTERTILE_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_REGISTERTILE_H

#include "LinearView.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mopt/Dialect/Mopt/IR/ExcessWeights.h"

namespace mopt {
/// One loop of a reduction: how often it runs, and how far each of its steps
/// moves in either operand.
struct ReductionLoop {
  mlir::OpFoldResult count, lhsStep, rhsStep;
};

/// Merges loops that walk one run of memory in both operands.
void mergeReductionLoops(IndexBuilder &ib,
                         llvm::SmallVectorImpl<ReductionLoop> &loops);

/// Fetches, step by step, a share of the panel that is needed next. The address
/// is affine in the step number.
struct PanelPrefetch {
  /// Position of the share.
  mlir::OpFoldResult start;
  /// Elements per step of the reduction, a power of two.
  int64_t elementsPerStep = 0;
};

/// How neighbours along the depth are multiplied by one instruction; see
/// `#mopt.config`.
struct DotProduct {
  /// 1: there is no such instruction.
  int64_t interleave = 1;
  mlir::StringAttr instruction;
  /// Sums neighbours of what `instruction` gives; null where that gives lanes.
  mlir::StringAttr pairSum;
  /// Groups whose products are summed before `pairSum`, or without an
  /// instruction before they are widened.
  int64_t wordGroups = 1;
  bool accumulates = false;
  int64_t lhsBits = 0, rhsBits = 0;
  bool unsignedLhs = false, unsignedRhs = false;

  /// Rows and columns that the instruction multiplies by each other. Groups of
  /// more than a lane of 32 bits are those of two: a vector of sums is a
  /// square.
  int64_t getBlockRows() const {
    return interleave > 1 ? interleave * lhsBits / 32 : 1;
  }
};

DotProduct getDotProduct(ConfigAttr config, bool unsignedLhs, bool unsignedRhs);

/// Groups of neighbours that are multiplied once more; see `ExcessRow`.
struct ExcessGroups {
  const LinearView *view;
  ExcessRow row;
  /// Position of the first row of each panel.
  llvm::SmallVector<mlir::OpFoldResult> panels;
  /// Between rows.
  mlir::OpFoldResult stride;
  /// How far a step of each index moves in the left operand.
  llvm::SmallVector<mlir::OpFoldResult> lhsSteps;
};

/// `rows` scalars of the left operand times vectors of the right one. With a
/// dot product, groups of scalars that stand side by side; a step of a loop is
/// one group.
struct RegisterTile {
  const LinearView *lhs, *rhs;
  /// Position of the first element of each row.
  llvm::SmallVector<mlir::OpFoldResult> lhsRows;
  /// Position of the first vector of each panel.
  llvm::SmallVector<mlir::OpFoldResult> rhsPanels;
  /// Vectors per panel.
  int64_t vectors;
  mlir::VectorType accumulatorType;
  DotProduct dot;
  /// Elements of a last group that is not whole, behind the steps of the only
  /// loop; 0 for none. Null: every depth is made of whole groups.
  mlir::OpFoldResult partialGroup;
  std::optional<ExcessGroups> excess;
  /// Outermost first.
  llvm::SmallVector<ReductionLoop> loops;
  int64_t unroll;
  /// Steps whose elements of the left side are loaded at once where they are
  /// neighbours, so that products read them from lanes of one register.
  int64_t lhsSteps = 1;
  /// Prefetch of the panels in use, that many steps ahead; 0 for none.
  int64_t prefetchRows = 0;
  std::optional<PanelPrefetch> prefetch;

  /// Emits the reduction; returns one accumulator per row, panel and vector,
  /// rows first. They stay in registers as values carried by the loops.
  llvm::SmallVector<mlir::Value> emit(IndexBuilder &ib) const;

  /// What a row multiplies by: a scalar, or a group of them, in all lanes.
  /// For an instruction that takes blocks of rows, the group alone.
  mlir::Value loadLhs(IndexBuilder &ib, mlir::OpFoldResult position,
                      mlir::OpFoldResult group) const;
  /// The groups of `count` steps, which are neighbours: each in all lanes.
  llvm::SmallVector<mlir::Value> loadLhsGroups(IndexBuilder &ib,
                                               mlir::OpFoldResult position,
                                               int64_t count) const;
  mlir::Value multiplyAdd(IndexBuilder &ib, mlir::Value x, mlir::Value y,
                          mlir::Value sum) const;

private:
  using Values = llvm::SmallVector<mlir::Value>;
  Values emitLoops(IndexBuilder &ib, llvm::ArrayRef<ReductionLoop> rest,
                   mlir::OpFoldResult lhsOffset, mlir::OpFoldResult rhsOffset,
                   mlir::OpFoldResult step, Values sums) const;
  Values emitSteps(IndexBuilder &ib, const ReductionLoop &loop, int64_t count,
                   mlir::OpFoldResult lhsOffset, mlir::OpFoldResult rhsOffset,
                   Values sums) const;
  /// Words of 32 bits in a vector of sums.
  int64_t getWordLanes() const;
  /// Elements of the right side that are loaded at once, and such loads for the
  /// panels of a step.
  int64_t getRhsElements() const;
  int64_t getWidth() const;
  /// Rows of vectors of sums: each for a row, or for a block of them.
  int64_t countSumRows() const;
  /// What row `r` of the sums multiplies by, `offset` behind the start of its
  /// rows.
  mlir::Value loadLhsRow(IndexBuilder &ib, int64_t r, mlir::OpFoldResult offset,
                         mlir::OpFoldResult group) const;
  /// Squares of sums as vectors for each row.
  Values splitBlocks(IndexBuilder &ib, Values sums) const;
  /// Are products summed in the elements' own type first?
  bool sumsNarrow() const;
  /// What `emit` adds to sums of that type, which start at 0, widened.
  Values emitNarrow(
      IndexBuilder &ib, Values sums,
      llvm::function_ref<Values(const RegisterTile &, Values)> emit) const;
  /// The innermost loop in parts of `dot.wordGroups` steps.
  Values emitNarrowParts(IndexBuilder &ib, const ReductionLoop &loop,
                         mlir::OpFoldResult lhsOffset,
                         mlir::OpFoldResult rhsOffset, mlir::OpFoldResult step,
                         Values sums) const;
  /// `lhsSteps` steps with one vector of each row of the left side.
  Values emitLhsSteps(IndexBuilder &ib, const ReductionLoop &loop,
                      mlir::OpFoldResult lhsOffset,
                      mlir::OpFoldResult rhsOffset, Values sums) const;
  /// Are the groups of steps neighbours in the left side?
  bool hasLhsNeighbours(const ReductionLoop &loop) const;
  /// `dot.wordGroups` steps whose products are summed in words first.
  Values emitWordGroups(IndexBuilder &ib, const ReductionLoop &loop,
                        mlir::OpFoldResult lhsOffset,
                        mlir::OpFoldResult rhsOffset, Values sums) const;
  /// The words that the first of two instructions gives, and their sum in
  /// lanes.
  mlir::Value multiplyToWords(IndexBuilder &ib, mlir::Value x,
                              mlir::Value y) const;
  mlir::Value addWords(IndexBuilder &ib, mlir::Value words,
                       mlir::Value sum) const;
  /// One step, with `group` elements of the left operand.
  Values emitStep(IndexBuilder &ib, const ReductionLoop &loop,
                  mlir::OpFoldResult group, mlir::OpFoldResult lhsOffset,
                  mlir::OpFoldResult rhsOffset, Values sums) const;
  /// Adds the products of `excess`.
  Values emitExcess(IndexBuilder &ib, Values sums) const;
  /// The vectors of one step, of all panels.
  Values loadPanels(IndexBuilder &ib, const ReductionLoop &loop,
                    mlir::OpFoldResult rhsOffset) const;
  mlir::Value loadRhs(IndexBuilder &ib, mlir::OpFoldResult position) const;
  void emitPrefetch(IndexBuilder &ib, mlir::OpFoldResult step) const;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_REGISTERTILE_H
