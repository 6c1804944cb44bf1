// ONNX types to MLIR types: tensors, and the onnx dialect's types for what no
// tensor can say. Sizes that overflow are refused here, for all that follows.
#include "TypeImporter.h"

#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mopt::importer;

static constexpr ElementType kElementTypes[] = {
    {pb::TensorProto::FLOAT, "float", 32, TypedField::Float},
    {pb::TensorProto::UINT8, "uint8", 8, TypedField::Int32},
    {pb::TensorProto::INT8, "int8", 8, TypedField::Int32},
    {pb::TensorProto::UINT16, "uint16", 16, TypedField::Int32},
    {pb::TensorProto::INT16, "int16", 16, TypedField::Int32},
    {pb::TensorProto::INT32, "int32", 32, TypedField::Int32},
    {pb::TensorProto::INT64, "int64", 64, TypedField::Int64},
    {pb::TensorProto::STRING, "string", 0, TypedField::String},
    {pb::TensorProto::BOOL, "bool", 8, TypedField::Int32},
    {pb::TensorProto::FLOAT16, "float16", 16, TypedField::Int32},
    {pb::TensorProto::DOUBLE, "double", 64, TypedField::Double},
    {pb::TensorProto::UINT32, "uint32", 32, TypedField::UInt64},
    {pb::TensorProto::UINT64, "uint64", 64, TypedField::UInt64},
    {pb::TensorProto::COMPLEX64, "complex64", 64, TypedField::Float},
    {pb::TensorProto::COMPLEX128, "complex128", 128, TypedField::Double},
    {pb::TensorProto::BFLOAT16, "bfloat16", 16, TypedField::Int32},
    {pb::TensorProto::FLOAT8E4M3FN, "float8e4m3fn", 8, TypedField::Int32},
    {pb::TensorProto::FLOAT8E4M3FNUZ, "float8e4m3fnuz", 8, TypedField::Int32},
    {pb::TensorProto::FLOAT8E5M2, "float8e5m2", 8, TypedField::Int32},
    {pb::TensorProto::FLOAT8E5M2FNUZ, "float8e5m2fnuz", 8, TypedField::Int32},
    {pb::TensorProto::UINT4, "uint4", 4, TypedField::Int32},
    {pb::TensorProto::INT4, "int4", 4, TypedField::Int32},
    {pb::TensorProto::FLOAT4E2M1, "float4e2m1", 4, TypedField::Int32},
    {pb::TensorProto::FLOAT8E8M0, "float8e8m0", 8, TypedField::Int32},
    {pb::TensorProto::UINT2, "uint2", 2, TypedField::Int32},
    {pb::TensorProto::INT2, "int2", 2, TypedField::Int32},
    {pb::TensorProto::FLOAT6E2M3, "float6e2m3", 6, TypedField::Int32},
    {pb::TensorProto::FLOAT6E3M2, "float6e3m2", 6, TypedField::Int32},
};

const ElementType *mopt::importer::findElementType(int dataType) {
  const ElementType *row =
      llvm::find_if(kElementTypes, [&](const ElementType &element) {
        return element.dataType == dataType;
      });
  return row == std::end(kElementTypes) ? nullptr : row;
}

Type mopt::importer::convertElementType(MLIRContext *context,
                                        const ElementType &element) {
  Builder b(context);
  auto integer = [&](unsigned bits) { return b.getIntegerType(bits); };
  auto natural = [&](unsigned bits) {
    return b.getIntegerType(bits, /*isSigned=*/false);
  };
  switch (element.dataType) {
  case pb::TensorProto::FLOAT:
    return b.getF32Type();
  case pb::TensorProto::DOUBLE:
    return b.getF64Type();
  case pb::TensorProto::FLOAT16:
    return b.getF16Type();
  case pb::TensorProto::BFLOAT16:
    return b.getBF16Type();
  case pb::TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case pb::TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case pb::TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case pb::TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case pb::TensorProto::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case pb::TensorProto::FLOAT6E2M3:
    return Float6E2M3FNType::get(context);
  case pb::TensorProto::FLOAT6E3M2:
    return Float6E3M2FNType::get(context);
  case pb::TensorProto::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case pb::TensorProto::COMPLEX64:
    return ComplexType::get(b.getF32Type());
  case pb::TensorProto::COMPLEX128:
    return ComplexType::get(b.getF64Type());
  case pb::TensorProto::STRING:
    return mopt::onnx::StringType::get(context);
  case pb::TensorProto::BOOL:
    return b.getI1Type();
  case pb::TensorProto::UINT2:
  case pb::TensorProto::UINT4:
  case pb::TensorProto::UINT8:
  case pb::TensorProto::UINT16:
  case pb::TensorProto::UINT32:
  case pb::TensorProto::UINT64:
    return natural(element.bits);
  default:
    return integer(element.bits);
  }
}

