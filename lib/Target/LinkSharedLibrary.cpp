// Objects in, a shared library out, whose only imports are those that the
// target's rows list. The weights' section goes last, into a segment of its
// own, so that its bytes can be added to the finished file.
#include "mopt/Target/Emission.h"
#include "mopt/Target/WriteFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"

using namespace mopt;

static constexpr llvm::StringLiteral kWeightsLast =
    "SECTIONS { .mopt_weights : { *(.mopt_weights) } } INSERT AFTER .bss;\n";

llvm::Error mopt::linkSharedLibrary(llvm::ArrayRef<llvm::StringRef> objects,
                                    const llvm::Triple &triple,
                                    const EmissionOptions &options,
                                    llvm::StringRef path) {
  llvm::SmallString<128> directory;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("mopt-link", directory))
    return llvm::createFileError("temporary directory", error);
  llvm::scope_exit cleanUp(
      [&] { llvm::sys::fs::remove_directories(directory); });

  std::string script = (directory + "/weights.ld").str();
  if (llvm::Error error = writeFile(script, kWeightsLast))
    return error;
  std::vector<std::string> arguments{"-shared",     "--build-id=none",
                                     "--eh-frame-hdr", "-z", "now",
                                     "--as-needed", "-T", script,
                                     "-o",          path.str()};
  // A sanitizer's functions come from the program that loads the library.
  arguments.push_back("-z");
  arguments.push_back(options.sanitizer == Sanitizer::None ? "defs" : "undefs");
  for (auto [index, object] : llvm::enumerate(objects)) {
    std::string name =
        (directory + "/" + llvm::Twine(index) + ".o").str();
    if (llvm::Error error = writeFile(name, object))
      return error;
    arguments.push_back(name);
  }
  llvm::Expected<llvm::SmallVector<std::string>> stubs =
      writeSystemStubs(triple, directory);
  if (!stubs)
    return stubs.takeError();
  llvm::append_range(arguments, *stubs);
  return runLinker(arguments);
}
