// Level in: onnx. Level out: mopt ops on ranked tensors, scf, arith.
// One forward walk: ONNX graphs are sorted, so each handler finds its operands
// converted and typed. All nodes that cannot be converted are reported.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/Passes.h"
#include "mopt/Import/FunctionBodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_CONVERTONNXTOMOPT
#include "mopt/Conversion/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Says why there is no handler.
static void reportUnsupported(onnx::NodeOp node) {
  InFlightDiagnostic diagnostic = emitError(node.getLoc());
  std::string name = node.getOpType().str();
  if (!node.getDomain().empty())
    name = (node.getDomain() + "::" + name).str();
  const auto &entries = HandlerRegistry::get().getEntries();
  auto entry = entries.find(name);
  if (entry == entries.end())
    diagnostic << "operator '" << name << "' is not supported";
  else
    diagnostic << "operator '" << name << "' of version "
               << node.getOpsetVersion() << " is not supported, only from version "
               << entry->second.begin()->first;
}

static ONNXHandler getHandler(onnx::NodeOp node) {
  return HandlerRegistry::get().lookup(node.getDomain(), node.getOpType(),
                                       node.getOpsetVersion());
}

static bool hasBody(onnx::NodeOp node) {
  return hasFunctionBody(node.getDomain(), node.getOpType(),
                         node.getOpsetVersion());
}

/// Converts a composite node as the nodes that ONNX defines it by.
static LogicalResult convertBody(ConversionState &state, onnx::NodeOp node) {
  Operation *before = node->getPrevNode();
  Block *block = node->getBlock();
  OpBuilder builder(node);
  FailureOr<SmallVector<Value>> results = buildFunctionBody(builder, node);
  if (failed(results))
    return failure();
  bool hasFailed = false;
  for (auto op = before ? std::next(Block::iterator(before)) : block->begin();
       op != Block::iterator(node); ++op)
    hasFailed |= failed(state.convertOp(*op));
  if (hasFailed)
    return failure();
  for (auto [from, to] : llvm::zip_equal(node.getResults(), *results))
    if (state.isReady(to))
      state.bind(from, state.lookup(to));
  return success();
}

ConvertedValue ConversionState::lookup(Value value) const {
  ConvertedValue converted;
  converted.tensor = values.lookupOrNull(value);
  if (auto known = sequences.find(value); known != sequences.end())
    converted.entries = known->second;
  return converted;
}

void ConversionState::bind(Value value, ConvertedValue converted) {
  values.erase(value);
  sequences.erase(value);
  absent.erase(value);
  if (converted.tensor)
    values.map(value, converted.tensor);
  else if (converted.entries)
    sequences[value] = std::move(*converted.entries);
  else
    absent.insert(value);
}

LogicalResult ConversionState::convertOp(Operation &op) {
  if (isa<onnx::NoneOp>(op))
    return success();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    values.map(constant.getResult(), builder.clone(op)->getResult(0));
    return success();
  }
  auto node = dyn_cast<onnx::NodeOp>(op);
  if (!node)
    return op.emitError("expected ops of the onnx dialect");
  ONNXHandler handler = getHandler(node);
  if (!handler && !hasBody(node)) {
    reportUnsupported(node);
    return failure();
  }
  // A node whose operand could not be converted has nothing to add.
  bool isComplete = llvm::all_of(node.getInputs(), [&](Value input) {
    return isa<onnx::NoneType>(input.getType()) || isReady(input);
  });
  if (!isComplete)
    return failure();
  if (!handler)
    return convertBody(*this, node);
  OpBinder binder(*this, node);
  return handler(binder);
}

FailureOr<SmallVector<ConvertedValue>>
ConversionState::convertBlockOfAny(Block &block) {
  bool hasFailed = false;
  for (Operation &op : block.without_terminator())
    hasFailed |= failed(convertOp(op));
  if (hasFailed)
    return failure();
  SmallVector<ConvertedValue> results;
  for (Value operand : block.getTerminator()->getOperands()) {
    if (!isReady(operand))
      return block.getTerminator()->emitError("a graph output is left out");
    results.push_back(lookup(operand));
  }
  return results;
}

FailureOr<SmallVector<Value>> ConversionState::convertBlock(Block &block) {
  FailureOr<SmallVector<ConvertedValue>> converted = convertBlockOfAny(block);
  if (failed(converted))
    return failure();
  SmallVector<Value> results;
  for (const ConvertedValue &value : *converted) {
    if (!value.tensor)
      return block.getTerminator()->emitError(
          value.isAbsent() ? "an optional without a value as an output of this "
                             "graph is not supported"
                           : "a sequence as an output of this graph is not "
                             "supported");
    results.push_back(value.tensor);
  }
  return results;
}

