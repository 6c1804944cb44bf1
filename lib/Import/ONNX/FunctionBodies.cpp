// Level in and out: onnx. A composite operator's node becomes the nodes that
// ONNX defines it by, at its own location.
#include "mopt/Import/FunctionBodies.h"

#include "GraphImporter.h"
#include "SchemaLibrary.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mopt::importer;

bool mopt::hasFunctionBody(StringRef domain, StringRef opType,
                           int64_t version) {
  return SchemaLibrary::get().findBody(domain, opType, version);
}

/// The operator sets that the module states.
static OpsetVersions getModuleOpsets(Operation *op) {
  OpsetVersions versions;
  auto module = op->getParentOfType<ModuleOp>();
  auto opsets =
      module ? module->getAttrOfType<DictionaryAttr>(mopt::onnx::kOpsetsAttr)
             : DictionaryAttr();
  if (opsets)
    for (NamedAttribute entry : opsets)
      if (auto version = dyn_cast<IntegerAttr>(entry.getValue()))
        versions[canonicalDomain(entry.getName())] = version.getInt();
  return versions;
}

FailureOr<SmallVector<Value>> mopt::buildFunctionBody(OpBuilder &builder,
                                                      onnx::NodeOp node) {
  const pb::FunctionProto *body = SchemaLibrary::get().findBody(
      node.getDomain(), node.getOpType(), node.getOpsetVersion());
  if (!body || node.getNumRegions())
    return node.emitError("operator '")
           << node.getOpType() << "' of version " << node.getOpsetVersion()
           << " has no function body";
  // Tensors of the body are taken over; the library keeps its own.
  pb::FunctionProto function = *body;
  FailureOr<OpsetVersions> opsets =
      readOpsets(function.opset_import(), function.name(), node.getLoc());
  if (failed(opsets))
    return failure();

  OpsetVersions moduleOpsets = getModuleOpsets(node);
  ExternalData external("");
  GraphImporter importer(builder, "", external, /*useValueInfo=*/false);
  importer.setModuleOpsets(&moduleOpsets);
  importer.setFixedLoc(node.getLoc());
  FunctionFrame frame(&function, nullptr);
  for (NamedAttribute attribute : node.getNodeAttributes())
    frame.attributes[attribute.getName()].attribute = attribute.getValue();
  Scope scope(&*opsets);
  scope.frame = &frame;
  FailureOr<SmallVector<Value>> results = importer.importFunctionBody(
      function, node.getInputs(), frame, scope, node.getLoc());
  if (failed(results))
    return failure();
  if (results->size() < node.getNumResults())
    return node.emitError("expected at most ")
           << results->size() << " results, found " << node.getNumResults();
  results->truncate(node.getNumResults());
  // What was known of the node's results stays known.
  for (auto [value, old] : llvm::zip_equal(*results, node.getResults()))
    if (isa<onnx::ValueType>(value.getType()) &&
        !isa<onnx::NoneType>(old.getType()) && value.getDefiningOp())
      value.setType(old.getType());
  return results;
}

LogicalResult mopt::expandFunctionBody(OpBuilder &builder, onnx::NodeOp node) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(node);
  FailureOr<SmallVector<Value>> results = buildFunctionBody(builder, node);
  if (failed(results))
    return failure();
  node->replaceAllUsesWith(*results);
  node->erase();
  return success();
}
