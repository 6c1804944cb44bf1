// --tune: each product that can be computed in more than one way becomes a
// small model of its own, is compiled in each way and timed on this machine.
#include "TuneLayers.h"

#include "Compilation.h"
#include "LayerTimer.h"

#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Support/NodeNames.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

#include <chrono>

using namespace mlir;
using namespace mopt;

/// Rounds in which each way of a layer is timed once, and how many of ten the
/// faster one has to win, by which factor of the medians.
static constexpr size_t kFewestRounds = 7, kMostRounds = 25;
static constexpr size_t kWonOfTen = 9;
static constexpr double kLeastGain = 1.03;
/// What the other layers are taken to read: more fits no cache anyway.
static constexpr int64_t kMostOtherBytes = 64 << 20;
/// Elementwise ops that a layer may take along.
static constexpr unsigned kMostFollowers = 8;

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

static bool hasStaticShapes(Operation *op) {
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getNumElements() > 0;
  };
  return llvm::all_of(op->getOperandTypes(), isStatic) &&
         llvm::all_of(op->getResultTypes(), isStatic);
}

std::vector<TunedLayer> mopt::findTunedLayers(ModuleOp module) {
  std::vector<TunedLayer> layers;
  llvm::StringMap<unsigned> uses;
  module.walk([&](Operation *op) {
    if (!isa<MatmulOp, ConvOp, QuantizedMatmulOp, QuantizedConvOp>(op) ||
        !hasStaticShapes(op))
      return;
    SmallVector<StringRef> choices;
    bool isSparse =
        op->getOperand(1).getDefiningOp<SparseAssembleOp>() != nullptr;
    bool isQuantized = isa<QuantizedMatmulOp, QuantizedConvOp>(op);
    if (isSparse)
      choices.push_back("sparse");
    if (isQuantized)
      choices.append({"integers", "floats"});
    else if (isSparse)
      choices.push_back("dense");
    if (choices.empty())
      return;
    std::string key = llvm::join(getNodeNames(op->getLoc()), ", ");
    if (key.empty())
      key = op->getName().stripDialect().str();
    if (unsigned use = ++uses[key]; use > 1)
      key += " #" + std::to_string(use);
    layers.push_back({op, std::move(key), std::move(choices)});
  });
  return layers;
}

/// `op` without its place in the model: what layers that are alike share.
static std::string describe(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName();
  for (NamedAttribute attr : op->getAttrs())
    if (attr.getName() != kArithmeticAttr)
      os << ' ' << attr.getName() << '=' << attr.getValue();
  for (Value operand : op->getOperands()) {
    os << ' ' << operand.getType();
    if (auto assemble = operand.getDefiningOp<SparseAssembleOp>())
      os << ' ' << assemble.getSparsity();
    os << (getConstantTensor(operand) ? " constant" : "");
  }
  os << ' ' << op->getResultTypes();
  return text;
}

