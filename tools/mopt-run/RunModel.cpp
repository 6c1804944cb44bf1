//===- RunModel.cpp - Load, run, time, check, report ----------------------===//
#include "RunModel.h"
#include "Inputs.h"
#include "Library.h"
#include "Report.h"
#include "TensorFiles.h"
#include <chrono>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <sys/stat.h>

using namespace mopt_run;

static double nowMs() {
  std::chrono::duration<double, std::milli> now =
      std::chrono::steady_clock::now().time_since_epoch();
  return now.count();
}

static int fail(const Options &options, int code, const std::string &reason) {
  fprintf(stderr, "mopt-run: %s: %s\n", options.model.c_str(), reason.c_str());
  return code;
}

/// A copy of what the context holds.
static Array copyOf(const MoptTensor &tensor) {
  Array array;
  array.dtype = tensor.dtype;
  array.dims.assign(tensor.dims, tensor.dims + tensor.rank);
  const ElementType *type = findElementType(tensor.dtype);
  if (!type)
    return array;
  const char *data = static_cast<const char *>(tensor.data);
  int64_t bytes = byteSize(*type, countElements(array.dims));
  if (bytes > 0)
    array.bytes.assign(data, data + bytes);
  return array;
}

/// The runs, timed one by one.
static ExitCode timeRuns(const Options &options, Library &library,
                         Report &report) {
  std::vector<MoptTensor> inputs;
  for (Array &input : report.inputs)
    inputs.push_back(input.tensor());
  std::vector<MoptTensor> outputs(size_t(library.api->output_count));
  std::vector<MoptKernelProfile> before = library.profile();
  for (int64_t i = -options.warmup; i < options.iterations; ++i) {
    if (i == 0)
      before = library.profile();
    double begin = nowMs();
    if (ExitCode code = library.run(inputs, outputs))
      return code;
    double elapsed = nowMs() - begin;
    if (i == -options.warmup)
      report.firstRunMs = elapsed;
    if (i >= 0)
      report.latenciesMs.push_back(elapsed);
  }
  for (const MoptTensor &output : outputs)
    report.outputs.push_back(copyOf(output));
  if (options.profile)
    report.kernels =
        makeProfile(before, library.profile(),
                    std::accumulate(report.latenciesMs.begin(),
                                    report.latenciesMs.end(), 0.0));
  return exitOk;
}

static std::string verify(const Options &options, const MoptModelApi &api,
                          Report &report) {
  std::vector<std::optional<Array>> expected;
  std::string error = assignFiles(options.expected, "output", api.outputs,
                                  api.output_count, expected);
  for (int32_t i = 0; i < api.output_count && error.empty(); ++i)
    if (expected[i])
      report.comparisons.push_back(compare(api.outputs[i].name,
                                           report.outputs[i], *expected[i],
                                           options.tolerance));
  return error;
}

/// Names may hold characters that file names cannot.
static std::string fileNameOf(std::string name) {
  for (char &c : name)
    if (c == '/' || uint8_t(c) < 32)
      c = '_';
  return name + ".npy";
}

static std::string writeOutputs(const std::string &folder,
                                const MoptModelApi &api, const Report &report) {
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    return "'" + folder + "': " + strerror(errno);
  for (size_t i = 0; i < report.outputs.size(); ++i) {
    if (!findElementType(report.outputs[i].dtype))
      return std::string("output '") + api.outputs[i].name +
             "': strings cannot be written to a .npy file";
    std::string path = folder + "/" + fileNameOf(api.outputs[i].name);
    std::string error = writeFile(path, formatNpy(report.outputs[i]));
    if (!error.empty())
      return "'" + path + "': " + error;
  }
  return "";
}

/// Prints to stdout, or writes JSON to its file.
static std::string print(const Options &options, const std::string &text,
                         const std::string &json) {
  bool toFile = options.json && !options.jsonFile.empty();
  if (toFile) {
    std::string error = writeFile(options.jsonFile, json);
    if (!error.empty())
      return "'" + options.jsonFile + "': " + error;
  }
  if (options.json && !toFile)
    fputs(json.c_str(), stdout);
  else if (!options.quiet)
    fputs(text.c_str(), stdout);
  return "";
}

static bool isLibrary(const std::string &path) {
  std::string magic;
  if (FILE *file = fopen(path.c_str(), "rb")) {
    char bytes[4] = {};
    magic.assign(bytes, fread(bytes, 1, 4, file));
    fclose(file);
  }
  return magic == "\x7f"
                  "ELF";
}

static int runLibrary(const Options &options, Library &library,
                      Report &report) {
  const MoptModelApi &api = *library.api;
  std::string error = makeInputs(options, api, report.inputs);
  if (!error.empty())
    return fail(options, exitBadInput, error);
  if (ExitCode code = timeRuns(options, library, report))
    return fail(options, code, library.error);
  error = verify(options, api, report);
  if (error.empty() && !options.outputFolder.empty())
    error = writeOutputs(options.outputFolder, api, report);
  if (error.empty())
    error = print(options, formatText(report, api), formatJson(report, api));
  if (!error.empty())
    return fail(options, exitBadInput, error);
  for (const Comparison &comparison : report.comparisons)
    if (!comparison.passed)
      return fail(options, exitBadInput,
                  "output '" + comparison.name +
                      "' differs from what was expected");
  return exitOk;
}

int mopt_run::runModel(const Options &options) {
  FILE *file = fopen(options.model.c_str(), "rb");
  if (!file)
    return fail(options, exitBadInput, strerror(errno));
  fclose(file);
  std::string path = options.model;
  // Before the library, so that it is deleted after that is closed.
  TemporaryLibrary temporary;
  if (!isLibrary(path)) {
    if (int code = temporary.compile(options))
      return temporary.error.empty() ? code
                                     : fail(options, code, temporary.error);
    path = temporary.path;
  }
  Report report;
  report.model = options.model;
  Library library;
  double begin = nowMs();
  if (ExitCode code = library.load(path, options.entry))
    return fail(options, code, library.error);
  if (options.info) {
    std::string error =
        print(options, formatInfo(*library.api), formatInfoJson(*library.api));
    return error.empty() ? exitOk : fail(options, exitBadInput, error);
  }
  if (ExitCode code = library.create(options))
    return fail(options, code, library.error);
  report.loadMs = nowMs() - begin;
  report.target = library.target();
  if (options.profile && path == options.model && library.profile().empty())
    return fail(options, exitBadInput,
                "measures no kernels, expected a library that was compiled "
                "with --profile");
  report.threads = options.threads;
  return runLibrary(options, library, report);
}
