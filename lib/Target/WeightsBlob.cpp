// Lays constant data out and writes it, straight from where it lies.
#include "mopt/Target/WeightsBlob.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mopt;

/// The bytes behind an attribute, or nothing when they are not stored densely.
static std::optional<ArrayRef<char>> getBytes(Attribute attr) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? std::optional(blob->getData()) : std::nullopt;
  }
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense || dense.getElementType().isInteger(1))
    return std::nullopt;
  return dense.getRawData();
}

FailureOr<WeightsBlob> WeightsBlob::fromModule(ModuleOp module) {
  WeightsBlob blob;
  Attribute attr = module->getAttr(kModuleAttr);
  if (!attr)
    return blob;
  auto list = dyn_cast<ArrayAttr>(attr);
  if (!list)
    return module.emitError()
           << "expected '" << kModuleAttr << "' to be an array, found " << attr;
  for (auto [index, entry] : llvm::enumerate(list)) {
    std::optional<ArrayRef<char>> bytes = getBytes(entry);
    if (!bytes)
      return module.emitError()
             << "entry " << index << " of '" << kModuleAttr
             << "' has no dense bytes; a resource may have been left out when "
                "the file was written";
    auto splat = dyn_cast<SplatElementsAttr>(entry);
    if (splat)
      blob.appendSplat(*bytes, splat.getNumElements());
    else
      blob.append(*bytes);
  }
  return blob;
}

int64_t WeightsBlob::append(ArrayRef<char> bytes) {
  int64_t offset = totalBytes;
  segments.push_back(bytes);
  totalBytes += llvm::alignTo(bytes.size(), kAlignment);
  return offset;
}

int64_t WeightsBlob::appendSplat(ArrayRef<char> element, int64_t count) {
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(element.size() * count);
  for (int64_t i = 0; i < count; ++i)
    bytes->append(element.begin(), element.end());
  owned.push_back(bytes);
  return append(ArrayRef(bytes->data(), bytes->size()));
}

int64_t WeightsBlob::id() const {
  SmallVector<uint64_t> hashes;
  for (ArrayRef<char> segment : segments) {
    hashes.push_back(segment.size());
    hashes.push_back(llvm::xxh3_64bits(ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(segment.data()), segment.size())));
  }
  for (uint64_t &hash : hashes)
    hash = llvm::support::endian::byte_swap<uint64_t>(
        hash, llvm::endianness::little);
  uint64_t hash = llvm::xxh3_64bits(
      ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(hashes.data()),
                        hashes.size() * sizeof(uint64_t)));
  return static_cast<int64_t>(hash >> 1);
}

std::string WeightsBlob::sha256() const {
  llvm::SHA256 hash;
  static const uint8_t zeros[kAlignment] = {};
  for (ArrayRef<char> segment : segments) {
    hash.update(StringRef(segment.data(), segment.size()));
    hash.update(ArrayRef(zeros, llvm::offsetToAlignment(
                                    segment.size(), llvm::Align(kAlignment))));
  }
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

void WeightsBlob::write(llvm::raw_fd_ostream &os) const {
  for (ArrayRef<char> segment : segments) {
    os.write(segment.data(), segment.size());
    os.write_zeros(llvm::offsetToAlignment(segment.size(),
                                           llvm::Align(kAlignment)));
  }
}

llvm::Error WeightsBlob::writeFile(StringRef path) const {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error, llvm::sys::fs::OF_None);
  if (error)
    return llvm::createFileError(path, error);
  char header[64] = "moptwts";
  using namespace llvm::support;
  endian::write32le(header + 8, 1);
  endian::write32le(header + 12, sizeof(header));
  endian::write64le(header + 16, sizeBytes());
  endian::write64le(header + 24, id());
  os.write(header, sizeof(header));
  write(os);
  os.close();
  if (os.has_error()) {
    error = os.error();
    os.clear_error();
    return llvm::createFileError(path, error);
  }
  return llvm::Error::success();
}
