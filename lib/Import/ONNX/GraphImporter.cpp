// Level in: a ModelProto's graph. Level out: onnx. One op for each node in
// order; names become values by ONNX's scopes, so a subgraph uses what is
// around it directly. Types are what the file states, nothing is inferred.
#include "GraphImporter.h"

#include "GraphOrder.h"
#include "TypeImporter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mopt::importer;
using mopt::onnx::NodeOp;

std::string mopt::importer::printableName(StringRef name) {
  constexpr size_t kMaxBytes = 200;
  std::string result = name.take_front(kMaxBytes).str();
  for (char &c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return name.size() > kMaxBytes ? result + "..." : result;
}

Value Scope::lookup(StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (Value value = scope->values.lookup(name))
      return value;
  return {};
}

Location GraphImporter::getLoc(const Twine &name, unsigned line) {
  if (fixedLoc)
    return *fixedLoc;
  return NameLoc::get(builder.getStringAttr(name),
                      FileLineColLoc::get(path, line, 0));
}

LogicalResult GraphImporter::define(Scope &scope, StringRef name, Value value,
                                    Location loc) {
  if (scope.values.try_emplace(name, value).second)
    return success();
  return emitError(loc) << "value '" << printableName(name)
                        << "' is defined a second time";
}

FailureOr<Type> GraphImporter::getType(const Scope &scope, StringRef name,
                                       Location loc) {
  if (const pb::TypeProto *type = scope.types.lookup(name))
    return convertType(*type, printableName(name), loc);
  return Type(mopt::onnx::ValueType::get(builder.getContext()));
}

void GraphImporter::addTypes(Scope &scope, const pb::GraphProto &graph) {
  for (const pb::ValueInfoProto &info : graph.output())
    if (info.has_type())
      scope.types.try_emplace(info.name(), &info.type());
  if (useValueInfo)
    for (const pb::ValueInfoProto &info : graph.value_info())
      if (info.has_type())
        scope.types.try_emplace(info.name(), &info.type());
}

Value GraphImporter::getAbsent() {
  Operation *last = builder.getInsertionPoint() == builder.getBlock()->begin()
                        ? nullptr
                        : &*std::prev(builder.getInsertionPoint());
  if (isa_and_nonnull<mopt::onnx::NoneOp>(last))
    return last->getResult(0);
  return mopt::onnx::NoneOp::create(
      builder, fixedLoc.value_or(builder.getUnknownLoc()),
      mopt::onnx::NoneType::get(builder.getContext()));
}

LogicalResult GraphImporter::importInitializers(pb::GraphProto &graph,
                                                Scope &scope) {
  auto add = [&](auto &tensor, StringRef name) -> LogicalResult {
    Location loc = getLoc("initializer '" + printableName(name) + "'", 0);
    if (name.empty())
      return emitError(loc) << "expected an initializer to have a name";
    FailureOr<ElementsAttr> value = tensors.import(tensor, loc);
    if (failed(value))
      return failure();
    Value result;
    if (isa<DenseStringElementsAttr>(*value))
      result =
          NodeOp::create(builder, loc, value->getType(), "Constant",
                         ValueRange(), builder.getNamedAttr("value", *value))
              .getResult(0);
    else
      result = arith::ConstantOp::create(builder, loc, *value);
    return define(scope, name, result, loc);
  };
  for (pb::TensorProto &tensor : *graph.mutable_initializer())
    if (failed(add(tensor, tensor.name())))
      return failure();
  for (pb::SparseTensorProto &tensor : *graph.mutable_sparse_initializer())
    if (failed(add(tensor, tensor.values().name())))
      return failure();
  return success();
}

LogicalResult GraphImporter::importNodes(NodeList &nodes, Scope &scope) {
  for (int i = 0; i < nodes.size(); ++i)
    if (failed(importNode(nodes, i, scope)))
      return failure();
  return success();
}

/// The node's name, or that of its first output.
static std::string getLabel(const pb::NodeProto &node) {
  if (!node.name().empty())
    return printableName(node.name());
  for (const std::string &output : node.output())
    if (!output.empty())
      return printableName(output);
  return "";
}

LogicalResult GraphImporter::importNode(NodeList &nodes, int index,
                                        Scope &scope) {
  pb::NodeProto &node = nodes[index];
  StringRef domain = canonicalDomain(node.domain());
  std::string label = printableName(scope.prefix + getLabel(node));
  std::string op = printableName(
      domain.empty() ? node.op_type() : node.domain() + "." + node.op_type());
  auto version = scope.opsets->find(domain);
  unsigned line = scope.callLine ? scope.callLine : index + 1;
  std::string opset = version == scope.opsets->end()
                          ? ""
                          : ", opset " + std::to_string(version->second);
  Location loc = getLoc("node '" + label + "' (" + op + opset + ")", line);
  if (node.op_type().empty())
    return emitError(loc) << "expected a node to have an operator";
  if (scope.frame &&
      failed(chargeInlining(kNodeBytes + estimateBytes(node), loc)))
    return failure();

  SmallVector<Value> operands;
  for (const std::string &input : node.input()) {
    Value value = input.empty() ? getAbsent() : scope.lookup(input);
    if (!value)
      return emitError(loc) << "uses '" << printableName(input) << "', "
                            << explainUndefined(nodes, index, input);
    operands.push_back(value);
  }
  if (const Function *function = findFunction(node))
    return inlineCall(node, *function, operands, scope, label, line, loc);
  if (version == scope.opsets->end())
    return emitError(loc) << "operator set '"
                          << (domain.empty() ? "ai.onnx" : domain)
                          << "' is not imported by the model";
  return createNode(node, scope, version->second, operands, loc);
}

LogicalResult GraphImporter::createNode(pb::NodeProto &node, Scope &scope,
                                        int64_t version, ValueRange operands,
                                        Location loc) {
  NodeAttributes attributes;
  if (failed(importAttributes(node, scope, attributes, loc)))
    return failure();
  SmallVector<Type> types;
  for (const std::string &output : node.output()) {
    FailureOr<Type> type =
        output.empty() ? Type(mopt::onnx::NoneType::get(builder.getContext()))
                       : getType(scope, output, loc);
    if (failed(type))
      return failure();
    types.push_back(*type);
  }
  StringRef domain = canonicalDomain(node.domain());
  IntegerAttr opset;
  if (!moduleOpsets || moduleOpsets->lookup(domain) != version)
    opset = builder.getI64IntegerAttr(version);
  auto op =
      NodeOp::create(builder, loc, types, builder.getStringAttr(node.op_type()),
                     builder.getStringAttr(domain),
                     attributes.attributes.getDictionary(builder.getContext()),
                     builder.getArrayAttr(attributes.regionNames), opset,
                     operands, attributes.regions.size());
  for (auto [region, body] :
       llvm::zip_equal(op->getRegions(), attributes.regions))
    region.takeBody(*body);
  for (auto [output, value] : llvm::zip_equal(node.output(), op.getResults()))
    if (!output.empty() && failed(define(scope, output, value, loc)))
      return failure();
  return success();
}

FailureOr<SmallVector<Value>>
GraphImporter::lookupOutputs(const pb::GraphProto &graph, Scope &scope,
                             Location loc) {
  SmallVector<Value> outputs;
  for (const pb::ValueInfoProto &output : graph.output()) {
    Value value = scope.lookup(output.name());
    if (!value)
      return emitError(loc) << "graph output '" << printableName(output.name())
                            << "' is defined by nothing";
    outputs.push_back(value);
  }
  return outputs;
}

FailureOr<std::unique_ptr<Region>>
GraphImporter::importSubgraph(pb::GraphProto &graph, Scope &outer,
                              Location loc) {
  Scope scope(&outer);
  if (scope.depth > kMaxDepth)
    return emitError(loc) << "subgraphs and functions nest more than "
                          << kMaxDepth << " deep";
  OpBuilder::InsertionGuard guard(builder);
  auto region = std::make_unique<Region>();
  Block *block = builder.createBlock(region.get());
  int64_t names = graph.input_size() + graph.output_size() +
                  graph.value_info_size() + graph.initializer_size() +
                  graph.sparse_initializer_size();
  if (scope.frame && failed(chargeInlining(names * kNameBytes, loc)))
    return failure();
  addTypes(scope, graph);
  for (const pb::ValueInfoProto &input : graph.input()) {
    FailureOr<Type> type = Type(mopt::onnx::ValueType::get(loc.getContext()));
    if (input.has_type())
      type = convertType(input.type(), printableName(input.name()), loc);
    if (failed(type) || failed(define(scope, input.name(),
                                      block->addArgument(*type, loc), loc)))
      return failure();
  }
  if (failed(importInitializers(graph, scope)) ||
      failed(importNodes(*graph.mutable_node(), scope)))
    return failure();
  FailureOr<SmallVector<Value>> outputs = lookupOutputs(graph, scope, loc);
  if (failed(outputs))
    return failure();
  mopt::onnx::YieldOp::create(builder, loc, *outputs);
  return region;
}

/// A C identifier from the graph's name.
static std::string getEntryName(StringRef name) {
  std::string result;
  for (char c : name.take_front(100))
    result += llvm::isAlnum(c) ? c : '_';
  if (StringRef(result).find_first_not_of('_') == StringRef::npos)
    return "main_graph";
  return llvm::isDigit(result.front()) ? "_" + result : result;
}

LogicalResult GraphImporter::importEntry(ModuleOp module, pb::GraphProto &graph,
                                         const OpsetVersions &opsets) {
  Location loc = module.getLoc();
  MLIRContext *context = builder.getContext();
  auto function = func::FuncOp::create(loc, getEntryName(graph.name()),
                                       builder.getFunctionType({}, {}));
  module.push_back(function);
  function->setAttr("mopt.entry", builder.getUnitAttr());
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);

  Scope scope(&opsets);
  addTypes(scope, graph);
  auto describe = [&](const pb::ValueInfoProto &info) {
    SmallVector<NamedAttribute> attributes = {builder.getNamedAttr(
        mopt::onnx::kNameAttr, builder.getStringAttr(info.name()))};
    if (ArrayAttr dims = describeDims(context, info.type()))
      attributes.push_back(builder.getNamedAttr(mopt::onnx::kDimsAttr, dims));
    return builder.getDictionaryAttr(attributes);
  };

  // An input with an initializer has a default (and, before IR version 4,
  // every initializer is listed as an input): it is that constant.
  if (failed(importInitializers(graph, scope)))
    return failure();
  llvm::DenseSet<StringRef> initializers;
  for (auto &entry : scope.values)
    initializers.insert(entry.first);
  SmallVector<Attribute> argumentAttrs, resultAttrs;
  for (const pb::ValueInfoProto &input : graph.input()) {
    if (initializers.contains(input.name()))
      continue;
    Location inputLoc =
        getLoc("input '" + printableName(input.name()) + "'", 0);
    FailureOr<Type> type = Type(mopt::onnx::ValueType::get(context));
    if (input.has_type())
      type = convertType(input.type(), printableName(input.name()), inputLoc);
    if (failed(type) ||
        failed(define(scope, input.name(), block->addArgument(*type, inputLoc),
                      inputLoc)))
      return failure();
    argumentAttrs.push_back(describe(input));
  }
  if (failed(importNodes(*graph.mutable_node(), scope)))
    return failure();
  FailureOr<SmallVector<Value>> outputs = lookupOutputs(graph, scope, loc);
  if (failed(outputs))
    return failure();
  if (outputs->empty())
    return emitError(loc) << "expected the graph to have an output";
  for (auto [info, value] : llvm::zip_equal(graph.output(), *outputs)) {
    if (isa<mopt::onnx::NoneType>(value.getType()))
      return emitError(loc) << "graph output '" << printableName(info.name())
                            << "' has no value";
    resultAttrs.push_back(describe(info));
  }
  func::ReturnOp::create(builder, loc, *outputs);
  function.setType(builder.getFunctionType(block->getArgumentTypes(),
                                           ValueRange(*outputs).getTypes()));
  function.setAllArgAttrs(argumentAttrs);
  function.setAllResultAttrs(resultAttrs);
  return success();
}
