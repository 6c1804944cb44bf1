//===- Options.cpp - One row per option -----------------------------------===//
#include "Options.h"
#include "mopt-c/Model.h"
#include <cerrno>
#include <cstdlib>

using namespace mopt_run;

const char *mopt_run::helpText() {
  return R"(usage: mopt-run [options] MODEL

Runs a library that mopt-compile made. Another file (.onnx, .mlir) is compiled
to a temporary library first.

Inputs
  --input=FILE          .npy, .npz, .pb or a folder of input_<n>.pb; by the name
                        in the file, else in the order of the model's inputs
  --input=NAME=FILE     for one input
  --random[=SEED]       random values for inputs without a file (seed 0)
  --range=NAME:LO:HI    bounds of an input's random values, LO <= x < HI
                        (default: -1:1, integers 0:10)
  --shape=NAME:1x3x224  dimensions of a random input
  --dim=NAME=N          a dimension by its name

Outputs
  --output=FOLDER       write each output to FOLDER/<name>.npy
  --verify=[NAME=]FILE  compare with FILE (as for --input; output_<n>.pb)
  --tolerance=X         largest error in units of the largest expected value
                        (default: 1e-4, 16-bit floats 1e-2, 8-bit floats 0.1)
  --json[=FILE]         a report as JSON, to stdout or FILE
  --info                describe inputs and outputs, run nothing
  -q, --quiet           print errors only

Running
  --threads=N           (default: MOPT_NUM_THREADS or the CPUs of the process)
  --iterations=N        timed runs (default 1)
  --warmup=N            untimed runs before them (default: a tenth, at least 1,
                        none for one iteration)
  --profile             time, calls and ONNX nodes of each kernel; a library
                        must have been compiled with --profile, a model is
  --spin=US             microseconds that idle threads spin (-1: none)
  --device=N            which of the machine's devices, for a library for one
                        (default 0)
  --fallback=processor  without a device the library's code for processors, if
                        it has that
  --entry=NAME          the entry, for a library with several
  --weights=FILE        the weight file of a library that has one
  --compile=OPTION      an option for mopt-compile, may be repeated

  --help, --version
Exit codes: 0 ok, 1 bad model or input or failed check, 2 usage,
            3 unsupported, 5 internal error
)";
}

static bool parseInteger(const std::string &text, int64_t low, int64_t high,
                         int64_t &value) {
  char *end;
  errno = 0;
  value = strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' && errno == 0 && value >= low &&
         value <= high;
}

static bool parseNumber(const std::string &text, double &value) {
  char *end;
  value = strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

template <typename T>
static bool setInteger(const std::string &text, int64_t low, int64_t high,
                       T &target) {
  int64_t value;
  if (!parseInteger(text, low, high, value))
    return false;
  target = T(value);
  return true;
}

/// "x:1x3", "x:" for a scalar. Names may hold colons.
static bool parseShape(const std::string &text, Options &options) {
  size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0)
    return false;
  std::vector<int64_t> &dims = options.shapes[text.substr(0, colon)];
  dims.clear();
  for (size_t begin = colon + 1; begin < text.size();) {
    size_t end = std::min(text.find('x', begin), text.size());
    int64_t dim;
    if (!parseInteger(text.substr(begin, end - begin), 0, INT64_MAX, dim) ||
        end + 1 == text.size())
      return false;
    dims.push_back(dim);
    begin = end + 1;
  }
  return true;
}

static bool parseDim(const std::string &text, Options &options) {
  size_t equals = text.rfind('=');
  return equals != text.npos && equals > 0 &&
         parseInteger(text.substr(equals + 1), 0, INT64_MAX,
                      options.dims[text.substr(0, equals)]);
}

static bool parseRange(const std::string &text, Options &options) {
  size_t second = text.rfind(':');
  size_t first = second == text.npos || second == 0
                     ? text.npos
                     : text.rfind(':', second - 1);
  if (first == text.npos || first == 0)
    return false;
  Range &range = options.ranges[text.substr(0, first)];
  return parseNumber(text.substr(first + 1, second - first - 1), range.low) &&
         parseNumber(text.substr(second + 1), range.high) &&
         range.low < range.high;
}

static bool parseFile(const std::string &text, std::vector<FileOption> &files) {
  size_t equals = text.find('=');
  bool named = equals != text.npos && equals > 0;
  files.push_back({named ? text.substr(0, equals) : "",
                   named ? text.substr(equals + 1) : text});
  return !files.back().path.empty();
}

/// Whether an option takes a value: never, only after '=', always.
enum class Value { None, Optional, Required };

namespace {
struct Row {
  const char *name;
  Value value;
  /// What the value should be, for messages.
  const char *expected;
  bool (*set)(Options &options, const std::string &value);
};
} // namespace