std::string mopt::hashLayers(ArrayRef<TunedLayer> layers) {
  llvm::SHA256 hash;
  auto update = [&](Value value) {
    std::optional<ConstantTensor> constant = getConstantTensor(value);
    if (constant)
      hash.update(
          StringRef(constant->getBytes().data(), constant->getBytes().size()));
  };
  for (const TunedLayer &layer : layers) {
    // With their ends, so that no two lists of texts are one.
    for (const std::string &text : {layer.key, describe(layer.op)})
      hash.update(StringRef(text.c_str(), text.size() + 1));
    for (Value operand : layer.op->getOperands()) {
      update(operand);
      if (auto assemble = operand.getDefiningOp<SparseAssembleOp>())
        for (Value part : assemble->getOperands())
          update(part);
    }
  }
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

/// The product and the elementwise ops that only its result goes through, up to
/// where it is quantized: what the kernels of either way fuse.
static SmallVector<Operation *> collectOps(Operation *product) {
  SmallVector<Operation *> ops{product};
  while (ops.size() <= kMostFollowers) {
    Operation *last = ops.back();
    if (isa<QuantizeOp>(last) || !last->hasOneUse())
      break;
    Operation *user = *last->user_begin();
    if (user->getBlock() != last->getBlock() || user->getNumResults() != 1 ||
        !hasStaticShapes(user) ||
        !(user->hasTrait<Elementwise>() ||
          isa<QuantizeOp, DequantizeOp, CastOp>(user)) ||
        cast<RankedTensorType>(user->getResult(0).getType()).getShape() !=
            cast<RankedTensorType>(product->getResult(0).getType()).getShape())
      break;
    ops.push_back(user);
  }
  return ops;
}

/// A model of `ops`, of which the first is computed as `choice` says. What
/// others compute becomes inputs; constants stay.
static OwningOpRef<ModuleOp>
extractLayer(ModuleOp model, ArrayRef<Operation *> ops, StringRef choice) {
  Location loc = ops.front()->getLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  module.get()->setAttr(TargetAttr::kModuleAttr,
                        model->getAttr(TargetAttr::kModuleAttr));
  OpBuilder b(module->getBodyRegion());
  auto func = func::FuncOp::create(b, loc, "layer", b.getFunctionType({}, {}));
  func->setAttr(kEntryAttr, b.getUnitAttr());
  Block *body = func.addEntryBlock();
  b.setInsertionPointToStart(body);
  IRMapping mapping;
  auto provide = [&](auto &self, Value value) -> void {
    if (mapping.contains(value))
      return;
    Operation *producer = value.getDefiningOp();
    if (producer && (producer->hasTrait<OpTrait::ConstantLike>() ||
                     isa<SparseAssembleOp>(producer))) {
      for (Value operand : producer->getOperands())
        self(self, operand);
      b.clone(*producer, mapping);
      return;
    }
    mapping.map(value, body->addArgument(value.getType(), loc));
  };
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      provide(provide, operand);
    b.clone(*op, mapping);
  }
  Operation *product =
      mapping.lookup(ops.front()->getResult(0)).getDefiningOp();
  product->setAttr(kArithmeticAttr, b.getStringAttr(choice));
  Value result = mapping.lookup(ops.back()->getResult(0));
  func::ReturnOp::create(b, loc, result);
  func.setFunctionType(
      b.getFunctionType(body->getArgumentTypes(), result.getType()));
  return module;
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

namespace {
/// A folder that is gone with this object.
struct TemporaryFolder {
  ~TemporaryFolder() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }
  SmallString<128> path;
};

class Measuring {
public:
  Measuring(ModuleOp module, const CompileOptions &options)
      : module(module), options(options),
        others(std::min(countResourceBytes(module), kMostOtherBytes)) {}

  llvm::Error begin() {
    if (std::error_code error =
            llvm::sys::fs::createUniqueDirectory("mopt-tune", folder.path))
      return llvm::createFileError(folder.path, error);
    return llvm::Error::success();
  }

  llvm::Expected<LayerMeasurement> measure(const TunedLayer &layer,
                                           double seconds);

private:
  llvm::Expected<std::unique_ptr<LayerTimer>>
  compileLayer(const TunedLayer &layer, StringRef choice);

  ModuleOp module;
  const CompileOptions &options;
  /// As much as the model's other layers read.
  std::vector<char> others;
  TemporaryFolder folder;
  unsigned compiled = 0;
};
} // namespace

llvm::Expected<std::unique_ptr<LayerTimer>>
Measuring::compileLayer(const TunedLayer &layer, StringRef choice) {
  SmallString<128> base(folder.path);
  llvm::sys::path::append(base, "layer" + Twine(compiled++));
  CompileOptions own;
  own.input = (base + ".mlirbc").str();
  own.output = (base + ".so").str();
  own.targets = options.targets;
  own.triple = options.triple;
  own.cpu = options.cpu;
  own.features = options.features;
  own.optLevel = options.optLevel;
  own.numerics = options.numerics;
  own.sparsity = options.sparsity;
  own.precision = options.precision;
  own.weights = WeightsPlace::Embedded;
  own.threads = options.threads;
  own.progress = false;
  own.quiet = true;
  OwningOpRef<ModuleOp> small =
      extractLayer(module, collectOps(layer.op), choice);
  if (llvm::Error error = writeIR(*small, Level::Legal, own.input))
    return error;
  std::string message;
  ExitCode code = compile(own, [&](const CompileDiagnostic &diagnostic) {
    if (diagnostic.severity == CompileDiagnostic::Severity::Error)
      message = diagnostic.message;
  });
  if (code != ExitCode::Success)
    return llvm::createStringError(
        "the layer '" + layer.key +
        "' cannot be compiled by itself: " + message);
  llvm::Expected<std::unique_ptr<LayerTimer>> timer =
      LayerTimer::load(own.output.c_str());
  // What is loaded needs no file.
  (void)llvm::sys::fs::remove(own.input);
  (void)llvm::sys::fs::remove(own.output);
  return timer;
}