namespace {
/// Gives arguments that name the same symbol one size.
void bindSymbols(func::FuncOp func, Block &body, ConversionState &state) {
  llvm::StringMap<OpFoldResult> symbols;
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    auto names = func.getArgAttrOfType<ArrayAttr>(i, onnx::kDimsAttr);
    if (!type || !names || names.size() != static_cast<size_t>(type.getRank()))
      continue;
    for (auto [dim, name] : llvm::enumerate(names)) {
      auto symbol = dyn_cast<StringAttr>(name);
      if (!symbol || !type.isDynamicDim(dim))
        continue;
      auto [known, isNew] = symbols.try_emplace(symbol.getValue());
      if (isNew)
        known->second = tensor::DimOp::create(state.builder, func.getLoc(),
                                              argument, dim)
                            .getResult();
      state.shapes.bind(argument, dim, known->second);
    }
  }
}

/// The results of the function, which are tensors: the entries of a sequence 'y'
/// are 'y.0', 'y.1' and so on; an optional without a value is no result.
LogicalResult listResults(func::FuncOp func, ArrayRef<ConvertedValue> converted,
                          SmallVectorImpl<Value> &results,
                          SmallVectorImpl<DictionaryAttr> &attributes) {
  llvm::StringSet<> names;
  for (auto [i, value] : llvm::enumerate(converted)) {
    auto stated = func.getResultAttrOfType<StringAttr>(i, onnx::kNameAttr);
    if (value.tensor) {
      results.push_back(value.tensor);
      attributes.push_back(func.getResultAttrDict(i));
      names.insert(stated ? stated.getValue() : "");
      continue;
    }
    for (auto [k, entry] :
         llvm::enumerate(value.entries.value_or(SmallVector<Value>()))) {
      std::string name =
          ((stated ? stated.getValue() : "") + "." + Twine(k)).str();
      if (!names.insert(name).second)
        return func.emitError("entry ")
               << k << " of output '" << stated
               << "' has the name of another output";
      results.push_back(entry);
      NamedAttribute attribute(
          StringAttr::get(func.getContext(), onnx::kNameAttr),
          StringAttr::get(func.getContext(), name));
      attributes.push_back(
          DictionaryAttr::get(func.getContext(), attribute));
    }
  }
  return success();
}

LogicalResult convertFunction(func::FuncOp func) {
  for (auto [i, type] : llvm::enumerate(func.getArgumentTypes())) {
    if (isa<RankedTensorType>(type))
      continue;
    auto name = func.getArgAttrOfType<StringAttr>(i, onnx::kNameAttr);
    return func.emitError("input '")
           << (name ? name.getValue() : "") << "' of type " << type
           << " is not supported, only tensors of known rank";
  }
  // The old body stays in the module, where nodes find their versions.
  OwningOpRef<func::FuncOp> old = func.cloneWithoutRegions();
  func->getBlock()->getOperations().insertAfter(Block::iterator(func),
                                                *old);
  old->getBody().takeBody(func.getBody());
  Block &from = old->getBody().front();

  Block *entry = func.addEntryBlock();
  OpBuilder builder = OpBuilder::atBlockBegin(entry);
  ConversionState state(builder);
  state.values.map(from.getArguments(), entry->getArguments());
  bindSymbols(func, *entry, state);

  FailureOr<SmallVector<ConvertedValue>> converted =
      state.convertBlockOfAny(from);
  if (failed(converted))
    return failure();
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> attributes;
  if (failed(listResults(func, *converted, results, attributes)))
    return failure();
  func::ReturnOp::create(builder, from.getTerminator()->getLoc(), results);
  func.setType(FunctionType::get(func.getContext(), func.getArgumentTypes(),
                                 ValueRange(results).getTypes()));
  func.setAllResultAttrs(attributes);
  return success();
}

struct ConvertONNXToMopt : mopt::impl::ConvertONNXToMoptBase<ConvertONNXToMopt> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool hasFailed = false;
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isDeclaration())
        hasFailed |= failed(convertFunction(func));
    if (hasFailed)
      return signalPassFailure();
    module->removeAttr(onnx::kOpsetsAttr);
  }
};
} // namespace
