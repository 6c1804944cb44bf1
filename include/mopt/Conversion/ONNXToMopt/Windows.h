//===- Windows.h - kernels, strides and paddings of a node ------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_WINDOWS_H
#define MOPT_CONVERSION_ONNXTOMOPT_WINDOWS_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// The attributes that convolutions and poolings share, checked, with
/// `auto_pad` resolved.
struct Windows {
  /// For a convolution of `filter`, or a pooling (null: the kernel sizes are in
  /// `kernel_shape`). A padding that only run time can know becomes an explicit
  /// mopt.pad of `input` by `padValue`, and `input` is replaced.
  static mlir::FailureOr<Windows> bind(OpBinder &op, mlir::Value &input,
                                       mlir::Value filter,
                                       double padValue = 0);

  /// `filter` with the sizes that 'kernel_shape' states; a run in which it has
  /// others fails. Null stays null.
  static mlir::Value fixKernel(OpBinder &op, mlir::Value filter);

  /// Emits the convolution.
  mlir::Value conv(OpBinder &op, mlir::Value input, mlir::Value filter,
                   int64_t group) const;
  /// Emits the pooling.
  mlir::Value pool(OpBinder &op, PoolKind kind, mlir::Value input) const;

  llvm::SmallVector<int64_t> kernel, strides, dilations, padsBegin, padsEnd;
  bool ceilMode = false;
};
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_WINDOWS_H
