//===- LinearView.h - a memref as one run of elements -----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_LINEARVIEW_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_LINEARVIEW_H

#include "IndexBuilder.h"

namespace mopt {
/// A strided memref seen as one dimension: an element stands at the sum of its
/// indices times `strides`. Micro-kernels compute these sums once per row and
/// add the loop's part of them.
struct LinearView {
  static LinearView create(IndexBuilder &ib, mlir::Value memref);

  /// The position of an element, from the first `indices.size()` dimensions.
  mlir::OpFoldResult at(IndexBuilder &ib,
                        llvm::ArrayRef<mlir::OpFoldResult> indices) const;
  mlir::Type getElementType() const;

  mlir::Value buffer;
  llvm::SmallVector<mlir::OpFoldResult> sizes, strides;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_LINEARVIEW_H
