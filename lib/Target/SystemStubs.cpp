// Stand-ins for libc and libm: shared objects that hold nothing but the names
// and versions of the functions that a library may import. With them the
// linker records the same dependencies on every machine, even on one without a
// C library for the target, and refuses any other import.
#include "mopt/Target/Emission.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Target/WriteFile.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace mopt;

/// Writes an object that defines the names that `rows` list.
static llvm::Error
writeStubObject(llvm::ArrayRef<const SystemSymbolRow *> rows,
                llvm::TargetMachine &machine, llvm::StringRef path) {
  llvm::LLVMContext context;
  llvm::Module module("stub", context);
  module.setDataLayout(machine.createDataLayout());
  module.setTargetTriple(machine.getTargetTriple());
  std::string text = ".text\n";
  for (const SystemSymbolRow *row : rows) {
    llvm::SmallVector<llvm::StringRef> names;
    llvm::StringRef(row->names).split(names, ' ');
    for (llvm::StringRef name : names)
      text += (".globl " + name + "\n.type " + name + ",%function\n" + name +
               ":\n")
                  .str();
  }
  module.appendModuleInlineAsm(text);
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  if (llvm::Error error = emitMachineCode(module, machine, /*assembly=*/false, os))
    return error;
  return writeFile(path, object);
}

llvm::Expected<llvm::SmallVector<std::string>>
mopt::writeSystemStubs(const llvm::Triple &triple, llvm::StringRef directory) {
  TargetInfo target;
  target.triple = triple.str();
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createTargetMachine(target, 0);
  if (!machine)
    return machine.takeError();
  llvm::MapVector<llvm::StringRef,
                  llvm::SmallVector<const SystemSymbolRow *>>
      libraries;
  for (const SystemSymbolRow &row :
       getTargetBackend(triple)->getSystemSymbols())
    libraries[row.library].push_back(&row);

  llvm::SmallVector<std::string> paths;
  for (auto &[name, rows] : libraries) {
    std::string versions;
    for (const SystemSymbolRow *row : rows) {
      llvm::SmallVector<llvm::StringRef> names;
      llvm::StringRef(row->names).split(names, ' ');
      versions += (llvm::Twine(row->version) + " { " +
                   llvm::join(names, "; ") + "; };\n")
                      .str();
    }
    std::string path = (directory + "/" + name).str();
    std::string objectPath = path + ".o", versionsPath = path + ".versions";
    if (llvm::Error error = writeStubObject(rows, **machine, objectPath))
      return error;
    if (llvm::Error error = writeFile(versionsPath, versions))
      return error;
    if (llvm::Error error =
            runLinker({"-shared", "--soname=" + name.str(),
                       "--version-script=" + versionsPath, objectPath, "-o",
                       path}))
      return error;
    paths.push_back(path);
  }
  return paths;
}
