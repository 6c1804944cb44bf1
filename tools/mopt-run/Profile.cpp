//===- Profile.cpp - Which kernels the time went to -----------------------===//
#include "Report.h"
#include <algorithm>
#include <cstdio>
#include <numeric>

using namespace mopt_run;

static std::vector<std::string> splitLines(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::vector<KernelTime>
mopt_run::makeProfile(const std::vector<MoptKernelProfile> &before,
                      const std::vector<MoptKernelProfile> &after,
                      double totalMs) {
  std::vector<KernelTime> kernels;
  for (size_t i = 0; i < after.size(); ++i) {
    KernelTime kernel;
    kernel.kernel = after[i].kernel;
    kernel.nodes = splitLines(after[i].nodes);
    kernel.calls = after[i].calls - before[i].calls;
    kernel.ms = double(after[i].nanoseconds - before[i].nanoseconds) / 1e6;
    kernel.share = totalMs > 0 ? kernel.ms / totalMs : 0;
    kernels.push_back(kernel);
  }
  std::stable_sort(
      kernels.begin(), kernels.end(),
      [](const KernelTime &a, const KernelTime &b) { return a.ms > b.ms; });
  return kernels;
}

static std::string formatRow(const char *calls, double ms, double share,
                             const std::string &kernel,
                             const std::string &nodes) {
  char numbers[96];
  snprintf(numbers, sizeof(numbers), "%8s %12.3f %6.1f%%  ", calls, ms,
           100 * share);
  return numbers + kernel + (nodes.empty() ? "" : ": ") + nodes + "\n";
}

std::string mopt_run::formatProfile(const Report &report) {
  if (report.kernels.empty())
    return "";
  std::string text = "   calls     total ms   share  kernel: nodes\n";
  double inside = 0, share = 0;
  for (const KernelTime &kernel : report.kernels) {
    std::string nodes;
    for (const std::string &node : kernel.nodes)
      nodes += (nodes.empty() ? "" : ", ") + node;
    text += formatRow(std::to_string(kernel.calls).c_str(), kernel.ms,
                      kernel.share, kernel.kernel, nodes);
    inside += kernel.ms;
    share += kernel.share;
  }
  double total = std::accumulate(report.latenciesMs.begin(),
                                 report.latenciesMs.end(), 0.0);
  return text +
         formatRow("", total - inside, 1 - share, "outside of kernels", "");
}
