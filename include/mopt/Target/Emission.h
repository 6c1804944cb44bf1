//===- Emission.h - from L7 to files ----------------------------*- C++ -*-===//
//
// The way of a module of level llvm: LLVM IR with the runtime inside, machine
// code, and the files that users link or load. What is written depends on the
// module, the options and LLVM's version only: no paths, no times.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_TARGET_EMISSION_H
#define MOPT_TARGET_EMISSION_H

#include "mopt/Target/TargetInfo.h"
#include "mopt/Target/WeightsBlob.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
class Triple;
class raw_pwrite_stream;
} // namespace llvm

namespace mopt {

/// What a file with generated code is.
enum class CodeFile { LLVMIR, Bitcode, Assembly, Object, Archive, SharedLibrary };

enum class Sanitizer { None, Address, Thread };

struct EmissionOptions {
  /// 0 to 3.
  unsigned optLevel = 3;
  /// No fused multiply-add where the program did not ask for one.
  bool strictFloat = false;
  Sanitizer sanitizer = Sanitizer::None;
  /// Variants that are optimized at the same time, at most.
  unsigned threads = 1;
  /// LLVM bitcode of the runtime; empty links none.
  llvm::StringRef runtimeBitcode;
};

/// A model as it is for one machine, at L7.
struct Variant {
  mlir::ModuleOp module;
  TargetInfo target;
};

/// Translates the variants of a model, which are of one architecture, the
/// preferred ones first, links the runtime, hides every symbol but the models'
/// entries (`mopt_model_*`), optimizes. `machine` is of getBaseline: functions
/// say what they are for. Errors are diagnostics at the modules.
mlir::FailureOr<std::unique_ptr<llvm::Module>>
generateLLVM(llvm::ArrayRef<Variant> variants, llvm::LLVMContext &context,
             llvm::TargetMachine &machine, const EmissionOptions &options);

/// Runs LLVM's optimizer, and a sanitizer's instrumentation.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine,
                    const EmissionOptions &options);

/// Erases what no entry needs.
void removeUnused(llvm::Module &module);

/// Writes `module`, which is used up, as a file of the given kind, with the
/// weights inside. LLVMIR, Bitcode and Assembly name a file beside
/// them, `<path>.weights`, that is made when there are weights and that the
/// assembler reads.
llvm::Error emitCode(llvm::Module &module, llvm::TargetMachine &machine,
                     const EmissionOptions &options, CodeFile kind,
                     const WeightsBlob &weights, llvm::StringRef path);

/// Defines the symbol of the weights, as an empty section of `bytes`, or with
/// the contents of the weight file `file` if that is not empty. Does nothing
/// for 0 bytes that no code refers to.
void defineWeights(llvm::Module &module, int64_t bytes, llvm::StringRef file);

/// Writes machine code or its text to a stream.
llvm::Error emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine,
                            bool assembly, llvm::raw_pwrite_stream &os);

/// Links objects, given as their bytes, to a shared library that imports
/// nothing but what the triple's backend lists (and a sanitizer's runtime).
llvm::Error linkSharedLibrary(llvm::ArrayRef<llvm::StringRef> objects,
                              const llvm::Triple &triple,
                              const EmissionOptions &options,
                              llvm::StringRef path);

/// Writes stand-ins of the system's libraries of `triple` into `directory`, for
/// the linker, so that neither a C library nor a tool is needed. Returns their
/// paths.
llvm::Expected<llvm::SmallVector<std::string>>
writeSystemStubs(const llvm::Triple &triple, llvm::StringRef directory);

/// Runs LLD with the arguments of `ld`. One call at a time runs; others wait.
llvm::Error runLinker(llvm::ArrayRef<std::string> arguments);

} // namespace mopt

#endif // MOPT_TARGET_EMISSION_H
