//===- OpBinder.h - an ONNX node while it is converted ----------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_OPBINDER_H
#define MOPT_CONVERSION_ONNXTOMOPT_OPBINDER_H

#include "mopt/Dialect/Mopt/IR/ShapeValues.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include <optional>

namespace mopt {
/// What a value of the onnx dialect became: a tensor, the entries of a sequence,
/// or, for an optional without a value, neither.
struct ConvertedValue {
  mlir::Value tensor;
  std::optional<llvm::SmallVector<mlir::Value>> entries;
  bool isAbsent() const { return !tensor && !entries; }
};

/// What the conversion of one function carries along.
struct ConversionState {
  explicit ConversionState(mlir::OpBuilder &builder)
      : builder(builder), shapes(builder) {}

  /// Converts one node, or a constant, at the builder's insertion point.
  llvm::LogicalResult convertOp(mlir::Operation &op);
  /// Converts the nodes of `block` at the builder's insertion point. The values
  /// for its arguments, and for all that it captures, are in `values`.
  /// Returns the converted operands of the terminator.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  convertBlock(mlir::Block &block);
  /// The same where the operands of the terminator need not be tensors.
  mlir::FailureOr<llvm::SmallVector<ConvertedValue>>
  convertBlockOfAny(mlir::Block &block);

  mlir::OpBuilder &builder;
  ShapeValues shapes;
  /// Is `value` of the onnx dialect converted?
  bool isReady(mlir::Value value) const {
    return values.contains(value) || sequences.contains(value) ||
           absent.contains(value);
  }
  /// What `value`, which is ready, became; gives it, whatever it was before.
  ConvertedValue lookup(mlir::Value value) const;
  void bind(mlir::Value value, ConvertedValue converted);

  /// From values of the onnx dialect to converted ones.
  mlir::IRMapping values;
  /// From sequences of the onnx dialect to their entries.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> sequences;
  /// Optionals of the onnx dialect that hold nothing.
  llvm::DenseSet<mlir::Value> absent;
};

/// Operands (converted), attributes and results of one `onnx.node`, and the ops
/// that handlers build most.
class OpBinder {
public:
  OpBinder(ConversionState &state, onnx::NodeOp node)
      : state(state), node(node), b(state.builder), loc(node.getLoc()) {}

  ConversionState &state;
  onnx::NodeOp node;
  mlir::OpBuilder &b;
  mlir::Location loc;

  //===--------------------------------------------------------------------===//
  // The node
  //===--------------------------------------------------------------------===//

  int64_t getVersion() { return node.getOpsetVersion(); }
  unsigned getNumOperands() { return node.getInputs().size(); }
  unsigned getNumResults() { return node.getOutputs().size(); }
  /// Is output `i` there and used?
  bool isResultUsed(unsigned i);

  /// Operand `i`, or null if it is left out.
  mlir::Value getOperand(unsigned i);
  /// Operand `i` as a tensor; emits an error and returns null if it is not one.
  mlir::TypedValue<mlir::RankedTensorType> getTensor(unsigned i);
  /// Is operand `i` there, a tensor or not? An empty optional is not.
  bool hasOperand(unsigned i);
  /// The entries of operand `i`, or failure with an error emitted.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> getSequence(unsigned i);
  /// All operands as tensors, or failure with an error emitted.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> getTensors();

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  bool hasAttr(llvm::StringRef name);
  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  double getFloat(llvm::StringRef name, double otherwise);
  llvm::StringRef getString(llvm::StringRef name,
                            llvm::StringRef otherwise);
  std::optional<llvm::SmallVector<int64_t>> getInts(llvm::StringRef name);
  std::optional<llvm::SmallVector<float>> getFloats(llvm::StringRef name);
  mlir::ElementsAttr getElements(llvm::StringRef name);
  /// An attribute that holds a TensorProto.DataType; `otherwise` where it is
  /// left out or 0. Null with an error emitted if there is no such type.
  mlir::Type getTypeAttr(llvm::StringRef name, mlir::Type otherwise);
  mlir::Region *getRegion(llvm::StringRef name);

  /// The element type that number `dataType` of TensorProto.DataType stands for.
  /// Null with an error emitted if it is not supported.
  mlir::Type getDataType(int64_t dataType);

  /// An axis in [-rank, rank) as one in [0, rank); an error otherwise.
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  /// The same for a list; sorted if `sort`, refusing repetitions.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank, bool sort = true);

  //===--------------------------------------------------------------------===//
  // Operands as parameters
  //===--------------------------------------------------------------------===//

  /// The elements of operand `i`, an integer tensor of static shape, as index
  /// values. Empty with an error emitted if it is not one.
  mlir::FailureOr<llvm::SmallVector<mlir::OpFoldResult>>
  getIndexOperand(unsigned i);
  /// The same where only constants will do.
  mlir::FailureOr<llvm::SmallVector<int64_t>> getConstantInts(unsigned i);
  /// A parameter that is an attribute in older and an operand in newer
  /// versions; none if neither is there.
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
  getIntsAttrOrOperand(llvm::StringRef name, unsigned operand);
  /// The single element of a constant operand, converted to double.
  mlir::FailureOr<double> getConstantScalar(unsigned i);

