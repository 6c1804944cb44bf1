// The file that --calibration names, JSON as `mopt.calibrate` writes it, to an
// attribute of the module.
#include "Compilation.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mopt;

static llvm::Error refuse(StringRef path, const Twine &why) {
  return llvm::createStringError("the calibration '" + path + "' " + why);
}

/// Objects within objects of a calibration, with room for later versions.
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

llvm::Error mopt::readCalibration(ModuleOp module, StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return refuse(path, "cannot be read: " + buffer.getError().message());
  if (isTooDeep((*buffer)->getBuffer()))
    return refuse(path, "is not one: it has objects within objects more than " +
                            Twine(kDeepest) + " deep");
  llvm::Expected<llvm::json::Value> parsed =
      llvm::json::parse((*buffer)->getBuffer());
  if (!parsed)
    return refuse(path, "is not JSON: " + llvm::toString(parsed.takeError()));
  const llvm::json::Object *root = parsed->getAsObject();
  if (!root || root->getString("format") != "mopt-calibration")
    return refuse(path,
                  "is not one: expected \"format\": \"mopt-calibration\"");
  if (root->getInteger("version") != 1)
    return refuse(path, "has another version, expected 1");
  std::optional<StringRef> model = root->getString("model");
  const llvm::json::Object *layers = root->getObject("layers");
  if (!model || !layers)
    return refuse(path, "has no \"model\" or no \"layers\"");
  Builder b(module.getContext());
  NamedAttrList ranges;
  for (const auto &[key, value] : *layers) {
    const llvm::json::Object *layer = value.getAsObject();
    SmallVector<double> numbers;
    for (StringRef name : {"low", "high", "relative_noise"}) {
      std::optional<double> number =
          layer ? layer->getNumber(name) : std::nullopt;
      if (!number)
        return refuse(path,
                      "has no number '" + name + "' for '" + key.str() + "'");
      numbers.push_back(*number);
    }
    ranges.set(key.str(), b.getDenseF64ArrayAttr(numbers));
  }
  module->setAttr(
      kCalibrationAttr,
      b.getDictionaryAttr(
          {b.getNamedAttr("model", b.getStringAttr(*model)),
           b.getNamedAttr("ranges", ranges.getDictionary(b.getContext()))}));
  return llvm::Error::success();
}
