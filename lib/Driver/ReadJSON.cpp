// A JSON file of a known format and version, whoever wrote it.
#include "ReadJSON.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

Error mopt::refuseFile(StringRef kind, StringRef path, const Twine &why) {
  return createStringError("the " + kind + " '" + path + "' " + why);
}

/// Objects within objects, with room for later versions.
static constexpr int kDeepest = 16;

/// Are there so many brackets within each other that the parser, which calls
/// itself for each, might run out of stack?
static bool isTooDeep(StringRef text) {
  int depth = 0;
  bool isInText = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      isInText = !isInText;
    else if (isInText)
      i += text[i] == '\\';
    else if (text[i] == '[' || text[i] == '{')
      ++depth;
    else if (text[i] == ']' || text[i] == '}')
      --depth;
    if (depth > kDeepest)
      return true;
  }
  return false;
}

Expected<json::Value> mopt::readJSON(StringRef kind, StringRef path,
                                     StringRef format) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return refuseFile(kind, path,
                      "cannot be read: " + buffer.getError().message());
  if (isTooDeep((*buffer)->getBuffer()))
    return refuseFile(kind, path,
                      "is not one: it has objects within objects more than " +
                          Twine(kDeepest) + " deep");
  Expected<json::Value> parsed = json::parse((*buffer)->getBuffer());
  if (!parsed)
    return refuseFile(kind, path,
                      "is not JSON: " + toString(parsed.takeError()));
  const json::Object *root = parsed->getAsObject();
  if (!root || root->getString("format") != format)
    return refuseFile(kind, path,
                      "is not one: expected \"format\": \"" + format + "\"");
  if (root->getInteger("version") != 1)
    return refuseFile(kind, path, "has another version, expected 1");
  return parsed;
}
