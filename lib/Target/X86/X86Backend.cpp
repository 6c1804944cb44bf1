// The x86 family: rows, host features, LLVM's code generator.
#include "mopt/Target/TargetBackend.h"

#include "llvm/IR/Function.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mopt;

namespace {
#define GET_X86Targets_IMPL
#define GET_X86Features_IMPL
#define GET_X86SystemSymbols_IMPL
#include "X86/X86.inc"

class X86Backend final : public TargetBackend {
public:
  bool handles(const llvm::Triple &triple) const override {
    return triple.getArch() == llvm::Triple::x86_64;
  }
  llvm::ArrayRef<TargetRow> getRows() const override { return X86Targets; }
  llvm::ArrayRef<FeatureRow> getFeatures() const override {
    return X86Features;
  }
  llvm::StringRef getBaselineCpu() const override { return "x86-64"; }
  llvm::ArrayRef<SystemSymbolRow> getSystemSymbols() const override {
    return X86SystemSymbols;
  }

  std::optional<llvm::StringSet<>> getHostFeatures() const override {
#if defined(__x86_64__)
    // CPUID, and XCR0 for what the operating system must save.
    llvm::StringSet<> features;
    for (const auto &entry : llvm::sys::getHostCPUFeatures())
      if (entry.second)
        features.insert(entry.first());
    return features;
#else
    return std::nullopt;
#endif
  }

  void deriveVectorShape(TargetInfo &target) const override {
    llvm::SmallVector<llvm::StringRef> features;
    llvm::StringRef(target.features).split(features, ',');
    bool wide = llvm::is_contained(features, "+avx512f");
    target.vectorBits =
        wide ? 512 : llvm::is_contained(features, "+avx") ? 256 : 128;
    target.vectorRegisters = wide ? 32 : 16;
  }

  void tuneFunction(llvm::Function &function,
                    const TargetInfo &target) const override {
    // Without it LLVM stays at 256 bits on most processors that have 512.
    function.addFnAttr("prefer-vector-width",
                       llvm::Twine(target.vectorBits).str());
  }

  void initialize() const override {
    static const bool done = [] {
      LLVMInitializeX86TargetInfo();
      LLVMInitializeX86Target();
      LLVMInitializeX86TargetMC();
      LLVMInitializeX86AsmPrinter();
      LLVMInitializeX86AsmParser();
      return true;
    }();
    (void)done;
  }
};
} // namespace

namespace mopt {
const TargetBackend &getX86Backend() {
  static const X86Backend backend;
  return backend;
}
} // namespace mopt
