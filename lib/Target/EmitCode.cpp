// Optimized LLVM IR in, a finished file out. The file appears under its name
// only when it is whole.
#include "mopt/Target/Emission.h"
#include "mopt/Target/WriteFile.h"

#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/GlobalAlias.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace mopt;

/// A library of one model also exports `mopt_model`.
static void addPlainEntry(llvm::Module &module) {
  llvm::Function *entry = nullptr;
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && !function.hasLocalLinkage()) {
      if (entry)
        return;
      entry = &function;
    }
  if (entry)
    llvm::GlobalAlias::create("mopt_model", entry);
}

/// `object` as the only member of an archive. Returns where the member starts.
static llvm::Expected<uint64_t> writeArchive(llvm::StringRef object,
                                             llvm::StringRef path) {
  llvm::NewArchiveMember member(
      llvm::MemoryBufferRef(object, "model.o"));
  if (llvm::Error error = llvm::writeArchive(
          path, member, llvm::SymtabWritingMode::NormalSymtab,
          llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false))
    return error;
  uint64_t size;
  if (std::error_code error = llvm::sys::fs::file_size(path, size))
    return llvm::createFileError(path, error);
  return size - llvm::alignTo(object.size(), 2);
}

/// Embeds the weights in an archive's last member, whose header gives its size
/// in ten decimal digits, 12 bytes before the member.
static llvm::Error embedInArchive(llvm::StringRef path, uint64_t start,
                                  const WeightsBlob &weights) {
  if (llvm::Error error = embedWeights(path, start, weights))
    return error;
  uint64_t size;
  if (std::error_code error = llvm::sys::fs::file_size(path, size))
    return llvm::createFileError(path, error);
  size -= start;
  // Weights end at a multiple of 64 from the member's start, so the member
  // needs no padding.
  std::string digits = std::to_string(size);
  if (digits.size() > 10)
    return llvm::createStringError("archives hold up to 10^10 bytes, found %s",
                                   digits.c_str());
  digits.resize(10, ' ');
  int descriptor;
  if (std::error_code error = llvm::sys::fs::openFileForReadWrite(
          path, descriptor, llvm::sys::fs::CD_OpenExisting,
          llvm::sys::fs::OF_None))
    return llvm::createFileError(path, error);
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os.pwrite(digits.data(), digits.size(), start - 12);
  return llvm::Error::success();
}

static llvm::Error writeBinary(llvm::Module &module,
                               llvm::TargetMachine &machine,
                               const EmissionOptions &options, CodeFile kind,
                               const WeightsBlob &weights,
                               llvm::StringRef path) {
  if (kind == CodeFile::SharedLibrary)
    addPlainEntry(module);
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  defineWeights(module, weights.sizeBytes(), "");
  if (llvm::Error error =
          emitMachineCode(module, machine, /*assembly=*/false, os))
    return error;
  if (kind == CodeFile::SharedLibrary) {
    if (llvm::Error error = linkSharedLibrary(
            object.str(), machine.getTargetTriple(), options, path))
      return error;
  } else if (kind == CodeFile::Archive) {
    llvm::Expected<uint64_t> start = writeArchive(object, path);
    if (!start)
      return start.takeError();
    if (!weights.empty())
      return embedInArchive(path, *start, weights);
    return llvm::Error::success();
  } else {
    if (llvm::Error error = writeFile(path, object))
      return error;
  }
  if (weights.empty())
    return llvm::Error::success();
  return embedWeights(path, 0, weights);
}

static llvm::Error writeText(llvm::Module &module,
                             llvm::TargetMachine &machine, CodeFile kind,
                             const WeightsBlob &weights, llvm::StringRef path,
                             llvm::StringRef finalPath) {
  std::string weightsFile;
  if (!weights.empty()) {
    std::string weightsPath = (finalPath + ".weights").str();
    if (llvm::Error error = weights.writeFile(weightsPath))
      return error;
    weightsFile = llvm::sys::path::filename(weightsPath).str();
  }
  std::error_code code;
  llvm::raw_fd_ostream os(path, code, llvm::sys::fs::OF_None);
  if (code)
    return llvm::createFileError(path, code);
  defineWeights(module, weights.sizeBytes(), weightsFile);
  if (kind == CodeFile::Assembly)
    return emitMachineCode(module, machine, /*assembly=*/true, os);
  if (kind == CodeFile::Bitcode)
    llvm::WriteBitcodeToFile(module, os);
  else
    module.print(os, nullptr);
  return llvm::Error::success();
}

llvm::Error mopt::emitCode(llvm::Module &module, llvm::TargetMachine &machine,
                           const EmissionOptions &options, CodeFile kind,
                           const WeightsBlob &weights, llvm::StringRef path) {
  // Beside the file, so that it can be renamed.
  llvm::SmallString<128> temporary;
  if (std::error_code error =
          llvm::sys::fs::createUniqueFile(path + ".%%%%%%%%", temporary))
    return llvm::createFileError(path, error);
  bool text = kind == CodeFile::LLVMIR || kind == CodeFile::Bitcode ||
              kind == CodeFile::Assembly;
  llvm::Error error =
      text ? writeText(module, machine, kind, weights, temporary, path)
           : writeBinary(module, machine, options, kind, weights, temporary);
  if (!error) {
    std::error_code code = llvm::sys::fs::rename(temporary, path);
    if (code)
      error = llvm::createFileError(path, code);
  }
  if (error)
    llvm::sys::fs::remove(temporary);
  return error;
}
