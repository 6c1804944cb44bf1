// PTX to machine code by the toolkit's assembler, if there is one: in PATH, or
// where the toolkit is installed by default.
#include "Assemble.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <list>

using namespace mopt;

static std::string findAssembler() {
  if (auto program = llvm::sys::findProgramByName("ptxas"))
    return *program;
  if (auto program =
          llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"}))
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
