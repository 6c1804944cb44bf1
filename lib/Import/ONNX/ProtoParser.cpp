// The one place that calls protobuf's parser, which may throw. protobuf bounds
// the nesting of messages (100), and what it allocates by the size of the file.
#include "ProtoParser.h"

#include <google/protobuf/io/zero_copy_stream.h>

#include <algorithm>
#include <new>
#include <sys/mman.h>

using namespace mopt::importer;

namespace {
/// A mapping handed out in chunks; a chunk's pages go back to the system when
/// the next one is asked for.
class MappedStream : public google::protobuf::io::ZeroCopyInputStream {
public:
  explicit MappedStream(llvm::ArrayRef<char> bytes) : bytes(bytes) {}

  bool Next(const void **data, int *size) override {
    if (position == bytes.size())
      return false;
    // Bytes backed up lie in the chunk handed out last; it stays whole.
    size_t consumed = position & ~(kChunkBytes - 1);
    if (consumed > released) {
      madvise(const_cast<char *>(bytes.data()) + released, consumed - released,
              MADV_DONTNEED);
      released = consumed;
    }
    size_t end = std::min(bytes.size(), consumed + kChunkBytes);
    *data = bytes.data() + position;
    *size = static_cast<int>(end - position);
    position = end;
    return true;
  }
  void BackUp(int count) override { position -= count; }
  bool Skip(int count) override {
    size_t step = std::min<size_t>(count, bytes.size() - position);
    position += step;
    return step == static_cast<size_t>(count);
  }
  int64_t ByteCount() const override { return position; }

private:
  static constexpr size_t kChunkBytes = 8 << 20;
  llvm::ArrayRef<char> bytes;
  size_t position = 0, released = 0;
};
} // namespace

std::unique_ptr<pb::ModelProto>
mopt::importer::parseModel(llvm::ArrayRef<char> bytes, bool mappedPages) {
  // The importer has its own words for what is wrong with a file.
  static auto *previous = google::protobuf::SetLogHandler(nullptr);
  (void)previous;
  try {
    auto model = std::make_unique<pb::ModelProto>();
    bool isParsed;
    if (mappedPages) {
      MappedStream stream(bytes);
      isParsed = model->ParseFromZeroCopyStream(&stream);
    } else {
      isParsed =
          model->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    }
    if (isParsed)
      return model;
  } catch (const std::bad_alloc &) {
  } catch (const google::protobuf::FatalException &) {
  }
  return nullptr;
}
