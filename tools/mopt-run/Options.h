//===- Options.h - The command line of mopt-run -----------------*- C++ -*-===//
#ifndef MOPT_TOOLS_MOPT_RUN_OPTIONS_H
#define MOPT_TOOLS_MOPT_RUN_OPTIONS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mopt_run {

/// Exit codes, as of all tools.
enum ExitCode {
  exitOk = 0,
  exitBadInput = 1,
  exitUsage = 2,
  exitUnsupported = 3,
  exitInternal = 5
};

/// A file for the tensors of a name, or for those that the file names where
/// `name` is empty.
struct FileOption {
  std::string name, path;
};

/// Bounds of random integers, `low` <= value < `high`.
struct Range {
  double low, high;
};

struct Options {
  std::string model, entry, weights;
  std::vector<std::string> compilerOptions;
  std::vector<FileOption> inputs, expected;
  bool random = false;
  uint64_t seed = 0;
  std::map<std::string, std::vector<int64_t>> shapes;
  std::map<std::string, int64_t> dims;
  std::map<std::string, Range> ranges;
  int32_t threads = 0, spinUs = 0, device = 0;
  /// MOPT_FALLBACK_* of Model.h.
  int32_t fallback = 0;
  int64_t iterations = 1, warmup = -1;
  /// Below 0: the table by element type.
  double tolerance = -1;
  std::string outputFolder, jsonFile;
  bool json = false, quiet = false, info = false, profile = false, help = false,
       version = false;
};

/// Reads the command line; "" or what is wrong with it.
std::string parseOptions(int argc, char **argv, Options &options);

/// The text of --help.
const char *helpText();

} // namespace mopt_run

#endif
