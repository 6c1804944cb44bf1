//===- ProtoParser.h - bytes to a ModelProto --------------------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_PROTOPARSER_H
#define MOPT_LIB_IMPORT_ONNX_PROTOPARSER_H

#include "ONNXProto.h"

#include "llvm/ADT/ArrayRef.h"

#include <memory>

namespace mopt::importer {

/// Parses a serialized ModelProto of at most 2 GiB - 1 bytes; null if it is
/// not one. With `mappedPages` the bytes are a page-aligned private file
/// mapping whose pages are given back while they are consumed, so that a model
/// is not held in memory twice. Never throws.
std::unique_ptr<pb::ModelProto> parseModel(llvm::ArrayRef<char> bytes,
                                           bool mappedPages);

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_PROTOPARSER_H
