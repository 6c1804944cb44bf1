//===- TensorProtoFile.cpp - Tensors as ONNX saves them -------------------===//
//
// The few fields of onnx.TensorProto, read straight from protobuf's wire
// format: the tool runs on machines that have no more than a C++ library.
//
//===----------------------------------------------------------------------===//
#include "TensorFiles.h"
#include <cstring>

using namespace mopt_run;

namespace {

/// Walks over the fields of a message.
class Reader {
public:
  explicit Reader(std::string_view content) : rest(content) {}

  /// The next field; false at the end or where the message is damaged.
  bool next() {
    uint64_t key;
    if (rest.empty() || !varint(key))
      return false;
    field = key >> 3;
    wire = int(key & 7);
    if (wire == 0)
      return varint(value);
    uint64_t length = wire == 1 ? 8 : 4;
    if ((wire == 2 && !varint(length)) || wire == 3 || wire == 4 || wire > 5 ||
        length > rest.size())
      return failed = true, false;
    bytes = rest.substr(0, length);
    rest.remove_prefix(length);
    return true;
  }

  /// Appends the varints of this field, packed or single.
  void integers(std::vector<int64_t> &values) {
    if (wire == 0)
      values.push_back(int64_t(value));
    if (wire != 2)
      return;
    Reader packed(bytes);
    for (uint64_t number; !packed.rest.empty() && packed.varint(number);)
      values.push_back(int64_t(number));
    failed |= packed.failed;
  }

  uint64_t field = 0, value = 0;
  int wire = 0;
  std::string_view bytes;
  bool failed = false;

private:
  bool varint(uint64_t &number) {
    number = 0;
    for (int shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      uint8_t byte = uint8_t(rest[0]);
      rest.remove_prefix(1);
      number |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return true;
    }
    return failed = true, false;
  }

  std::string_view rest;
};

} // namespace

/// Stores the low bytes of integers, as int32_data, int64_data and uint64_data
/// hold all small types. Packed types come packed.
static std::vector<char> narrow(const std::vector<int64_t> &values,
                                const ElementType &type) {
  size_t bytes = type.bits < 8 ? 1 : size_t(type.bits) / 8;
  std::vector<char> result(values.size() * bytes);
  for (size_t i = 0; i < values.size(); ++i)
    memcpy(&result[i * bytes], &values[i], bytes);
  return result;
}

std::string mopt_run::parseTensorProto(std::string_view content,
                                       NamedArray &named) {
  Reader reader(content);
  Array &array = named.array;
  std::vector<int64_t> integers;
  bool external = false;
  while (reader.next()) {
    switch (reader.field) {
    case 1: // dims
      reader.integers(array.dims);
      break;
    case 2: // data_type
      array.dtype = MoptDType(reader.value);
      break;
    case 5:  // int32_data
    case 7:  // int64_data
    case 11: // uint64_data
      reader.integers(integers);
      break;
    case 4:  // float_data
    case 9:  // raw_data
    case 10: // double_data
      array.bytes.insert(array.bytes.end(), reader.bytes.begin(),
                         reader.bytes.end());
      break;
    case 8: // name
      named.name = reader.bytes;
      break;
    case 14: // data_location
      external = reader.value == 1;
      break;
    }
  }
  if (reader.failed)
    return "not an ONNX tensor";
  if (external)
    return "its data is in another file, which is not supported here";
  const ElementType *type = findElementType(array.dtype);
  if (!type)
    return "element type " + std::to_string(array.dtype) + " is not supported";
  if (!integers.empty())
    array.bytes = narrow(integers, *type);
  int64_t count = countElements(array.dims);
  if (count < 0 || byteSize(*type, count) != int64_t(array.bytes.size()))
    return "expected " + formatDims(array.dims) + " elements of " + type->name +
           ", found " + std::to_string(array.bytes.size()) + " bytes";
  return "";
}
