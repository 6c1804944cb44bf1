//===- ONNXProto.h - the generated protobuf classes -------------*- C++ -*-===//
//
// Hidden, so that they cannot meet another copy of ONNX in the process.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_IMPORT_ONNX_ONNXPROTO_H
#define MOPT_LIB_IMPORT_ONNX_ONNXPROTO_H

// Standard and protobuf headers keep the visibility of their own libraries.
#include <google/protobuf/generated_message_util.h>
#include <google/protobuf/message_lite.h>
#include <google/protobuf/repeated_field.h>
#include <string>

#pragma GCC visibility push(hidden)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "onnx-ml.pb.h"
#pragma GCC diagnostic pop
#pragma GCC visibility pop

namespace mopt::importer {
namespace pb = ::onnx;
using NodeList = google::protobuf::RepeatedPtrField<pb::NodeProto>;
} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_ONNXPROTO_H
