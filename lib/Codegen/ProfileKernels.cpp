// Level in and out: buffer. Every call of a kernel stands between two calls of
// the runtime, which counts it and its time under the number of the place. What
// the places are called is the module's attribute `mopt.profile`.
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/NodeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PROFILEKERNELS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct ProfileKernels : mopt::impl::ProfileKernelsBase<ProfileKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    SmallVector<func::CallOp> calls;
    module.walk([&](func::CallOp call) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (callee && callee->hasAttr(kKernelAttr))
        calls.push_back(call);
    });
    if (calls.empty())
      return;

    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    auto declare = [&](StringRef name, TypeRange inputs) {
      auto function = func::FuncOp::create(b, module.getLoc(), name,
                                           b.getFunctionType(inputs, {}));
      function.setPrivate();
      function->setAttr(kRuntimeAttr, b.getUnitAttr());
      return function;
    };
    func::FuncOp begin = declare("mopt_rt_kernel_begin", {});
    func::FuncOp end = declare("mopt_rt_kernel_end", b.getI64Type());
    SmallVector<Attribute> places;
    for (func::CallOp call : calls) {
      Location loc = call.getLoc();
      b.setInsertionPoint(call);
      func::CallOp::create(b, loc, begin);
      b.setInsertionPointAfter(call);
      Value place = arith::ConstantOp::create(
          b, loc, b.getI64IntegerAttr(static_cast<int64_t>(places.size())));
      func::CallOp::create(b, loc, end, place);
      places.push_back(b.getStrArrayAttr(
          {call.getCallee(), llvm::join(getNodeNames(loc), "\n")}));
    }
    module->setAttr(kProfileAttr, b.getArrayAttr(places));
  }
};
} // namespace
