// Node attributes: scalars, lists and tensors to attributes, graphs to regions,
// references inside a function to what its call gives.
#include "GraphImporter.h"
#include "TypeImporter.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mopt::importer;
using pb::AttributeProto;

AttributeProto::AttributeType
mopt::importer::getAttributeType(const AttributeProto &attribute) {
  // IR version 1 has no type field.
  if (attribute.type() != AttributeProto::UNDEFINED)
    return attribute.type();
  if (attribute.has_f())
    return AttributeProto::FLOAT;
  if (attribute.has_i())
    return AttributeProto::INT;
  if (attribute.has_s())
    return AttributeProto::STRING;
  if (attribute.has_t())
    return AttributeProto::TENSOR;
  if (attribute.has_g())
    return AttributeProto::GRAPH;
  if (attribute.floats_size())
    return AttributeProto::FLOATS;
  if (attribute.ints_size())
    return AttributeProto::INTS;
  if (attribute.strings_size())
    return AttributeProto::STRINGS;
  if (attribute.tensors_size())
    return AttributeProto::TENSORS;
  if (attribute.graphs_size())
    return AttributeProto::GRAPHS;
  return AttributeProto::UNDEFINED;
}

LogicalResult GraphImporter::importAttributes(pb::NodeProto &node, Scope &scope,
                                              NodeAttributes &result,
                                              Location loc) {
  llvm::DenseSet<StringRef> names;
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    StringRef name = attribute.name();
    if (name.empty() || !names.insert(name).second)
      return emitError(loc)
             << "attribute '" << printableName(name)
             << (name.empty() ? "' has no name" : "' is given twice");
    if (attribute.ref_attr_name().empty()) {
      if (failed(importAttribute(name, attribute, scope, result, loc)))
        return failure();
      continue;
    }
    if (!scope.frame)
      return emitError(loc) << "attribute '" << printableName(name)
                            << "' refers to a function's attribute '"
                            << printableName(attribute.ref_attr_name())
                            << "', but the node is in no function";
    auto bound = scope.frame->attributes.find(attribute.ref_attr_name());
    // Neither given by the call nor with a default: left out here too.
    if (bound == scope.frame->attributes.end())
      continue;
    const BoundAttribute &value = bound->second;
    if (value.attribute) {
      result.attributes.set(name, value.attribute);
      continue;
    }
    if (attribute.type() != AttributeProto::UNDEFINED &&
        attribute.type() != getAttributeType(*value.proto))
      return emitError(loc)
             << "attribute '" << printableName(name) << "' has type "
             << static_cast<int>(getAttributeType(*value.proto))
             << " in the function's call, expected "
             << static_cast<int>(attribute.type());
    if (failed(importAttribute(name, *value.proto, *value.scope, result, loc)))
      return failure();
  }
  return success();
}

LogicalResult GraphImporter::importAttribute(StringRef name,
                                             AttributeProto &attribute,
                                             Scope &scope,
                                             NodeAttributes &result,
                                             Location loc) {
  auto set = [&](Attribute value) {
    result.attributes.set(name, value);
    return success();
  };
  auto addRegion = [&](pb::GraphProto &graph) -> LogicalResult {
    FailureOr<std::unique_ptr<Region>> region =
        importSubgraph(graph, scope, loc);
    if (failed(region))
      return failure();
    result.regionNames.push_back(builder.getStringAttr(name));
    result.regions.push_back(std::move(*region));
    return success();
  };
  // Converts a list of protos, each by `convert` to FailureOr<Attribute>.
  auto setList = [&](auto &protos, auto convert) -> LogicalResult {
    SmallVector<Attribute> values;
    for (auto &proto : protos) {
      FailureOr<Attribute> value = convert(proto);
      if (failed(value))
        return failure();
      values.push_back(*value);
    }
    return set(builder.getArrayAttr(values));
  };
  auto convertTensor = [&](auto &tensor) -> FailureOr<Attribute> {
    FailureOr<ElementsAttr> value = tensors.import(tensor, loc);
    if (failed(value))
      return failure();
    return Attribute(*value);
  };
  auto convertTypeProto =
      [&](const pb::TypeProto &proto) -> FailureOr<Attribute> {
    FailureOr<Type> type = convertType(proto, printableName(name), loc);
    if (failed(type))
      return failure();
    return Attribute(TypeAttr::get(*type));
  };
  auto setOne = [&](FailureOr<Attribute> value) -> LogicalResult {
    return failed(value) ? failure() : set(*value);
  };

  switch (getAttributeType(attribute)) {
  case AttributeProto::FLOAT:
    return set(builder.getF32FloatAttr(attribute.f()));
  case AttributeProto::INT:
    return set(IntegerAttr::get(builder.getIntegerType(64, /*isSigned=*/true),
                                APInt(64, attribute.i(), /*isSigned=*/true)));
  case AttributeProto::STRING:
    return set(builder.getStringAttr(attribute.s()));
  case AttributeProto::TENSOR:
    return setOne(convertTensor(*attribute.mutable_t()));
  case AttributeProto::SPARSE_TENSOR:
    return setOne(convertTensor(*attribute.mutable_sparse_tensor()));
  case AttributeProto::TYPE_PROTO:
    return setOne(convertTypeProto(attribute.tp()));
  case AttributeProto::GRAPH:
    return addRegion(*attribute.mutable_g());
  case AttributeProto::FLOATS:
    return set(builder.getDenseF32ArrayAttr(
        ArrayRef(attribute.floats().data(), attribute.floats_size())));
  case AttributeProto::INTS:
    return set(builder.getDenseI64ArrayAttr(
        ArrayRef(attribute.ints().data(), attribute.ints_size())));
  case AttributeProto::STRINGS:
    return setList(attribute.strings(), [&](const std::string &text) {
      return FailureOr<Attribute>(builder.getStringAttr(text));
    });
  case AttributeProto::TENSORS:
    return setList(*attribute.mutable_tensors(), convertTensor);
  case AttributeProto::SPARSE_TENSORS:
    return setList(*attribute.mutable_sparse_tensors(), convertTensor);
  case AttributeProto::TYPE_PROTOS:
    return setList(attribute.type_protos(), convertTypeProto);
  case AttributeProto::GRAPHS:
    for (pb::GraphProto &graph : *attribute.mutable_graphs())
      if (failed(addRegion(graph)))
        return failure();
    return success();
  case AttributeProto::UNDEFINED:
    break;
  }
  return emitError(loc) << "attribute '" << printableName(name)
                        << "' has no type and no value";
}
