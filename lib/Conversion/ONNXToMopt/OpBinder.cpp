// Operands and attributes of an ONNX node as handlers want them.
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mopt;

bool OpBinder::isResultUsed(unsigned i) {
  return i < node.getOutputs().size() && !node.getOutputs()[i].use_empty();
}

Value OpBinder::getOperand(unsigned i) {
  if (i >= node.getInputs().size() ||
      isa<onnx::NoneType>(node.getInputs()[i].getType()))
    return {};
  return state.values.lookupOrNull(node.getInputs()[i]);
}

bool OpBinder::hasOperand(unsigned i) {
  return i < node.getInputs().size() &&
         !isa<onnx::NoneType>(node.getInputs()[i].getType()) &&
         !state.absent.contains(node.getInputs()[i]);
}

FailureOr<SmallVector<Value>> OpBinder::getSequence(unsigned i) {
  auto known = hasOperand(i) ? state.sequences.find(node.getInputs()[i])
                             : state.sequences.end();
  if (known == state.sequences.end())
    return emitError() << "expected a sequence as input " << i;
  return known->second;
}

/// Is there code for elements of this type?
static bool isSupportedElement(Type element) {
  return element.isIntOrFloat() &&
         !isa<Float6E2M3FNType, Float6E3M2FNType>(element);
}

TypedValue<RankedTensorType> OpBinder::getTensor(unsigned i) {
  Value operand = getOperand(i);
  if (auto tensor = dyn_cast_if_present<TypedValue<RankedTensorType>>(operand)) {
    Type element = tensor.getType().getElementType();
    if (isSupportedElement(element))
      return tensor;
    emitError() << "elements of type " << element << " are not supported";
    return {};
  }
  if (operand)
    emitError() << "input " << i << " of type " << operand.getType()
                << " is not supported, only tensors of known rank";
  else
    emitError() << "expected a tensor as input " << i << ", found none";
  return {};
}

FailureOr<SmallVector<Value>> OpBinder::getTensors() {
  SmallVector<Value> tensors;
  for (unsigned i = 0; i < getNumOperands(); ++i) {
    tensors.push_back(getTensor(i));
    if (!tensors.back())
      return failure();
  }
  return tensors;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool OpBinder::hasAttr(StringRef name) {
  return node.getNodeAttributes().contains(name);
}

int64_t OpBinder::getInt(StringRef name, int64_t otherwise) {
  auto attr = node.getNodeAttributes().getAs<IntegerAttr>(name);
  return attr ? attr.getValue().getSExtValue() : otherwise;
}

double OpBinder::getFloat(StringRef name, double otherwise) {
  auto attr = node.getNodeAttributes().getAs<FloatAttr>(name);
  return attr ? attr.getValueAsDouble() : otherwise;
}

StringRef OpBinder::getString(StringRef name, StringRef otherwise) {
  auto attr = node.getNodeAttributes().getAs<StringAttr>(name);
  return attr ? attr.getValue() : otherwise;
}

std::optional<SmallVector<int64_t>> OpBinder::getInts(StringRef name) {
  if (auto attr = node.getNodeAttributes().getAs<DenseI64ArrayAttr>(name))
    return SmallVector<int64_t>(attr.asArrayRef());
  return std::nullopt;
}

std::optional<SmallVector<float>> OpBinder::getFloats(StringRef name) {
  if (auto attr = node.getNodeAttributes().getAs<DenseF32ArrayAttr>(name))
    return SmallVector<float>(attr.asArrayRef());
  return std::nullopt;
}

ElementsAttr OpBinder::getElements(StringRef name) {
  return node.getNodeAttributes().getAs<ElementsAttr>(name);
}

Type OpBinder::getTypeAttr(StringRef name, Type otherwise) {
  int64_t dataType = getInt(name, 0);
  if (dataType == 0)
    return otherwise;
  Type type = onnx::getElementType(b.getContext(), dataType);
  if (!type)
    emitError() << "elements of the type that '" << name << "' tells, "
                << dataType << ", are not supported";
  return type;
}

Region *OpBinder::getRegion(StringRef name) {
  for (auto [region, regionName] :
       llvm::zip_equal(node.getBodies(), node.getRegionNames().getValue()))
    if (mlir::cast<StringAttr>(regionName).getValue() == name)
      return &region;
  return nullptr;
}

Type OpBinder::getDataType(int64_t dataType) {
  Type type = onnx::getElementType(b.getContext(), dataType);
  if (type && isSupportedElement(type))
    return type;
  emitError() << "element type " << dataType << " is not supported";
  return {};
}

FailureOr<int64_t> OpBinder::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return emitError() << "expected an axis in [" << -rank << ", " << rank
                       << "), found " << axis;
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> OpBinder::normalizeAxes(ArrayRef<int64_t> axes,
                                                        int64_t rank,
                                                        bool sort) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normal = normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    if (llvm::is_contained(result, *normal))
      return emitError() << "expected different axes, found " << axis
                         << " again";
    result.push_back(*normal);
  }
  if (sort)
    llvm::sort(result);
  return result;
}

