// Tensors to attributes. Large ones become resource blobs without a copy;
// sparse ones are densified, within a bound.
#include "TensorImporter.h"

#include "TensorStorage.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mopt::importer;

/// A few bytes of sparse tensor can ask for any number of dense ones.
static constexpr int64_t kMaxDensifiedBytes = int64_t(1) << 30;

namespace {
struct Layout {
  const ElementType *element;
  int64_t count;
  RankedTensorType type;
};
} // namespace

static FailureOr<Layout> readLayout(const pb::TensorProto &tensor,
                                    ArrayRef<int64_t> dims, Location loc) {
  const ElementType *element = findElementType(tensor.data_type());
  if (!element)
    return emitError(loc) << "tensor '" << tensor.name() << "' has data type "
                          << tensor.data_type()
                          << ", expected one of TensorProto.DataType";
  if (tensor.has_segment())
    return emitError(loc) << "tensor '" << tensor.name()
                          << "' is stored in segments, expected it whole";
  for (int64_t dim : dims)
    if (dim < 0)
      return emitError(loc) << "tensor '" << tensor.name() << "' has dimension "
                            << dim << ", expected one that is not negative";
  std::optional<int64_t> count = countElements(dims, element->bits);
  if (!count)
    return emitError(loc) << "tensor '" << tensor.name()
                          << "' has a size that overflows 64 bits";
  return Layout{element, *count,
                RankedTensorType::get(
                    dims, convertElementType(loc.getContext(), *element))};
}

/// Elements of 2 or 4 bits one a byte, as 'dense' keeps them.
static SmallVector<char> unpack(ArrayRef<char> packed, unsigned bits,
                                int64_t count) {
  SmallVector<char> bytes(count);
  unsigned perByte = 8 / bits, mask = (1u << bits) - 1;
  for (int64_t i = 0; i < count; ++i)
    bytes[i] =
        (static_cast<uint8_t>(packed[i / perByte]) >> i % perByte * bits) &
        mask;
  return bytes;
}

ElementsAttr TensorImporter::makeAttr(RankedTensorType type, StringRef name,
                                      AsmResourceBlob blob) {
  int64_t count = type.getNumElements();
  if (count == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>{});
  if (count <= kDenseElements) {
    Type element = type.getElementType();
    if (element.isInteger(1)) {
      SmallVector<bool> values(blob.getData());
      return DenseElementsAttr::get(type, ArrayRef<bool>(values));
    }
    if (element.isIntOrFloat() && element.getIntOrFloatBitWidth() < 6)
      return DenseElementsAttr::getFromRawBuffer(
          type, unpack(blob.getData(), element.getIntOrFloatBitWidth(), count));
    return DenseElementsAttr::getFromRawBuffer(type, blob.getData());
  }
  std::string key = name.empty() ? "tensor" : name.str();
  if (unsigned uses = resourceNames[key]++)
    key += "_" + std::to_string(uses);
  return DenseResourceElementsAttr::get(type, key, std::move(blob));
}

FailureOr<ElementsAttr> TensorImporter::convert(pb::TensorProto &tensor,
                                                Location loc) {
  FailureOr<Layout> layout = readLayout(
      tensor, ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()), loc);
  if (failed(layout))
    return failure();
  if (layout->element->field == TypedField::String) {
    if (tensor.string_data_size() != layout->count)
      return emitError(loc)
             << "tensor '" << tensor.name() << "' needs " << layout->count
             << " strings by its shape, found " << tensor.string_data_size();
    SmallVector<StringRef> strings(tensor.string_data().begin(),
                                   tensor.string_data().end());
    return ElementsAttr(DenseStringElementsAttr::get(layout->type, strings));
  }
  FailureOr<AsmResourceBlob> blob =
      takeStorage(tensor, *layout->element, layout->count, external, loc);
  if (failed(blob))
    return failure();
  return makeAttr(layout->type, tensor.name(), std::move(*blob));
}

