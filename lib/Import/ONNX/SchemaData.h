//===- SchemaData.h - operator schemas as bytes -----------------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_SCHEMADATA_H
#define MOPT_LIB_IMPORT_ONNX_SCHEMADATA_H

#include <cstddef>

namespace mopt::importer {
/// A serialized ModelProto; collect_function_bodies.py says what it holds.
extern const unsigned char kSchemaData[];
extern const size_t kSchemaBytes;
} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_SCHEMADATA_H
