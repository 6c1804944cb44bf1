// The toolkit in PATH, or the one that was there when mopt was built, or where
// it is installed by default: its assembler, and the bitcode of its math
// functions.
#include "Toolkit.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include <list>

using namespace mopt;

/// The path of ptxas, empty without a toolkit.
static std::string findAssembler() {
  if (auto program = llvm::sys::findProgramByName("ptxas"))
    return *program;
  if (auto program = llvm::sys::findProgramByName("ptxas", {MOPT_CUDA_BIN_DIR}))
    return *program;
  return "";
}

static std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

llvm::Expected<std::string> mopt::assemble(llvm::StringRef text,
                                           llvm::StringRef cpu) {
  std::string program = findAssembler();
  if (program.empty())
    return "";
  llvm::SmallString<128> paths[3];
  std::list<llvm::FileRemover> removers;
  for (auto [path, suffix] : llvm::zip_equal(
           paths, llvm::ArrayRef<llvm::StringRef>{"ptx", "cubin", "txt"})) {
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("mopt", suffix, path))
      return llvm::createFileError("a temporary file", error);
    removers.emplace_back(path);
  }
  {
    std::error_code error;
    llvm::raw_fd_ostream os(paths[0], error);
    if (error)
      return llvm::createFileError(paths[0], error);
    os << text;
  }
  std::string architecture = ("-arch=" + cpu).str();
  llvm::StringRef arguments[] = {program,  architecture, "-O3",
                                 paths[0], "-o",         paths[1]};
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(), llvm::StringRef(paths[2]), llvm::StringRef(paths[2])};
  if (llvm::sys::ExecuteAndWait(program, arguments, std::nullopt, redirects))
    return llvm::createStringError("ptxas refuses the code: %s",
                                   readFile(paths[2]).c_str());
  return readFile(paths[1]);
}

llvm::Error mopt::linkMathFunctions(llvm::Module &module) {
  std::string missing;
  llvm::StringSet<> own;
  for (llvm::Function &function : module) {
    if (!function.isDeclaration())
      own.insert(function.getName());
    else if (function.getName().starts_with("__nv_") && missing.empty())
      missing = function.getName().drop_front(5).str();
  }
  if (missing.empty())
    return llvm::Error::success();
  llvm::SmallString<128> path(findAssembler());
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "nvvm", "libdevice", "libdevice.10.bc");
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> library =
      llvm::parseIRFile(path, diagnostic, module.getContext());
  if (!library)
    return llvm::createStringError(
        "the function '%s' is not supported without the CUDA Toolkit's "
        "libdevice.10.bc, which was not found",
        missing.c_str());
  library->setTargetTriple(module.getTargetTriple());
  library->setDataLayout(module.getDataLayout());
  if (llvm::Linker::linkModules(module, std::move(library),
                                llvm::Linker::LinkOnlyNeeded))
    return llvm::createStringError("cannot link libdevice.10.bc");
  llvm::internalizeModule(module, [&](const llvm::GlobalValue &value) {
    return own.contains(value.getName());
  });
  return llvm::Error::success();
}
