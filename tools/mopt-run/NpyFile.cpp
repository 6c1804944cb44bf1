//===- NpyFile.cpp - NumPy's array files ----------------------------------===//
#include "TensorFiles.h"
#include <algorithm>
#include <cstring>

using namespace mopt_run;

/// The text after `'key':` in the header's Python dictionary, which NumPy
/// writes in a fixed form.
static std::string_view findValue(std::string_view header, const char *key) {
  std::string quoted = std::string("'") + key + "':";
  size_t at = header.find(quoted);
  if (at == std::string_view::npos)
    return {};
  std::string_view value = header.substr(at + quoted.size());
  size_t begin = value.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view()
                                         : value.substr(begin);
}

/// Parses "(2, 3)". False for anything else.
static bool parseShape(std::string_view text, std::vector<int64_t> &dims) {
  size_t end = text.find(')');
  if (text.empty() || text[0] != '(' || end == std::string_view::npos)
    return false;
  int64_t number = -1;
  for (char c : text.substr(1, end)) {
    if (c >= '0' && c <= '9') {
      number = std::max<int64_t>(number, 0);
      if (__builtin_mul_overflow(number, 10, &number) ||
          __builtin_add_overflow(number, c - '0', &number))
        return false;
    } else if (c == ',' || c == ')') {
      if (number >= 0)
        dims.push_back(number);
      number = -1;
    } else if (c != ' ' && c != 'L') {
      return false;
    }
  }
  return true;
}

static void swapBytes(std::vector<char> &bytes, size_t elementBytes) {
  for (size_t i = 0; i + elementBytes <= bytes.size(); i += elementBytes)
    std::reverse(bytes.begin() + i, bytes.begin() + i + elementBytes);
}

/// From the first dimension fastest to the last dimension fastest.
static void reorder(Array &array, size_t elementBytes) {
  size_t rank = array.dims.size();
  std::vector<int64_t> strides(rank, 1), index(rank, 0);
  for (size_t i = 1; i < rank; ++i)
    strides[i] = strides[i - 1] * array.dims[i - 1];
  std::vector<char> source = array.bytes;
  for (size_t to = 0; to + elementBytes <= source.size(); to += elementBytes) {
    int64_t from = 0;
    for (size_t i = 0; i < rank; ++i)
      from += index[i] * strides[i];
    memcpy(&array.bytes[to], &source[from * elementBytes], elementBytes);
    for (size_t i = rank; i-- > 0 && ++index[i] == array.dims[i];)
      index[i] = 0;
  }
}

/// Splits the file into its header's text and its data.
static bool split(std::string_view content, std::string_view &header,
                  std::string_view &data) {
  if (content.substr(0, 6) != "\x93NUMPY" || content.size() < 12)
    return false;
  auto byte = [&](size_t i) { return size_t(uint8_t(content[i])); };
  size_t version = byte(6), begin = version == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1)
    length |= byte(10) << 16 | byte(11) << 24;
  if (version < 1 || version > 3 || content.size() - begin < length)
    return false;
  header = content.substr(begin, length);
  data = content.substr(begin + length);
  return true;
}

std::string mopt_run::parseNpy(std::string_view content, Array &array) {
  std::string_view header, data;
  if (!split(content, header, data))
    return "not a .npy file of version 1 to 3";
  std::string_view descr = findValue(header, "descr");
  std::string_view order = findValue(header, "fortran_order");
  size_t quote = descr.size() > 1 ? descr.find('\'', 1) : descr.npos;
  if (descr.empty() || descr[0] != '\'' || quote == descr.npos || quote < 3)
    return "expected a plain element type in the header of the .npy file";
  std::string name(descr.substr(2, quote - 2));
  const ElementType *type = findNpyType(name);
  if (!type)
    return "element type '" + std::string(descr.substr(1, quote - 1)) +
           "' of the .npy file is not supported";
  array.dtype = type->dtype;
  array.loosely = type->npy[0] == 'V' || name == "i1" || name == "u1";
  array.dims.clear();
  if (!parseShape(findValue(header, "shape"), array.dims))
    return "expected a shape in the header of the .npy file";
  // Types under a byte have one byte per element here.
  size_t elementBytes = size_t(std::max(type->bits, 8)) / 8;
  int64_t count = countElements(array.dims);
  if (count < 0 || uint64_t(count) * elementBytes != data.size())
    return "expected " + formatDims(array.dims) + " elements of " +
           std::to_string(elementBytes) + " bytes, found " +
           std::to_string(data.size()) + " bytes";
  array.bytes.assign(data.begin(), data.end());
  if (descr[1] == '>') {
    bool complex = name[0] == 'c';
    swapBytes(array.bytes, complex ? elementBytes / 2 : elementBytes);
  }
  if (order.substr(0, 4) == "True" && array.dims.size() > 1 && count > 0)
    reorder(array, elementBytes);
  return "";
}

std::string mopt_run::formatNpy(const Array &array) {
  const ElementType *type = findElementType(array.dtype);
  std::string shape;
  for (int64_t dim : array.dims)
    shape += std::to_string(dim) + ", ";
  if (array.dims.size() > 1)
    shape.resize(shape.size() - 2);
  else if (array.dims.size() == 1)
    shape.pop_back();
  bool ordered = type->bits > 8 && type->npy[0] != 'V';
  std::string header = std::string("{'descr': '") + (ordered ? "<" : "|") +
                       type->npy + "', 'fortran_order': False, 'shape': (" +
                       shape + "), }";
  // Data starts at a multiple of 64; the header ends in a newline.
  size_t version = header.size() > 65000 ? 2 : 1;
  size_t prefix = version == 1 ? 10 : 12;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string content = "\x93NUMPY";
  content += char(version);
  content += '\0';
  for (size_t i = 0; i < prefix - 8; ++i)
    content += char(header.size() >> (8 * i));
  content += header;
  if (type->bits < 8) {
    std::vector<char> bytes =
        unpackBits(array.bytes, type->bits, countElements(array.dims));
    return content.append(bytes.data(), bytes.size());
  }
  return content.append(array.bytes.data(), array.bytes.size());
}

std::string mopt_run::convertTo(MoptDType dtype, Array &array) {
  const ElementType *wanted = findElementType(dtype);
  const ElementType *found = findElementType(array.dtype);
  if (!wanted || !found)
    return "its element type is not supported by this tool";
  bool raw = found->npy[0] == 'V' && wanted->npy[0] == 'V';
  if (array.loosely && wanted->bits < 8 && (raw || found->bits == 8))
    array.bytes = packBits(array.bytes, wanted->bits);
  else if (array.dtype != dtype &&
           !(array.loosely && raw && found->bits == wanted->bits))
    return std::string("expected element type ") + wanted->name + ", found " +
           found->name;
  array.dtype = dtype;
  array.loosely = false;
  return "";
}
