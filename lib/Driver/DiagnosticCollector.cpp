// Diagnostics to lines "model.onnx: node 'conv1' (Conv, opset 13): message".
// The importer puts the node into a name location around the file's.
#include "DiagnosticCollector.h"

#include "mopt/Support/NodeNames.h"

using namespace mlir;
using namespace mopt;

DiagnosticCollector::DiagnosticCollector(const CompileOptions &options,
                                         DiagnosticSink sink)
    : options(options), sink(std::move(sink)) {}

namespace {
/// What a location says: the innermost name and file.
struct Place {
  StringRef name;
  std::string file;
  /// IR files have lines; the line of a model is the index of a node.
  unsigned line = 0, column = 0;
};
} // namespace

static void describe(Location loc, Place &place) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    if (place.name.empty())
      place.name = name.getName();
    return describe(name.getChildLoc(), place);
  }
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    place.file = file.getFilename().str();
    place.line = file.getLine();
    place.column = file.getColumn();
    return;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return describe(call.getCallee(), place);
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations()) {
      describe(part, place);
      if (!place.file.empty())
        return;
    }
}

static CompileDiagnostic convert(Diagnostic &diagnostic, StringRef input) {
  Place place;
  describe(diagnostic.getLocation(), place);
  CompileDiagnostic result;
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    result.severity = CompileDiagnostic::Severity::Error;
    break;
  case DiagnosticSeverity::Warning:
    result.severity = CompileDiagnostic::Severity::Warning;
    break;
  case DiagnosticSeverity::Remark:
    result.severity = CompileDiagnostic::Severity::Remark;
    break;
  case DiagnosticSeverity::Note:
    result.severity = CompileDiagnostic::Severity::Note;
    break;
  }
  result.file = place.file.empty() ? input.str() : place.file;
  result.message = diagnostic.str();
  if (std::optional<NodeName> node = parseNodeName(place.name)) {
    result.node = node->name.str();
    result.op = node->op.str();
  }

  result.text = result.file;
  StringRef file = result.file;
  if (place.name.empty() && place.line &&
      (file.ends_with(".mlir") || file == "-"))
    result.text += (":" + Twine(place.line) + ":" + Twine(place.column)).str();
  result.text += ": ";
  if (result.severity == CompileDiagnostic::Severity::Warning)
    result.text += "warning: ";
  if (result.severity == CompileDiagnostic::Severity::Remark)
    result.text += "remark: ";
  if (result.severity == CompileDiagnostic::Severity::Note)
    result.text += "note: ";
  if (!place.name.empty())
    result.text += (place.name + ": ").str();
  result.text += result.message;
  return result;
}

void DiagnosticCollector::handle(Diagnostic &diagnostic) {
  StringRef input = options.input;
  report(convert(diagnostic, input));
  for (Diagnostic &note : diagnostic.getNotes())
    report(convert(note, input));
}

void DiagnosticCollector::error(llvm::Twine message) {
  CompileDiagnostic diagnostic;
  diagnostic.file = options.input;
  diagnostic.message = message.str();
  diagnostic.text = (options.input + ": " + message).str();
  report(std::move(diagnostic));
}

void DiagnosticCollector::report(CompileDiagnostic diagnostic) {
  using Severity = CompileDiagnostic::Severity;
  bool isError = diagnostic.severity == Severity::Error;
  if (isError) {
    ++errors;
    // The words that every diagnostic about a missing ability uses.
    unsupported |= StringRef(diagnostic.message).contains("not supported");
  }
  bool isShown =
      isError || (!options.quiet &&
                  (options.verbose || diagnostic.severity != Severity::Remark));
  // A report has remarks that are not shown.
  if (!isShown && options.report.empty())
    return;
  if (!seen.insert(diagnostic.text).second)
    return;
  if (sink && isShown)
    sink(diagnostic);
  all.push_back(std::move(diagnostic));
}
