// Kernels at levels kernels (what is fused) and structured (micro-kernels, and
// which calls share a kernel) to the report's JSON.
#include "KernelReport.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/NodeNames.h"
#include "mopt/Transforms/KernelNames.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mopt;

void KernelReport::read(ModuleOp module, Level level) {
  if (level != Level::Kernels && level != Level::Structured)
    return;
  llvm::StringMap<SmallVector<std::string>> ops;
  for (Kernel &kernel : kernels)
    ops[kernel.name] = std::move(kernel.ops);
  kernels.clear();
  llvm::StringMap<size_t> numbers;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func->hasAttr(kKernelAttr))
      continue;
    numbers[func.getName()] = kernels.size();
    Kernel &kernel = kernels.emplace_back();
    kernel.name = func.getName().str();
    kernel.ops = ops.lookup(kernel.name);
    func.walk([&](Operation *op) {
      if (level == Level::Kernels && isNamedInKernel(op))
        kernel.ops.push_back(getKernelOpName(op));
      auto anchor = dyn_cast<AnchorOpInterface>(op);
      if (anchor && anchor.getConfigAttr())
        kernel.microKernels.push_back(anchor.getConfigAttr().getKernel().str());
    });
  }
  module.walk([&](func::CallOp call) {
    auto kernel = numbers.find(call.getCallee());
    if (kernel != numbers.end())
      kernels[kernel->second].calls.push_back(getNodeNames(call.getLoc()));
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
  for (const Kernel &kernel : kernels) {
    llvm::json::Array calls;
    for (const auto &nodes : kernel.calls)
      calls.push_back(llvm::json::Object{{"nodes", toArray(nodes)}});
    result.push_back(
        llvm::json::Object{{"name", kernel.name},
                           {"fused", toArray(kernel.ops)},
                           {"micro_kernels", toArray(kernel.microKernels)},
                           {"calls", std::move(calls)}});
  }
  return result;
}
