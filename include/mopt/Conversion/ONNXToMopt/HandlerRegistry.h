//===- HandlerRegistry.h - what converts each ONNX operator -----*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_HANDLERREGISTRY_H
#define MOPT_CONVERSION_ONNXTOMOPT_HANDLERREGISTRY_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <string>

namespace mopt {
class OpBinder;

/// Converts one node: binds operands and attributes, emits mopt ops and calls
/// `OpBinder::replace`, or emits an error and fails.
using ONNXHandler = llvm::LogicalResult (*)(OpBinder &binder);

/// Operators by domain, name and the version since which a handler holds.
class HandlerRegistry {
public:
  /// All operators that mopt converts.
  static const HandlerRegistry &get();

  /// A handler of the default domain.
  void add(llvm::StringRef name, int64_t sinceVersion, ONNXHandler handler) {
    add("", name, sinceVersion, handler);
  }
  void add(llvm::StringRef domain, llvm::StringRef name, int64_t sinceVersion,
           ONNXHandler handler);

  /// The newest handler that is not newer than `version`, or null.
  ONNXHandler lookup(llvm::StringRef domain, llvm::StringRef name,
                     int64_t version) const;

  using Versions = std::map<int64_t, ONNXHandler>;
  /// Keyed by "domain::name"; for the default domain by the name alone.
  const std::map<std::string, Versions> &getEntries() const { return entries; }

private:
  std::map<std::string, Versions> entries;
};

/// Writes every operator as JSON: its domain, its name, and the versions since
/// which a handler of its own holds.
void printOperators(llvm::raw_ostream &os);

// One function a family, each in its own file.
void populateAttentionHandlers(HandlerRegistry &registry);
void populateBlockHandlers(HandlerRegistry &registry);
void populateCastHandlers(HandlerRegistry &registry);
void populateCausalConvolutionHandlers(HandlerRegistry &registry);
void populateChannelNormalizationHandlers(HandlerRegistry &registry);
void populateContractionHandlers(HandlerRegistry &registry);
void populateContribHandlers(HandlerRegistry &registry);
void populateControlFlowHandlers(HandlerRegistry &registry);
void populateConvTransposeHandlers(HandlerRegistry &registry);
void populateDataMovementHandlers(HandlerRegistry &registry);
void populateDeformableConvolutionHandlers(HandlerRegistry &registry);
void populateEinsumHandlers(HandlerRegistry &registry);
void populateElementwiseHandlers(HandlerRegistry &registry);
void populateFlexAttentionHandlers(HandlerRegistry &registry);
void populateGatherScatterHandlers(HandlerRegistry &registry);
void populateGeneratorHandlers(HandlerRegistry &registry);
void populateLinearAttentionHandlers(HandlerRegistry &registry);
void populateLossHandlers(HandlerRegistry &registry);
void populateMatMulNBitsHandlers(HandlerRegistry &registry);
void populateNGramHandlers(HandlerRegistry &registry);
void populateNormalizationHandlers(HandlerRegistry &registry);
void populateOptimizerHandlers(HandlerRegistry &registry);
void populatePoolingHandlers(HandlerRegistry &registry);
void populateQuantizationHandlers(HandlerRegistry &registry);
void populateQuantizedContractionHandlers(HandlerRegistry &registry);
void populateQuantizedContribHandlers(HandlerRegistry &registry);
void populateRecurrentHandlers(HandlerRegistry &registry);
void populateReductionHandlers(HandlerRegistry &registry);
void populateResizeHandlers(HandlerRegistry &registry);
void populateRotaryEmbeddingHandlers(HandlerRegistry &registry);
void populateSamplingHandlers(HandlerRegistry &registry);
void populateSelectionHandlers(HandlerRegistry &registry);
void populateSequenceHandlers(HandlerRegistry &registry);
void populateShapeHandlers(HandlerRegistry &registry);
void populateSignalHandlers(HandlerRegistry &registry);
void populateSlicingHandlers(HandlerRegistry &registry);
void populateTreeEnsembleHandlers(HandlerRegistry &registry);
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_HANDLERREGISTRY_H
