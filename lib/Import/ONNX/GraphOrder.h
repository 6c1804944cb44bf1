//===- GraphOrder.h - why a value is not defined ----------------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_GRAPHORDER_H
#define MOPT_LIB_IMPORT_ONNX_GRAPHORDER_H

#include "ONNXProto.h"

#include "llvm/ADT/StringRef.h"

namespace mopt::importer {

/// Words for why the node at `user` finds no value `name` before it: nothing
/// defines it, the nodes are not sorted, or they form a cycle.
std::string explainUndefined(const NodeList &nodes, int user,
                             llvm::StringRef name);

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_GRAPHORDER_H
