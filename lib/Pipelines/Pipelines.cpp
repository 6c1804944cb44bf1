// The pipelines, each from one level to the next.
#include "mopt/Pipelines/Pipelines.h"

#include "mopt/Codegen/Passes.h"
#include "mopt/Conversion/Passes.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mopt;

/// Upstream's canonicalizer without a pattern that gives what a loop carries
/// the static type of its initial value: sizes may change from one iteration to
/// the next.
static std::unique_ptr<Pass> createCanonicalizer() {
  return createCanonicalizerPass(
      GreedyRewriteConfig(), {"(anonymous namespace)::ForOpTensorCastFolder"});
}

void mopt::buildGraphPipeline(OpPassManager &pm,
                              const PipelineOptions &options) {
  pm.addPass(createAssignTarget());
  pm.addPass(createConvertONNXToMopt());
  pm.addPass(createCanonicalizer());
  pm.addNestedPass<func::FuncOp>(createFoldEmpty());
  if (!options.reference) {
    pm.addNestedPass<func::FuncOp>(createFoldConstants());
    pm.addNestedPass<func::FuncOp>(createFoldBatchNorm());
    pm.addNestedPass<func::FuncOp>(createFoldConstants());
    pm.addNestedPass<func::FuncOp>(createHoistGather());
    pm.addNestedPass<func::FuncOp>(createHoistSlices());
    if (options.numerics != Numerics::Strict) {
      pm.addNestedPass<func::FuncOp>(createSinkScales());
      pm.addNestedPass<func::FuncOp>(createRecognizeNormalization());
    }
    if (options.device) {
      pm.addNestedPass<func::FuncOp>(createMergeProducts());
      pm.addNestedPass<func::FuncOp>(createFoldConstants());
      pm.addNestedPass<func::FuncOp>(createHoistSlices());
    }
  }
  pm.addPass(createCSEPass());
}

void mopt::buildLegalizePipeline(OpPassManager &pm,
                                 const PipelineOptions &options) {
  PruneWeightsOptions prune;
  prune.pattern = options.prune;
  pm.addNestedPass<func::FuncOp>(createPruneWeights(prune));
  if (options.equalize)
    pm.addPass(createEqualizeChannels());
  if (options.instrumentRanges)
    pm.addPass(createInstrumentRanges());
  if (options.quantize.mode == "static-int8") {
    QuantizeStaticallyOptions calibrated;
    calibrated.maxDrop = options.maxDrop;
    pm.addPass(createQuantizeStatically(calibrated));
  } else {
    InsertQuantizationOptions insert;
    insert.mode =
        options.precision == "fp8" ? "dynamic-fp8" : options.quantize.mode;
    insert.group = options.quantize.group;
    insert.symmetric = options.quantize.symmetric;
    pm.addNestedPass<func::FuncOp>(createInsertQuantization(insert));
  }
  ReducePrecisionOptions reduce;
  // What is left of a model in 8 bits. Operands of tf32 are f32.
  reduce.type = options.precision == "fp8"    ? "f16"
                : options.precision == "tf32" ? "f32"
                                              : options.precision;
  reduce.remarks = options.remarks;
  pm.addNestedPass<func::FuncOp>(createReducePrecision(reduce));
  if (options.reference)
    return;
  pm.addNestedPass<func::FuncOp>(createPropagateQuantization());
  pm.addNestedPass<func::FuncOp>(createFoldConstants());
  // Strict numerics compute in integers only what the file says. A table holds
  // what the operators give.
  if (options.numerics != Numerics::Strict)
    pm.addNestedPass<func::FuncOp>(createNormalizeSigns());
  pm.addNestedPass<func::FuncOp>(createTabulateFunctions());
  if (options.numerics != Numerics::Strict) {
    LegalizeQuantizationOptions legalize;
    legalize.remarks = options.remarks;
    pm.addNestedPass<func::FuncOp>(createLegalizeQuantization(legalize));
  }
  MultiplySmallFloatsOptions small;
  small.exact = options.numerics == Numerics::Strict;
  small.remarks = options.remarks;
  pm.addNestedPass<func::FuncOp>(createMultiplySmallFloats(small));
  EncodeSparsityOptions encode;
  encode.mode = options.sparsity;
  pm.addNestedPass<func::FuncOp>(createEncodeSparsity(encode));
}

