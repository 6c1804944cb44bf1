//===- TensorFiles.h - Files that hold tensors ------------------*- C++ -*-===//
//
// Each function returns "" or the reason of its failure, without the file name.
//
//===----------------------------------------------------------------------===//
#ifndef MOPT_TOOLS_MOPT_RUN_TENSORFILES_H
#define MOPT_TOOLS_MOPT_RUN_TENSORFILES_H

#include "Array.h"
#include <string_view>

namespace mopt_run {

/// A whole file.
std::string readFile(const std::string &path, std::string &content);
std::string writeFile(const std::string &path, std::string_view content);

/// NumPy's .npy, versions 1 to 3, either byte order and memory order. Types
/// that NumPy lacks arrive as raw bytes or small integers and `loosely`, one
/// byte per element if they are under a byte; convertTo makes the real type.
std::string parseNpy(std::string_view content, Array &array);
/// Types under a byte become one byte per element.
std::string formatNpy(const Array &array);

/// NumPy's .npz, a ZIP archive of .npy files.
std::string parseNpz(std::string_view content, std::vector<NamedArray> &arrays);

/// An ONNX TensorProto.
std::string parseTensorProto(std::string_view content, NamedArray &array);

/// Makes `dtype` of a loosely typed array; fails for a real difference.
std::string convertTo(MoptDType dtype, Array &array);

/// The arrays of a .npy, .npz or .pb file, or of a folder with
/// `<prefix>_0.pb`, `<prefix>_1.pb` ... as ONNX's tests have them.
std::string readArrays(const std::string &path, const std::string &prefix,
                       std::vector<NamedArray> &arrays);

} // namespace mopt_run

#endif
