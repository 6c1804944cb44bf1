//===- Elements.h - elements of tensors below the graph level ---*- C++ -*-===//
//
// From the structured level on, tensors hold signless integers, and booleans as
// bytes: a vector.load of i1 would read packed bits. What an element means is
// known from the type it had before, its logical type.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_CONVERSION_MOPTTOLINALG_ELEMENTS_H
#define MOPT_CONVERSION_MOPTTOLINALG_ELEMENTS_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace mopt {
/// The stored type of elements of logical type `element`: i8 for i1 and floats
/// of 8 bits, signless for unsigned integers.
mlir::Type getStoredElementType(mlir::Type element);

/// The type in which a value of `element` is computed: i1 for booleans,
/// signless integers, f32 for floats of 8 bits.
mlir::Type getScalarType(mlir::Type element);

/// Between the stored form of an element and the scalar that is computed with.
mlir::Value loadElement(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value stored, mlir::Type element);
mlir::Value storeElement(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value scalar, mlir::Type element);

/// Is `element` a float of 8 bits? It is stored as a byte and computed with as
/// f32.
bool isSmallFloat(mlir::Type element);

/// Between the two; values that are too large become infinite, or NaN.
mlir::Value decodeSmallFloat(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value stored, mlir::Type element);
mlir::Value encodeSmallFloat(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value x, mlir::Type element);

/// An f32 brought into the range of `element`, a float of 8 bits.
mlir::Value saturateSmallFloat(mlir::OpBuilder &b, mlir::Location loc,
                               mlir::Value x, mlir::Type element);

/// Is `element` an unsigned integer, or a boolean?
bool isUnsignedElement(mlir::Type element);

/// Scalar code of the elementwise kinds. Operands and results are scalars (see
/// `getScalarType`) of logical type `element`.
mlir::Value buildUnary(mlir::OpBuilder &b, mlir::Location loc, UnaryKind kind,
                       mlir::Type element, mlir::Value x);
mlir::Value buildBinary(mlir::OpBuilder &b, mlir::Location loc, BinaryKind kind,
                        mlir::Type element, mlir::Value x, mlir::Value y);
mlir::Value buildCompare(mlir::OpBuilder &b, mlir::Location loc,
                         CompareKind kind, mlir::Type element, mlir::Value x,
                         mlir::Value y);
mlir::Value buildCast(mlir::OpBuilder &b, mlir::Location loc, mlir::Type from,
                      mlir::Type to, mlir::Value x, bool saturate);
/// One step of a reduction, and the scalar it starts from.
mlir::Value buildReduce(mlir::OpBuilder &b, mlir::Location loc, ReduceKind kind,
                        mlir::Type element, mlir::Value x, mlir::Value y);
mlir::TypedAttr getReduceIdentity(ReduceKind kind, mlir::Type element);

/// Is `x` larger than `y` in a total order, NaN above all numbers?
mlir::Value buildIsLarger(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Type element, mlir::Value x, mlir::Value y);

/// A scalar constant.
mlir::Value buildConstant(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Type scalar, double number);

/// The elements type of a tensor value.
inline mlir::Type getElement(mlir::Value tensor) {
  return llvm::cast<mlir::RankedTensorType>(tensor.getType()).getElementType();
}

/// An uninitialized tensor of stored elements.
mlir::Value createEmpty(mlir::OpBuilder &b, mlir::Location loc,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type element);

/// The sizes of a mopt op's first result, constant where its type is static.
llvm::SmallVector<mlir::OpFoldResult> getResultSizes(mlir::OpBuilder &b,
                                                     mlir::Operation *op);

/// A linalg.generic of parallel loops over `sizes`: the result element is what
/// `body` makes of the operands' stored elements, a scalar of type `element`.
/// `maps` has one map per input.
mlir::Value createParallelGeneric(
    mlir::OpBuilder &b, mlir::Location loc,
    llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type element,
    mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                   mlir::ValueRange)>
        body);

/// The type in which values of `element` are summed: f32 for narrower floats.
mlir::Type getAccumulatorType(mlir::Type element);

/// A float scalar in another float type.
mlir::Value convertFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                         mlir::Type type);

/// A tensor of `sizes` with `value`, a stored scalar, in every element.
mlir::Value createFilled(mlir::OpBuilder &b, mlir::Location loc,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         mlir::Value value);

/// Reduces `input` along `axes` (sorted), which keep size 1, from `identity`.
/// `body` combines a stored element of `input` with the accumulator; its
/// arguments are the loop body's builder, the element and the accumulator.
mlir::Value createReduction(
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange inputs,
    llvm::ArrayRef<mlir::AffineMap> maps,
    llvm::ArrayRef<mlir::OpFoldResult> sizes, llvm::ArrayRef<int64_t> axes,
    mlir::Value identity,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                   mlir::ValueRange elements, mlir::Value acc)>
        body);

/// A tensor reduced along `axes` (sorted) with these as dimensions of size 1;
/// `sizes` are those before the reduction.
mlir::Value restoreReducedDims(mlir::OpBuilder &b, mlir::Location loc,
                               mlir::Value reduced,
                               llvm::ArrayRef<mlir::OpFoldResult> sizes,
                               llvm::ArrayRef<int64_t> axes);

/// A stored index as a position in a dimension of `size`: negative ones count
/// from the end, and any other is brought inside, so that no access leaves the
/// tensor.
mlir::Value normalizeIndex(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value stored, mlir::Value size);

/// The indexing map of an operand that is broadcast along its static sizes of
/// 1 to a result of `rank` dimensions.
mlir::AffineMap getBroadcastMap(mlir::RankedTensorType operand,
                                mlir::RankedTensorType result);
} // namespace mopt

#endif // MOPT_CONVERSION_MOPTTOLINALG_ELEMENTS_H
