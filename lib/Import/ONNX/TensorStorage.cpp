// Every form in which a TensorProto can hold its elements, brought to one: the
// layout of raw_data, owned by a resource blob.
#include "TensorStorage.h"

#include "ExternalData.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mopt::importer;
using google::protobuf::RepeatedField;

/// Bytes in raw_data and in external files, where 6-bit elements are packed.
static size_t rawBytes(const ElementType &element, int64_t count) {
  return llvm::divideCeil(static_cast<uint64_t>(count) * element.bits, 8);
}

size_t mopt::importer::storageBytes(const ElementType &element, int64_t count) {
  return element.bits == 6 ? count : rawBytes(element, count);
}

/// The alignment that reading the elements as a C++ type needs.
static size_t elementAlignment(const ElementType &element) {
  return std::clamp<size_t>(element.bits / 8, 1, 8);
}

/// The largest power of two up to 64 that a blob may promise.
static size_t alignmentOf(const void *data) {
  auto address = reinterpret_cast<uintptr_t>(data) | 64;
  return address & -address;
}

/// A blob on the elements of a container that it takes over.
template <typename Container>
static AsmResourceBlob adopt(std::unique_ptr<Container> container,
                             const void *data, size_t bytes) {
  return AsmResourceBlob(
      ArrayRef<char>(static_cast<const char *>(data), bytes), alignmentOf(data),
      [owner = std::move(container)](void *, size_t, size_t) mutable {
        owner.reset();
      },
      /*dataIsMutable=*/true);
}

template <typename T>
static AsmResourceBlob adoptField(RepeatedField<T> *field) {
  auto taken = std::make_unique<RepeatedField<T>>(std::move(*field));
  const T *data = taken->data();
  size_t bytes = taken->size() * sizeof(T);
  return adopt(std::move(taken), data, bytes);
}

/// Elements that a typed field stores wider than they are.
template <typename To, typename From>
static FailureOr<AsmResourceBlob> narrow(const RepeatedField<From> &field,
                                         int64_t least, int64_t most,
                                         StringRef name, Location loc) {
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(field.size() * sizeof(To), /*align=*/64);
  auto *to = reinterpret_cast<To *>(blob.getMutableData().data());
  for (From value : field) {
    if (static_cast<int64_t>(value) < least ||
        static_cast<int64_t>(value) > most)
      return emitError(loc)
             << "tensor '" << name << "' holds " << static_cast<int64_t>(value)
             << ", expected a value from " << least << " to " << most;
    *to++ = static_cast<To>(value);
  }
  return blob;
}

static FailureOr<AsmResourceBlob> takeTypedField(pb::TensorProto &tensor,
                                                 const ElementType &element,
                                                 Location loc) {
  StringRef name = tensor.name();
  switch (element.field) {
  case TypedField::Float:
    return adoptField(tensor.mutable_float_data());
  case TypedField::Double:
    return adoptField(tensor.mutable_double_data());
  case TypedField::Int64:
    return adoptField(tensor.mutable_int64_data());
  case TypedField::UInt64:
    if (element.bits == 64)
      return adoptField(tensor.mutable_uint64_data());
    return narrow<uint32_t>(tensor.uint64_data(), 0, UINT32_MAX, name, loc);
  case TypedField::Int32:
    if (element.bits == 32)
      return adoptField(tensor.mutable_int32_data());
    // Writers disagree on whether bit patterns are signed.
    if (element.bits == 16)
      return narrow<uint16_t>(tensor.int32_data(), INT16_MIN, UINT16_MAX, name,
                              loc);
    return narrow<uint8_t>(tensor.int32_data(), INT8_MIN, UINT8_MAX, name, loc);
  case TypedField::String:
    break;
  }
  llvm_unreachable("strings have no storage");
}

/// 6-bit elements, four in three bytes, to one a byte.
static AsmResourceBlob unpackSixBits(ArrayRef<char> packed, int64_t count) {
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(count, /*align=*/64);
  char *to = blob.getMutableData().data();
  for (int64_t i = 0; i < count; ++i) {
    size_t bit = 6 * i, byte = bit / 8;
    unsigned word = static_cast<uint8_t>(packed[byte]);
    if (byte + 1 < packed.size())
      word |= static_cast<uint8_t>(packed[byte + 1]) << 8;
    to[i] = (word >> bit % 8) & 0x3f;
  }
  return blob;
}

/// Any byte but 0 is true in the file; only 1 is in a blob.
static void normalizeBool(AsmResourceBlob &blob) {
  if (llvm::all_of(blob.getData(), [](uint8_t byte) { return byte <= 1; }))
    return;
  if (!blob.isMutable())
    blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(blob.getData(), 64);
  for (char &byte : blob.getMutableData())
    byte = byte != 0;
}

static bool hasTypedField(const pb::TensorProto &tensor) {
  return tensor.float_data_size() || tensor.int32_data_size() ||
         tensor.int64_data_size() || tensor.double_data_size() ||
         tensor.uint64_data_size() || tensor.string_data_size();
}

FailureOr<AsmResourceBlob>
mopt::importer::takeStorage(pb::TensorProto &tensor, const ElementType &element,
                            int64_t count, ExternalData &external,
                            Location loc) {
  bool isExternal = tensor.data_location() == pb::TensorProto::EXTERNAL;
  if (isExternal + tensor.has_raw_data() + hasTypedField(tensor) > 1)
    return emitError(loc) << "tensor '" << tensor.name()
                          << "' stores its elements in more than one way";
  size_t bytes = rawBytes(element, count);
  bool isRaw = isExternal || tensor.has_raw_data();
  FailureOr<AsmResourceBlob> blob;
  if (isExternal) {
    blob = external.load(tensor, bytes, elementAlignment(element), loc);
  } else if (tensor.has_raw_data()) {
    std::unique_ptr<std::string> raw(tensor.release_raw_data());
    const char *data = raw->data();
    size_t size = raw->size();
    if (reinterpret_cast<uintptr_t>(data) % elementAlignment(element))
      blob = HeapAsmResourceBlob::allocateAndCopyWithAlign({data, size}, 64);
    else
      blob = adopt(std::move(raw), data, size);
  } else {
    blob = takeTypedField(tensor, element, loc);
  }
  if (failed(blob))
    return failure();
  if (!isRaw)
    bytes = storageBytes(element, count);
  if (blob->getData().size() != bytes)
    return emitError(loc) << "tensor '" << tensor.name() << "' of type "
                          << element.name << " needs " << bytes
                          << " bytes by its shape, found "
                          << blob->getData().size();
  if (isRaw && element.bits == 6)
    return unpackSixBits(blob->getData(), count);
  if (element.dataType == pb::TensorProto::BOOL)
    normalizeBool(*blob);
  return blob;
}
