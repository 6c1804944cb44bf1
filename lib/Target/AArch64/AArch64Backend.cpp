// The AArch64 family: rows, host features, LLVM's code generator.
#include "mopt/Target/TargetBackend.h"

#include "llvm/Support/TargetSelect.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

using namespace mopt;

namespace {
#define GET_AArch64Targets_IMPL
#define GET_AArch64SystemSymbols_IMPL
#include "AArch64/AArch64.inc"

class AArch64Backend final : public TargetBackend {
public:
  bool handles(const llvm::Triple &triple) const override {
    return triple.getArch() == llvm::Triple::aarch64;
  }
  llvm::ArrayRef<TargetRow> getRows() const override { return AArch64Targets; }
  llvm::ArrayRef<SystemSymbolRow> getSystemSymbols() const override {
    return AArch64SystemSymbols;
  }

  std::optional<llvm::StringSet<>> getHostFeatures() const override {
#if defined(__aarch64__) && defined(__linux__)
    // The kernel's bits, arch/arm64/include/uapi/asm/hwcap.h: a C library may
    // be older than the processor, so its header's names are not used.
    static constexpr struct {
      const char *feature;
      unsigned word, bit;
    } bits[] = {{"fp-armv8", 0, 0}, {"neon", 0, 1},     {"crc", 0, 7},
                {"lse", 0, 8},      {"fullfp16", 0, 10}, {"rdm", 0, 12},
                {"rcpc", 0, 15},    {"sha3", 0, 17},    {"dotprod", 0, 20},
                {"sve", 0, 22},     {"fp16fml", 0, 23}, {"sve2", 1, 1},
                {"i8mm", 1, 13},    {"bf16", 1, 14}};
    unsigned long words[] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
    llvm::StringSet<> features;
    for (const auto &entry : bits)
      if (words[entry.word] >> entry.bit & 1)
        features.insert(entry.feature);
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
