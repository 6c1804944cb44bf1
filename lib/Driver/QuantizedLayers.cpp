// The quantized contractions of a model as an attribute of the module, which
// keeps them known to the certificate at every later level: at level legal what
// they are, at level kernels how they are computed.
#include "Compilation.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/NodeNames.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mopt;

static std::string printElement(Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << getElementTypeOrSelf(value.getType());
  return text;
}

static std::string getLayerName(Operation *op) {
  return llvm::join(getNodeNames(op->getLoc()), ", ");
}

/// The constant in quantized form that `weights` is made of, null if none.
static Value getQuantizedWeights(Value weights) {
  while (Operation *op = weights.getDefiningOp()) {
    if (auto dequantize = dyn_cast<DequantizeOp>(op))
      return matchPattern(dequantize.getInput(), m_Constant())
                 ? dequantize.getInput()
                 : Value();
    if (!isa<ReshapeOp, TransposeOp, SliceOp, CastOp, BinaryOp>(op))
      return {};
    weights = op->getOperand(0);
  }
  return {};
}

/// What a calibration made of each layer; those that it excluded are entries
/// too.
static void addCalibrated(ModuleOp module, SmallVector<Attribute> &layers) {
  auto calibrated =
      module->getAttrOfType<DictionaryAttr>(kCalibratedLayersAttr);
  if (!calibrated)
    return;
  MLIRContext *ctx = module.getContext();
  for (NamedAttribute entry : calibrated) {
    // A second product of the same nodes has a number behind its name.
    StringRef name = entry.getName().getValue().split(" #").first;
    auto *known = llvm::find_if(layers, [&](Attribute layer) {
      auto fields = cast<DictionaryAttr>(layer);
      return fields.getAs<StringAttr>("layer").getValue() == name &&
             !fields.contains("scheme");
    });
    NamedAttrList fields(cast<DictionaryAttr>(entry.getValue()));
    if (known != layers.end())
      fields.append(cast<DictionaryAttr>(*known).getValue());
    else
      fields.set("layer", StringAttr::get(ctx, name));
    Attribute merged = fields.getDictionary(ctx);
    if (known != layers.end())
      *known = merged;
    else
      layers.push_back(merged);
  }
}

static void noteLegal(ModuleOp module) {
  Builder b(module.getContext());
  SmallVector<Attribute> layers;
  module.walk([&](Operation *op) {
    Value weights;
    if (isa<QuantizedMatmulOp, QuantizedConvOp>(op)) {
      weights = op->getOperand(1);
    } else if (isa<MatmulOp, ConvOp>(op)) {
      weights = op->getOperand(1);
      if (!getElementTypeOrSelf(weights.getType()).isInteger())
        weights = getQuantizedWeights(weights);
    }
    if (!weights)
      return;
    auto text = [&](StringRef name, const Twine &value) {
      return b.getNamedAttr(name, b.getStringAttr(value));
    };
    layers.push_back(
        b.getDictionaryAttr({text("layer", getLayerName(op)),
                             text("input", printElement(op->getOperand(0))),
                             text("weights", printElement(weights))}));
  });
  addCalibrated(module, layers);
  if (!layers.empty())
    module->setAttr(kQuantizedLayersAttr, b.getArrayAttr(layers));
}

static void noteArithmetic(ModuleOp module) {
  auto layers = module->getAttrOfType<ArrayAttr>(kQuantizedLayersAttr);
  if (!layers)
    return;
  llvm::StringSet<> integers;
  module.walk([&](Operation *op) {
    if (isa<MatmulOp, ConvOp>(op) &&
        getElementTypeOrSelf(op->getOperand(1).getType()).isInteger(8))
      integers.insert(getLayerName(op));
    // Rows are rounded to integers where the micro-kernel has an instruction.
    if (isa<BlockMatmulOp>(op)) {
      auto config = op->getAttrOfType<ConfigAttr>(ConfigAttr::kAttrName);
      if (config && config.getInterleave() > 1)
        integers.insert(getLayerName(op));
    }
  });
  Builder b(module.getContext());
  SmallVector<Attribute> noted;
  for (auto layer : layers.getAsRange<DictionaryAttr>()) {
    NamedAttrList fields(layer);
    bool isInteger =
        integers.contains(layer.getAs<StringAttr>("layer").getValue());
    fields.set("arithmetic",
               b.getStringAttr(isInteger ? "integers" : "floats"));
    noted.push_back(fields.getDictionary(b.getContext()));
  }
  module->setAttr(kQuantizedLayersAttr, b.getArrayAttr(noted));
}

void mopt::noteQuantizedLayers(ModuleOp module, Level level) {
  if (level == Level::Legal)
    noteLegal(module);
  else if (level == Level::Kernels)
    noteArithmetic(module);
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
      else if (auto number = dyn_cast<FloatAttr>(field.getValue()))
        object[field.getName().getValue()] = number.getValueAsDouble();
    result.push_back(std::move(object));
  }
  return result;
}

llvm::json::Value mopt::getInstrumentation(ModuleOp module) {
  auto instrumented = module->getAttrOfType<DictionaryAttr>(kInstrumentedAttr);
  if (!instrumented)
    return nullptr;
  llvm::json::Object result{
      {"model", instrumented.getAs<StringAttr>("model").getValue()},
      {"equalized", module->hasAttr(kEqualizedLayersAttr)}};
  for (StringRef kind : {"inputs", "sums"}) {
    llvm::json::Object names;
    for (NamedAttribute name : instrumented.getAs<DictionaryAttr>(kind))
      names[name.getName().getValue()] =
          cast<StringAttr>(name.getValue()).getValue();
    result[kind] = std::move(names);
  }
  return result;
}

llvm::json::Value mopt::getEqualizedLayers(ModuleOp module) {
  auto pairs = module->getAttrOfType<ArrayAttr>(kEqualizedLayersAttr);
  if (!pairs)
    return nullptr;
  llvm::json::Array result;
  for (auto pair : pairs.getAsRange<DictionaryAttr>())
    result.push_back(llvm::json::Object{
        {"first", pair.getAs<StringAttr>("first").getValue()},
        {"second", pair.getAs<StringAttr>("second").getValue()},
        {"channels", pair.getAs<IntegerAttr>("channels").getInt()}});
  return result;
}
