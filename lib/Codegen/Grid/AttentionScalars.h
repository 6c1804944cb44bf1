//===- AttentionScalars.h - what attention does to numbers ------*- C++ -*-===//
//
// In registers of threads, whatever instructions multiply: scores,
// exponentials, quotients, and results.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_ATTENTIONSCALARS_H
#define MOPT_LIB_CODEGEN_GRID_ATTENTIONSCALARS_H

#include "GridBuilder.h"
#include "mopt/Dialect/Mopt/IR/Attention.h"

namespace mopt {
class AttentionScalars {
public:
  AttentionScalars(GridBuilder &g, AttentionOp op);

  /// Of a row, or of what a thread has seen of it: the largest score, and the
  /// sum of the exponentials.
  struct Row {
    mlir::Value most, sum;
  };
  /// Of no scores.
  Row getEmptyRow();

  /// Row m sees no key behind m + this, and key 0 always.
  std::optional<int64_t> getLimit() const { return causal; }
  /// Are scores of keys that a row sees the same, whatever its limit?
  bool canIgnoreLimit() const { return causal && onlyScales; }

  /// What scores at `point` and its neighbours along the keys read, `count`
  /// points in all, of which the first key is a multiple of that.
  using Inputs = llvm::SmallVector<llvm::SmallVector<mlir::Value>>;
  Inputs loadInputs(llvm::ArrayRef<mlir::Value> point, int64_t count);
  /// Do they read the same for all rows, and anything?
  bool readsForKeys() const;
  /// The scores of sums there. All keys are seen with `ignoresLimit`.
  llvm::SmallVector<mlir::Value> getScores(llvm::ArrayRef<mlir::Value> point,
                                           llvm::ArrayRef<mlir::Value> sums,
                                           const Inputs &inputs,
                                           bool ignoresLimit = false);
  /// `score`, or -inf if key `key`, a word, is none.
  mlir::Value limit(mlir::Value score, mlir::Value key);

  /// Adds `scores` of a row of which this thread's three neighbours have the
  /// others: they become its exponentials, and `row` is what it is with them.
  /// Returns the factor for what was summed with the exponentials before.
  mlir::Value add(Row &row, llvm::MutableArrayRef<mlir::Value> scores);
  /// One over the sum of all threads of `row`.
  mlir::Value getInverse(const Row &row);

  /// Two numbers as one word of the type of queries, the first in the lower
  /// half.
  mlir::Value pack(mlir::Value low, mlir::Value high);

  llvm::SmallVector<mlir::Value> getResults(llvm::ArrayRef<mlir::Value> point,
                                            llvm::ArrayRef<mlir::Value> sums);
  /// The same, and stores them.
  void storeResults(llvm::ArrayRef<mlir::Value> point,
                    llvm::ArrayRef<mlir::Value> sums);

private:
  llvm::SmallVector<mlir::AffineMap> getMaps(mlir::ArrayAttr maps) const {
    return llvm::to_vector(maps.getAsValueRange<mlir::AffineMapAttr>());
  }
  mlir::Value number(double value);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  mlir::Value call(llvm::StringRef intrinsic, mlir::Type type,
                   mlir::ValueRange operands);
  mlir::Value power(mlir::Value exponent);
  mlir::Value exchange(mlir::Value value, int64_t distance);

  GridBuilder &g;
  AttentionOp op;
  /// Scores that rows see are their sums times a positive number: that is part
  /// of `factor`, by which scores are multiplied before they are exponents
  /// of 2.
  bool onlyScales = false;
  std::optional<int64_t> causal;
  double factor;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_ATTENTIONSCALARS_H
