// Every option of mopt-compile as a row: its help, and how its value is read.
#include "OptionTable.h"

#include "mopt/Support/SparsityPattern.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mopt;
using llvm::StringRef;

static llvm::Error expected(StringRef what, StringRef found) {
  return llvm::createStringError("expected " + what + ", found '" + found +
                                 "'");
}

template <std::string CompileOptions::*Member>
static llvm::Error setText(CompileOptions &options, StringRef value) {
  if (value.empty())
    return expected("a value", value);
  options.*Member = value.str();
  return llvm::Error::success();
}

template <bool CompileOptions::*Member>
static llvm::Error setSwitch(CompileOptions &options, StringRef) {
  options.*Member = true;
  return llvm::Error::success();
}

static llvm::Error setEmit(CompileOptions &options, StringRef value) {
  options.emit = parseLevel(value);
  if (options.emit)
    return llvm::Error::success();
  return expected("onnx, graph, legal, kernels, structured, vector, buffer, "
                  "llvm, llvm-ir, bitcode, asm, obj, lib, so, ptx or cubin",
                  value);
}

static llvm::Error setTarget(CompileOptions &options, StringRef value) {
  llvm::SmallVector<StringRef> names;
  value.split(names, ',');
  for (StringRef name : names) {
    if (name.empty())
      return expected("names of targets, separated by commas", value);
    options.targets.push_back(name.str());
  }
  return llvm::Error::success();
}

static llvm::Error setShape(CompileOptions &options, StringRef value) {
  constexpr StringRef form =
      "INPUT:1x3x224x224 with sizes from 0 on, '?' for a dynamic one";
  // Names of inputs may hold colons, sizes do not.
  auto [name, sizes] = value.rsplit(':');
  if (name.empty() || !value.contains(':'))
    return expected(form, value);
  llvm::SmallVector<int64_t> dims;
  llvm::SmallVector<StringRef> parts;
  if (!sizes.empty())
    sizes.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t size = -1;
    if (part != "?" && (part.getAsInteger(10, size) || size < 0))
      return expected(form, value);
    dims.push_back(size);
  }
  options.shapes[name.str()] = dims;
  return llvm::Error::success();
}

static llvm::Error setDim(CompileOptions &options, StringRef value) {
  auto [name, text] = value.rsplit('=');
  int64_t size;
  if (name.empty() || text.getAsInteger(10, size) || size < 0)
    return expected("NAME=SIZE with a size from 0 on", value);
  options.dims[name.str()] = size;
  return llvm::Error::success();
}

static llvm::Error setOptLevel(CompileOptions &options, StringRef value) {
  if (value.getAsInteger(10, options.optLevel) || options.optLevel > 3)
    return expected("0, 1, 2 or 3", value);
  return llvm::Error::success();
}

static llvm::Error setNumerics(CompileOptions &options, StringRef value) {
  std::optional<Numerics> parsed =
      llvm::StringSwitch<std::optional<Numerics>>(value)
          .Case("strict", Numerics::Strict)
          .Case("default", Numerics::Default)
          .Case("fast", Numerics::Fast)
          .Default(std::nullopt);
  if (!parsed)
    return expected("strict, default or fast", value);
  options.numerics = *parsed;
  return llvm::Error::success();
}

static llvm::Error setSanitizer(CompileOptions &options, StringRef value) {
  std::optional<Sanitizer> parsed =
      llvm::StringSwitch<std::optional<Sanitizer>>(value)
          .Case("none", Sanitizer::None)
          .Case("address", Sanitizer::Address)
          .Case("thread", Sanitizer::Thread)
          .Default(std::nullopt);
  if (!parsed)
    return expected("none, address or thread", value);
  options.sanitizer = *parsed;
  return llvm::Error::success();
}

static llvm::Error setWeights(CompileOptions &options, StringRef value) {
  std::optional<WeightsPlace> parsed =
      llvm::StringSwitch<std::optional<WeightsPlace>>(value)
          .Case("auto", WeightsPlace::Automatic)
          .Case("embed", WeightsPlace::Embedded)
          .Case("file", WeightsPlace::File)
          .Default(std::nullopt);
  if (!parsed)
    return expected("auto, embed or file", value);
  options.weights = *parsed;
  return llvm::Error::success();
}

