// Steps on stderr, with seconds and the process's peak memory.
#include "Progress.h"

#include "CrashHandler.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <sys/resource.h>

using namespace mopt;

int64_t Progress::peakBytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

void Progress::begin(llvm::StringRef stepName) {
  name = stepName.str();
  start = std::chrono::steady_clock::now();
  noteCrashStep(name);
}

void Progress::end() {
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  steps.push_back({name, elapsed.count(), peakBytes()});
  if (print)
    llvm::errs() << llvm::format("[%u/%u] %-11s %8.2f s %7lld MiB\n",
                                 static_cast<unsigned>(steps.size()), total,
                                 name.c_str(), elapsed.count(),
                                 static_cast<long long>(
                                     steps.back().peakBytes >> 20));
}
