//===- ReportJson.cpp - The report as JSON --------------------------------===//
#include "Report.h"
#include <cmath>
#include <cstdio>
#include <sys/resource.h>

using namespace mopt_run;

static std::string quote(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (uint8_t(c) < 32) {
      char escape[8];
      snprintf(escape, sizeof(escape), "\\u%04x", c);
      result += escape;
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// JSON has no infinities and NaNs.
static std::string number(double value) {
  if (!std::isfinite(value))
    return "null";
  char text[32];
  snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

namespace {
/// Builds "{...}" or "[...]" member by member.
class Json {
public:
  explicit Json(char open) : text(1, open) {}

  Json &add(const std::string &value) {
    text += (text.size() > 1 ? ", " : "") + value;
    return *this;
  }
  Json &add(const char *key, const std::string &value) {
    return add(quote(key) + ": " + value);
  }
  std::string close() const { return text + (text[0] == '{' ? "}" : "]"); }

private:
  std::string text;
};
} // namespace

static std::string dimsJson(const std::vector<int64_t> &dims) {
  Json json('[');
  for (int64_t dim : dims)
    json.add(std::to_string(dim));
  return json.close();
}

static Json tensorJson(const char *name, MoptDType dtype,
                       const std::string &shape) {
  const ElementType *type = findElementType(dtype);
  return Json('{')
      .add("name", quote(name))
      .add("type", quote(type ? type->name : "string"))
      .add("shape", shape);
}

static std::string arraysJson(const MoptTensorSpec *specs,
                              const std::vector<Array> &arrays) {
  Json json('[');
  for (size_t i = 0; i < arrays.size(); ++i)
    json.add(
        tensorJson(specs[i].name, arrays[i].dtype, dimsJson(arrays[i].dims))
            .close());
  return json.close();
}

static std::string comparisonJson(const Comparison &comparison) {
  Json json =
      Json('{')
          .add("name", quote(comparison.name))
          .add("passed", comparison.passed ? "true" : "false")
          .add("tolerance", number(comparison.tolerance))
          .add("max_error", number(comparison.maxError))
          .add("max_error_of_scale", number(comparison.relativeError))
          .add("mismatches", std::to_string(comparison.mismatches))
          .add("first_mismatch", std::to_string(comparison.firstMismatch));
  if (!comparison.reason.empty())
    json.add("reason", quote(comparison.reason));
  return json.close();
}

static std::string numbersJson(const std::vector<double> &values) {
  Json json('[');
  for (double value : values)
    json.add(number(value));
  return json.close();
}

static std::string kernelsJson(const std::vector<KernelTime> &kernels) {
  Json json('[');
  for (const KernelTime &kernel : kernels) {
    Json nodes('[');
    for (const std::string &node : kernel.nodes)
      nodes.add(quote(node));
    json.add(Json('{')
                 .add("kernel", quote(kernel.kernel))
                 .add("nodes", nodes.close())
                 .add("calls", std::to_string(kernel.calls))
                 .add("total_ms", number(kernel.ms))
                 .add("share", number(kernel.share))
                 .close());
  }
  return json.close();
}

std::string mopt_run::formatJson(const Report &report,
                                 const MoptModelApi &api) {
  double sum = 0;
  for (double latency : report.latenciesMs)
    sum += latency;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  Json comparisons('[');
  for (const Comparison &comparison : report.comparisons)
    comparisons.add(comparisonJson(comparison));
  const std::vector<double> &ms = report.latenciesMs;
  return Json('{')
             .add("model", quote(report.model))
             .add("entry", quote(api.name))
             .add("target", quote(report.target))
             .add("threads", std::to_string(report.threads))
             .add("inputs", arraysJson(api.inputs, report.inputs))
             .add("outputs", arraysJson(api.outputs, report.outputs))
             .add("load_ms", number(report.loadMs))
             .add("first_run_ms", number(report.firstRunMs))
             .add("iterations", std::to_string(ms.size()))
             .add("latency_ms_mean", number(ms.empty() ? 0 : sum / ms.size()))
             .add("latency_ms_min", number(percentile(ms, 0)))
             .add("latency_ms_p50", number(percentile(ms, 50)))
             .add("latency_ms_p90", number(percentile(ms, 90)))
             .add("latency_ms_p99", number(percentile(ms, 99)))
             .add("latency_ms_max", number(percentile(ms, 100)))
             .add("latencies_ms", numbersJson(ms))
             .add("peak_memory_kib", std::to_string(usage.ru_maxrss))
             .add("kernels", kernelsJson(report.kernels))
             .add("verify", comparisons.close())
             .close() +
         "\n";
}

/// A dimension is a number, a name, or null.
static std::string specsJson(const MoptTensorSpec *specs, int32_t count) {
  Json json('[');
  for (int32_t i = 0; i < count; ++i) {
    const MoptTensorSpec &spec = specs[i];
    Json shape('[');
    for (int32_t d = 0; d < spec.rank; ++d)
      shape.add(spec.dims[d] >= 0   ? std::to_string(spec.dims[d])
                : spec.dim_names[d] ? quote(spec.dim_names[d])
                                    : "null");
    json.add(tensorJson(spec.name, spec.dtype, shape.close()).close());
  }
  return json.close();
}

std::string mopt_run::formatInfoJson(const MoptModelApi &api) {
  return Json('{')
             .add("entry", quote(api.name))
             .add("inputs", specsJson(api.inputs, api.input_count))
             .add("outputs", specsJson(api.outputs, api.output_count))
             .add("build_info", api.build_info_json)
             .close() +
         "\n";
}
