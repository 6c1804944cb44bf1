// The products of a model that are observed by an instrumented library and
// quantized with what it saw, and how both compilations name them.
#include "CalibratedLayers.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/NodeNames.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SHA256.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

int64_t CalibratedLayer::getDepth() const {
  int64_t depth = 1;
  for (int64_t axis : depthAxes)
    depth *= weights.getType().getDimSize(axis);
  return depth;
}

func::FuncOp mopt::findEntry(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr(kEntryAttr) && !func.isExternal())
      return func;
  return {};
}

static bool isFloat(Value value) {
  return getElementTypeOrSelf(value.getType()).isF32();
}

static bool isFinite(const ConstantTensor &values) {
  for (int64_t i = 0, count = values.getNumElements(); i < count; ++i)
    if (!std::isfinite(values.getFloat(i)))
      return false;
  return true;
}

std::vector<CalibratedLayer> mopt::findCalibratedLayers(func::FuncOp entry) {
  std::vector<CalibratedLayer> layers;
  llvm::StringMap<unsigned> uses;
  // What is in a loop or a branch has no single value to look at.
  for (Operation &op : entry.getBody().front()) {
    if (!isa<MatmulOp, ConvOp>(op) || !isFloat(op.getOperand(0)) ||
        !isFloat(op.getOperand(1)))
      continue;
    std::optional<ConstantTensor> weights = getConstantTensor(op.getOperand(1));
    if (!weights || !isFinite(*weights))
      continue;
    int64_t rank = weights->getType().getRank();
    SmallVector<int64_t> axes;
    int64_t channelAxis = 1;
    if (auto matmul = dyn_cast<MatmulOp>(op)) {
      axes.push_back(matmul.getTransposeRhs() ? rank - 1 : rank - 2);
      channelAxis = matmul.getTransposeLhs() ? rank - 2 : rank - 1;
    } else {
      axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
      if (cast<ConvOp>(op).getChannelsLast())
        channelAxis = rank - 1;
    }
    std::string key = llvm::join(getNodeNames(op.getLoc()), ", ");
    if (key.empty())
      key = op.getName().stripDialect().str();
    if (unsigned use = ++uses[key]; use > 1)
      key += " #" + std::to_string(use);
    layers.push_back({&op, std::move(key), std::move(*weights), std::move(axes),
                      channelAxis});
  }
  return layers;
}

std::string mopt::hashLayers(ArrayRef<CalibratedLayer> layers) {
  llvm::SHA256 hash;
  for (const CalibratedLayer &layer : layers) {
    std::string type;
    llvm::raw_string_ostream(type) << layer.weights.getType();
    // With their ends, so that no two lists of texts are one.
    for (const std::string &text : {layer.key, type})
      hash.update(StringRef(text.c_str(), text.size() + 1));
    ArrayRef<char> bytes = layer.weights.getBytes();
    hash.update(StringRef(bytes.data(), bytes.size()));
  }
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}
