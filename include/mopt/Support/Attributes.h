//===- Attributes.h - names of discardable attributes -----------*- C++ -*-===//

#ifndef MOPT_SUPPORT_ATTRIBUTES_H
#define MOPT_SUPPORT_ATTRIBUTES_H

#include "llvm/ADT/StringRef.h"

namespace mopt {
/// Marks the function that a model's caller enters.
inline constexpr llvm::StringLiteral kEntryAttr = "mopt.entry";
/// Marks a function made of a kernel.
inline constexpr llvm::StringLiteral kKernelAttr = "mopt.kernel";
/// Marks a kernel's argument that a result is written to: the result's number.
inline constexpr llvm::StringLiteral kDestinationAttr = "mopt.destination";
/// Marks a kernel's argument that is memory which only the kernel uses.
inline constexpr llvm::StringLiteral kScratchAttr = "mopt.scratch";
/// On the entry, from the structured level on: what its caller sees. A
/// dictionary of "inputs" and "outputs", arrays of dictionaries of "name" (a
/// string), "type" (the tensor type with its logical element type) and "dims"
/// (as onnx.dims, where it is known).
inline constexpr llvm::StringLiteral kSignatureAttr = "mopt.signature";
/// Marks the entry's argument that is the arena: its bytes.
inline constexpr llvm::StringLiteral kArenaAttr = "mopt.arena";
/// Marks the entry's argument that is the weights: their bytes.
inline constexpr llvm::StringLiteral kWeightsAttr = "mopt.weights";
/// Marks the entry's argument that is those weights which are laid out anew
/// when a model is made: their bytes, as MoptModelDesc.repacked_bytes. The same
/// on the module.
inline constexpr llvm::StringLiteral kRepackedBytesAttr = "mopt.repacked_bytes";
/// On the module: the numbers of one MoptRepack after the other.
inline constexpr llvm::StringLiteral kRepacksAttr = "mopt.repacks";
/// On the module, where variants will share weights: how constants are packed
/// (Packing.h), by the name of their resource.
inline constexpr llvm::StringLiteral kPackingsAttr = "mopt.packings";
/// Marks the entry's argument that an output is written to: its number.
inline constexpr llvm::StringLiteral kOutputAttr = "mopt.output";
/// On the entry: the numbers of the outputs that it returns.
inline constexpr llvm::StringLiteral kReturnedAttr = "mopt.returned";
/// On the entry: the numbers of the outputs whose sizes follow from those of
/// the inputs, if any output's size is dynamic.
inline constexpr llvm::StringLiteral kSizedAttr = "mopt.sized";
/// Marks the function that writes the sizes of all outputs, -1 for those that
/// depend on values, into its second argument, from the sizes of all inputs in
/// its first.
inline constexpr llvm::StringLiteral kOutputSizesAttr = "mopt.output_sizes";
/// Marks the one that writes so the bytes of the arena's buffers: when each is
/// alive, as mopt.place_buffers has it.
inline constexpr llvm::StringLiteral kBufferBytesAttr = "mopt.buffer_bytes";
/// On the module: the file name of the weights where they are not embedded.
inline constexpr llvm::StringLiteral kWeightsFileAttr = "mopt.weights_file";
/// On the module: the certificate, JSON, as MoptModelApi.build_info_json.
inline constexpr llvm::StringLiteral kBuildInfoAttr = "mopt.build_info";
/// On the module: the layers that are computed with integers, dictionaries of
/// "layer" (the ONNX nodes), "input" and "weights" (element types).
inline constexpr llvm::StringLiteral kQuantizedLayersAttr =
    "mopt.quantized_layers";
/// On the module: the layers with sparse weights, dictionaries of "layer" (the
/// ONNX nodes), "pattern" (N:M) and "arithmetic" (sparse or dense).
inline constexpr llvm::StringLiteral kSparseLayersAttr = "mopt.sparse_layers";
/// On the module: what --calibration gave, a dictionary of "model" (the hash of
/// the weights), "ranges" (by product: low, high, relative noise)
/// and, if known, "means" (by product: of each input channel).
inline constexpr llvm::StringLiteral kCalibrationAttr = "mopt.calibration";
/// On the module, for each product that a calibration quantized or excluded:
/// its "scheme" and "sqnr_db", estimated.
inline constexpr llvm::StringLiteral kCalibratedLayersAttr =
    "mopt.calibrated_layers";
/// On the module, if channels were equalized: dictionaries of "first" and
/// "second", the keys of two products, and "channels", how many changed.
inline constexpr llvm::StringLiteral kEqualizedLayersAttr =
    "mopt.equalized_layers";
/// On the module: which values the entry returns statistics of.
inline constexpr llvm::StringLiteral kInstrumentedAttr = "mopt.instrumented";
/// On the module: quantizing it loses more than was allowed.
inline constexpr llvm::StringLiteral kAccuracyGateAttr = "mopt.accuracy_gate";
/// On a product at level legal: how it is to be computed, "integers", "floats",
/// "sparse" (of integers, where it is quantized) or "dense", whatever the cost
/// rules say. One that cannot be computed so is left to them.
inline constexpr llvm::StringLiteral kArithmeticAttr = "mopt.arithmetic";
/// Marks a function of the runtime that takes the run first.
inline constexpr llvm::StringLiteral kRuntimeAttr = "mopt.runtime";
/// On the module: for each call of a kernel that is counted, an array of the
/// kernel's name and the ONNX nodes, one per line.
inline constexpr llvm::StringLiteral kProfileAttr = "mopt.profile";
/// On the module: MoptModelDesc.processor_state, if not 0.
inline constexpr llvm::StringLiteral kProcessorStateAttr =
    "mopt.processor_state";
/// The global of level llvm that describes the model to the runtime.
inline constexpr llvm::StringLiteral kDescriptorSymbol = "mopt_desc";
/// On a function of level llvm: it runs before it is known what the processor
/// has.
inline constexpr llvm::StringLiteral kBaselineAttr = "mopt-baseline";
/// On the module: the level that it was written at, so that compiling goes on
/// there.
inline constexpr llvm::StringLiteral kLevelAttr = "mopt.level";
} // namespace mopt

#endif // MOPT_SUPPORT_ATTRIBUTES_H
