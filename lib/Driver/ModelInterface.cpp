// Names, types and dimensions of a model's inputs and outputs, from the entry
// function of a module at L1.
#include "ModelInterface.h"

#include "mopt/Dialect/ONNX/IR/ONNX.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mopt;

bool TensorInterface::isStatic() const {
  return llvm::all_of(dims, [](int64_t dim) { return dim >= 0; });
}

int64_t TensorInterface::countElements() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

static void describeElement(Type type, TensorInterface &tensor) {
  if (type.isIntOrFloat())
    tensor.elementBits = type.getIntOrFloatBitWidth();
  std::string bits = std::to_string(tensor.elementBits);
  if (type.isInteger(1)) {
    tensor.cType = "uint8_t", tensor.dtype = "MOPT_BOOL";
    tensor.elementBits = 8;
  } else if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    tensor.cType = tensor.elementBits < 8
                       ? "uint8_t"
                       : (isUnsigned ? "uint" : "int") + bits + "_t";
    tensor.dtype = (isUnsigned ? "MOPT_UINT" : "MOPT_INT") + bits;
  } else if (type.isF32()) {
    tensor.cType = "float", tensor.dtype = "MOPT_FLOAT32";
  } else if (type.isF64()) {
    tensor.cType = "double", tensor.dtype = "MOPT_FLOAT64";
  } else if (type.isF16()) {
    tensor.cType = "uint16_t", tensor.dtype = "MOPT_FLOAT16";
  } else if (type.isBF16()) {
    tensor.cType = "uint16_t", tensor.dtype = "MOPT_BFLOAT16";
  } else if (isa<FloatType>(type) && tensor.elementBits <= 8) {
    // The builtin types are called as the ABI's: f8E4M3FN.
    std::string name;
    llvm::raw_string_ostream(name) << type;
    tensor.cType = "uint8_t";
    tensor.dtype = "MOPT_FLOAT" + StringRef(name).drop_front().upper();
  }
}

static TensorInterface describe(Type type, DictionaryAttr attrs,
                                const Twine &fallback) {
  TensorInterface tensor;
  tensor.name = fallback.str();
  ArrayAttr dimAttrs;
  if (attrs) {
    if (auto name = attrs.getAs<StringAttr>(onnx::kNameAttr))
      tensor.name = name.str();
    dimAttrs = attrs.getAs<ArrayAttr>(onnx::kDimsAttr);
  }
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked)
    return tensor;
  describeElement(ranked.getElementType(), tensor);
  for (auto [index, dim] : llvm::enumerate(ranked.getShape())) {
    bool isDynamic = ShapedType::isDynamic(dim);
    tensor.dims.push_back(isDynamic ? -1 : dim);
    StringAttr name;
    if (isDynamic && dimAttrs && index < dimAttrs.size())
      name = dyn_cast<StringAttr>(dimAttrs[index]);
    tensor.dimNames.push_back(name ? name.str() : "");
  }
  return tensor;
}

ModelInterface mopt::readInterface(ModuleOp module) {
  ModelInterface interface;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func->hasAttr(kEntryAttr))
      continue;
    interface.known = true;
    interface.entry = func.getName().str();
    for (auto [index, type] : llvm::enumerate(func.getArgumentTypes()))
      interface.inputs.push_back(describe(type, func.getArgAttrDict(index),
                                          "input" + Twine(index)));
    for (auto [index, type] : llvm::enumerate(func.getResultTypes()))
      interface.outputs.push_back(describe(type, func.getResultAttrDict(index),
                                           "output" + Twine(index)));
    return interface;
  }
  // At L7 only the name is left, in the exported symbol.
  for (auto func : module.getOps<LLVM::LLVMFuncOp>()) {
    StringRef name = func.getName();
    if (!func.isExternal() && name.consume_front("mopt_model_"))
      interface.entry = name.str();
  }
  return interface;
}
