// The command line: options from arguments, help and version.
#include "OptionTable.h"
#include "mopt-c/Model.h"
#include "mopt/Support/Version.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mopt;
using llvm::StringRef;

static const OptionRow *findRow(StringRef name) {
  for (const OptionRow &row : getOptionTable())
    if (row.name == name)
      return &row;
  return nullptr;
}

static std::string spell(StringRef name) {
  return ((name.size() == 1 ? "-" : "--") + name).str();
}

llvm::Error mopt::setOption(CompileOptions &options, StringRef name,
                            StringRef value) {
  const OptionRow *row = findRow(name);
  if (!row)
    return llvm::createStringError("unknown option '" + spell(name) +
                                   "'; --help lists them");
  if (llvm::Error error = row->set(options, value))
    return llvm::createStringError("option '" + spell(name) + "': " +
                                   llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Expected<CommandLineRequest>
mopt::parseCommandLine(llvm::ArrayRef<const char *> arguments,
                       CompileOptions &options) {
  bool optionsEnded = false;
  while (!arguments.empty()) {
    StringRef argument = arguments.front();
    arguments = arguments.drop_front();
    if (optionsEnded || argument == "-" || !argument.starts_with("-")) {
      if (!options.input.empty())
        return llvm::createStringError("expected one model, found '" +
                                       options.input + "' and '" + argument +
                                       "'");
      options.input = argument.str();
      continue;
    }
    if (argument == "--") {
      optionsEnded = true;
      continue;
    }
    if (argument == "--help" || argument == "-h")
      return CommandLineRequest::Help;
    if (argument == "--version")
      return CommandLineRequest::Version;
    if (argument == "--list-targets")
      return CommandLineRequest::ListTargets;
    bool longName = argument.consume_front("--");
    if (!longName)
      argument = argument.drop_front();
    auto [name, value] = argument.split('=');
    bool hasValue = argument.contains('=');
    // -O2, -j4
    if (!longName && !hasValue && name.size() > 1) {
      value = name.drop_front();
      name = name.take_front();
      hasValue = true;
    }
    const OptionRow *row = findRow(name);
    if (!row || (name.size() == 1) == longName)
      return llvm::createStringError("unknown option '" +
                                     llvm::Twine(longName ? "--" : "-") + name +
                                     "'; --help lists them");
    if (row->value.empty() && hasValue)
      return llvm::createStringError("option '" + spell(name) +
                                     "': expected no value, found '" + value +
                                     "'");
    if (!row->value.empty() && !hasValue) {
      if (arguments.empty())
        return llvm::createStringError("option '" + spell(name) +
                                       "': expected a value");
      value = arguments.front();
      arguments = arguments.drop_front();
    }
    if (llvm::Error error = setOption(options, name, value))
      return error;
  }
  if (options.input.empty())
    return llvm::createStringError("expected a model; --help lists options");
  return CommandLineRequest::Compile;
}

/// Words in the help's second column, which ends with a screen of 80.
static void printWrapped(llvm::raw_ostream &os, StringRef text) {
  constexpr unsigned begin = 25, end = 80;
  unsigned column = begin;
  llvm::SmallVector<StringRef> words;
  text.split(words, ' ');
  for (StringRef word : words) {
    if (column > begin && column + 1 + word.size() > end) {
      os << "\n";
      os.indent(begin);
      column = begin;
    }
    if (column > begin)
      os << ' ';
    os << word;
    column += word.size() + (column > begin);
  }
  os << "\n";
}

void mopt::printHelp(llvm::raw_ostream &os) {
  os << "usage: mopt-compile MODEL -o OUTPUT [options]\n"
        "MODEL is an ONNX file, or IR of any level (.mlir, .mlirbc).\n";
  StringRef group;
  for (const OptionRow &row : getOptionTable()) {
    if (row.group != group)
      os << "\n" << row.group << "\n";
    group = row.group;
    std::string name = spell(row.name);
    if (!row.value.empty())
      name += (row.name.size() == 1 ? " " : "=") + row.value.str();
    os << llvm::format("  %-22s ", name.c_str());
    printWrapped(os, row.help);
  }
  os << "\nOther\n"
        "  --list-targets         the machines with a name, as JSON\n"
        "  --version, --help\n"
        "\nexit codes: 0 ok, 1 bad model, 2 usage, 3 not supported, 4 accuracy "
        "gate,\n            5 internal error\n";
}

void mopt::printVersion(llvm::raw_ostream &os) {
  os << "mopt " MOPT_VERSION "\nLLVM " LLVM_VERSION_STRING "\nABI "
     << MOPT_MODEL_ABI_VERSION << "\n";
}

Level CompileOptions::getFinalLevel() const {
  if (emit)
    return *emit;
  if (std::optional<Level> level = getLevelOfFile(output))
    return *level;
  return Level::SharedLibrary;
}

std::string CompileOptions::getOutputPath() const {
  if (!output.empty())
    return output;
  StringRef stem = input == "-" ? "model" : llvm::sys::path::stem(input);
  return (stem + getLevelExtension(getFinalLevel())).str();
}
