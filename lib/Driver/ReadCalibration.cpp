// The file that --calibration names, JSON as `mopt.calibrate` writes it, to an
// attribute of the module.
#include "Compilation.h"
#include "ReadJSON.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mopt;

llvm::Error mopt::readCalibration(ModuleOp module, StringRef path,
                                  bool equalized) {
  auto refuse = [&](const Twine &why) {
    return refuseFile("calibration", path, why);
  };
  llvm::Expected<llvm::json::Value> parsed =
      readJSON("calibration", path, "mopt-calibration");
  if (!parsed)
    return parsed.takeError();
  const llvm::json::Object &root = *parsed->getAsObject();
  std::optional<StringRef> model = root.getString("model");
  const llvm::json::Object *layers = root.getObject("layers");
  if (!model || !layers)
    return refuse("has no \"model\" or no \"layers\"");
  // Ranges of other channels would fit no layer's input.
  if (root.getBoolean("equalized").value_or(false) != equalized)
    return refuse(equalized
                      ? "was made without --equalize, which the library "
                        "of --instrument=ranges needs too"
                      : "was made with --equalize, which quantizing needs "
                        "too");
  Builder b(module.getContext());
  NamedAttrList ranges, means;
  for (const auto &[key, value] : *layers) {
    const llvm::json::Object *layer = value.getAsObject();
    SmallVector<double> numbers;
    for (StringRef name : {"low", "high", "relative_noise"}) {
      std::optional<double> number =
          layer ? layer->getNumber(name) : std::nullopt;
      if (!number)
        return refuse("has no number '" + name + "' for '" + key.str() + "'");
      numbers.push_back(*number);
    }
    ranges.set(key.str(), b.getDenseF64ArrayAttr(numbers));
    // Files of before there were means have none.
    const llvm::json::Value *given = layer->get("means");
    if (!given)
      continue;
    const llvm::json::Array *list = given->getAsArray();
    SmallVector<double> channels;
    for (const llvm::json::Value &entry : list ? *list : llvm::json::Array()) {
      std::optional<double> number = entry.getAsNumber();
      if (!number)
        break;
      channels.push_back(*number);
    }
    if (!list || channels.size() != list->size())
      return refuse("has no array of numbers as 'means' for '" + key.str() +
                    "'");
    means.set(key.str(), b.getDenseF64ArrayAttr(channels));
  }
  module->setAttr(
      kCalibrationAttr,
      b.getDictionaryAttr(
          {b.getNamedAttr("model", b.getStringAttr(*model)),
           b.getNamedAttr("ranges", ranges.getDictionary(b.getContext())),
           b.getNamedAttr("means", means.getDictionary(b.getContext()))}));
  return llvm::Error::success();
}
