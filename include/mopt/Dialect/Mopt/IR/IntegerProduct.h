//===- IntegerProduct.h - contractions of 8-bit integers --------*- C++ -*-===//
//
// (a - x)(b - y) = ab - x sum b - y sum a + xy count: a product of the bytes as
// they are, of a left side with the signs that the target multiplies and a
// signed right side, and terms that correct it for zero points and for the
// change of signs. Sums of constants are constants.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_INTEGERPRODUCT_H
#define MOPT_DIALECT_MOPT_IR_INTEGERPRODUCT_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

namespace mopt {
/// So many products of bytes less zero points fit a sum of 32 bits:
/// 255 * 255 * 33025 < 2^31.
inline constexpr int64_t kMostProductsOfBytes = 33025;

/// A matrix product of tensors of 8-bit integers.
class IntegerMatmul {
public:
  IntegerMatmul(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                mlir::Value rhs, bool transposeLhs, bool transposeRhs,
                bool signedLhs = false)
      : b(b), loc(loc), lhs(lhs), rhs(rhs), transposeLhs(transposeLhs),
        transposeRhs(transposeRhs), signedLhs(signedLhs) {}

  /// The product of the operands less their zero points (null for 0), in i32,
  /// marked with the sparsity of the right side, if that keeps its zeros.
  mlir::Value build(mlir::Value lhsZero, mlir::Value rhsZero,
                    SparsityAttr sparsity = {});

  /// The product of a left side of f32 and the right side, whose unsigned
  /// elements count from 128.
  mlir::Value buildByWeights();

  /// A parameter of the left or right side so that it is broadcast to the
  /// product.
  mlir::Value orientLhs(mlir::Value parameter);
  mlir::Value orientRhs(mlir::Value parameter);

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value lhs, rhs;
  bool transposeLhs, transposeRhs, signedLhs;
};

/// A convolution of them, channels first. The zero point of the input is one
/// element, that of the filter has the filter's rank.
class IntegerConv {
public:
  IntegerConv(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
              mlir::Value filter, llvm::ArrayRef<int64_t> strides,
              llvm::ArrayRef<int64_t> dilations,
              llvm::ArrayRef<int64_t> padsBegin,
              llvm::ArrayRef<int64_t> padsEnd, int64_t group,
              bool signedInput = false)
      : b(b), loc(loc), input(input), filter(filter), strides(strides),
        dilations(dilations), padsBegin(padsBegin), padsEnd(padsEnd),
        group(group), signedInput(signedInput) {}

  /// The convolution of the operands less their zero points (null for 0), in
  /// i32, with padding of 0, or of elements `padding` of the input. A filter
  /// with a zero point, or an unsigned one, has one group or a static number of
  /// outputs.
  mlir::Value build(mlir::Value inputZero, mlir::Value filterZero,
                    std::optional<int64_t> padding = std::nullopt);

  /// A parameter of the filter so that it is broadcast to the result.
  mlir::Value orientFilter(mlir::Value parameter);

private:
  mlir::Value convolve(mlir::Value x, mlir::Value w, int64_t groups);
  /// Sums of the input's windows, broadcast to the result.
  mlir::Value sumWindows();
  /// Gives the padding the value of the zero point; one that run time knows is
  /// padded by before the convolution.
  void padInput(mlir::Value zero);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value input, filter;
  llvm::SmallVector<int64_t> strides, dilations, padsBegin, padsEnd;
  int64_t group, padValue = 0;
  bool signedInput;
};

/// Replaces a product of integers whose left side has not the signs that
/// `signedLhs` asks for, or whose right side is unsigned, by one with the signs
/// that micro-kernels take. Leaves floats alone, and convolutions in groups
/// with a filter of dynamic size.
void normalizeSigns(mlir::IRRewriter &rewriter, MatmulOp op, bool signedLhs);
void normalizeSigns(mlir::IRRewriter &rewriter, ConvOp op, bool signedLhs);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_INTEGERPRODUCT_H
