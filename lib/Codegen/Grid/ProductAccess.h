//===- ProductAccess.h - contractions as products of matrices ---*- C++ -*-===//
//
// What the anchors with a packed right side have in common: for each batch (of
// a convolution, each group) a product of `rows` x `depth` by `depth` x
// `columns`, whose elements lie at computed places.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_PRODUCTACCESS_H
#define MOPT_LIB_CODEGEN_GRID_PRODUCTACCESS_H

#include "GridBuilder.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
class ProductAccess {
public:
  virtual ~ProductAccess();

  int64_t batches = 1, rows = 1, columns = 1, depth = 1;

  /// Elements of both sides. A column may lie behind the last one, up to the
  /// end of its packed block.
  virtual mlir::Value loadLhs(GridBuilder &g, mlir::Value batch,
                              mlir::Value row, mlir::Value k) = 0;
  virtual mlir::Value loadRhs(GridBuilder &g, mlir::Value batch,
                              mlir::Value column, mlir::Value k) = 0;
  /// Where in the output space an element of the product is.
  virtual llvm::SmallVector<mlir::Value> getPoint(GridBuilder &g,
                                                  mlir::Value batch,
                                                  mlir::Value row,
                                                  mlir::Value column) = 0;
};

/// The access of a contraction, convolution or depthwise convolution (in which
/// each channel is a batch of one column); null after a diagnostic where the
/// anchor has what no grid computes.
std::unique_ptr<ProductAccess> createProductAccess(AnchorOpInterface op);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_PRODUCTACCESS_H
