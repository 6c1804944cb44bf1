// Level in and out: structured. Constants of kernels become operands of their
// calls; kernels that are equal then become one.
#include "mopt/Support/Attributes.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SHAREKERNELS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Splats are cheap to have in code, and tell it more.
static bool shouldMove(arith::ConstantOp constant) {
  auto type = dyn_cast<RankedTensorType>(constant.getType());
  return type && !isa<SplatElementsAttr>(constant.getValue());
}

namespace {
struct ShareKernels : mopt::impl::ShareKernelsBase<ShareKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    llvm::StringMap<SmallVector<func::CallOp>> callers;
    module.walk([&](func::CallOp call) {
      callers[call.getCallee()].push_back(call);
    });
    SmallVector<func::FuncOp> kernels;
    for (auto func : module.getOps<func::FuncOp>())
      if (func->hasAttr(kKernelAttr))
        kernels.push_back(func);

    llvm::DenseMap<llvm::hash_code, SmallVector<func::FuncOp>> unique;
    for (func::FuncOp kernel : kernels) {
      moveConstants(kernel, callers[kernel.getName()]);
      auto &candidates = unique[getHash(kernel)];
      auto equal = llvm::find_if(candidates, [&](func::FuncOp other) {
        return areEqual(kernel, other);
      });
      if (equal == candidates.end()) {
        candidates.push_back(kernel);
        continue;
      }
      for (func::CallOp call : callers[kernel.getName()])
        call.setCallee(equal->getName());
      symbols.erase(kernel);
    }
  }

  /// Constants become arguments in front of the destinations.
  static void moveConstants(func::FuncOp kernel,
                            ArrayRef<func::CallOp> calls) {
    SmallVector<arith::ConstantOp> constants;
    for (auto constant : kernel.getBody().getOps<arith::ConstantOp>())
      if (shouldMove(constant))
        constants.push_back(constant);
    for (arith::ConstantOp constant : constants) {
      unsigned position = 0;
      while (position < kernel.getNumArguments() &&
             !kernel.getArgAttr(position, kDestinationAttr))
        ++position;
      if (failed(kernel.insertArgument(position, constant.getType(), {},
                                       constant.getLoc())))
        continue;
      constant.getResult().replaceAllUsesWith(kernel.getArgument(position));
      for (func::CallOp call : calls) {
        OpBuilder b(call);
        Value outer = b.clone(*constant)->getResult(0);
        call->insertOperands(position, outer);
      }
      constant.erase();
    }
  }

  static llvm::hash_code getHash(func::FuncOp kernel) {
    llvm::hash_code hash = llvm::hash_code(
        hash_value(Type(kernel.getFunctionType())));
    kernel.walk([&](Operation *op) {
      if (op != kernel.getOperation())
        hash = llvm::hash_combine(
            hash, OperationEquivalence::computeHash(
                      op, OperationEquivalence::ignoreHashValue,
                      OperationEquivalence::ignoreHashValue,
                      OperationEquivalence::IgnoreLocations));
    });
    return hash;
  }

  static bool areEqual(func::FuncOp a, func::FuncOp b) {
    if (a.getFunctionType() != b.getFunctionType() ||
        a.getArgAttrsAttr() != b.getArgAttrsAttr())
      return false;
    return OperationEquivalence::isRegionEquivalentTo(
        &a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
  }
};
} // namespace
