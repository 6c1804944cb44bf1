// The contractions with sparse weights as an attribute of the module, which
// keeps them known to the certificate at every later level: at level legal what
// they are, at level kernels how they are computed.
#include "Compilation.h"

#include "mopt/Dialect/Mopt/IR/Sparsity.h"
#include "mopt/Support/NodeNames.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mopt;

static std::string getLayerName(Operation *op) {
  return llvm::join(getNodeNames(op->getLoc()), ", ");
}

static void noteLegal(ModuleOp module) {
  Builder b(module.getContext());
  SmallVector<Attribute> layers;
  module.walk([&](Operation *op) {
    if (!isa<MatmulOp, ConvOp, QuantizedMatmulOp>(op))
      return;
    auto weights = op->getOperand(1).getDefiningOp<SparseAssembleOp>();
    if (!weights)
      return;
    layers.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("layer", b.getStringAttr(getLayerName(op))),
         b.getNamedAttr("pattern",
                        b.getStringAttr(describeSparsity(weights)))}));
  });
  if (!layers.empty())
    module->setAttr(kSparseLayersAttr, b.getArrayAttr(layers));
}

static void noteArithmetic(ModuleOp module) {
  auto layers = module->getAttrOfType<ArrayAttr>(kSparseLayersAttr);
  if (!layers)
    return;
  llvm::StringSet<> sparse;
  module.walk([&](Operation *op) {
    if (op->hasAttr(SparsityAttr::kAttrName))
      sparse.insert(getLayerName(op));
  });
  Builder b(module.getContext());
  SmallVector<Attribute> noted;
  for (auto layer : layers.getAsRange<DictionaryAttr>()) {
    NamedAttrList fields(layer);
    bool isSparse =
        sparse.contains(layer.getAs<StringAttr>("layer").getValue());
    fields.set("arithmetic", b.getStringAttr(isSparse ? "sparse" : "dense"));
    noted.push_back(fields.getDictionary(b.getContext()));
  }
  module->setAttr(kSparseLayersAttr, b.getArrayAttr(noted));
}

void mopt::noteSparseLayers(ModuleOp module, Level level) {
  if (level == Level::Legal)
    noteLegal(module);
  else if (level == Level::Kernels)
    noteArithmetic(module);
}

llvm::json::Array mopt::getSparseLayers(ModuleOp module) {
  llvm::json::Array result;
  auto layers = module->getAttrOfType<ArrayAttr>(kSparseLayersAttr);
  if (!layers)
    return result;
  for (auto layer : layers.getAsRange<DictionaryAttr>()) {
    llvm::json::Object object;
    for (NamedAttribute field : layer)
      if (auto text = dyn_cast<StringAttr>(field.getValue()))
        object[field.getName().getValue()] = text.getValue();
      else if (auto number = dyn_cast<FloatAttr>(field.getValue()))
        object[field.getName().getValue()] = number.getValueAsDouble();
    result.push_back(std::move(object));
  }
  return result;
}
