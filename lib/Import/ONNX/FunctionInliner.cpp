// Model-local functions: each call becomes the function's nodes, with their
// own name scope, operator sets, and attributes bound to those of the call.
#include "GraphImporter.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mopt::importer;

static std::string functionKey(StringRef domain, StringRef name,
                               StringRef overload) {
  // No name holds a zero byte that matters: a clash is a duplicate function.
  return (canonicalDomain(domain) + Twine('\0') + name + Twine('\0') + overload)
      .str();
}

static std::string functionName(const pb::FunctionProto &function) {
  std::string name = function.domain() + "." + function.name();
  if (!function.overload().empty())
    name += ":" + function.overload();
  return printableName(name);
}

int64_t mopt::importer::estimateBytes(const pb::NodeProto &node) {
  int64_t bytes = 8 * (node.input_size() + node.output_size());
  for (const pb::AttributeProto &attribute : node.attribute()) {
    bytes += 16;
    switch (getAttributeType(attribute)) {
    case pb::AttributeProto::TENSOR:
    case pb::AttributeProto::TENSORS:
    case pb::AttributeProto::SPARSE_TENSOR:
    case pb::AttributeProto::SPARSE_TENSORS:
    case pb::AttributeProto::GRAPH:
    case pb::AttributeProto::GRAPHS:
      break;
    default:
      bytes += attribute.ByteSizeLong();
    }
  }
  return bytes;
}

LogicalResult GraphImporter::chargeInlining(int64_t bytes, Location loc) {
  inlinedBytes += bytes;
  if (inlinedBytes <= kMaxInlinedBytes)
    return success();
  return emitError(loc) << "inlining the model's functions gives too many "
                           "nodes, expected at most a million";
}

LogicalResult GraphImporter::addFunctions(pb::ModelProto &model, Location loc) {
  for (pb::FunctionProto &function : *model.mutable_functions()) {
    std::string name = functionName(function);
    FailureOr<OpsetVersions> opsets =
        readOpsets(function.opset_import(), "function '" + name + "'", loc);
    if (failed(opsets))
      return failure();
    auto [entry, isNew] = functions.try_emplace(
        functionKey(function.domain(), function.name(), function.overload()));
    if (!isNew)
      return emitError(loc) << "function '" << name << "' is defined twice";
    entry->second = Function{&function, std::move(*opsets)};
  }
  return success();
}

const GraphImporter::Function *
GraphImporter::findFunction(const pb::NodeProto &node) const {
  if (functions.empty())
    return nullptr;
  auto found = functions.find(
      functionKey(node.domain(), node.op_type(), node.overload()));
  return found == functions.end() ? nullptr : &found->second;
}

FailureOr<SmallVector<Value>>
GraphImporter::importFunctionBody(pb::FunctionProto &function,
                                  ValueRange operands, FunctionFrame &frame,
                                  Scope &scope, Location loc) {
  if (operands.size() > static_cast<size_t>(function.input_size()))
    return emitError(loc) << "function '" << functionName(function)
                          << "' expects at most " << function.input_size()
                          << " inputs, found " << operands.size();
  for (pb::AttributeProto &attribute : *function.mutable_attribute_proto())
    frame.attributes.try_emplace(attribute.name(),
                                 BoundAttribute{&attribute, &scope});
  for (auto [i, input] : llvm::enumerate(function.input())) {
    Value value = i < operands.size() ? operands[i] : getAbsent();
    if (failed(define(scope, input, value, loc)))
      return failure();
  }
  if (useValueInfo)
    for (const pb::ValueInfoProto &info : function.value_info())
      if (info.has_type())
        scope.types.try_emplace(info.name(), &info.type());
  if (failed(importNodes(*function.mutable_node(), scope)))
    return failure();
  SmallVector<Value> results;
  for (const std::string &output : function.output()) {
    Value value = scope.lookup(output);
    if (!value)
      return emitError(loc)
             << "function '" << functionName(function) << "' does not define "
             << "its output '" << printableName(output) << "'";
    results.push_back(value);
  }
  return results;
}

LogicalResult GraphImporter::inlineCall(pb::NodeProto &node,
                                        const Function &function,
                                        ValueRange operands, Scope &scope,
                                        StringRef label, unsigned line,
                                        Location loc) {
  std::string name = functionName(*function.proto);
  for (const FunctionFrame *f = scope.frame; f; f = f->caller)
    if (f->function == function.proto)
      return emitError(loc)
             << "function '" << name << "' calls itself, expected no recursion";
  if (scope.depth >= kMaxDepth)
    return emitError(loc) << "subgraphs and functions nest more than "
                          << kMaxDepth << " deep";

  const pb::FunctionProto &proto = *function.proto;
  int64_t names = proto.input_size() + proto.output_size() +
                  proto.attribute_size() + proto.attribute_proto_size() +
                  proto.value_info_size();
  if (failed(chargeInlining(names * kNameBytes, loc)))
    return failure();

  FunctionFrame frame(function.proto, scope.frame);
  llvm::DenseSet<StringRef> declared;
  for (const std::string &attribute : function.proto->attribute())
    declared.insert(attribute);
  for (const pb::AttributeProto &attribute : function.proto->attribute_proto())
    declared.insert(attribute.name());
  for (pb::AttributeProto &attribute : *node.mutable_attribute()) {
    if (!declared.contains(attribute.name()))
      return emitError(loc) << "function '" << name << "' has no attribute '"
                            << printableName(attribute.name()) << "'";
    BoundAttribute bound{&attribute, &scope};
    if (!attribute.ref_attr_name().empty()) {
      if (!scope.frame)
        return emitError(loc)
               << "attribute '" << printableName(attribute.name())
               << "' refers to a function's attribute, but the node is in no "
                  "function";
      auto outer = scope.frame->attributes.find(attribute.ref_attr_name());
      if (outer == scope.frame->attributes.end())
        continue;
      bound = outer->second;
    }
    if (!frame.attributes.try_emplace(attribute.name(), bound).second)
      return emitError(loc) << "attribute '" << printableName(attribute.name())
                            << "' is given twice";
  }

  if (node.output_size() > function.proto->output_size())
    return emitError(loc) << "function '" << name << "' has "
                          << function.proto->output_size()
                          << " outputs, expected " << node.output_size();
  Scope inner(&function.opsets);
  inner.frame = &frame;
  inner.prefix = label.str() + "/";
  inner.callLine = line;
  inner.depth = scope.depth + 1;
  FailureOr<SmallVector<Value>> results =
      importFunctionBody(*function.proto, operands, frame, inner, loc);
  if (failed(results))
    return failure();
  for (auto [output, value] : llvm::zip(node.output(), *results)) {
    if (output.empty())
      continue;
    // What the caller states about the result is more than the function knows.
    FailureOr<Type> type = getType(scope, output, loc);
    if (failed(type))
      return failure();
    if (isa<mopt::onnx::ValueType>(value.getType()) && value.getDefiningOp())
      value.setType(*type);
    if (failed(define(scope, output, value, loc)))
      return failure();
  }
  return success();
}
