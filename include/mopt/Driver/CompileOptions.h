//===- CompileOptions.h - the options of mopt-compile -----------*- C++ -*-===//

#ifndef MOPT_DRIVER_COMPILEOPTIONS_H
#define MOPT_DRIVER_COMPILEOPTIONS_H

#include "mopt/Driver/Level.h"
#include "mopt/Support/Numerics.h"
#include "mopt/Support/QuantizeOptions.h"
#include "mopt/Target/Emission.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mopt {

enum class WeightsPlace { Automatic, Embedded, File };

/// How a compilation ends; what mopt-compile returns to its caller.
enum class ExitCode {
  Success = 0,
  BadModel = 1,
  Usage = 2,
  Unsupported = 3,
  AccuracyGate = 4,
  Internal = 5
};

/// What a user asks for. Each member is set by the option of its name.
struct CompileOptions {
  std::string input;
  /// The model's bytes, which are then not read from `input`, only named so.
  std::optional<llvm::ArrayRef<char>> model;
  std::string output;
  std::optional<Level> emit;
  std::vector<std::string> targets;
  std::string triple;
  std::string cpu;
  std::string features;
  /// Input name to dimensions, -1 for one that stays dynamic.
  std::map<std::string, llvm::SmallVector<int64_t>> shapes;
  /// Dimension name to size.
  std::map<std::string, int64_t> dims;
  QuantizeOptions quantize;
  std::string calibration;
  std::string sparsity = "auto";
  std::string prune;
  std::string precision = "f32";
  std::string maxDrop;
  bool equalize = false;
  std::string instrument;
  std::string tune;
  std::string tuneRecord;
  unsigned optLevel = 3;
  Numerics numerics = Numerics::Default;
  Sanitizer sanitizer = Sanitizer::None;
  WeightsPlace weights = WeightsPlace::Automatic;
  bool referencePipeline = false;
  /// What a library for a device holds besides: "none", or "processor", the
  /// hosts' own code.
  std::string fallback = "none";
  bool profile = false;
  std::string entry;
  std::string header;
  std::string report;
  std::string depfile;
  std::string saveTemps;
  unsigned threads = 1;
  bool verbose = false;
  bool quiet = false;
  /// Print steps to stderr when it is a terminal, or with `verbose`.
  bool progress = true;

  /// Are choices measured, or were they?
  bool isTuned() const { return !tune.empty() || !tuneRecord.empty(); }
  /// The level to stop at and the file to write; both follow from each other
  /// and from the input where they are not given.
  Level getFinalLevel() const;
  std::string getOutputPath() const;
};

/// Sets the option `name` ("target", "-O" ...), spelled without its dashes,
/// from `value`, as the command line would. The error says what was expected.
llvm::Error setOption(CompileOptions &options, llvm::StringRef name,
                      llvm::StringRef value);

/// What the command line asks for besides compiling.
enum class CommandLineRequest { Compile, Help, Version, ListTargets };

/// Reads the arguments that follow the program's name.
llvm::Expected<CommandLineRequest>
parseCommandLine(llvm::ArrayRef<const char *> arguments,
                 CompileOptions &options);

/// Every option, by group.
void printHelp(llvm::raw_ostream &os);
/// mopt's, LLVM's and the ABI's version.
void printVersion(llvm::raw_ostream &os);

} // namespace mopt

#endif // MOPT_DRIVER_COMPILEOPTIONS_H
