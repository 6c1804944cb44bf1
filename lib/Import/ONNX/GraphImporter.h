//===- GraphImporter.h - a ModelProto to the onnx dialect -------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define MOPT_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "ModelReader.h"
#include "TensorImporter.h"

#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace mopt::importer {

struct Scope;

/// An attribute of a function call: as the file has it, with the scope that
/// its graphs capture from, or as an attribute of an op.
struct BoundAttribute {
  pb::AttributeProto *proto = nullptr;
  Scope *scope = nullptr;
  mlir::Attribute attribute = {};
};

/// One function being inlined.
struct FunctionFrame {
  const pb::FunctionProto *function;
  const FunctionFrame *caller;
  llvm::DenseMap<llvm::StringRef, BoundAttribute> attributes;

  FunctionFrame(const pb::FunctionProto *function, const FunctionFrame *caller)
      : function(function), caller(caller) {}
};

/// The values that nodes see by name: a graph's own, then those around it. The
/// names are the proto's and outlive the scope.
struct Scope {
  Scope *parent = nullptr;
  const OpsetVersions *opsets = nullptr;
  const FunctionFrame *frame = nullptr;
  /// Goes before node names in locations; ends in '/' unless empty.
  std::string prefix;
  /// The line of locations; 0 outside functions, where it is the node's own.
  unsigned callLine = 0;
  unsigned depth = 0;
  llvm::DenseMap<llvm::StringRef, mlir::Value> values;
  llvm::DenseMap<llvm::StringRef, const pb::TypeProto *> types;

  explicit Scope(const OpsetVersions *opsets) : opsets(opsets) {}
  /// The scope of a subgraph.
  explicit Scope(Scope *parent)
      : parent(parent), opsets(parent->opsets), frame(parent->frame),
        prefix(parent->prefix), callLine(parent->callLine),
        depth(parent->depth + 1) {}

  mlir::Value lookup(llvm::StringRef name) const;
};

/// Imports nodes at the builder's insertion point. All functions return
/// failure after one error.
class GraphImporter {
public:
  GraphImporter(mlir::OpBuilder &builder, llvm::StringRef path,
                ExternalData &external, bool useValueInfo)
      : builder(builder),
        path(mlir::StringAttr::get(builder.getContext(), path)),
        tensors(external), useValueInfo(useValueInfo) {}

  /// Makes the functions known that nodes may call.
  mlir::LogicalResult addFunctions(pb::ModelProto &model, mlir::Location loc);
  /// Adds the entry function to the module.
  mlir::LogicalResult importEntry(mlir::ModuleOp module, pb::GraphProto &graph,
                                  const OpsetVersions &opsets);
  /// A function's body with the given operands and attributes; its results.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  importFunctionBody(pb::FunctionProto &function, mlir::ValueRange operands,
                     FunctionFrame &frame, Scope &scope, mlir::Location loc);

  /// The versions that the module states; nodes of others say theirs.
  void setModuleOpsets(const OpsetVersions *opsets) { moduleOpsets = opsets; }
  /// Gives every op this location.
  void setFixedLoc(mlir::Location loc) { fixedLoc = loc; }

private:
  struct Function {
    pb::FunctionProto *proto;
    OpsetVersions opsets;
  };
  struct NodeAttributes {
    mlir::NamedAttrList attributes;
    llvm::SmallVector<mlir::Attribute> regionNames;
    llvm::SmallVector<std::unique_ptr<mlir::Region>> regions;
  };

  // GraphImporter.cpp
  mlir::Location getLoc(const llvm::Twine &name, unsigned line);
  mlir::LogicalResult define(Scope &scope, llvm::StringRef name,
                             mlir::Value value, mlir::Location loc);
  mlir::FailureOr<mlir::Type> getType(const Scope &scope, llvm::StringRef name,
                                      mlir::Location loc);
  void addTypes(Scope &scope, const pb::GraphProto &graph);
  mlir::LogicalResult importInitializers(pb::GraphProto &graph, Scope &scope);
  mlir::LogicalResult importNodes(NodeList &nodes, Scope &scope);
  mlir::LogicalResult importNode(NodeList &nodes, int index, Scope &scope);
  mlir::LogicalResult createNode(pb::NodeProto &node, Scope &scope,
                                 int64_t version, mlir::ValueRange operands,
                                 mlir::Location loc);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  lookupOutputs(const pb::GraphProto &graph, Scope &scope, mlir::Location loc);
  mlir::FailureOr<std::unique_ptr<mlir::Region>>
  importSubgraph(pb::GraphProto &graph, Scope &outer, mlir::Location loc);
  mlir::Value getAbsent();

  // AttributeImporter.cpp
  mlir::LogicalResult importAttributes(pb::NodeProto &node, Scope &scope,
                                       NodeAttributes &result,
                                       mlir::Location loc);
  mlir::LogicalResult importAttribute(llvm::StringRef name,
                                      pb::AttributeProto &attribute,
                                      Scope &scope, NodeAttributes &result,
                                      mlir::Location loc);

  // FunctionInliner.cpp
  mlir::LogicalResult chargeInlining(int64_t bytes, mlir::Location loc);
  const Function *findFunction(const pb::NodeProto &node) const;
  mlir::LogicalResult inlineCall(pb::NodeProto &node, const Function &function,
                                 mlir::ValueRange operands, Scope &scope,
                                 llvm::StringRef label, unsigned line,
                                 mlir::Location loc);

  /// Nested regions and function calls; the passes recurse over them.
  static constexpr unsigned kMaxDepth = 96;
  /// A chain of functions that each call the next twice is short in the file.
  /// The bound is on about the bytes that inlining makes: a million nodes.
  static constexpr int64_t kMaxInlinedBytes = int64_t(1) << 28;
  static constexpr int64_t kNodeBytes = 256, kNameBytes = 32;

  mlir::OpBuilder &builder;
  mlir::StringAttr path;
  TensorImporter tensors;
  bool useValueInfo;
  const OpsetVersions *moduleOpsets = nullptr;
  std::optional<mlir::Location> fixedLoc;
  llvm::StringMap<Function> functions;
  int64_t inlinedBytes = 0;
};

/// The attribute's kind: stated, or for old files found by what it holds.
pb::AttributeProto::AttributeType
getAttributeType(const pb::AttributeProto &attribute);

/// A name as it may stand in a diagnostic: printable and of bounded length.
std::string printableName(llvm::StringRef name);

/// About the bytes that a node's op takes, weights and subgraphs left out.
int64_t estimateBytes(const pb::NodeProto &node);

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
