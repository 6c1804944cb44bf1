// Level in: an ONNX file. Level out: onnx, verified.
#include "mopt/Import/ImportONNX.h"

#include "GraphImporter.h"
#include "ModelReader.h"
#include "SchemaLibrary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mopt::importer;

void mopt::registerImportDialects(DialectRegistry &registry) {
  registry.insert<mopt::onnx::ONNXDialect, func::FuncDialect,
                  arith::ArithDialect>();
}

static FailureOr<OpsetVersions> readModelOpsets(const pb::ModelProto &model,
                                                Location loc) {
  FailureOr<OpsetVersions> opsets =
      readOpsets(model.opset_import(), "the model", loc);
  if (failed(opsets))
    return failure();
  // Operator sets came with IR version 3.
  if (model.ir_version() < 3 && opsets->empty())
    (*opsets)[""] = 1;
  if (opsets->empty())
    return emitError(loc) << "expected the model to import an operator set";
  // A newer operator may mean something else than its older self.
  for (const auto &entry : *opsets) {
    int64_t newest = SchemaLibrary::get().getNewestVersion(entry.first());
    if (newest && entry.second > newest)
      return emitError(loc)
             << "the model needs version " << entry.second
             << " of operator set '"
             << (entry.first().empty() ? "ai.onnx" : entry.first())
             << "', the newest known is " << newest;
  }
  return opsets;
}

static OwningOpRef<ModuleOp> importModel(pb::ModelProto &model, Location loc,
                                         StringRef path, std::string folder,
                                         const mopt::ImportOptions &options) {
  MLIRContext *context = loc.getContext();
  context->loadDialect<mopt::onnx::ONNXDialect, func::FuncDialect,
                       arith::ArithDialect>();
  FailureOr<OpsetVersions> opsets = readModelOpsets(model, loc);
  if (failed(opsets))
    return {};

  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder(context);
  ExternalData external(std::move(folder));
  GraphImporter importer(builder, path, external, options.useValueInfo);
  importer.setModuleOpsets(&*opsets);
  if (failed(importer.addFunctions(model, loc)) ||
      failed(importer.importEntry(*module, *model.mutable_graph(), *opsets)))
    return {};

  auto setStrings = [&](StringRef name, ArrayRef<NamedAttribute> entries) {
    if (!entries.empty())
      (*module)->setAttr(name, builder.getDictionaryAttr(entries));
  };
  NamedAttrList versions, metadata;
  for (const auto &entry : *opsets)
    versions.set(entry.first().empty() ? "ai.onnx" : entry.first(),
                 builder.getI64IntegerAttr(entry.second));
  for (const auto &entry : model.metadata_props())
    if (!entry.key().empty())
      metadata.set(entry.key(), builder.getStringAttr(entry.value()));
  setStrings(mopt::onnx::kOpsetsAttr, versions);
  setStrings(mopt::onnx::kMetadataAttr, metadata);
  (*module)->setAttr(mopt::onnx::kIRVersionAttr,
                     builder.getI64IntegerAttr(model.ir_version()));
  std::string producer = model.producer_name();
  if (!model.producer_version().empty())
    producer += " " + model.producer_version();
  if (!producer.empty())
    (*module)->setAttr(mopt::onnx::kProducerAttr,
                       builder.getStringAttr(producer));
  if (failed(verify(*module)))
    return {};
  if (options.externalFiles)
    *options.externalFiles = external.getPaths();
  return module;
}

OwningOpRef<ModuleOp> mopt::importONNX(StringRef path, MLIRContext *context,
                                       const ImportOptions &options) {
  Location loc = FileLineColLoc::get(context, path, 0, 0);
  std::unique_ptr<pb::ModelProto> model = readModelFile(path, loc);
  if (!model)
    return {};
  std::string folder = options.baseFolder;
  if (folder.empty())
    folder = llvm::sys::path::parent_path(path).str();
  if (folder.empty())
    folder = ".";
  return importModel(*model, loc, path, std::move(folder), options);
}

OwningOpRef<ModuleOp> mopt::importONNXBuffer(ArrayRef<char> bytes,
                                             MLIRContext *context,
                                             const ImportOptions &options) {
  Location loc = FileLineColLoc::get(context, options.bufferName, 0, 0);
  std::unique_ptr<pb::ModelProto> model = readModelBytes(bytes, loc);
  if (!model)
    return {};
  return importModel(*model, loc, options.bufferName, options.baseFolder,
                     options);
}