FailureOr<ElementsAttr> TensorImporter::import(pb::TensorProto &tensor,
                                               Location loc) {
  auto known = imported.find(&tensor);
  if (known != imported.end())
    return known->second;
  FailureOr<ElementsAttr> attr = convert(tensor, loc);
  if (succeeded(attr))
    imported[&tensor] = *attr;
  return attr;
}

FailureOr<ElementsAttr> TensorImporter::import(pb::SparseTensorProto &tensor,
                                               Location loc) {
  auto known = imported.find(&tensor);
  if (known != imported.end())
    return known->second;
  pb::TensorProto &values = *tensor.mutable_values();
  pb::TensorProto &indices = *tensor.mutable_indices();
  StringRef name = values.name();
  ArrayRef<int64_t> dims(tensor.dims().data(), tensor.dims_size());
  int64_t rank = dims.size(), stored = values.dims_size() ? values.dims(0) : 0;
  // Linear positions, or one row of coordinates for each value.
  bool isLinear = indices.dims_size() == 1 && indices.dims(0) == stored;
  bool isCoordinates = indices.dims_size() == 2 && indices.dims(0) == stored &&
                       indices.dims(1) == rank;
  if (values.dims_size() != 1 || (!isLinear && !isCoordinates) ||
      indices.data_type() != pb::TensorProto::INT64)
    return emitError(loc)
           << "sparse tensor '" << name
           << "' expects values [n] and int64 indices [n] or [n, rank]";
  FailureOr<Layout> dense = readLayout(values, dims, loc);
  if (failed(dense))
    return failure();
  const ElementType &element = *dense->element;
  if (element.bits < 8)
    return emitError(loc) << "sparse tensor '" << name << "' of type "
                          << element.name
                          << " is not supported, expected whole bytes";
  std::optional<int64_t> indexCount = countElements(
      ArrayRef<int64_t>(indices.dims().data(), indices.dims_size()), 64);
  std::optional<int64_t> valueCount = countElements({stored}, element.bits);
  int64_t bytes = storageBytes(element, dense->count);
  if (!indexCount || !valueCount || bytes > kMaxDensifiedBytes - densifiedBytes)
    return emitError(loc) << "sparse tensor '" << name << "' needs " << bytes
                          << " bytes when dense, expected at most "
                          << kMaxDensifiedBytes << " in the whole model";
  densifiedBytes += bytes;
  FailureOr<AsmResourceBlob> valueBlob =
      takeStorage(values, element, *valueCount, external, loc);
  FailureOr<AsmResourceBlob> indexBlob = failure();
  if (succeeded(valueBlob))
    indexBlob = takeStorage(indices, *findElementType(pb::TensorProto::INT64),
                            *indexCount, external, loc);
  if (failed(indexBlob))
    return failure();

  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  MutableArrayRef<char> to = blob.getMutableData();
  std::fill(to.begin(), to.end(), 0);
  ArrayRef<int64_t> index = indexBlob->getDataAs<int64_t>();
  size_t elementBytes = element.bits / 8;
  for (int64_t i = 0; i < stored; ++i) {
    int64_t position = isLinear ? index[i] : 0;
    bool isInside = position >= 0 && position < dense->count;
    for (int64_t d = 0; d < rank && !isLinear; ++d) {
      int64_t coordinate = index[i * rank + d];
      isInside &= coordinate >= 0 && coordinate < dims[d];
      position = isInside ? position * dims[d] + coordinate : 0;
    }
    if (!isInside)
      return emitError(loc) << "sparse tensor '" << name << "' has value " << i
                            << " outside its shape";
    std::copy_n(valueBlob->getData().data() + i * elementBytes, elementBytes,
                to.data() + position * elementBytes);
  }
  ElementsAttr attr = makeAttr(dense->type, name, std::move(blob));
  imported[&tensor] = attr;
  return attr;
}
