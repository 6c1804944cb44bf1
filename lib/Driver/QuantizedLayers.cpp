// Level graph: the contractions that are computed with integers, as an
// attribute of the module that keeps them known to the certificate at every
// later level.
#include "Compilation.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/NodeNames.h"

using namespace mlir;
using namespace mopt;

static std::string printElement(Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << getElementTypeOrSelf(value.getType());
  return text;
}

void mopt::noteQuantizedLayers(ModuleOp module) {
  Builder b(module.getContext());
  SmallVector<Attribute> layers;
  module.walk([&](Operation *op) {
    if (!isa<MatmulOp, ConvOp>(op) ||
        !getElementTypeOrSelf(op->getOperand(1).getType()).isInteger())
      return;
    layers.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("layer", b.getStringAttr(llvm::join(
                                     getNodeNames(op->getLoc()), ", "))),
         b.getNamedAttr("input",
                        b.getStringAttr(printElement(op->getOperand(0)))),
         b.getNamedAttr("weights",
                        b.getStringAttr(printElement(op->getOperand(1))))}));
  });
  if (!layers.empty())
    module->setAttr(kQuantizedLayersAttr, b.getArrayAttr(layers));
}

llvm::json::Array mopt::getQuantizedLayers(ModuleOp module) {
  llvm::json::Array result;
  auto layers = module->getAttrOfType<ArrayAttr>(kQuantizedLayersAttr);
  if (!layers)
    return result;
  for (auto layer : layers.getAsRange<DictionaryAttr>()) {
    llvm::json::Object object;
    for (NamedAttribute field : layer)
      if (auto text = dyn_cast<StringAttr>(field.getValue()))
        object[field.getName().getValue()] = text.getValue();
    result.push_back(std::move(object));
  }
  return result;
}