static llvm::Error setPipeline(CompileOptions &options, StringRef value) {
  if (value != "default" && value != "reference")
    return expected("default or reference", value);
  options.referencePipeline = value == "reference";
  return llvm::Error::success();
}

static llvm::Error setSparsity(CompileOptions &options, StringRef value) {
  if (value != "auto" && value != "off" && !SparsityPattern::parse(value))
    return expected(
        "auto, off or N:M with N from 1 on and below M, and M up to "
        "128",
        value);
  options.sparsity = value.str();
  return llvm::Error::success();
}

/// A text out of a list that the help shows.
template <std::string CompileOptions::*Member>
static llvm::Error setChoice(CompileOptions &options, StringRef value,
                             std::initializer_list<StringRef> choices,
                             StringRef expectation) {
  if (!llvm::is_contained(choices, value))
    return expected(expectation, value);
  options.*Member = value.str();
  return llvm::Error::success();
}

static llvm::Error setQuantize(CompileOptions &options, StringRef value) {
  // "weight-int4:group=32,symmetric=false" has settings behind the mode.
  auto [mode, settings] = value.split(':');
  if (!llvm::is_contained({StringRef("none"), StringRef("dynamic-int8"),
                           StringRef("static-int8"), StringRef("weight-int8"),
                           StringRef("weight-int4")},
                          mode))
    return expected("none, dynamic-int8, static-int8, weight-int8 or "
                    "weight-int4, with ':name=value,...'",
                    value);
  QuantizeOptions &quantize = options.quantize;
  quantize = QuantizeOptions();
  quantize.mode = mode.str();
  llvm::SmallVector<StringRef> list;
  if (value.contains(':'))
    settings.split(list, ',');
  if (!list.empty() && !mode.starts_with("weight-"))
    return expected("no settings of '" + mode.str() + "'", settings);
  for (StringRef setting : list) {
    auto [name, text] = setting.split('=');
    if (name == "group") {
      if (text.getAsInteger(10, quantize.group) || quantize.group < 1)
        return expected("'group' of at least 1", text);
    } else if (name == "symmetric") {
      if (text != "true" && text != "false")
        return expected("'symmetric' of true or false", text);
      quantize.symmetric = text == "true";
    } else {
      return expected("a setting 'group' or 'symmetric'", name);
    }
  }
  return llvm::Error::success();
}

static llvm::Error setPrecision(CompileOptions &options, StringRef value) {
  return setChoice<&CompileOptions::precision>(
      options, value, {"f32", "tf32", "bf16", "f16", "int8", "fp8"},
      "f32, tf32, bf16, f16, int8 or fp8");
}

static llvm::Error setFallback(CompileOptions &options, StringRef value) {
  return setChoice<&CompileOptions::fallback>(
      options, value, {"none", "processor"}, "none or processor");
}

static llvm::Error setInstrument(CompileOptions &options, StringRef value) {
  return setChoice<&CompileOptions::instrument>(options, value, {"ranges"},
                                                "ranges");
}

static llvm::Error setPrune(CompileOptions &options, StringRef value) {
  if (!PruningPattern::parse(value))
    return expected("N:M, with N from 1 on and below M, and M up to 128, or "
                    "unstructured:S, with S between 0 and 1, and :magnitude "
                    "behind it or not (other methods need data: python -m mopt "
                    "prune)",
                    value);
  options.prune = value.str();
  return llvm::Error::success();
}

/// A number from 0 on.
template <std::string CompileOptions::*Member>
static llvm::Error setNumber(CompileOptions &options, StringRef value) {
  double number;
  if (value.getAsDouble(number) || !(number >= 0))
    return expected("a number from 0 on", value);
  options.*Member = value.str();
  return llvm::Error::success();
}

