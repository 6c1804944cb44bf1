// A file to a module: an ONNX model to L0, IR to the level it was written at.
#include "Compilation.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/ONNX/IR/ONNX.h"
#include "mopt/Import/ImportONNX.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mopt;

/// A file whose weights were left out parses, silently, to one without them.
static LogicalResult verifyResources(ModuleOp module) {
  bool complete = true;
  module.walk([&](Operation *op) {
    op->getAttrDictionary().walk([&](DenseResourceElementsAttr attr) {
      if (attr.getRawHandle().getBlob())
        return;
      op->emitError() << "the weights '" << attr.getRawHandle().getKey()
                      << "' are missing, they were left out when the file was "
                         "written; expected a file made by --emit";
      complete = false;
    });
  });
  return success(complete);
}

static std::optional<Level> findLevel(ModuleOp module) {
  if (auto name = module->getAttrOfType<StringAttr>(kLevelAttr))
    return parseLevel(name.getValue());
  bool hasNodes = false, hasOther = false;
  module.walk([&](Operation *op) {
    hasNodes |= isa<mopt::onnx::NodeOp>(op);
    hasOther |= op != module.getOperation() &&
                !isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect());
  });
  return hasNodes ? Level::ONNX : hasOther ? Level::Graph : Level::LLVM;
}

static LoadedModule loadIR(std::unique_ptr<llvm::MemoryBuffer> buffer,
                           MLIRContext *context,
                           DiagnosticCollector &diagnostics) {
  LoadedModule loaded;
  // Bytecode wants its sections aligned; a big file is mapped and so is.
  const llvm::Align pageAlign(4096);
  if (!llvm::isAddrAligned(pageAlign, buffer->getBufferStart())) {
    auto aligned = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
        buffer->getBufferSize(), buffer->getBufferIdentifier(), pageAlign);
    llvm::copy(buffer->getBuffer(), aligned->getBufferStart());
    buffer = std::move(aligned);
  }
  // Shared, so that weights in bytecode are used where they lie.
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  loaded.module = parseSourceFile<ModuleOp>(sources, ParserConfig(context));
  if (!loaded.module || failed(verifyResources(*loaded.module)))
    return {};
  std::optional<Level> level = findLevel(*loaded.module);
  if (!level || *level > Level::LLVM) {
    diagnostics.error("expected the attribute '" + kLevelAttr +
                      "' to name a level of the IR");
    return {};
  }
  loaded.level = *level;
  return loaded;
}

/// Of what comes through a pipe: a serialized model starts with control
/// characters, the tag and value of its IR version.
static bool isIRText(StringRef bytes) {
  return !bytes.empty() &&
         llvm::all_of(bytes.take_front(16), [](unsigned char c) {
           return c >= ' ' || c == '\n' || c == '\t' || c == '\r';
         });
}

LoadedModule mopt::loadInput(const CompileOptions &options,
                             MLIRContext *context,
                             DiagnosticCollector &diagnostics) {
  StringRef extension = llvm::sys::path::extension(options.input);
  bool isIR = extension == ".mlir" || extension == ".mlirbc";
  ImportOptions import;
  // What the file states about intermediate shapes need not hold for others.
  import.useValueInfo = options.shapes.empty() && options.dims.empty();
  if (!isIR && options.input != "-" && !options.model) {
    LoadedModule loaded;
    import.externalFiles = &loaded.externalFiles;
    loaded.module = importONNX(options.input, context, import);
    return loaded;
  }

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  if (options.model) {
    buffer = llvm::MemoryBuffer::getMemBuffer(
        StringRef(options.model->data(), options.model->size()), options.input,
        /*RequiresNullTerminator=*/false);
  } else {
    auto read = llvm::MemoryBuffer::getFileOrSTDIN(options.input);
    if (!read) {
      diagnostics.error("cannot be read: " + read.getError().message());
      return {};
    }
    buffer = std::move(*read);
  }
  StringRef bytes = buffer->getBuffer();
  if (isIR || isIRText(bytes) || bytes.starts_with("ML\xefR")) {
    // The parser reads up to a terminator.
    if (options.model)
      buffer = llvm::MemoryBuffer::getMemBufferCopy(bytes, options.input);
    return loadIR(std::move(buffer), context, diagnostics);
  }
  import.bufferName = options.input;
  LoadedModule loaded;
  loaded.module = importONNXBuffer(ArrayRef(bytes.data(), bytes.size()),
                                   context, import);
  return loaded;
}
