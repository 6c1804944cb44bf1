//===- Compilation.h - the parts of one compilation -------------*- C++ -*-===//

#ifndef MOPT_DRIVER_COMPILATION_H
#define MOPT_DRIVER_COMPILATION_H

#include "DiagnosticCollector.h"
#include "KernelReport.h"
#include "ModelInterface.h"
#include "Progress.h"

#include "mopt/Support/Attributes.h"
#include "mopt/Target/WeightsBlob.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mopt {

/// A module and where it stands.
struct LoadedModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Level level = Level::ONNX;
  /// Files beside the input that were read.
  std::vector<std::string> externalFiles;
};

/// The model as it is for one machine, and what the report says of it.
struct CompiledVariant {
  /// Of the processor.
  TargetInfo target;
  /// What runs the kernels, if not the processor.
  std::optional<TargetInfo> device = std::nullopt;
  mlir::ModuleOp module;
  /// Of one of several.
  mlir::OwningOpRef<mlir::ModuleOp> owned;
  KernelReport kernels;

  /// As --target and MOPT_TARGET have it.
  std::string getName() const {
    return device ? device->name + "," + target.name : target.name;
  }
};

/// The machines that the options ask for, the preferred ones first; `native`
/// where they ask for none. After an error, which is reported, another code
/// than Success.
ExitCode findVariants(const CompileOptions &options,
                      DiagnosticCollector &diagnostics,
                      std::vector<CompiledVariant> &variants);

/// The one that a module of `level` was written for, unless options ask for
/// another.
ExitCode chooseVariants(const CompileOptions &options,
                        DiagnosticCollector &diagnostics,
                        mlir::ModuleOp module, Level level,
                        std::vector<CompiledVariant> &variants);

/// Reads options.input: an ONNX model, or IR of some level. The module is null
/// after an error.
LoadedModule loadInput(const CompileOptions &options,
                       mlir::MLIRContext *context,
                       DiagnosticCollector &diagnostics);

/// Applies --shape and --dim to the entry of an L0 module.
mlir::LogicalResult specializeShapes(mlir::ModuleOp module,
                                     const CompileOptions &options);

/// Gives the entry function its name: `options.entry`, or one made from the
/// input's file name.
void nameEntry(mlir::ModuleOp module, const CompileOptions &options);

/// Puts a calibration on the module. The error says what is wrong with the
/// file, such as that its model was `equalized` and this one is not.
llvm::Error readCalibration(mlir::ModuleOp module, llvm::StringRef path,
                            bool equalized);

/// Takes the module from one level to the next.
mlir::LogicalResult raiseLevel(mlir::ModuleOp module, Level from,
                               const CompileOptions &options);

/// A step of a variant's way through the levels that failed.
struct FailedStep {
  CompiledVariant *variant;
  /// Where the step leads.
  Level level;
  std::string name;
  /// What the crash handler knew of it.
  std::string crashStep;
  /// What is wrong if that is not a matter of the passes.
  std::optional<ExitCode> code;
  std::string message;
};

/// Takes a variant from one level to another. Several may be on their way at
/// the same time, so that what went wrong is told later, in an order that does
/// not depend on it. `prefix` is that of the steps' names. `interface`, if not
/// null, is what users see of the model. `beforeLLVM` runs at level buffer, and
/// failed because of the model's file.
std::optional<FailedStep>
raiseVariant(CompiledVariant &variant, Level from, Level to,
             const CompileOptions &options, Progress &progress,
             llvm::StringRef prefix, ModelInterface *interface,
             llvm::function_ref<mlir::LogicalResult()> beforeLLVM);

/// Loads what the passes from one level to another need, after which modules of
/// one context can be raised at the same time.
void loadDialects(mlir::ModuleOp module, Level from, Level to,
                  const CompileOptions &options);

/// Writes IR with its weights, as text, or as bytecode for `.mlirbc`; "-" is
/// stdout.
llvm::Error writeIR(mlir::ModuleOp module, Level level, llvm::StringRef path);

/// Keeps the quantized layers of a module of level legal in an attribute:
/// "layer", "input", "weights"; at level kernels also their "arithmetic",
/// "integers" or "floats". Of a calibrated model also "scheme" and "sqnr_db".
/// Other levels have nothing to add.
void noteQuantizedLayers(mlir::ModuleOp module, Level level);
llvm::json::Array getQuantizedLayers(mlir::ModuleOp module);

/// Keeps the sparse layers of a module of level legal in an attribute: "layer"
/// and "pattern"; at level kernels also their "arithmetic", "sparse" or
/// "dense". Other levels have nothing to add.
void noteSparseLayers(mlir::ModuleOp module, Level level);
llvm::json::Array getSparseLayers(mlir::ModuleOp module);
/// What an instrumented library's outputs are: "model", the hash of its
/// weights, "inputs", for each layer the key of the statistics of its input,
/// and "equalized", if channels were. Null for other libraries.
llvm::json::Value getInstrumentation(mlir::ModuleOp module);

/// What --equalize did: "first", "second" and "channels" of each pair of
/// layers. Null without it.
llvm::json::Value getEqualizedLayers(mlir::ModuleOp module);

/// The certificate.
std::string makeBuildInfo(const CompileOptions &options,
                          llvm::ArrayRef<CompiledVariant> variants,
                          const WeightsBlob &weights);

/// Bytes of all resources that the module refers to.
int64_t countResourceBytes(mlir::ModuleOp module);

/// The C header of a model.
std::string makeHeader(const ModelInterface &interface);

/// Writes what a build needs beside an object or archive: the header, Model.h
/// and a CMake package file.
llvm::Error writePackage(const ModelInterface &interface,
                         llvm::StringRef libraryPath);

/// Writes the report that --report asks for.
llvm::Error writeReport(const CompileOptions &options, ExitCode code,
                        const Progress &progress,
                        const DiagnosticCollector &diagnostics,
                        llvm::ArrayRef<CompiledVariant> variants,
                        int64_t weightsBytes);

/// Writes the dependency file that --depfile asks for.
llvm::Error writeDepfile(const CompileOptions &options,
                         llvm::ArrayRef<std::string> externalFiles);

} // namespace mopt

#endif // MOPT_DRIVER_COMPILATION_H
