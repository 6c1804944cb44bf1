//===- Report.cpp - The report in words -----------------------------------===//
#include "Report.h"
#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace mopt_run;

double mopt_run::percentile(std::vector<double> values, double percent) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  auto rank = size_t(std::ceil(percent / 100 * double(values.size())));
  return values[std::min(std::max<size_t>(rank, 1), values.size()) - 1];
}

template <typename... Ts>
static std::string format(const char *pattern, Ts... values) {
  char text[512];
  snprintf(text, sizeof(text), pattern, values...);
  return text;
}

static const char *typeName(MoptDType dtype) {
  const ElementType *type = findElementType(dtype);
  return type ? type->name : "string";
}

static std::string describe(const char *role, const MoptTensorSpec &spec) {
  std::string text =
      std::string(role) + " '" + spec.name + "': " + typeName(spec.dtype) + " ";
  for (int32_t i = 0; i < spec.rank; ++i) {
    text += i ? "x" : "";
    text += spec.dims[i] >= 0   ? std::to_string(spec.dims[i])
            : spec.dim_names[i] ? spec.dim_names[i]
                                : "?";
  }
  return text + (spec.rank ? "" : "scalar") + "\n";
}

std::string mopt_run::formatInfo(const MoptModelApi &api) {
  std::string text = std::string("model '") + api.name + "'\n";
  for (int32_t i = 0; i < api.input_count; ++i)
    text += describe("input", api.inputs[i]);
  for (int32_t i = 0; i < api.output_count; ++i)
    text += describe("output", api.outputs[i]);
  return text;
}

static std::string summarize(const std::string &name, const Array &array) {
  double low = INFINITY, high = -INFINITY, sum = 0;
  int64_t count = findElementType(array.dtype) ? valueCount(array) : 0;
  std::string first;
  for (int64_t i = 0; i < count; ++i) {
    double value = elementValue(array, i);
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value;
    if (i < 6)
      first += format(" %.6g", value);
  }
  std::string text = "output '" + name + "': " + typeName(array.dtype) + " " +
                     formatDims(array.dims);
  if (count)
    text += format(", min %.6g, max %.6g, mean %.6g:", low, high,
                   sum / double(count)) +
            first + (count > 6 ? " ..." : "");
  return text + "\n";
}

static std::string describe(const Comparison &comparison) {
  std::string text = "output '" + comparison.name + "': ";
  if (!comparison.reason.empty())
    return text + comparison.reason + "\n";
  text += comparison.passed ? "as expected" : "differs from what was expected";
  text += format(", largest error %.3g, %.3g of the scale, tolerance %.3g",
                 comparison.maxError, comparison.relativeError,
                 comparison.tolerance);
  if (!comparison.passed)
    text += format(", %lld elements differ, the first at %lld",
                   (long long)comparison.mismatches,
                   (long long)comparison.firstMismatch);
  return text + "\n";
}

std::string mopt_run::formatText(const Report &report,
                                 const MoptModelApi &api) {
  std::string text;
  for (size_t i = 0; i < report.outputs.size(); ++i)
    text += summarize(api.outputs[i].name, report.outputs[i]);
  for (const Comparison &comparison : report.comparisons)
    text += describe(comparison);
  const std::vector<double> &ms = report.latenciesMs;
  text += format("load %.2f ms, first run %.3f ms", report.loadMs,
                 report.firstRunMs);
  text += report.target.empty() ? "\n" : ", code for " + report.target + "\n";
  if (ms.size() > 1)
    text += format("%zu runs: p50 %.3f ms, p90 %.3f ms, p99 %.3f ms, "
                   "min %.3f ms\n",
                   ms.size(), percentile(ms, 50), percentile(ms, 90),
                   percentile(ms, 99), percentile(ms, 0));
  return text + formatProfile(report);
}