std::optional<int64_t> mopt::importer::countElements(ArrayRef<int64_t> shape,
                                                     unsigned elementBits) {
  int64_t count = 1;
  bool isEmpty = false;
  for (int64_t dim : shape) {
    if (ShapedType::isDynamic(dim))
      continue;
    if (dim < 0)
      return std::nullopt;
    if (dim == 0)
      isEmpty = true;
    else if (llvm::MulOverflow(count, dim, count))
      return std::nullopt;
  }
  int64_t bits;
  if (llvm::MulOverflow<int64_t>(count, std::max(elementBits, 8u), bits) ||
      bits > (int64_t(1) << 62))
    return std::nullopt;
  return isEmpty ? 0 : count;
}

/// Of a tensor or a sparse tensor, whose protos are alike.
template <typename TensorTypeProto>
static FailureOr<Type> convertTensorType(const TensorTypeProto &type,
                                         StringRef name, Location loc) {
  MLIRContext *context = loc.getContext();
  if (type.elem_type() == pb::TensorProto::UNDEFINED)
    return Type(mopt::onnx::ValueType::get(context));
  const ElementType *element = findElementType(type.elem_type());
  if (!element)
    return emitError(loc) << "value '" << name << "' has element type "
                          << type.elem_type()
                          << ", expected one of TensorProto.DataType";
  Type elementType = convertElementType(context, *element);
  if (!type.has_shape())
    return Type(UnrankedTensorType::get(elementType));
  SmallVector<int64_t> shape;
  for (const auto &dim : type.shape().dim()) {
    // Old exporters write -1 where they know nothing.
    bool isKnown = dim.has_dim_value() && dim.dim_value() != -1;
    if (isKnown && dim.dim_value() < 0)
      return emitError(loc)
             << "value '" << name << "' has dimension " << dim.dim_value()
             << ", expected one that is not negative";
    shape.push_back(isKnown ? dim.dim_value() : ShapedType::kDynamic);
  }
  if (!countElements(shape, element->bits))
    return emitError(loc) << "value '" << name
                          << "' has a size that overflows 64 bits";
  return Type(RankedTensorType::get(shape, elementType));
}

FailureOr<Type> mopt::importer::convertType(const pb::TypeProto &type,
                                            StringRef name, Location loc) {
  MLIRContext *context = loc.getContext();
  switch (type.value_case()) {
  case pb::TypeProto::kTensorType:
    return convertTensorType(type.tensor_type(), name, loc);
  case pb::TypeProto::kSparseTensorType: {
    FailureOr<Type> dense =
        convertTensorType(type.sparse_tensor_type(), name, loc);
    if (failed(dense))
      return failure();
    return Type(mopt::onnx::SparseType::get(context, *dense));
  }
  case pb::TypeProto::kSequenceType: {
    FailureOr<Type> element =
        convertType(type.sequence_type().elem_type(), name, loc);
    if (failed(element))
      return failure();
    return Type(mopt::onnx::SequenceType::get(context, *element));
  }
  case pb::TypeProto::kOptionalType: {
    FailureOr<Type> element =
        convertType(type.optional_type().elem_type(), name, loc);
    if (failed(element))
      return failure();
    return Type(mopt::onnx::OptionalType::get(context, *element));
  }
  case pb::TypeProto::kMapType: {
    const ElementType *key = findElementType(type.map_type().key_type());
    if (!key)
      return emitError(loc) << "value '" << name << "' is a map with key type "
                            << type.map_type().key_type()
                            << ", expected one of TensorProto.DataType";
    FailureOr<Type> element =
        convertType(type.map_type().value_type(), name, loc);
    if (failed(element))
      return failure();
    return Type(mopt::onnx::MapType::get(
        context, convertElementType(context, *key), *element));
  }
  case pb::TypeProto::kOpaqueType:
  case pb::TypeProto::VALUE_NOT_SET:
    return Type(mopt::onnx::ValueType::get(context));
  }
  llvm_unreachable("a oneof holds one of its cases");
}

/// Whether equal names mean equal sizes. Exporters also write a placeholder for
/// each size that they do not know.
static bool isName(StringRef name) {
  return !llvm::is_contained({"", "?", "*", "-1", "None"}, name);
}

ArrayAttr mopt::importer::describeDims(MLIRContext *context,
                                       const pb::TypeProto &type) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape())
    return {};
  Builder b(context);
  SmallVector<Attribute> dims;
  for (const auto &dim : type.tensor_type().shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() >= 0)
      dims.push_back(b.getI64IntegerAttr(dim.dim_value()));
    else if (dim.has_dim_param() && isName(dim.dim_param()))
      dims.push_back(b.getStringAttr(dim.dim_param()));
    else
      dims.push_back(b.getUnitAttr());
  }
  return b.getArrayAttr(dims);
}
