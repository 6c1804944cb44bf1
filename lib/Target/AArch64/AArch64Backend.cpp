// The AArch64 family: rows, host features, LLVM's code generator.
#include "mopt/Target/TargetBackend.h"

#include "llvm/Support/TargetSelect.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

using namespace mopt;

namespace {
#define GET_AArch64Targets_IMPL
#define GET_AArch64Features_IMPL
#define GET_AArch64SystemSymbols_IMPL
#include "AArch64/AArch64.inc"

class AArch64Backend final : public TargetBackend {
public:
  bool handles(const llvm::Triple &triple) const override {
    return triple.getArch() == llvm::Triple::aarch64;
  }
  llvm::ArrayRef<TargetRow> getRows() const override { return AArch64Targets; }
  llvm::ArrayRef<FeatureRow> getFeatures() const override {
    return AArch64Features;
  }
  llvm::StringRef getBaselineCpu() const override { return "generic"; }
  llvm::ArrayRef<SystemSymbolRow> getSystemSymbols() const override {
    return AArch64SystemSymbols;
  }

  std::optional<llvm::StringSet<>> getHostFeatures() const override {
#if defined(__aarch64__) && defined(__linux__)
    llvm::StringSet<> features;
    for (const FeatureRow &row : AArch64Features)
      if (getauxval(row.leaf) >> row.bit & 1)
        features.insert(row.name);
    return features;
#else
    return std::nullopt;
#endif
  }

  void deriveVectorShape(TargetInfo &target) const override {
    target.vectorBits = 128;
    target.vectorRegisters = 32;
  }

  void tuneFunction(llvm::Function &, const TargetInfo &) const override {}

  void initialize() const override {
    static const bool done = [] {
      LLVMInitializeAArch64TargetInfo();
      LLVMInitializeAArch64Target();
      LLVMInitializeAArch64TargetMC();
      LLVMInitializeAArch64AsmPrinter();
      LLVMInitializeAArch64AsmParser();
      return true;
    }();
    (void)done;
  }
};
} // namespace

namespace mopt {
const TargetBackend &getAArch64Backend() {
  static const AArch64Backend backend;
  return backend;
}
} // namespace mopt
