//===- TuneLayers.h - measured instead of estimated choices -----*- C++ -*-===//

#ifndef MOPT_DRIVER_TUNELAYERS_H
#define MOPT_DRIVER_TUNELAYERS_H

#include "mopt/Driver/Compile.h"

#include "mlir/IR/BuiltinOps.h"
#include <map>

namespace mopt {

/// A product at level legal that can be computed in more than one way.
struct TunedLayer {
  mlir::Operation *op;
  /// Its ONNX nodes, with a number where they make several products: the same
  /// in every compilation of a model.
  std::string key;
  /// Values of kArithmeticAttr.
  llvm::SmallVector<llvm::StringRef> choices;
};

/// What was measured of a layer.
struct LayerMeasurement {
  /// One of the layer's choices, or kRuleChoice.
  std::string choice;
  /// Of each choice, median.
  std::map<std::string, double> microseconds;
};

/// Measurements of a model's layers by key, for one target.
struct TuningRecord {
  /// SHA-256, in hexadecimal, of the layers' keys, types and constants.
  std::string model;
  std::string target;
  std::map<std::string, LayerMeasurement> layers;
};

/// The choice where none is faster for sure.
inline constexpr llvm::StringLiteral kRuleChoice = "rule";

/// Layers of static shapes, in their order.
std::vector<TunedLayer> findTunedLayers(mlir::ModuleOp module);

/// TuningRecord::model of these layers.
std::string hashLayers(llvm::ArrayRef<TunedLayer> layers);

/// Compiles each layer by itself in each way, and times these on this machine,
/// on one thread, for `seconds` in all. Layers that are alike are measured
/// once; those that time did not suffice for are not in the result. The error
/// says why nothing can be measured.
llvm::Expected<TuningRecord> measureLayers(mlir::ModuleOp module,
                                           llvm::ArrayRef<TunedLayer> layers,
                                           const CompileOptions &options,
                                           double seconds);

/// Marks the products with their choices, and the layers that
/// noteQuantizedLayers and noteSparseLayers have named with the times.
void applyTuning(mlir::ModuleOp module, llvm::ArrayRef<TunedLayer> layers,
                 const TuningRecord &record);

/// The file that --tune-record names. The error says what is wrong with it, or
/// that it is of other layers or for another target.
llvm::Expected<TuningRecord> readTuningRecord(llvm::StringRef path,
                                              llvm::ArrayRef<TunedLayer> layers,
                                              llvm::StringRef target);
llvm::Error writeTuningRecord(const TuningRecord &record, llvm::StringRef path);
} // namespace mopt

#endif // MOPT_DRIVER_TUNELAYERS_H
