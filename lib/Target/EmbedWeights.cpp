// Objects and libraries are made with an empty section (NOBITS) as large as
// the weights; the bytes then go to the end of the finished file. So neither
// LLVM nor the linker ever holds them, and memory stays at one copy.
#include "mopt/Target/WeightsBlob.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mopt;
using ELF = llvm::object::ELF64LE;

/// Reads `count` records at `offset` of an open file.
template <typename T>
static llvm::Error readRecords(llvm::sys::fs::file_t file, uint64_t offset,
                               llvm::MutableArrayRef<T> records) {
  llvm::MutableArrayRef<char> bytes(reinterpret_cast<char *>(records.data()),
                                    records.size() * sizeof(T));
  llvm::Expected<size_t> got =
      llvm::sys::fs::readNativeFileSlice(file, bytes, offset);
  if (!got)
    return got.takeError();
  if (*got != bytes.size())
    return llvm::createStringError("expected %zu bytes at %llu, found %zu",
                                   bytes.size(),
                                   static_cast<unsigned long long>(offset),
                                   *got);
  return llvm::Error::success();
}

template <typename T>
static void writeRecord(llvm::raw_fd_ostream &os, uint64_t offset,
                        const T &record) {
  os.pwrite(reinterpret_cast<const char *>(&record), sizeof(T), offset);
}

static llvm::Error embed(int descriptor, uint64_t elfOffset,
                         const WeightsBlob &weights) {
  llvm::sys::fs::file_t file =
      llvm::sys::fs::convertFDToNativeFile(descriptor);
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  ELF::Ehdr header;
  if (llvm::Error error = readRecords<ELF::Ehdr>(file, elfOffset, header))
    return error;
  std::vector<ELF::Shdr> sections(header.e_shnum);
  std::vector<ELF::Phdr> segments(header.e_phnum);
  if (llvm::Error error = readRecords<ELF::Shdr>(
          file, elfOffset + header.e_shoff, sections))
    return error;
  if (llvm::Error error = readRecords<ELF::Phdr>(
          file, elfOffset + header.e_phoff, segments))
    return error;
  std::string names(sections[header.e_shstrndx].sh_size, '\0');
  if (llvm::Error error = readRecords<char>(
          file, elfOffset + sections[header.e_shstrndx].sh_offset,
          llvm::MutableArrayRef(names.data(), names.size())))
    return error;

  auto section = llvm::find_if(sections, [&](const ELF::Shdr &entry) {
    return llvm::StringRef(names.c_str() + entry.sh_name) == ".mopt_weights";
  });
  if (section == sections.end() || section->sh_type != llvm::ELF::SHT_NOBITS ||
      section->sh_size != static_cast<uint64_t>(weights.sizeBytes()))
    return llvm::createStringError("no section '.mopt_weights' of %lld bytes",
                                   static_cast<long long>(weights.sizeBytes()));

  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(descriptor, status))
    return llvm::errorCodeToError(error);
  uint64_t end = status.getSize() - elfOffset;

  // A loadable section's place in the file must equal its address modulo the
  // page size.
  uint64_t offset = llvm::alignTo(end, WeightsBlob::kAlignment);
  for (auto [index, segment] : llvm::enumerate(segments)) {
    if (segment.p_type != llvm::ELF::PT_LOAD ||
        segment.p_vaddr != section->sh_addr ||
        segment.p_memsz != section->sh_size)
      continue;
    offset =
        llvm::alignTo(end, llvm::Align(segment.p_align), segment.p_vaddr);
    segment.p_offset = offset;
    segment.p_filesz = section->sh_size;
    writeRecord(os, elfOffset + header.e_phoff + index * sizeof(ELF::Phdr),
                segment);
  }
  section->sh_type = llvm::ELF::SHT_PROGBITS;
  section->sh_offset = offset;
  writeRecord(os,
              elfOffset + header.e_shoff +
                  (section - sections.begin()) * sizeof(ELF::Shdr),
              *section);
  os.seek(elfOffset + end);
  os.write_zeros(offset - end);
  weights.write(os);
  os.flush();
  if (os.has_error()) {
    std::error_code error = os.error();
    os.clear_error();
    return llvm::errorCodeToError(error);
  }
  return llvm::Error::success();
}

llvm::Error mopt::embedWeights(llvm::StringRef path, uint64_t elfOffset,
                               const WeightsBlob &weights) {
  int descriptor;
  if (std::error_code error = llvm::sys::fs::openFileForReadWrite(
          path, descriptor, llvm::sys::fs::CD_OpenExisting,
          llvm::sys::fs::OF_None))
    return llvm::createFileError(path, error);
  if (llvm::Error error = embed(descriptor, elfOffset, weights))
    return llvm::createFileError(path, std::move(error));
  return llvm::Error::success();
}
