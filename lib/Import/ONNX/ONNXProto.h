//===- ONNXProto.h - the generated protobuf classes -------------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_ONNXPROTO_H
#define MOPT_LIB_IMPORT_ONNX_ONNXPROTO_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "model.pb.h"
#pragma GCC diagnostic pop

namespace mopt::importer {
namespace pb = ::mopt::proto;
using NodeList = google::protobuf::RepeatedPtrField<pb::NodeProto>;
} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_ONNXPROTO_H
