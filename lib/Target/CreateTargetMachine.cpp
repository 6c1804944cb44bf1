// LLVM's code generator for a machine.
#include "mopt/Target/TargetRegistry.h"

#include "llvm/MC/TargetRegistry.h"
#include "llvm/Target/TargetMachine.h"

using namespace mopt;

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
mopt::createTargetMachine(const TargetInfo &target, unsigned optLevel) {
  llvm::Triple triple(target.triple);
  const TargetBackend *backend = getTargetBackend(triple);
  if (!backend)
    return llvm::createStringError("no code generator for the triple '%s'",
                                   target.triple.c_str());
  backend->initialize();
  std::string error;
  const llvm::Target *llvmTarget =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return llvm::createStringError(error);
  static constexpr llvm::CodeGenOptLevel levels[] = {
      llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less,
      llvm::CodeGenOptLevel::Default, llvm::CodeGenOptLevel::Aggressive};
  llvm::TargetOptions options;
  options.FunctionSections = false;
  std::unique_ptr<llvm::TargetMachine> machine(llvmTarget->createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, levels[optLevel]));
  if (!machine)
    return llvm::createStringError("no code generator for the triple '%s'",
                                   target.triple.c_str());
  return machine;
}