  //===--------------------------------------------------------------------===//
  // Building
  //===--------------------------------------------------------------------===//

  static mlir::RankedTensorType getType(mlir::Value tensor) {
    return llvm::cast<mlir::RankedTensorType>(tensor.getType());
  }
  static mlir::Type getElementType(mlir::Value tensor) {
    return getType(tensor).getElementType();
  }
  static int64_t getRank(mlir::Value tensor) { return getType(tensor).getRank(); }

  /// A constant of `number` in every element; shape `[1, .., 1]` of the rank.
  mlir::Value scalar(mlir::Type element, double number, int64_t rank = 0);
  mlir::Value constant(mlir::ElementsAttr elements);
  mlir::Value constantInts(llvm::ArrayRef<int64_t> values);

  mlir::Value unary(UnaryKind kind, mlir::Value x);
  /// With ONNX's multidirectional broadcasting; null with an error emitted if
  /// the shapes do not fit.
  mlir::Value binary(BinaryKind kind, mlir::Value x, mlir::Value y);
  mlir::Value compare(CompareKind kind, mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value cast(mlir::Value x, mlir::Type element, bool saturate = true);
  /// `x op number`, in the type of `x`.
  mlir::Value binary(BinaryKind kind, mlir::Value x, double number);
  mlir::Value reduce(ReduceKind kind, mlir::Value x,
                     llvm::ArrayRef<int64_t> axes, bool keepDims = true);
  /// Mean over `axes`, sizes of 1 kept. For floats.
  mlir::Value mean(mlir::Value x, llvm::ArrayRef<int64_t> axes);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// Without the dimensions `axes`, which have size 1.
  mlir::Value squeeze(mlir::Value x, llvm::ArrayRef<int64_t> axes);
  /// With dimensions of size 1 at positions `axes` of the result (sorted).
  mlir::Value unsqueeze(mlir::Value x, llvm::ArrayRef<int64_t> axes);
  /// A tensor of one dimension as `[1, c, 1, ..]` of the given rank.
  mlir::Value alongAxis(mlir::Value x, int64_t axis, int64_t rank);
  /// `lhs` by `rhs`, at least matrices, with ONNX's broadcasting of the batch
  /// dimensions; null with an error emitted if they do not fit.
  mlir::Value matmul(mlir::Value lhs, mlir::Value rhs, bool transposeLhs = false,
                     bool transposeRhs = false);
  /// Null with an error emitted if the shapes do not fit.
  mlir::Value concat(mlir::ValueRange parts, int64_t axis);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);

  /// Brings tensors to one rank and makes broadcasts that run time decides
  /// explicit, so that elementwise ops take them. Static sizes of 1 stay.
  /// The last `inner` dimensions of each are left alone.
  mlir::LogicalResult broadcast(llvm::MutableArrayRef<mlir::Value> tensors,
                                int64_t inner = 0);

  /// `x` with a dimension that has `size` elements; a run in which it has others
  /// fails. A size that is known, a dimension that is not there and null are
  /// left alone.
  mlir::Value withSize(mlir::Value x, int64_t dim, int64_t size);

  /// A run in which the two sizes differ fails; with `orOne` `size` may be 1 as
  /// well. Nothing is emitted where they are known to be equal.
  void requireSize(mlir::OpFoldResult size, mlir::OpFoldResult wanted,
                   bool orOne = false);

  /// ONNX Expand: `x` and a tensor of `sizes` broadcast to each other.
  mlir::Value expand(mlir::Value x, llvm::ArrayRef<mlir::OpFoldResult> sizes);

  /// An index value or attribute as an index value.
  mlir::Value index(mlir::OpFoldResult value);
  /// A one-dimensional tensor of i64 from index values.
  mlir::Value fromIndices(llvm::ArrayRef<mlir::OpFoldResult> values);
  /// Sizes multiplied.
  mlir::OpFoldResult product(llvm::ArrayRef<mlir::OpFoldResult> sizes);

  //===--------------------------------------------------------------------===//
  // Result
  //===--------------------------------------------------------------------===//

  /// Gives the node's outputs; trailing ones may be missing if unused. Fails if
  /// a value is null (its builder has emitted the error).
  mlir::LogicalResult replace(mlir::ValueRange results);
  /// The same for outputs of any kind.
  mlir::LogicalResult replaceByAny(llvm::ArrayRef<ConvertedValue> results);
  /// Gives output 0, a sequence of these entries.
  mlir::LogicalResult replaceBySequence(llvm::ArrayRef<mlir::Value> entries);
  /// Gives operand `i`, of any kind, as output 0.
  mlir::LogicalResult forward(unsigned i);
  mlir::InFlightDiagnostic emitError() { return mlir::emitError(loc); }
};
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_OPBINDER_H