void mopt::buildKernelPipeline(OpPassManager &pm,
                               const PipelineOptions &options) {
  SelectSparsityOptions sparsity;
  // A zero weight times infinity is NaN, unless it is left out.
  sparsity.sparse = options.optLevel > 0 && !options.reference &&
                            options.numerics != Numerics::Strict
                        ? "auto"
                        : "never";
  // For the report, which has them without -v too.
  sparsity.remarks = true;
  pm.addNestedPass<func::FuncOp>(createSelectSparsity(sparsity));
  if (!options.reference) {
    if (options.optLevel > 0) {
      PackBlockWeightsOptions pack;
      pack.exact = options.numerics == Numerics::Strict;
      pack.remarks = options.remarks;
      pm.addNestedPass<func::FuncOp>(createPackBlockWeights(pack));
    }
    SelectSchemesOptions select;
    select.narrowWeights = options.numerics != Numerics::Strict;
    select.remarks = options.remarks;
    pm.addNestedPass<func::FuncOp>(createSelectSchemes(select));
    FoldConstantsOptions fold;
    fold.dequantize = true;
    pm.addNestedPass<func::FuncOp>(createFoldConstants(fold));
    if (options.numerics != Numerics::Strict)
      pm.addNestedPass<func::FuncOp>(createMergeScales());
  }
  FormKernelsOptions form;
  form.fuse = options.optLevel > 0 && !options.reference;
  if (form.fuse) {
    pm.addNestedPass<func::FuncOp>(createWidenSums());
    pm.addNestedPass<func::FuncOp>(createPropagateLayout());
    // Bytes are less to transpose than floats.
    pm.addNestedPass<func::FuncOp>(createPropagateQuantization());
    SelectWinogradOptions winograd;
    winograd.floats = options.numerics != Numerics::Strict;
    pm.addNestedPass<func::FuncOp>(createSelectWinograd(winograd));
    pm.addPass(createCanonicalizer());
    pm.addPass(createCSEPass());
  }
  pm.addNestedPass<func::FuncOp>(createFormKernels(form));
  pm.addPass(createOutlineKernels());
}

void mopt::buildStructuredPipeline(OpPassManager &pm,
                                   const PipelineOptions &options) {
  bool hasAnchors = options.optLevel > 0 && !options.reference;
  if (hasAnchors) {
    ConvertSparseAnchorsOptions sparse;
    sparse.remarks = options.remarks;
    pm.addPass(createConvertSparseAnchors(sparse));
    SelectMicrokernelsOptions select;
    select.remarks = options.remarks;
    select.shortened = options.precision == "tf32";
    pm.addPass(createSelectMicrokernels(select));
    pm.addPass(createConvertAnchors());
  }
  pm.addPass(createConvertMoptToLinalg());
  pm.addPass(createPackBoundary());
  pm.addPass(createCanonicalizer());
  pm.addPass(createCSEPass());
  if (hasAnchors) {
    pm.addPass(createFoldWeightPacking());
    pm.addPass(createFoldBroadcastReads());
    pm.addNestedPass<func::FuncOp>(createLinalgElementwiseOpFusionPass());
    pm.addPass(createFuseEpilogue());
    pm.addPass(createSplitWeightPairs());
    pm.addPass(createSimplifyRounding());
    pm.addPass(createFuseSteps());
    if (options.numerics != Numerics::Strict) {
      pm.addPass(createDivideByProducts());
      if (options.device)
        pm.addPass(createFuseAttention());
    }
    pm.addPass(createCanonicalizer());
    pm.addPass(createCSEPass());
  }
  pm.addNestedPass<func::FuncOp>(createBindDestinations());
  pm.addPass(createShareKernels());
}

void mopt::buildCodegenPipeline(OpPassManager &pm,
                                const PipelineOptions &options) {
  if (options.reference)
    return;
  if (options.device) {
    // Grids are made of whole ops.
    pm.addPass(createCanonicalizer());
    pm.addPass(createCSEPass());
    return;
  }
  pm.addPass(createTileAnchors());
  pm.addNestedPass<func::FuncOp>(createTileKernels());
  pm.addPass(createCanonicalizer());
  // Tiling clones a producer for each of its users.
  pm.addPass(createCSEPass());
  if (options.numerics != Numerics::Strict)
    pm.addPass(createReassociateReductions());
}

void mopt::buildBufferPipeline(OpPassManager &pm,
                               const PipelineOptions &options) {
  pm.addNestedPass<func::FuncOp>(createExpandPads());
  pm.addPass(createBufferizeTensors());
  pm.addNestedPass<func::FuncOp>(createReturnDestinations());
  pm.addPass(bufferization::createDropEquivalentBufferResultsPass());
  pm.addPass(createCSEPass());
  pm.addPass(createCanonicalizer());
  // Loops hid what is returned until they were simplified. A device cannot
  // allocate what would be returned otherwise.
  if (options.device) {
    pm.addPass(bufferization::createDropEquivalentBufferResultsPass());
    pm.addNestedPass<func::FuncOp>(createReadPads());
  }
  HoistScratchOptions scratch;
  scratch.everything = options.device;
  pm.addPass(createHoistScratch(scratch));
  pm.addNestedPass<func::FuncOp>(createHoistShapes());
  pm.addPass(createCanonicalizer());
  pm.addPass(createCSEPass());
  pm.addPass(createBindOutputs());
  pm.addPass(createPlanMemory());
  if (!options.reference && !options.device)
    pm.addNestedPass<func::FuncOp>(createParallelizeCopies());
}

