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
    if (Value value = state.values.lookupOrNull(to))
      state.values.map(from, value);
    else if (state.sequences.contains(to))
      state.sequences[from] = SmallVector<Value>(state.sequences[to]);
  return success();
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

FailureOr<SmallVector<Value>> ConversionState::convertBlock(Block &block) {
  bool hasFailed = false;
  for (Operation &op : block.without_terminator())
    hasFailed |= failed(convertOp(op));
  if (hasFailed)
    return failure();
  SmallVector<Value> results;
  for (Value operand : block.getTerminator()->getOperands()) {
    results.push_back(values.lookupOrNull(operand));
    if (sequences.contains(operand))
      return block.getTerminator()->emitError(
          "a sequence as an output of a graph is not supported");
    if (!results.back())
      return block.getTerminator()->emitError("a graph output is left out");
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

  FailureOr<SmallVector<Value>> results = state.convertBlock(from);
  if (failed(results))
    return failure();
  func::ReturnOp::create(builder, from.getTerminator()->getLoc(), *results);
  func.setType(FunctionType::get(func.getContext(), func.getArgumentTypes(),
                                 ValueRange(*results).getTypes()));
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