static llvm::Error setEntry(CompileOptions &options, StringRef value) {
  if (value.empty() || llvm::isDigit(value[0]) ||
      !llvm::all_of(value, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return expected("a C identifier", value);
  options.entry = value.str();
  return llvm::Error::success();
}

static llvm::Error setThreads(CompileOptions &options, StringRef value) {
  if (value.getAsInteger(10, options.threads) || options.threads == 0 ||
      options.threads > 1024)
    return expected("a number from 1 to 1024", value);
  return llvm::Error::success();
}

llvm::ArrayRef<OptionRow> mopt::getOptionTable() {
  using O = CompileOptions;
  static constexpr llvm::StringLiteral output = "Output", machine = "Machine",
                                       model = "Model",
                                       accuracy = "Speed and accuracy",
                                       messages = "Messages";
  static const OptionRow rows[] = {
      {output, "o", "FILE",
       "file to write; .so .a .o .s .ll .bc .mlir choose what",
       setText<&O::output>},
      {output, "emit", "LEVEL",
       "stop at onnx graph legal kernels structured vector buffer llvm llvm-ir "
       "bitcode asm obj lib so",
       setEmit},
      {output, "entry", "NAME",
       "name of the model in symbols; from the file's name", setEntry},
      {output, "header", "FILE", "write a C header for this model",
       setText<&O::header>},
      {output, "weights", "PLACE",
       "embed, file (OUTPUT.weights) or auto (file above 1 GiB)", setWeights},
      {output, "report", "FILE", "write what was done as JSON",
       setText<&O::report>},
      {output, "depfile", "FILE", "write the files read, for make or ninja",
       setText<&O::depfile>},
      {output, "save-temps", "DIR",
       "write the module after each level, big weights left out",
       setText<&O::saveTemps>},
      {machine, "target", "NAME",
       "row of --list-targets; native (default) is the best for this machine",
       setTarget},
      {machine, "fallback", "WHAT",
       "processor: a library for a device holds its hosts' code too",
       setFallback},
      {machine, "triple", "TRIPLE", "LLVM triple of a machine without a row",
       setText<&O::triple>},
      {machine, "cpu", "CPU", "its LLVM processor name", setText<&O::cpu>},
      {machine, "features", "LIST", "its features, +a,-b",
       setText<&O::features>},
      {model, "shape", "IN:1x3x8", "fix an input's dimensions; repeatable",
       setShape},
      {model, "dim", "NAME=SIZE", "fix a named dimension; repeatable", setDim},
      {accuracy, "O", "0..3", "effort; 3 by default", setOptLevel},
      {accuracy, "numerics", "MODE", "strict, default or fast", setNumerics},
      {accuracy, "pipeline", "NAME", "default, or reference: slow and plain",
       setPipeline},
      {accuracy, "quantize", "MODE",
       "none, dynamic-int8, static-int8, weight-int8 or weight-int4",
       setQuantize},
      {accuracy, "calibration", "FILE",
       "ranges of static-int8, as mopt.calibrate writes them",
       setText<&O::calibration>},
      {accuracy, "sparsity", "MODE",
       "auto, off, or N:M that all weights must have", setSparsity},
      {accuracy, "prune", "PATTERN",
       "N:M: keep the N largest of each M weights; unstructured:S: zero a "
       "share "
       "S",
       setPrune},
      {accuracy, "precision", "TYPE",
       "f32, tf32 or fp8 (devices), bf16, f16, or int8: dynamic-int8, "
       "static-int8 with "
       "--calibration",
       setPrecision},
      {accuracy, "max-drop", "X",
       "static-int8: largest estimated relative error; else exit 4",
       setNumber<&O::maxDrop>},
      {accuracy, "equalize", "",
       "scale channels between layers before they are observed and quantized",
       setSwitch<&O::equalize>},
      {accuracy, "instrument", "WHAT",
       "ranges: a library that collects statistics", setInstrument},
      {accuracy, "tune", "SECONDS",
       "measure on this machine what else is estimated", setNumber<&O::tune>},
      {accuracy, "tune-record", "FILE",
       "where measurements are written, or read without --tune",
       setText<&O::tuneRecord>},
      {accuracy, "profile", "",
       "count calls and time of each kernel, for mopt-run --profile",
       setSwitch<&O::profile>},
      {accuracy, "sanitize", "KIND",
       "none, address or thread: instrument the code", setSanitizer},
      {messages, "j", "N", "threads to compile with", setThreads},
      {messages, "v", "", "print steps, times, memory and choices",
       setSwitch<&O::verbose>},
      {messages, "q", "", "print errors only", setSwitch<&O::quiet>},
  };
  return rows;
}
