// The C header of a model: its inputs and outputs as documentation, constants
// for static shapes, and a typed call where everything is static.
#include "Compilation.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mopt;
using llvm::StringRef;

static std::string makeIdentifier(StringRef text) {
  std::string name;
  for (char c : text)
    name += llvm::isAlnum(c) ? c : '_';
  return name;
}

/// Text for a comment: names may hold anything.
static std::string printable(StringRef text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    bool ends = text[i] == '*' || text[i] == '/' || text[i] == '\\';
    result += llvm::isPrint(text[i]) && !ends ? text[i] : '?';
  }
  return result;
}

namespace {
class HeaderWriter {
public:
  HeaderWriter(const ModelInterface &interface, llvm::raw_ostream &os)
      : interface(interface), os(os), upper(StringRef(interface.entry).upper()) {
    nameAll(interface.inputs, inputNames);
    nameAll(interface.outputs, outputNames);
  }

  void write() {
    std::string guard = "MOPT_MODEL_" + upper + "_H";
    os << "/* " << interface.entry << ".h: made by mopt-compile. */\n"
       << "#ifndef " << guard << "\n#define " << guard << "\n\n"
       << "#include \"mopt-c/Model.h\"\n\n"
       << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
       << "/* The model's table of functions. */\n"
       << "const MoptModelApi *mopt_model_" << interface.entry << "(void);\n\n";
    if (interface.known) {
      os << "#define " << upper << "_INPUT_COUNT " << interface.inputs.size()
         << "\n#define " << upper << "_OUTPUT_COUNT "
         << interface.outputs.size() << "\n";
      writeTensors("input", interface.inputs, inputNames);
      writeTensors("output", interface.outputs, outputNames);
      if (isTyped(interface.inputs) && isTyped(interface.outputs))
        writeRun();
    }
    os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  }

private:
  using Tensors = llvm::ArrayRef<TensorInterface>;
  using Names = llvm::SmallVector<std::string>;

  /// C names that differ from each other.
  void nameAll(Tensors tensors, Names &names) {
    for (const TensorInterface &tensor : tensors) {
      std::string base = makeIdentifier(tensor.name), name = base;
      for (unsigned i = 1; !taken.insert(StringRef(name).upper()).second; ++i)
        name = base + "_" + std::to_string(i);
      names.push_back(name);
    }
  }

  static bool isTyped(Tensors tensors) {
    return llvm::all_of(tensors, [](const TensorInterface &tensor) {
      return tensor.isStatic() && !tensor.cType.empty();
    });
  }

  static int64_t countBytes(const TensorInterface &tensor) {
    return (tensor.countElements() * tensor.elementBits + 7) / 8;
  }

  void writeTensors(StringRef kind, Tensors tensors, const Names &names) {
    for (auto [index, tensor] : llvm::enumerate(tensors)) {
      os << "\n/* " << kind << " " << index << ", '" << printable(tensor.name)
         << "': " << (tensor.dtype.empty() ? "opaque" : tensor.dtype) << " [";
      for (auto [axis, dim] : llvm::enumerate(tensor.dims)) {
        os << (axis ? ", " : "");
        if (dim >= 0)
          os << dim;
        else
          os << (tensor.dimNames[axis].empty()
                     ? "?"
                     : printable(tensor.dimNames[axis]));
      }
      os << "] */\n";
      std::string prefix =
          "#define " + upper + "_" + StringRef(names[index]).upper();
      os << prefix << "_RANK " << tensor.dims.size() << "\n";
      for (auto [axis, dim] : llvm::enumerate(tensor.dims))
        if (dim >= 0)
          os << prefix << "_DIM" << axis << " " << dim << "\n";
      if (tensor.isStatic() && !tensor.cType.empty())
        os << prefix << "_ELEMENTS " << tensor.countElements() << "\n"
           << prefix << "_BYTES " << countBytes(tensor) << "\n";
    }
  }

  void writeArgument(const TensorInterface &tensor, StringRef name,
                     bool isInput) {
    os << ",\n    " << (isInput ? "const " : "") << tensor.cType << " *"
       << (isInput ? "in_" : "out_") << name;
  }

  void fillTensor(StringRef array, unsigned index,
                  const TensorInterface &tensor, StringRef argument) {
    std::string dims = (argument + "_dims").str();
    if (!tensor.dims.empty()) {
      os << "  int64_t " << dims << "[] = {";
      llvm::interleaveComma(tensor.dims, os);
      os << "};\n";
    }
    std::string slot = (array + "[" + llvm::Twine(index) + "]").str();
    os << "  " << slot << ".data = (void *)" << argument << ";\n"
       << "  " << slot << ".dims = " << (tensor.dims.empty() ? "0" : dims)
       << ";\n"
       << "  " << slot << ".rank = " << tensor.dims.size() << ";\n"
       << "  " << slot << ".dtype = " << tensor.dtype << ";\n"
       << "  " << slot << ".capacity_bytes = " << countBytes(tensor) << ";\n";
  }

  void writeRun() {
    // Room for one where there are none: C has no empty arrays.
    auto room = [](size_t count) { return std::max<size_t>(count, 1); };
    os << "\n/* Runs the model on dense row-major buffers of the sizes above. "
          "*/\n"
       << "static inline MoptStatus " << interface.entry
       << "_run(MoptContext *context";
    for (auto [tensor, name] : llvm::zip(interface.inputs, inputNames))
      writeArgument(tensor, name, true);
    for (auto [tensor, name] : llvm::zip(interface.outputs, outputNames))
      writeArgument(tensor, name, false);
    os << ") {\n  MoptTensor inputs[" << room(interface.inputs.size())
       << "] = {{0}};\n  MoptTensor outputs[" << room(interface.outputs.size())
       << "] = {{0}};\n";
    for (auto [index, tensor] : llvm::enumerate(interface.inputs))
      fillTensor("inputs", index, tensor, "in_" + inputNames[index]);
    for (auto [index, tensor] : llvm::enumerate(interface.outputs))
      fillTensor("outputs", index, tensor, "out_" + outputNames[index]);
    os << "  return mopt_model_" << interface.entry
       << "()->run(context, inputs, " << interface.inputs.size()
       << ", outputs, " << interface.outputs.size() << ");\n}\n";
  }

  const ModelInterface &interface;
  llvm::raw_ostream &os;
  std::string upper;
  llvm::StringSet<> taken;
  Names inputNames, outputNames;
};
} // namespace

std::string mopt::makeHeader(const ModelInterface &interface) {
  std::string text;
  llvm::raw_string_ostream os(text);
  HeaderWriter(interface, os).write();
  return text;
}
