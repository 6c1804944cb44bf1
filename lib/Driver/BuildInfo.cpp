// The certificate inside a library: what made it, for what, with what options.
// Nothing that differs between runs: no paths, times or thread counts.
#include "Compilation.h"

#include "mopt-c/Model.h"
#include "mopt/Support/Version.h"
#include "mopt/Target/TargetRegistry.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mopt;

static llvm::json::Object describe(const TargetInfo &target) {
  return llvm::json::Object{
      {"name", target.name},         {"triple", target.triple},
      {"cpu", target.cpu},           {"tune", target.tune},
      {"features", target.features}, {"vector_bits", target.vectorBits}};
}

static llvm::json::Array makeTargets(llvm::ArrayRef<CompiledVariant> variants) {
  llvm::json::Array targets;
  for (const CompiledVariant &variant : variants) {
    llvm::json::Object entry = describe(variant.target);
    entry["name"] = variant.getName();
    // What holds for the library as a whole is the first one's.
    if (variants.size() > 1) {
      entry["quantization"] = getQuantizedLayers(variant.module);
      entry["sparsity"] = getSparseLayers(variant.module);
    }
    targets.push_back(std::move(entry));
  }
  // There is one device, which is preferred.
  if (variants.front().device)
    targets.push_back(describe(*variants.front().device));
  return targets;
}

std::string mopt::makeBuildInfo(const CompileOptions &options,
                                llvm::ArrayRef<CompiledVariant> variants,
                                const WeightsBlob &weights) {
  mlir::ModuleOp module = variants.front().module;
  static constexpr const char *numerics[] = {"strict", "default", "fast"};
  static constexpr const char *sanitizers[] = {"none", "address", "thread"};
  llvm::json::Object shapes, dims;
  for (auto &[name, shape] : options.shapes) {
    llvm::json::Array sizes;
    for (int64_t size : shape)
      sizes.push_back(size);
    shapes[name] = std::move(sizes);
  }
  for (auto &[name, size] : options.dims)
    dims[name] = size;
  llvm::json::Object info{
      {"mopt_version", MOPT_VERSION},
      {"llvm_version", LLVM_VERSION_STRING},
      {"abi_version", MOPT_MODEL_ABI_VERSION},
      {"targets", makeTargets(variants)},
      {"weights", llvm::json::Object{{"bytes", weights.sizeBytes()},
                                     {"sha256", weights.sha256()}}},
      {"quantization", getQuantizedLayers(module)},
      {"sparsity", getSparseLayers(module)},
      {"options",
       llvm::json::Object{
           {"opt_level", options.optLevel},
           {"numerics", numerics[static_cast<int>(options.numerics)]},
           {"sanitize", sanitizers[static_cast<int>(options.sanitizer)]},
           {"pipeline", options.referencePipeline ? "reference" : "default"},
           {"profile", options.profile},
           {"fallback", options.fallback},
           {"quantize",
            llvm::json::Object{{"mode", options.quantize.mode},
                               {"group", options.quantize.group},
                               {"symmetric", options.quantize.symmetric}}},
           {"equalize", options.equalize},
           {"precision", options.precision},
           {"max_drop", options.maxDrop},
           {"sparsity", options.sparsity},
           {"prune", options.prune},
           {"shapes", std::move(shapes)},
           {"dims", std::move(dims)}}}};
  llvm::json::Value instrumented = getInstrumentation(module);
  if (instrumented.kind() != llvm::json::Value::Null)
    info["instrumented"] = std::move(instrumented);
  llvm::json::Value equalized = getEqualizedLayers(module);
  if (equalized.kind() != llvm::json::Value::Null)
    info["equalization"] = std::move(equalized);
  return llvm::formatv("{0}", llvm::json::Value(std::move(info))).str();
}
