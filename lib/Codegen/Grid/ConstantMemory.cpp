// Which buffers are weights, through calls and views, see the header.
#include "ConstantMemory.h"

#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mopt;

static bool isWeights(func::FuncOp function, unsigned argument) {
  return function.getArgAttr(argument, kWeightsAttr) != nullptr;
}

ConstantMemory::ConstantMemory(ModuleOp module) {
  llvm::DenseSet<Operation *> called;
  SmallVector<func::CallOp> calls;
  module.walk([&](func::CallOp call) {
    calls.push_back(call);
    called.insert(module.lookupSymbol(call.getCallee()));
  });
  // An entry's callers are not here.
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isDeclaration() &&
        (function.isPublic() || !called.contains(function)))
      for (BlockArgument argument : function.getArguments())
        if (!isWeights(function, argument.getArgNumber()))
          others.insert(argument);
  for (bool changes = true; changes;) {
    changes = false;
    for (func::CallOp call : calls) {
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      if (!callee || callee.isDeclaration())
        continue;
      for (auto [operand, argument] :
           llvm::zip_equal(call.getOperands(), callee.getArguments()))
        if (isa<MemRefType>(operand.getType()) && !holds(operand))
          changes |= others.insert(argument).second;
    }
  }
}

bool ConstantMemory::holds(Value buffer) const {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return isa<BlockArgument>(buffer)
             ? !others.contains(buffer)
             : buffer.getDefiningOp<memref::GetGlobalOp>() != nullptr;
}
