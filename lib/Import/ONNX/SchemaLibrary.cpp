// The schemas' data, parsed once on first use.
#include "SchemaLibrary.h"

#include "ProtoParser.h"
#include "SchemaData.h"

using namespace mopt::importer;

SchemaLibrary::SchemaLibrary()
    : model(parseModel(
          {reinterpret_cast<const char *>(kSchemaData), kSchemaBytes},
          /*mappedPages=*/false)) {
  assert(model && "the build wrote a model");
  for (const pb::OperatorSetIdProto &import : model->opset_import())
    newestVersions[import.domain()] = import.version();
  for (const pb::FunctionProto &function : model->functions()) {
    int64_t since = 0;
    llvm::StringRef(function.overload()).getAsInteger(10, since);
    operators[function.domain() + "." + function.name()].push_back(
        {since, &function});
  }
}

const SchemaLibrary &SchemaLibrary::get() {
  static const SchemaLibrary library;
  return library;
}

const pb::FunctionProto *SchemaLibrary::findBody(llvm::StringRef domain,
                                                 llvm::StringRef name,
                                                 int64_t version) const {
  const pb::FunctionProto *newest = nullptr;
  auto found = operators.find((domain + "." + name).str());
  if (found != operators.end())
    for (const Version &candidate : found->second)
      if (candidate.since <= version)
        newest = candidate.function;
  return newest && newest->node_size() ? newest : nullptr;
}
