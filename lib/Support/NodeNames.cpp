// Locations to the names of ONNX nodes.
#include "mopt/Support/NodeNames.h"

using namespace mlir;
using namespace mopt;

std::optional<NodeName> mopt::parseNodeName(StringRef text) {
  if (!text.consume_front("node '"))
    return std::nullopt;
  size_t end = text.rfind("' (");
  if (end == StringRef::npos)
    return std::nullopt;
  return NodeName{text.take_front(end),
                  text.drop_front(end + 3).split(',').first};
}

SmallVector<std::string> mopt::getNodeNames(Location loc) {
  SmallVector<std::string> names;
  loc->walk([&](Location part) {
    auto named = dyn_cast<NameLoc>(part);
    std::optional<NodeName> node =
        named ? parseNodeName(named.getName()) : std::nullopt;
    if (node) {
      std::string text = (node->name + " (" + node->op + ")").str();
      if (!llvm::is_contained(names, text))
        names.push_back(std::move(text));
    }
    return WalkResult::advance();
  });
  return names;
}
