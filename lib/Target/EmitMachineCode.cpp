// Optimized LLVM IR in; an object, or assembly text, out.
#include "mopt/Target/Emission.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace mopt;

/// Weights are a section that the assembler makes: as an LLVM constant they
/// would be copied several times and folded into code while still empty.
void mopt::defineWeights(llvm::Module &module, int64_t bytes,
                         llvm::StringRef file) {
  bool used = module.getNamedValue(WeightsBlob::kSymbol);
  if (bytes == 0 && !used)
    return;
  std::string contents =
      file.empty() ? llvm::formatv(".zero {0}", bytes).str()
                   : llvm::formatv(".incbin \"{0}\", 64, {1}", file, bytes).str();
  module.appendModuleInlineAsm(
      llvm::formatv(".section .mopt_weights,\"a\",%{0}\n"
                    ".p2align 6\n"
                    ".type {1},%object\n"
                    "{1}:\n"
                    "{2}\n"
                    ".size {1}, {3}\n",
                    file.empty() ? "nobits" : "progbits", WeightsBlob::kSymbol,
                    contents, bytes)
          .str());
}

llvm::Error mopt::emitMachineCode(llvm::Module &module,
                                  llvm::TargetMachine &machine, bool assembly,
                                  llvm::raw_pwrite_stream &os) {
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  assembly
                                      ? llvm::CodeGenFileType::AssemblyFile
                                      : llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("no emission for the triple '%s'",
                                   machine.getTargetTriple().str().c_str());
  passes.run(module);
  return llvm::Error::success();
}