static double getMedian(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

llvm::Expected<LayerMeasurement> Measuring::measure(const TunedLayer &layer,
                                                    double seconds) {
  using Clock = std::chrono::steady_clock;
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  SmallVector<std::unique_ptr<LayerTimer>> timers;
  for (StringRef choice : layer.choices) {
    llvm::Expected<std::unique_ptr<LayerTimer>> timer =
        compileLayer(layer, choice);
    if (!timer)
      return timer.takeError();
    timers.push_back(std::move(*timer));
  }
  std::vector<std::vector<double>> times(timers.size());
  // The first run of each makes its memory, and is not counted. Then the ways
  // take turns, so that whatever else the machine does meets all of them.
  for (size_t round = 0; round <= kMostRounds; ++round) {
    if (round > kFewestRounds && Clock::now() > end)
      break;
    for (size_t i = 0; i < timers.size(); ++i) {
      size_t turn = (round + i) % timers.size();
      llvm::Expected<double> time = timers[turn]->time(others);
      if (!time)
        return time.takeError();
      if (round > 0)
        times[turn].push_back(*time);
    }
  }
  LayerMeasurement result{kRuleChoice.str(), {}};
  SmallVector<double> medians;
  for (auto [choice, samples] : llvm::zip_equal(layer.choices, times)) {
    medians.push_back(getMedian(samples));
    result.microseconds[choice.str()] = medians.back();
  }
  size_t best =
      std::min_element(medians.begin(), medians.end()) - medians.begin();
  for (size_t i = 0; i < medians.size(); ++i) {
    if (i == best)
      continue;
    size_t won = 0;
    for (auto [mine, other] : llvm::zip_equal(times[best], times[i]))
      won += mine < other;
    if (medians[i] < kLeastGain * medians[best] ||
        10 * won < kWonOfTen * times[i].size())
      return result;
  }
  result.choice = layer.choices[best].str();
  return result;
}

llvm::Expected<TuningRecord> mopt::measureLayers(ModuleOp module,
                                                 ArrayRef<TunedLayer> layers,
                                                 const CompileOptions &options,
                                                 double seconds) {
  using Clock = std::chrono::steady_clock;
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::map<std::string, SmallVector<const TunedLayer *>> alike;
  for (const TunedLayer &layer : layers) {
    std::string text;
    for (Operation *op : collectOps(layer.op))
      text += describe(op) + "\n";
    alike[text].push_back(&layer);
  }
  TuningRecord record{hashLayers(layers), "", {}};
  Measuring measuring(module, options);
  if (llvm::Error error = measuring.begin())
    return error;
  size_t left = alike.size();
  for (auto &[text, group] : alike) {
    double rest = std::chrono::duration<double>(end - Clock::now()).count();
    if (rest <= 0)
      break;
    llvm::Expected<LayerMeasurement> measured =
        measuring.measure(*group.front(), rest / left--);
    if (!measured)
      return measured.takeError();
    for (const TunedLayer *layer : group)
      record.layers[layer->key] = *measured;
  }
  return record;
}

void mopt::applyTuning(ModuleOp module, ArrayRef<TunedLayer> layers,
                       const TuningRecord &record) {
  Builder b(module.getContext());
  llvm::StringMap<const LayerMeasurement *> byName;
  for (const TunedLayer &layer : layers) {
    auto measured = record.layers.find(layer.key);
    if (measured == record.layers.end())
      continue;
    // Those of a second product of the same nodes have a number behind it.
    byName.try_emplace(StringRef(layer.key).split(" #").first,
                       &measured->second);
    if (measured->second.choice != kRuleChoice)
      layer.op->setAttr(kArithmeticAttr,
                        b.getStringAttr(measured->second.choice));
  }
  for (StringRef name :
       {StringRef(kQuantizedLayersAttr), StringRef(kSparseLayersAttr)}) {
    auto noted = module->getAttrOfType<ArrayAttr>(name);
    if (!noted)
      continue;
    SmallVector<Attribute> entries;
    for (auto entry : noted.getAsRange<DictionaryAttr>()) {
      NamedAttrList fields(entry);
      if (const LayerMeasurement *measured =
              byName.lookup(entry.getAs<StringAttr>("layer").getValue())) {
        fields.set("measured_choice", b.getStringAttr(measured->choice));
        for (const auto &[choice, time] : measured->microseconds)
          fields.set(choice + "_us", b.getF64FloatAttr(time));
      }
      entries.push_back(fields.getDictionary(b.getContext()));
    }
    module->setAttr(name, b.getArrayAttr(entries));
  }
}
