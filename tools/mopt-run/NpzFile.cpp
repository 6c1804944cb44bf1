//===- NpzFile.cpp - NumPy's archives of arrays ---------------------------===//
//
// ZIP as NumPy writes it, with 64-bit sizes where files are large. Every offset
// is checked: the file may be damaged.
//
//===----------------------------------------------------------------------===//
#include "TensorFiles.h"
#ifdef MOPT_RUN_ZLIB
#include <zlib.h>
#endif

using namespace mopt_run;

static uint64_t number(std::string_view content, size_t offset, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value |= uint64_t(uint8_t(content[offset + i])) << (8 * i);
  return value;
}

namespace {
struct Member {
  std::string name;
  uint64_t method, packedBytes, bytes, offset;
};
} // namespace

/// Replaces sizes that do not fit 32 bits by those of the member's extra field.
static void readLargeSizes(std::string_view extra, Member &member) {
  while (extra.size() >= 4) {
    uint64_t id = number(extra, 0, 2), length = number(extra, 2, 2);
    extra.remove_prefix(4);
    if (length > extra.size())
      return;
    std::string_view field = extra.substr(0, length);
    extra.remove_prefix(length);
    if (id != 1)
      continue;
    for (uint64_t *value : {&member.bytes, &member.packedBytes, &member.offset})
      if (*value == 0xffffffff && field.size() >= 8) {
        *value = number(field, 0, 8);
        field.remove_prefix(8);
      }
  }
}

static std::string inflateMember(std::string_view packed, uint64_t bytes,
                                 std::string &content) {
#ifdef MOPT_RUN_ZLIB
  // Deflate expands 1032-fold at most.
  if (bytes / 1032 > packed.size())
    return "a member of the archive is damaged";
  content.resize(bytes);
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.next_out = reinterpret_cast<Bytef *>(content.data());
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return "no memory to decompress";
  size_t inLeft = packed.size(), outLeft = bytes;
  int result = Z_OK;
  while (result == Z_OK) {
    uInt in = uInt(std::min<size_t>(inLeft, 1 << 30));
    uInt out = uInt(std::min<size_t>(outLeft, 1 << 30));
    stream.avail_in = in;
    stream.avail_out = out;
    result = inflate(&stream, Z_NO_FLUSH);
    inLeft -= in - stream.avail_in;
    outLeft -= out - stream.avail_out;
    if (in == stream.avail_in && out == stream.avail_out)
      break;
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && outLeft == 0
             ? ""
             : "a member of the archive is damaged";
#else
  return "the archive is compressed, and this tool was built without zlib; "
         "write it with numpy.savez";
#endif
}

/// Parses the entry of the central directory at `at` and moves past it.
static bool readMember(std::string_view content, size_t &at, Member &member) {
  if (at > content.size() || content.size() - at < 46 ||
      content.substr(at, 4) != "PK\x01\x02")
    return false;
  member.method = number(content, at + 10, 2);
  member.packedBytes = number(content, at + 20, 4);
  member.bytes = number(content, at + 24, 4);
  member.offset = number(content, at + 42, 4);
  size_t name = number(content, at + 28, 2),
         extra = number(content, at + 30, 2);
  size_t comment = number(content, at + 32, 2);
  if (content.size() - at - 46 < name + extra + comment)
    return false;
  member.name = content.substr(at + 46, name);
  readLargeSizes(content.substr(at + 46 + name, extra), member);
  at += 46 + name + extra + comment;
  return true;
}

/// The bytes of a member as the archive stores them.
static bool findData(std::string_view content, const Member &member,
                     std::string_view &data) {
  if (member.offset > content.size() || content.size() - member.offset < 30 ||
      content.substr(member.offset, 4) != "PK\x03\x04")
    return false;
  size_t begin = member.offset + 30 + number(content, member.offset + 26, 2) +
                 number(content, member.offset + 28, 2);
  if (begin > content.size() || content.size() - begin < member.packedBytes)
    return false;
  data = content.substr(begin, member.packedBytes);
  return true;
}

/// Where the central directory starts and how many entries it has.
static bool findDirectory(std::string_view content, size_t &at,
                          uint64_t &count) {
  size_t end = content.rfind("PK\x05\x06");
  if (end == content.npos || content.size() - end < 22)
    return false;
  count = number(content, end + 10, 2);
  at = number(content, end + 16, 4);
  // The 64-bit record is found through a locator just before.
  if (end >= 20 && content.substr(end - 20, 4) == "PK\x06\x07") {
    uint64_t record = number(content, end - 12, 8);
    if (record > content.size() || content.size() - record < 56)
      return false;
    count = number(content, record + 32, 8);
    at = number(content, record + 48, 8);
  }
  return true;
}

std::string mopt_run::parseNpz(std::string_view content,
                               std::vector<NamedArray> &arrays) {
  size_t at;
  uint64_t count;
  if (!findDirectory(content, at, count))
    return "not a .npz file";
  for (uint64_t i = 0; i < count; ++i) {
    Member member;
    std::string_view data;
    if (!readMember(content, at, member) || !findData(content, member, data))
      return "the archive is damaged";
    std::string inflated;
    if (member.method == 8) {
      std::string error = inflateMember(data, member.bytes, inflated);
      if (!error.empty())
        return error;
      data = inflated;
    } else if (member.method != 0) {
      return "the archive is compressed by a method other than deflate";
    }
    NamedArray array;
    array.name = member.name;
    if (array.name.size() > 4 &&
        array.name.compare(array.name.size() - 4, 4, ".npy") == 0)
      array.name.resize(array.name.size() - 4);
    std::string error = parseNpy(data, array.array);
    if (!error.empty())
      return "'" + array.name + "': " + error;
    arrays.push_back(std::move(array));
  }
  return "";
}
