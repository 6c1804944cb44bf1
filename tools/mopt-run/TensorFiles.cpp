//===- TensorFiles.cpp - Reading and writing by file name -----------------===//
#include "TensorFiles.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>

using namespace mopt_run;

std::string mopt_run::readFile(const std::string &path, std::string &content) {
  FILE *file = fopen(path.c_str(), "rb");
  if (!file)
    return strerror(errno);
  char buffer[1 << 16];
  content.clear();
  while (size_t length = fread(buffer, 1, sizeof(buffer), file))
    content.append(buffer, length);
  bool failed = ferror(file);
  int error = errno;
  fclose(file);
  return failed ? strerror(error) : "";
}

std::string mopt_run::writeFile(const std::string &path,
                                std::string_view content) {
  FILE *file = fopen(path.c_str(), "wb");
  if (!file)
    return strerror(errno);
  bool failed =
      fwrite(content.data(), 1, content.size(), file) != content.size();
  failed |= fclose(file) != 0;
  return failed ? strerror(errno) : "";
}

static bool endsWith(const std::string &text, const std::string &ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

static std::string readFolder(const std::string &path,
                              const std::string &prefix,
                              std::vector<NamedArray> &arrays) {
  for (int i = 0;; ++i) {
    std::string file = path + "/" + prefix + "_" + std::to_string(i) + ".pb";
    struct stat info;
    if (stat(file.c_str(), &info) != 0)
      return i ? "" : "no file '" + prefix + "_0.pb' in this folder";
    std::string error = readArrays(file, prefix, arrays);
    if (!error.empty())
      return "'" + file + "': " + error;
  }
}

std::string mopt_run::readArrays(const std::string &path,
                                 const std::string &prefix,
                                 std::vector<NamedArray> &arrays) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return readFolder(path, prefix, arrays);
  std::string content;
  std::string error = readFile(path, content);
  if (!error.empty())
    return error;
  if (endsWith(path, ".npz"))
    return parseNpz(content, arrays);
  if (!endsWith(path, ".npy") && !endsWith(path, ".pb"))
    return "expected a file that ends in .npy, .npz or .pb";
  NamedArray array;
  error = endsWith(path, ".npy") ? parseNpy(content, array.array)
                                 : parseTensorProto(content, array);
  if (error.empty())
    arrays.push_back(std::move(array));
  return error;
}
