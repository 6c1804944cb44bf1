// External data: resource blobs that map the file a tensor refers to. Nothing
// outside the model's folder is opened, and no byte outside the file is read.
#include "ExternalData.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/Path.h"

#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace mopt::importer;

ExternalData::Mapping::~Mapping() {
  if (data)
    munmap(const_cast<char *>(data), bytes);
}

static std::string resolved(const std::string &path) {
  std::string result;
  if (char *real = realpath(path.c_str(), nullptr)) {
    result = real;
    free(real);
  }
  return result;
}

std::vector<std::string> ExternalData::getPaths() const {
  std::vector<std::string> paths;
  for (const auto &file : files)
    paths.push_back((folder == "." ? "" : folder + "/") + file.first().str());
  llvm::sort(paths);
  return paths;
}

FailureOr<std::shared_ptr<ExternalData::Mapping>>
ExternalData::map(StringRef location, Location loc) {
  auto known = files.find(location);
  if (known != files.end())
    return known->second;
  auto fail = [&](const Twine &message) {
    return emitError(loc) << "external data '" << location << "' " << message;
  };
  if (folder.empty())
    return fail("cannot be read: a model in memory has no folder");
  if (location.empty() || location.contains('\0') ||
      llvm::sys::path::is_absolute(location) ||
      llvm::is_contained(llvm::make_range(llvm::sys::path::begin(location),
                                          llvm::sys::path::end(location)),
                         ".."))
    return fail("is refused: expected a path inside the model's folder");

  std::string root = resolved(folder);
  std::string path = resolved(folder + "/" + location.str());
  if (root.empty() || path.empty())
    return fail("cannot be opened: " + llvm::sys::StrError());
  if (!StringRef(path).starts_with(root == "/" ? root : root + "/"))
    return fail("is refused: it is a link that leaves the model's folder");

  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return fail("cannot be opened: " + llvm::sys::StrError());
  llvm::scope_exit closeFile([&] { close(file); });
  struct stat status;
  if (fstat(file, &status) || !S_ISREG(status.st_mode))
    return fail("is not a file");
  auto mapping = std::make_shared<Mapping>();
  if (status.st_size) {
    void *data = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
      return fail("cannot be mapped: " + llvm::sys::StrError());
    mapping->data = static_cast<const char *>(data);
    mapping->bytes = status.st_size;
  }
  copyBudgetBytes += 2 * mapping->bytes + (1 << 20);
  files[location] = mapping;
  return mapping;
}

FailureOr<AsmResourceBlob> ExternalData::load(const pb::TensorProto &tensor,
                                              size_t bytes, size_t alignment,
                                              Location loc) {
  StringRef location;
  uint64_t offset = 0, length = bytes;
  for (const auto &entry : tensor.external_data()) {
    StringRef key = entry.key(), value = entry.value();
    if (key == "location")
      location = value;
    else if ((key == "offset" && value.getAsInteger(10, offset)) ||
             (key == "length" && value.getAsInteger(10, length)))
      return emitError(loc) << "tensor '" << tensor.name() << "' has "
                            << "external data with " << key << " '" << value
                            << "', expected a number of bytes";
  }
  if (length != bytes)
    return emitError(loc) << "tensor '" << tensor.name() << "' needs " << bytes
                          << " bytes by its shape and type, its external data "
                             "has length "
                          << length;
  FailureOr<std::shared_ptr<Mapping>> mapping = map(location, loc);
  if (failed(mapping))
    return failure();
  size_t fileBytes = (*mapping)->bytes;
  if (offset > fileBytes || bytes > fileBytes - offset)
    return emitError(loc) << "tensor '" << tensor.name() << "' needs bytes "
                          << offset << " to " << offset << " + " << bytes
                          << " of external data '" << location
                          << "', which has " << fileBytes;
  ArrayRef<char> data((*mapping)->data + offset, bytes);
  if (offset % alignment) {
    // A file can refer to the same bytes any number of times.
    if (bytes > copyBudgetBytes)
      return emitError(loc)
             << "external data '" << location
             << "' is referred to too often at unaligned offsets";
    copyBudgetBytes -= bytes;
    return HeapAsmResourceBlob::allocateAndCopyWithAlign(data, 64);
  }
  size_t known = std::min<size_t>(64, offset ? offset & -offset : 64);
  return AsmResourceBlob(
      data, known,
      [owner = *mapping](void *, size_t, size_t) mutable { owner.reset(); },
      /*dataIsMutable=*/false);
}
