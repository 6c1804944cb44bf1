// Tells a cycle from nodes in the wrong order. Runs once, for an error.
#include "GraphOrder.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

using namespace mopt::importer;

/// The names that a node reads, those that its subgraphs capture included.
/// Names local to a subgraph come along; no node outside defines them.
static void collectInputs(const pb::NodeProto &node,
                          llvm::SmallVectorImpl<llvm::StringRef> &names) {
  for (const std::string &input : node.input())
    names.push_back(input);
  auto collectGraph = [&](const pb::GraphProto &graph) {
    for (const pb::NodeProto &inner : graph.node())
      collectInputs(inner, names);
    for (const pb::ValueInfoProto &output : graph.output())
      names.push_back(output.name());
  };
  for (const pb::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      collectGraph(attribute.g());
    for (const pb::GraphProto &graph : attribute.graphs())
      collectGraph(graph);
  }
}

std::string mopt::importer::explainUndefined(const NodeList &nodes, int user,
                                             llvm::StringRef name) {
  llvm::DenseMap<llvm::StringRef, int> producers;
  for (int i = 0; i < nodes.size(); ++i)
    for (const std::string &output : nodes[i].output())
      if (!output.empty())
        producers.try_emplace(output, i);
  auto producer = producers.find(name);
  if (producer == producers.end())
    return "which nothing defines";

  // Does the producer need the user's outputs?
  llvm::BitVector isSeen(nodes.size());
  llvm::SmallVector<int> pending = {producer->second};
  while (!pending.empty()) {
    int current = pending.pop_back_val();
    if (current == user)
      return "which depends on this node: the graph has a cycle";
    if (isSeen.test(current))
      continue;
    isSeen.set(current);
    llvm::SmallVector<llvm::StringRef> names;
    collectInputs(nodes[current], names);
    for (llvm::StringRef input : names)
      if (auto found = producers.find(input); found != producers.end())
        pending.push_back(found->second);
  }
  return "which a later node defines: expected nodes in topological order";
}
