// Gives the entry function the name that the model's symbols carry.
#include "Compilation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mopt;

static std::string makeIdentifier(StringRef text) {
  std::string name;
  for (char c : text)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name = "m" + name;
  return name;
}

void mopt::nameEntry(ModuleOp module, const CompileOptions &options) {
  std::string name = options.entry;
  if (name.empty())
    name = makeIdentifier(options.input == "-"
                              ? "model"
                              : llvm::sys::path::stem(options.input));
  SymbolTable symbols(module);
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func->hasAttr(kEntryAttr) || func.getName() == name)
      continue;
    // A function of the model may be called so already.
    if (Operation *other = symbols.lookup(name))
      (void)symbols.renameToUnique(other, {});
    (void)symbols.rename(func, name);
    return;
  }
}
