//===- Report.h - What a run found ------------------------------*- C++ -*-===//
#ifndef MOPT_TOOLS_MOPT_RUN_REPORT_H
#define MOPT_TOOLS_MOPT_RUN_REPORT_H

#include "Array.h"
#include "Options.h"
#include "mopt-c/Model.h"

namespace mopt_run {

/// How far an output is from what was expected.
struct Comparison {
  std::string name;
  bool passed = false;
  double tolerance = 0;
  /// Largest difference, and the same in units of the largest expected value.
  double maxError = 0, relativeError = 0;
  /// Elements out of tolerance, and the first of them.
  int64_t mismatches = 0, firstMismatch = -1;
  /// Why the arrays cannot be compared, or "".
  std::string reason;
};

/// Compares under `tolerance`, below 0 under that of the element type. Integers
/// must be equal; NaN equals NaN.
Comparison compare(const std::string &name, const Array &found,
                   const Array &expected, double tolerance);

/// One place of the model that calls a kernel, over all timed runs.
struct KernelTime {
  std::string kernel;
  std::vector<std::string> nodes;
  int64_t calls = 0;
  double ms = 0;
  /// Of the time of all timed runs.
  double share = 0;
};

struct Report {
  std::string model;
  /// The target whose code ran, "" if not known.
  std::string target;
  int32_t threads = 0;
  double loadMs = 0, firstRunMs = 0;
  /// One per timed run, in order.
  std::vector<double> latenciesMs;
  std::vector<Array> inputs, outputs;
  std::vector<Comparison> comparisons;
  /// The longest first.
  std::vector<KernelTime> kernels;
};

/// What was measured between two states of the counters, in runs that took
/// `totalMs`.
std::vector<KernelTime>
makeProfile(const std::vector<MoptKernelProfile> &before,
            const std::vector<MoptKernelProfile> &after, double totalMs);
/// The profile as a table.
std::string formatProfile(const Report &report);

/// The smallest latency that `percent` of the runs do not exceed.
double percentile(std::vector<double> values, double percent);

/// The report for people, and for programs.
std::string formatText(const Report &report, const MoptModelApi &api);
std::string formatJson(const Report &report, const MoptModelApi &api);
/// Inputs and outputs of the model: --info.
std::string formatInfo(const MoptModelApi &api);
std::string formatInfoJson(const MoptModelApi &api);

} // namespace mopt_run

#endif
