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
class PackedAccess;

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
  /// The product's places in memory, if it has any; see there.
  virtual PackedAccess *asPacked() { return nullptr; }
};

/// A product whose sides can be copied piece by piece: the place of an element
/// of the left side, counted in elements, is what its row adds and what its
/// step of the depth adds; the right side is packed, a block's
/// steps one after the other.
class PackedAccess : public ProductAccess {
public:
  /// The buffers of both sides. Places are counted from their starts.
  mlir::Value lhs, rhs;
  /// Columns of a packed block, blocks of a batch, and neighbours along the
  /// depth that each column of a block has side by side. In the last group of
  /// these there are zeros behind the depth.
  int64_t width = 1, blocks = 1, interleave = 1;
  /// As many neighbours along the depth, the first of them at a multiple of
  /// this, lie side by side in the left side, at a multiple of this there too.
  int64_t run = 1;

  virtual mlir::Value getRowPlace(GridBuilder &g, mlir::Value batch,
                                  mlir::Value row) = 0;
  virtual mlir::Value getStepPlace(GridBuilder &g, mlir::Value k) = 0;
  virtual mlir::Value getBlockPlace(GridBuilder &g, mlir::Value batch,
                                    mlir::Value block) = 0;
};

/// The access of a contraction, convolution or depthwise convolution (in which
/// each channel is a batch of one column); null after a diagnostic where the
/// anchor has what no grid computes.
std::unique_ptr<ProductAccess> createProductAccess(AnchorOpInterface op);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_PRODUCTACCESS_H
