//===- Progress.h - steps with time and memory ------------------*- C++ -*-===//

#ifndef MOPT_DRIVER_PROGRESS_H
#define MOPT_DRIVER_PROGRESS_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace mopt {

/// Counts the steps of a compilation, and prints each when it ends:
/// `[2/9] graph       0.52 s   210 MiB`. Each thread has its own step.
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
  /// This thread's step under way, or its last one.
  std::string current();
  /// In the order in which they ended.
  const std::vector<Step> &getSteps() const { return steps; }

  /// The most memory that this process has held at once.
  static int64_t peakBytes();

private:
  struct Running {
    std::string name;
    std::chrono::steady_clock::time_point start;
  };

  unsigned total;
  bool print;
  std::mutex mutex;
  llvm::DenseMap<uint64_t, Running> running;
  std::vector<Step> steps;
};

} // namespace mopt

#endif // MOPT_DRIVER_PROGRESS_H
