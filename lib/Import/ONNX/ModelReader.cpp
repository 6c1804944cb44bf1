// Level in: a file or bytes. Level out: a parsed ModelProto with a graph and a
// known IR version. Whatever the bytes are, there is a model or one error.
#include "ModelReader.h"

#include "ProtoParser.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Errno.h"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace mopt::importer;

static std::unique_ptr<pb::ModelProto>
checkModel(std::unique_ptr<pb::ModelProto> model, Location loc) {
  if (!model || !model->has_graph() || !model->has_ir_version()) {
    emitError(loc) << "not an ONNX model, or truncated: expected a serialized "
                      "ModelProto with a graph and an IR version";
    return nullptr;
  }
  int64_t version = model->ir_version();
  if (version < 1 || version > pb::IR_VERSION) {
    emitError(loc) << "expected an IR version between 1 and "
                   << static_cast<int64_t>(pb::IR_VERSION) << ", found "
                   << version;
    return nullptr;
  }
  return model;
}

std::unique_ptr<pb::ModelProto>
mopt::importer::readModelBytes(ArrayRef<char> bytes, Location loc) {
  if (bytes.size() > INT_MAX) {
    emitError(loc) << "expected a model of at most 2 GiB, found "
                   << bytes.size()
                   << " bytes; larger ones keep their weights in external data";
    return nullptr;
  }
  return checkModel(parseModel(bytes, /*mappedPages=*/false), loc);
}

std::unique_ptr<pb::ModelProto> mopt::importer::readModelFile(StringRef path,
                                                              Location loc) {
  // Without O_NONBLOCK a pipe that nobody writes to would hang the compiler.
  int file = path.contains('\0')
                 ? (errno = EINVAL, -1)
                 : open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    emitError(loc) << "cannot open the model: " << llvm::sys::StrError();
    return nullptr;
  }
  llvm::scope_exit closeFile([&] { close(file); });
  struct stat status;
  if (fstat(file, &status) || !S_ISREG(status.st_mode)) {
    emitError(loc) << "expected a file";
    return nullptr;
  }
  size_t size = status.st_size;
  if (size == 0 || size > INT_MAX) {
    emitError(loc) << "expected a model of 1 byte to 2 GiB, found " << size
                   << " bytes; larger ones keep their weights in external data";
    return nullptr;
  }
  void *data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) {
    emitError(loc) << "cannot map the model: " << llvm::sys::StrError();
    return nullptr;
  }
  llvm::scope_exit unmap([&] { munmap(data, size); });
  madvise(data, size, MADV_SEQUENTIAL);
  return checkModel(parseModel({static_cast<const char *>(data), size},
                               /*mappedPages=*/true),
                    loc);
}

FailureOr<OpsetVersions> mopt::importer::readOpsets(
    const google::protobuf::RepeatedPtrField<pb::OperatorSetIdProto> &imports,
    StringRef owner, Location loc) {
  OpsetVersions versions;
  for (const pb::OperatorSetIdProto &import : imports) {
    StringRef domain = canonicalDomain(import.domain());
    if (import.version() < 1 || import.version() > INT_MAX)
      return emitError(loc)
             << owner << " imports operator set '"
             << (domain.empty() ? "ai.onnx" : domain) << "' of version "
             << import.version() << ", expected a positive one";
    auto [entry, isNew] = versions.try_emplace(domain, import.version());
    if (!isNew && entry->second != import.version())
      return emitError(loc)
             << owner << " imports operator set '"
             << (domain.empty() ? "ai.onnx" : domain) << "' as version "
             << entry->second << " and as version " << import.version();
  }
  return versions;
}
