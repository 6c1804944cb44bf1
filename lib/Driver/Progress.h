//===- Progress.h - steps with time and memory ------------------*- C++ -*-===//

#ifndef MOPT_DRIVER_PROGRESS_H
#define MOPT_DRIVER_PROGRESS_H

#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <string>
#include <vector>

namespace mopt {

/// Counts the steps of a compilation, and prints each when it ends:
/// `[2/9] graph       0.52 s   210 MiB`.
class Progress {
public:
  struct Step {
    std::string name;
    double seconds;
    int64_t peakBytes;
  };

  Progress(unsigned total, bool print) : total(total), print(print) {}

  void begin(llvm::StringRef name);
  void end();
  /// The step under way, or the last one.
  llvm::StringRef current() const { return name; }
  const std::vector<Step> &getSteps() const { return steps; }

  /// The most memory that this process has held at once.
  static int64_t peakBytes();

private:
  unsigned total;
  bool print;
  std::string name;
  std::chrono::steady_clock::time_point start;
  std::vector<Step> steps;
};

} // namespace mopt

#endif // MOPT_DRIVER_PROGRESS_H
