// The table of ONNX operators as JSON, for the support page and for people.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mopt;

void mopt::printOperators(llvm::raw_ostream &os) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attributeArray("operators", [&] {
      for (const auto &[key, versions] : HandlerRegistry::get().getEntries()) {
        auto [domain, name] = llvm::StringRef(key).rsplit("::");
        if (name.empty())
          std::swap(domain, name);
        json.object([&] {
          json.attribute("domain", domain.empty() ? "ai.onnx" : domain);
          json.attribute("name", name);
          json.attributeArray("since_versions", [&] {
            for (const auto &[version, handler] : versions)
              json.value(version);
          });
        });
      }
    });
  });
  os << "\n";
}
