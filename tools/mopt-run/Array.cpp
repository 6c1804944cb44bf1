//===- Array.cpp - Element types and sizes --------------------------------===//
#include "Array.h"

using namespace mopt_run;

static const ElementType types[] = {
    {MOPT_FLOAT32, "float32", 32, "f4"},
    {MOPT_UINT8, "uint8", 8, "u1"},
    {MOPT_INT8, "int8", 8, "i1"},
    {MOPT_UINT16, "uint16", 16, "u2"},
    {MOPT_INT16, "int16", 16, "i2"},
    {MOPT_INT32, "int32", 32, "i4"},
    {MOPT_INT64, "int64", 64, "i8"},
    {MOPT_BOOL, "bool", 8, "b1"},
    {MOPT_FLOAT16, "float16", 16, "f2"},
    {MOPT_FLOAT64, "float64", 64, "f8"},
    {MOPT_UINT32, "uint32", 32, "u4"},
    {MOPT_UINT64, "uint64", 64, "u8"},
    {MOPT_COMPLEX64, "complex64", 64, "c8"},
    {MOPT_COMPLEX128, "complex128", 128, "c16"},
    {MOPT_BFLOAT16, "bfloat16", 16, "V2"},
    {MOPT_FLOAT8E4M3FN, "float8e4m3fn", 8, "V1"},
    {MOPT_FLOAT8E4M3FNUZ, "float8e4m3fnuz", 8, "V1"},
    {MOPT_FLOAT8E5M2, "float8e5m2", 8, "V1"},
    {MOPT_FLOAT8E5M2FNUZ, "float8e5m2fnuz", 8, "V1"},
    {MOPT_UINT4, "uint4", 4, "V1"},
    {MOPT_INT4, "int4", 4, "V1"},
    {MOPT_FLOAT4E2M1, "float4e2m1", 4, "V1"},
    {MOPT_FLOAT8E8M0, "float8e8m0", 8, "V1"},
    {MOPT_UINT2, "uint2", 2, "V1"},
    {MOPT_INT2, "int2", 2, "V1"},
};

const ElementType *mopt_run::findElementType(MoptDType dtype) {
  for (const ElementType &type : types)
    if (type.dtype == dtype)
      return &type;
  return nullptr;
}

const ElementType *mopt_run::findNpyType(const std::string &npy) {
  for (const ElementType &type : types)
    if (type.npy == npy)
      return &type;
  return nullptr;
}

MoptTensor Array::tensor() {
  MoptTensor tensor = {};
  tensor.data = bytes.data();
  tensor.dims = dims.data();
  tensor.capacity_bytes = int64_t(bytes.size());
  tensor.rank = int32_t(dims.size());
  tensor.dtype = dtype;
  return tensor;
}

std::string mopt_run::formatDims(const std::vector<int64_t> &dims) {
  std::string text;
  for (int64_t dim : dims)
    text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text.empty() ? "scalar" : text;
}

int64_t mopt_run::countElements(const std::vector<int64_t> &dims) {
  int64_t count = 1;
  for (int64_t dim : dims)
    if (dim < 0)
      return -1;
  for (int64_t dim : dims)
    if (dim == 0)
      return 0;
  for (int64_t dim : dims)
    if (__builtin_mul_overflow(count, dim, &count))
      return -1;
  // Any element type's size in bits must fit as well.
  return count > INT64_MAX / 128 ? -1 : count;
}

int64_t mopt_run::byteSize(const ElementType &type, int64_t count) {
  return (count * type.bits + 7) / 8;
}

std::vector<char> mopt_run::packBits(const std::vector<char> &bytes, int bits) {
  int perByte = 8 / bits, mask = (1 << bits) - 1;
  std::vector<char> packed((bytes.size() + perByte - 1) / perByte);
  for (size_t i = 0; i < bytes.size(); ++i)
    packed[i / perByte] |= char((bytes[i] & mask) << (int(i % perByte) * bits));
  return packed;
}

std::vector<char> mopt_run::unpackBits(const std::vector<char> &bytes, int bits,
                                       int64_t count) {
  int perByte = 8 / bits, mask = (1 << bits) - 1;
  std::vector<char> unpacked(count);
  for (int64_t i = 0; i < count; ++i)
    unpacked[i] = char(bytes[i / perByte] >> (int(i % perByte) * bits) & mask);
  return unpacked;
}
