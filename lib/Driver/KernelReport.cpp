// Kernels at levels kernels (what is fused) and structured (micro-kernels, and
// which calls share a kernel) to the report's JSON.
#include "KernelReport.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/NodeNames.h"
#include "mopt/Transforms/KernelNames.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mopt;

void KernelReport::read(ModuleOp module, Level level) {
  if (level != Level::Kernels && level != Level::Structured)
    return;
  llvm::MapVector<std::string, Kernel> before = std::move(kernels);
  kernels.clear();
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func->hasAttr(kKernelAttr))
      continue;
    std::string name = func.getName().str();
    Kernel &kernel = kernels[name];
    kernel.ops = before[name].ops;
    func.walk([&](Operation *op) {
      if (level == Level::Kernels && isNamedInKernel(op))
        kernel.ops.push_back(getKernelOpName(op));
      auto anchor = dyn_cast<AnchorOpInterface>(op);
      if (anchor && anchor.getConfigAttr())
        kernel.microKernels.push_back(
            anchor.getConfigAttr().getKernel().str());
    });
  }
  module.walk([&](func::CallOp call) {
    auto kernel = kernels.find(call.getCallee().str());
    if (kernel != kernels.end())
      kernel->second.calls.push_back(getNodeNames(call.getLoc()));
  });
}

static llvm::json::Array toArray(ArrayRef<std::string> texts) {
  llvm::json::Array array;
  for (const std::string &text : texts)
    array.push_back(text);
  return array;
}

llvm::json::Array KernelReport::toJSON() const {
  llvm::json::Array result;
  for (const auto &[name, kernel] : kernels) {
    llvm::json::Array calls;
    for (const auto &nodes : kernel.calls)
      calls.push_back(llvm::json::Object{{"nodes", toArray(nodes)}});
    result.push_back(
        llvm::json::Object{{"name", name},
                           {"fused", toArray(kernel.ops)},
                           {"micro_kernels", toArray(kernel.microKernels)},
                           {"calls", std::move(calls)}});
  }
  return result;
}
