//===- NodeNames.h - the ONNX nodes behind a location -----------*- C++ -*-===//

#ifndef MOPT_SUPPORT_NODENAMES_H
#define MOPT_SUPPORT_NODENAMES_H

#include "mlir/IR/Location.h"
#include <string>

namespace mopt {

/// A node as the importer names it in a location: "node 'conv1' (Conv, opset
/// 13)".
struct NodeName {
  llvm::StringRef name;
  llvm::StringRef op;
};

/// Takes such a text apart; nothing for any other.
std::optional<NodeName> parseNodeName(llvm::StringRef text);

/// "conv1 (Conv)", once for every node that `loc` is made of, in its order.
llvm::SmallVector<std::string> getNodeNames(mlir::Location loc);

} // namespace mopt

#endif // MOPT_SUPPORT_NODENAMES_H
