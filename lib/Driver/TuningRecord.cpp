// What --tune has measured, as a file of JSON that --tune-record names.
#include "ReadJSON.h"
#include "TuneLayers.h"

#include "mopt/Target/WriteFile.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mopt;
using llvm::StringRef;

static constexpr llvm::StringLiteral kKind = "tuning record",
                                     kFormat = "mopt-tuning", kUnit = "_us";

llvm::Expected<TuningRecord>
mopt::readTuningRecord(StringRef path, llvm::ArrayRef<TunedLayer> layers,
                       StringRef target) {
  auto refuse = [&](const llvm::Twine &why) {
    return refuseFile(kKind, path, why);
  };
  llvm::Expected<llvm::json::Value> parsed = readJSON(kKind, path, kFormat);
  if (!parsed)
    return parsed.takeError();
  const llvm::json::Object &root = *parsed->getAsObject();
  std::optional<StringRef> ofModel = root.getString("model"),
                           ofTarget = root.getString("target");
  const llvm::json::Object *entries = root.getObject("layers");
  if (!ofModel || !ofTarget || !entries)
    return refuse("has no \"model\", no \"target\" or no \"layers\"");
  if (ofTarget != target)
    return refuse("is for the target '" + *ofTarget + "', found '" + target +
                  "'");
  TuningRecord record{hashLayers(layers), target.str(), {}};
  if (ofModel != record.model)
    return refuse("is of another model, or of other options or shapes");
  for (const TunedLayer &layer : layers) {
    const llvm::json::Value *entry = entries->get(layer.key);
    if (!entry)
      continue;
    const llvm::json::Object *fields = entry->getAsObject();
    std::optional<StringRef> choice =
        fields ? fields->getString("choice") : std::nullopt;
    if (!choice ||
        (*choice != kRuleChoice && !llvm::is_contained(layer.choices, *choice)))
      return refuse("has no \"choice\" that the layer '" + layer.key + "' has");
    LayerMeasurement &measured = record.layers[layer.key];
    measured.choice = choice->str();
    for (StringRef name : layer.choices)
      if (std::optional<double> time =
              fields->getNumber(name.str() + kUnit.str()))
        measured.microseconds[name.str()] = *time;
  }
  return record;
}

llvm::Error mopt::writeTuningRecord(const TuningRecord &record,
                                    StringRef path) {
  llvm::json::Object layers;
  for (const auto &[key, layer] : record.layers) {
    llvm::json::Object fields{{"choice", layer.choice}};
    for (const auto &[name, time] : layer.microseconds)
      fields[name + kUnit.str()] = time;
    layers[key] = std::move(fields);
  }
  llvm::json::Object root{{"format", kFormat},
                          {"version", 1},
                          {"model", record.model},
                          {"target", record.target},
                          {"layers", std::move(layers)}};
  return writeFile(
      path, llvm::formatv("{0:2}\n", llvm::json::Value(std::move(root))).str());
}
