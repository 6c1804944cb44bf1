//===- Array.h - Tensors in memory ------------------------------*- C++ -*-===//
#ifndef MOPT_TOOLS_MOPT_RUN_ARRAY_H
#define MOPT_TOOLS_MOPT_RUN_ARRAY_H

#include "mopt-c/Model.h"
#include <string>
#include <vector>

namespace mopt_run {

/// A dense row-major tensor that owns its bytes, stored as Model.h says.
struct Array {
  MoptDType dtype = MOPT_UNDEFINED;
  std::vector<int64_t> dims;
  std::vector<char> bytes;
  /// Whether a file's element type may stand for another one of its size, as
  /// NumPy's does where it lacks the real one.
  bool loosely = false;

  /// The array as the library takes it; it must outlive that.
  MoptTensor tensor();
};

/// An array with the name it has in its file, "" where it has none.
struct NamedArray {
  std::string name;
  Array array;
};

/// How an element type is called, stored and saved. One row per type.
struct ElementType {
  MoptDType dtype;
  const char *name;
  int bits;
  /// Type of a .npy file; raw bytes ("V") for types that NumPy lacks.
  const char *npy;
};

/// Null for strings and unknown numbers.
const ElementType *findElementType(MoptDType dtype);
/// The type that a .npy file names, without byte order: "f4".
const ElementType *findNpyType(const std::string &npy);

/// "1x3x224x224", "scalar" without dimensions.
std::string formatDims(const std::vector<int64_t> &dims);

/// Number of elements; -1 for a negative dimension or an overflow.
int64_t countElements(const std::vector<int64_t> &dims);
/// Bytes for `count` elements.
int64_t byteSize(const ElementType &type, int64_t count);

/// Packs one byte per element into what the type's bits need, and back.
std::vector<char> packBits(const std::vector<char> &bytes, int bits);
std::vector<char> unpackBits(const std::vector<char> &bytes, int bits,
                             int64_t count);

/// Element `index` as a double; complex numbers have two per element.
double elementValue(const Array &array, int64_t index);
/// How many doubles an array has.
int64_t valueCount(const Array &array);

} // namespace mopt_run

#endif
