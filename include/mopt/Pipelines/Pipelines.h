//===- Pipelines.h - the passes from level to level -------------*- C++ -*-===//

#ifndef MOPT_PIPELINES_PIPELINES_H
#define MOPT_PIPELINES_PIPELINES_H

#include "mopt/Support/Numerics.h"
#include "mopt/Support/QuantizeOptions.h"

#include "mlir/Pass/PassManager.h"

namespace mopt {
/// What the pipelines need to know beside the module.
struct PipelineOptions {
  /// 0 to 3: at 0 every op is a kernel of its own.
  unsigned optLevel = 3;
  /// No fusion, anchors or parallel loops: slow and plainly right, the oracle
  /// of numerics tests.
  bool reference = false;
  Numerics numerics = Numerics::Default;
  QuantizeOptions quantize;
  /// The type of products' operands: f32, bf16 or f16.
  std::string precision = "f32";
  /// auto, off, or N:M that weights must have.
  std::string sparsity = "auto";
  /// N:M or unstructured:SHARE to impose on weights; empty for nothing.
  std::string prune;
  /// With static-int8: the largest loss of accuracy; below 0: any.
  double maxDrop = -1;
  /// Scale channels between layers by powers of two.
  bool equalize = false;
  /// Return statistics of the values that could be quantized.
  bool instrumentRanges = false;
  /// Say which micro-kernels were chosen.
  bool remarks = false;
  /// Count the calls of kernels and their time.
  bool profile = false;
  /// The module's target is a device beside a host.
  bool device = false;
};

// Each moves exactly one level boundary, see docs/Architecture.md.
void buildGraphPipeline(mlir::OpPassManager &pm,
                        const PipelineOptions &options);
void buildLegalizePipeline(mlir::OpPassManager &pm,
                           const PipelineOptions &options);
void buildKernelPipeline(mlir::OpPassManager &pm,
                         const PipelineOptions &options);
void buildStructuredPipeline(mlir::OpPassManager &pm,
                             const PipelineOptions &options);
void buildCodegenPipeline(mlir::OpPassManager &pm,
                          const PipelineOptions &options);
void buildBufferPipeline(mlir::OpPassManager &pm,
                         const PipelineOptions &options);
void buildLowerPipeline(mlir::OpPassManager &pm,
                        const PipelineOptions &options);

/// All of them, from onnx to llvm.
void buildDefaultPipeline(mlir::OpPassManager &pm,
                          const PipelineOptions &options);

/// Registers them under their names for mopt-opt.
void registerPipelines();
} // namespace mopt

#endif // MOPT_PIPELINES_PIPELINES_H