static const Row rows[] = {
    {"input", Value::Required, "[NAME=]FILE",
     [](Options &o, const std::string &v) { return parseFile(v, o.inputs); }},
    {"verify", Value::Required, "[NAME=]FILE",
     [](Options &o, const std::string &v) { return parseFile(v, o.expected); }},
    {"random", Value::Optional, "a seed of 0 or more",
     [](Options &o, const std::string &v) {
       o.random = true;
       return v.empty() || setInteger(v, 0, INT64_MAX, o.seed);
     }},
    {"range", Value::Required, "NAME:LO:HI with LO < HI",
     [](Options &o, const std::string &v) { return parseRange(v, o); }},
    {"shape", Value::Required, "NAME:1x3x224",
     [](Options &o, const std::string &v) { return parseShape(v, o); }},
    {"dim", Value::Required, "NAME=N",
     [](Options &o, const std::string &v) { return parseDim(v, o); }},
    {"output", Value::Required, "a folder",
     [](Options &o, const std::string &v) {
       o.outputFolder = v;
       return !v.empty();
     }},
    {"tolerance", Value::Required, "a number of 0 or more",
     [](Options &o, const std::string &v) {
       return parseNumber(v, o.tolerance) && o.tolerance >= 0;
     }},
    {"json", Value::Optional, "a file",
     [](Options &o, const std::string &v) {
       o.json = true;
       o.jsonFile = v;
       return true;
     }},
    {"info", Value::None, "",
     [](Options &o, const std::string &) { return o.info = true; }},
    {"quiet", Value::None, "",
     [](Options &o, const std::string &) { return o.quiet = true; }},
    {"threads", Value::Required, "a number of 1 to 1024",
     [](Options &o, const std::string &v) {
       return setInteger(v, 1, 1024, o.threads);
     }},
    {"iterations", Value::Required, "a number of 1 or more",
     [](Options &o, const std::string &v) {
       return setInteger(v, 1, 1000000000, o.iterations);
     }},
    {"warmup", Value::Required, "a number of 0 or more",
     [](Options &o, const std::string &v) {
       return setInteger(v, 0, 1000000000, o.warmup);
     }},
    {"spin", Value::Required, "microseconds, -1 for none",
     [](Options &o, const std::string &v) {
       return setInteger(v, -1, 1000000000, o.spinUs);
     }},
    {"device", Value::Required, "a number of 0 or more",
     [](Options &o, const std::string &v) {
       return setInteger(v, 0, 1 << 20, o.device);
     }},
    {"fallback", Value::Required, "none or processor",
     [](Options &o, const std::string &v) {
       o.fallback =
           v == "processor" ? MOPT_FALLBACK_PROCESSOR : MOPT_FALLBACK_NONE;
       return v == "processor" || v == "none";
     }},
    {"entry", Value::Required, "a name",
     [](Options &o, const std::string &v) {
       o.entry = v;
       return !v.empty();
     }},
    {"weights", Value::Required, "a file",
     [](Options &o, const std::string &v) {
       o.weights = v;
       return !v.empty();
     }},
    {"profile", Value::None, "",
     [](Options &o, const std::string &) { return o.profile = true; }},
    {"compile", Value::Required, "an option of mopt-compile",
     [](Options &o, const std::string &v) {
       o.compilerOptions.push_back(v);
       return !v.empty();
     }},
    {"help", Value::None, "",
     [](Options &o, const std::string &) { return o.help = true; }},
    {"version", Value::None, "",
     [](Options &o, const std::string &) { return o.version = true; }},
};

static const Row *findRow(const std::string &name) {
  for (const Row &row : rows)
    if (row.name == name)
      return &row;
  return nullptr;
}

/// Handles the option at argv[i] and moves to its last word.
static std::string parseOption(int argc, char **argv, int &i,
                               Options &options) {
  std::string argument = argv[i];
  if (argument == "-q")
    argument = "--quiet";
  if (argument == "-h")
    argument = "--help";
  size_t equals = argument.find('=');
  bool attached = equals != argument.npos;
  std::string name =
      argument.substr(0, 2) == "--" ? argument.substr(2, equals - 2) : "";
  const Row *row = findRow(name);
  if (!row)
    return "unknown option '" + argument.substr(0, equals) + "'";
  std::string value = attached ? argument.substr(equals + 1) : "";
  if (row->value == Value::Required && !attached) {
    if (i + 1 == argc)
      return "option '--" + name + "': expected " + row->expected +
             ", found nothing";
    value = argv[++i];
  }
  if (row->value == Value::None && attached)
    return "option '--" + name + "' takes no value";
  if (!row->set(options, value))
    return "option '--" + name + "': expected " + row->expected + ", found '" +
           value + "'";
  return "";
}

std::string mopt_run::parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-' && argv[i][1] != '\0') {
      std::string error = parseOption(argc, argv, i, options);
      if (!error.empty())
        return error;
    } else if (options.model.empty()) {
      options.model = argv[i];
    } else {
      return std::string("expected one model, found a second one, '") +
             argv[i] + "'";
    }
  }
  if (options.model.empty() && !options.help && !options.version)
    return "expected a model";
  if (options.warmup < 0)
    options.warmup = options.iterations == 1
                         ? 0
                         : std::max<int64_t>(1, options.iterations / 10);
  return "";
}
