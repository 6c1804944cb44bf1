//===- ConstantTensor.h - the bytes of a constant ---------------*- C++ -*-===//

#ifndef MOPT_SUPPORT_CONSTANTTENSOR_H
#define MOPT_SUPPORT_CONSTANTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>
#include <vector>

namespace mopt {
/// A tensor of static shape on the compiler's side: dense, row-major, in the
/// machine's byte order, booleans as bytes. Elements under a byte have no
/// such form.
class ConstantTensor {
public:
  /// Nothing if the attribute's bytes are missing, or its elements have no such
  /// form. The bytes of the attribute are shared.
  static std::optional<ConstantTensor> fromAttr(mlir::ElementsAttr elements);
  /// Uninitialized elements.
  static std::optional<ConstantTensor> allocate(mlir::RankedTensorType type);

  ConstantTensor(ConstantTensor &&) = default;
  ConstantTensor &operator=(ConstantTensor &&) = default;

  mlir::RankedTensorType getType() const { return type; }
  int64_t getNumElements() const { return type.getNumElements(); }
  size_t getElementBytes() const { return elementBytes; }
  llvm::ArrayRef<char> getBytes() const {
    return owned.empty() ? shared : llvm::ArrayRef<char>(owned);
  }
  /// Only for allocated tensors.
  llvm::MutableArrayRef<char> getMutableBytes() { return owned; }

  /// Element `i` as a number: exact for integers up to 64 bits, and for floats
  /// up to f64.
  int64_t getInt(int64_t i) const;
  double getFloat(int64_t i) const;
  /// Rounds to the element type: half to even for floats, modulo for integers.
  void setInt(int64_t i, int64_t value);
  void setFloat(int64_t i, double value);
  bool isFloat() const {
    return llvm::isa<mlir::FloatType>(type.getElementType());
  }

  /// A dense attribute if small or a splat, else a resource that takes the
  /// bytes over.
  mlir::ElementsAttr toAttr(llvm::StringRef name) &&;

  /// Sums of integers along `axes`, which keep size 1, as elements of `type`,
  /// wrapped where they don't fit.
  std::optional<ConstantTensor> sumIntegers(llvm::ArrayRef<int64_t> axes,
                                            mlir::IntegerType type) const;

  /// Row-major strides of a shape, in elements.
  static llvm::SmallVector<int64_t> getStrides(llvm::ArrayRef<int64_t> shape);

private:
  ConstantTensor() = default;

  mlir::RankedTensorType type;
  size_t elementBytes = 0;
  llvm::ArrayRef<char> shared;
  std::vector<char> owned;
};
} // namespace mopt

#endif // MOPT_SUPPORT_CONSTANTTENSOR_H
