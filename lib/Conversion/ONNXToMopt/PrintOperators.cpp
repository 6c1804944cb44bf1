// The table of ONNX operators as JSON, for the support page and for people.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mopt;

static void printOperator(llvm::json::OStream &json, llvm::StringRef key,
                          const HandlerRegistry::Versions &versions) {
  auto [domain, name] = key.rsplit("::");
  bool isDefault = name.empty();
  json.attribute("domain", isDefault ? "ai.onnx" : domain);
  json.attribute("name", isDefault ? domain : name);
  json.attributeArray("since_versions", [&] {
    for (const auto &entry : versions)
      json.value(entry.first);
  });
}

void mopt::printOperators(llvm::raw_ostream &os) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attributeArray("operators", [&] {
      for (const auto &entry : HandlerRegistry::get().getEntries())
        json.object([&] { printOperator(json, entry.first, entry.second); });
    });
  });
  os << "\n";
}
