// Steps on stderr, with seconds and the process's peak memory.
#include "Progress.h"

#include "CrashHandler.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include <sys/resource.h>

using namespace mopt;

int64_t Progress::peakBytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

void Progress::begin(llvm::StringRef name) {
  noteCrashStep(name);
  std::lock_guard<std::mutex> lock(mutex);
  running[llvm::get_threadid()] = {name.str(),
                                   std::chrono::steady_clock::now()};
}

void Progress::end() {
  std::lock_guard<std::mutex> lock(mutex);
  const auto &[name, start] = running[llvm::get_threadid()];
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

std::string Progress::current() {
  std::lock_guard<std::mutex> lock(mutex);
  return running[llvm::get_threadid()].name;
}