/// What computes goes to the device; launches are left, and what has no form
/// there.
static void addDevicePasses(OpPassManager &pm, const PipelineOptions &options) {
  bool strict = options.numerics == Numerics::Strict;
  MapToGridOptions grid;
  grid.reassociate = !strict;
  pm.addPass(createMapToGrid(grid));
  pm.addPass(createWaitForDevice());
  OpPassManager &device = pm.nest<gpu::GPUModuleOp>();
  device.addPass(createCanonicalizer());
  device.addPass(createCSEPass());
  // There is no libm to stay with.
  ApproximateMathOptions approximate;
  approximate.instructions = !strict;
  device.addPass(createApproximateMath(approximate));
  EmitDeviceCodeOptions emit;
  emit.strict = strict;
  pm.addPass(createEmitDeviceCode(emit));
  // What is left to the host.
  OpPassManager &host = pm.nest<func::FuncOp>();
  host.addPass(createConvertLinalgToLoopsPass());
  if (!strict)
    host.addPass(createApproximateMath());
  host.addPass(createExpandBrainFloats());
}

/// What computes becomes loops for the processor and its threads.
static void addProcessorPasses(OpPassManager &pm,
                               const PipelineOptions &options) {
  if (options.profile)
    pm.addPass(createProfileKernels());
  if (options.numerics == Numerics::Fast)
    pm.addPass(createRelaxFloats());
  ExpandMicrokernelsOptions expand;
  expand.contract = options.numerics != Numerics::Strict;
  pm.addPass(createExpandMicrokernels(expand));
  if (!options.reference) {
    pm.addPass(createExpandLookups());
    pm.addPass(createGatherLookups());
    OrderSumsOptions order;
    order.everywhere = options.numerics == Numerics::Strict;
    pm.addPass(createOrderSums(order));
    pm.addPass(createInterleaveSums());
    pm.addPass(createConvertRounding());
  }
  pm.addNestedPass<func::FuncOp>(createCanonicalizer());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  if (options.optLevel > 1 && !options.reference) {
    pm.addNestedPass<func::FuncOp>(createCanonicalizer());
    pm.addNestedPass<func::FuncOp>(createUnrollLoops());
  }
  // The reference pipeline stays with libm, as an oracle should, and so does
  // who asks for strict numerics.
  if (!options.reference && options.numerics != Numerics::Strict)
    pm.addNestedPass<func::FuncOp>(createApproximateMath());
  ExpandBrainFloatsOptions narrow;
  narrow.instructions =
      options.precision == "bf16" && options.numerics != Numerics::Strict;
  pm.addNestedPass<func::FuncOp>(createExpandBrainFloats(narrow));
  pm.addPass(createLowerParallel());
}

void mopt::buildLowerPipeline(OpPassManager &pm,
                              const PipelineOptions &options) {
  if (options.device)
    addDevicePasses(pm, options);
  else
    addProcessorPasses(pm, options);
  pm.addPass(createGenerateSizeQueries());
  pm.addPass(createGenerateABI());
  pm.addNestedPass<func::FuncOp>(memref::createExpandOpsPass());
  pm.addPass(createResolveExpandShapes());
  pm.addNestedPass<func::FuncOp>(memref::createExpandStridedMetadataPass());
  pm.addNestedPass<func::FuncOp>(createLowerAffinePass());
  pm.addNestedPass<func::FuncOp>(createCanonicalizer());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createSCFToControlFlowPass());
  pm.addNestedPass<func::FuncOp>(createConvertVectorToLLVMPass());
  pm.addPass(createLowerToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCanonicalizer());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCSEPass());
}

void mopt::buildDefaultPipeline(OpPassManager &pm,
                                const PipelineOptions &options) {
  buildGraphPipeline(pm, options);
  buildLegalizePipeline(pm, options);
  buildKernelPipeline(pm, options);
  buildStructuredPipeline(pm, options);
  buildCodegenPipeline(pm, options);
  buildBufferPipeline(pm, options);
  buildLowerPipeline(pm, options);
}

void mopt::registerPipelines() {
  using Builder = void (*)(OpPassManager &, const PipelineOptions &);
  static constexpr std::tuple<const char *, const char *, Builder> pipelines[] =
      {{"mopt-graph-pipeline", "from onnx to graph", buildGraphPipeline},
       {"mopt-legalize-pipeline", "from graph to legal", buildLegalizePipeline},
       {"mopt-kernel-pipeline", "from legal to kernels", buildKernelPipeline},
       {"mopt-structured-pipeline", "from kernels to structured",
        buildStructuredPipeline},
       {"mopt-codegen-pipeline", "from structured to vector",
        buildCodegenPipeline},
       {"mopt-buffer-pipeline", "from vector to buffer", buildBufferPipeline},
       {"mopt-lower-pipeline", "from buffer to llvm", buildLowerPipeline},
       {"mopt-default-pipeline", "from onnx to llvm", buildDefaultPipeline}};
  for (auto &[name, summary, build] : pipelines)
    PassPipelineRegistration<> registration(
        name, summary, [build = build](OpPassManager &pm) { build(pm, {}); });
  PassPipelineRegistration<> reference(
      "mopt-reference-pipeline", "from onnx to llvm, slow and plainly right",
      [](OpPassManager &pm) {
        PipelineOptions options;
        options.reference = true;
        buildDefaultPipeline(pm, options);
      });
}