//===----------------------------------------------------------------------===//
// Operands as parameters
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<OpFoldResult>> OpBinder::getIndexOperand(unsigned i) {
  TypedValue<RankedTensorType> tensor = getTensor(i);
  if (!tensor)
    return failure();
  if (!tensor.getType().hasStaticShape() ||
      !isa<IntegerType>(tensor.getType().getElementType()))
    return emitError() << "input " << i << " of type " << tensor.getType()
                       << " is not supported, only integers of a static count";
  return state.shapes.getElements(tensor);
}

FailureOr<SmallVector<int64_t>> OpBinder::getConstantInts(unsigned i) {
  FailureOr<SmallVector<OpFoldResult>> elements = getIndexOperand(i);
  if (failed(elements))
    return failure();
  std::optional<SmallVector<int64_t>> values = getConstantIntValues(*elements);
  if (!values)
    return emitError() << "input " << i
                       << " is not supported unless it is known when the "
                          "model is compiled; make it an initializer";
  return *values;
}

FailureOr<std::optional<SmallVector<int64_t>>>
OpBinder::getIntsAttrOrOperand(StringRef name, unsigned operand) {
  if (std::optional<SmallVector<int64_t>> values = getInts(name))
    return values;
  if (!getOperand(operand))
    return std::optional<SmallVector<int64_t>>();
  FailureOr<SmallVector<int64_t>> values = getConstantInts(operand);
  if (failed(values))
    return failure();
  return std::optional<SmallVector<int64_t>>(*values);
}

FailureOr<double> OpBinder::getConstantScalar(unsigned i) {
  Attribute attr;
  Value operand = getOperand(i);
  if (operand && matchPattern(operand, m_Constant(&attr)))
    if (auto elements = dyn_cast<DenseElementsAttr>(attr);
        elements && elements.getNumElements() == 1) {
      if (isa<FloatType>(elements.getElementType())) {
        APFloat value = *elements.getValues<APFloat>().begin();
        bool losesInfo;
        value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                      &losesInfo);
        return value.convertToDouble();
      }
      auto type = dyn_cast<IntegerType>(elements.getElementType());
      if (type) {
        APInt value = *elements.getValues<APInt>().begin();
        return type.isUnsigned() ? value.roundToDouble(false)
                                 : value.roundToDouble(type.getWidth() > 1);
      }
    }
  return emitError() << "input " << i
                     << " is not supported unless it is a constant of one "
                        "element";
}

//===----------------------------------------------------------------------===//
// Result
//===----------------------------------------------------------------------===//

LogicalResult OpBinder::replace(ValueRange results) {
  for (auto [i, result] : llvm::enumerate(results)) {
    if (i >= node.getOutputs().size())
      break;
    if (!result) {
      if (isResultUsed(i))
        return failure();
      continue;
    }
    state.bind(node.getOutputs()[i], {result, std::nullopt});
  }
  for (unsigned i = results.size(); i < getNumResults(); ++i)
    if (isResultUsed(i))
      return emitError() << "output " << i << " is not supported";
  return success();
}

LogicalResult OpBinder::replaceByAny(ArrayRef<ConvertedValue> results) {
  if (results.size() != getNumResults())
    return emitError() << "expected a graph of " << getNumResults()
                       << " outputs, found " << results.size();
  for (auto [output, result] : llvm::zip_equal(node.getOutputs(), results))
    state.bind(output, result);
  return success();
}

LogicalResult OpBinder::replaceBySequence(ArrayRef<Value> entries) {
  state.bind(node.getOutputs()[0], {{}, SmallVector<Value>(entries)});
  return success();
}

LogicalResult OpBinder::forward(unsigned i) {
  if (!hasOperand(i))
    return emitError() << "expected a value as input " << i << ", found none";
  state.bind(node.getOutputs()[0], state.lookup(node.getInputs()[i]));
  return success();
}
