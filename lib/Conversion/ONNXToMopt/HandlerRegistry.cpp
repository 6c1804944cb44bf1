// The table of ONNX operators, filled family by family.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"

using namespace mopt;

static std::string getKey(llvm::StringRef domain, llvm::StringRef name) {
  if (domain.empty() || domain == "ai.onnx")
    return name.str();
  return (domain + "::" + name).str();
}

void HandlerRegistry::add(llvm::StringRef domain, llvm::StringRef name,
                          int64_t sinceVersion, ONNXHandler handler) {
  entries[getKey(domain, name)][sinceVersion] = handler;
}

ONNXHandler HandlerRegistry::lookup(llvm::StringRef domain,
                                    llvm::StringRef name,
                                    int64_t version) const {
  auto entry = entries.find(getKey(domain, name));
  if (entry == entries.end())
    return nullptr;
  auto newer = entry->second.upper_bound(version);
  return newer == entry->second.begin() ? nullptr : std::prev(newer)->second;
}

const HandlerRegistry &HandlerRegistry::get() {
  static const HandlerRegistry registry = [] {
    HandlerRegistry r;
    populateAttentionHandlers(r);
    populateBlockHandlers(r);
    populateCastHandlers(r);
    populateCausalConvolutionHandlers(r);
    populateChannelNormalizationHandlers(r);
    populateContractionHandlers(r);
    populateContribHandlers(r);
    populateControlFlowHandlers(r);
    populateConvTransposeHandlers(r);
    populateDataMovementHandlers(r);
    populateDeformableConvolutionHandlers(r);
    populateEinsumHandlers(r);
    populateElementwiseHandlers(r);
    populateFlexAttentionHandlers(r);
    populateGatherScatterHandlers(r);
    populateGeneratorHandlers(r);
    populateLinearAttentionHandlers(r);
    populateLossHandlers(r);
    populateMatMulNBitsHandlers(r);
    populateNGramHandlers(r);
    populateNormalizationHandlers(r);
    populateOptimizerHandlers(r);
    populatePoolingHandlers(r);
    populateQuantizationHandlers(r);
    populateQuantizedContractionHandlers(r);
    populateQuantizedContribHandlers(r);
    populateRecurrentHandlers(r);
    populateReductionHandlers(r);
    populateResizeHandlers(r);
    populateRotaryEmbeddingHandlers(r);
    populateSamplingHandlers(r);
    populateSelectionHandlers(r);
    populateSequenceHandlers(r);
    populateShapeHandlers(r);
    populateSignalHandlers(r);
    populateSlicingHandlers(r);
    populateTreeEnsembleHandlers(r);
    return r;
  }();
  return registry;
}
