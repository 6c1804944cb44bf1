// Level in and out: graph. Inputs of products go through bytes whose steps a
// calibration gives, weights are rounded: what --quantize=static-int8 asks for.
// Where the estimated loss is more than allowed, the layers that lose most stay
// floats.
#include "CalibratedLayers.h"
#include "CorrectBias.h"
#include "RoundWeights.h"

#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_QUANTIZESTATICALLY
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// What is known of a layer's input.
struct Range {
  double low, high, relativeNoise;
};

/// A layer and what it becomes.
struct Planned {
  CalibratedLayer *layer;
  Range range;
  /// Of the input's channels; empty where they are not known.
  ArrayRef<double> means;
  RoundedWeights weights;
  bool isQuantized = true;

  /// Of the layer's outputs, as errors of inputs and weights are independent.
  double relativeNoise() const {
    return range.relativeNoise + weights.relativeNoise;
  }
};

struct QuantizeStatically
    : mopt::impl::QuantizeStaticallyBase<QuantizeStatically> {
  using QuantizeStaticallyBase::QuantizeStaticallyBase;

  void runOnOperation() override {
    if (failed(quantize()))
      signalPassFailure();
  }

  LogicalResult quantize() {
    ModuleOp module = getOperation();
    auto calibration = module->getAttrOfType<DictionaryAttr>(kCalibrationAttr);
    func::FuncOp entry = findEntry(module);
    auto ranges =
        calibration ? calibration.getAs<DictionaryAttr>("ranges") : nullptr;
    auto model = calibration ? calibration.getAs<StringAttr>("model") : nullptr;
    if (!entry || !ranges || !model)
      return module.emitError(
          "expected a calibration of the model, found none");
    std::vector<CalibratedLayer> layers = findCalibratedLayers(entry);
    std::string found = hashLayers(layers);
    if (model.getValue() != found)
      return module.emitError("the calibration is of another model: expected "
                              "weights with the hash ")
             << found << ", found " << model.getValue();
    auto means = calibration.getAs<DictionaryAttr>("means");
    std::vector<Planned> plan;
    bool isComplete = true;
    for (CalibratedLayer &layer : layers) {
      std::optional<Range> range = readRange(layer, ranges);
      std::optional<ArrayRef<double>> channels = readMeans(layer, means);
      isComplete &= range && channels;
      if (range && channels && !leaves(layer))
        plan.push_back({&layer, *range, *channels,
                        roundWeights(layer.weights, layer.depthAxes, 0, 8,
                                     /*symmetric=*/true)});
    }
    if (!isComplete)
      return failure();
    if (maxDrop >= 0 && failed(excludeWorst(plan)))
      return failure();
    module->setAttr(kCalibratedLayersAttr, describe(plan));
    OpBuilder b(module.getContext());
    // One pair of quantize and dequantize for each value, whoever reads it.
    for (Planned &entry : plan)
      if (!entry.isQuantized)
        excluded.insert(entry.layer->op);
    for (Planned &entry : plan)
      if (entry.isQuantized)
        apply(b, entry);
    module->removeAttr(kCalibrationAttr);
    return success();
  }

  /// Every layer has a range, and it is one.
  std::optional<Range> readRange(CalibratedLayer &layer,
                                 DictionaryAttr ranges) {
    auto numbers = ranges.getAs<DenseF64ArrayAttr>(layer.key);
    if (!numbers || numbers.size() != 3) {
      layer.op->emitError("the calibration has no range for its input");
      return std::nullopt;
    }
    Range range{numbers[0], numbers[1], numbers[2]};
    double scale = (range.high - range.low) / 255;
    if (!std::isfinite(scale) || !std::isfinite(range.relativeNoise) ||
        !std::isfinite(static_cast<float>(scale))) {
      layer.op->emitError(
          "the calibration's range of its input is not finite: ")
          << range.low << " to " << range.high;
      return std::nullopt;
    }
    if (range.relativeNoise < 0) {
      layer.op->emitError("expected a share of noise from 0 on in the "
                          "calibration of its input, found ")
          << range.relativeNoise;
      return std::nullopt;
    }
    if (range.low > 0 || range.high < 0) {
      layer.op->emitError("expected a range that holds 0 for its input, found ")
          << range.low << " to " << range.high;
      return std::nullopt;
    }
    return range;
  }

  /// Old calibrations have no means; those that a new one has are finite
  /// numbers, one for each channel of the input.
  std::optional<ArrayRef<double>> readMeans(CalibratedLayer &layer,
                                            DictionaryAttr means) {
    auto numbers = means ? means.getAs<DenseF64ArrayAttr>(layer.key) : nullptr;
    if (!numbers)
      return ArrayRef<double>();
    int64_t channels = countInputChannels(layer);
    if (numbers.size() != channels) {
      layer.op->emitError("expected the means of ")
          << channels << " channels of its input in the calibration, found "
          << numbers.size();
      return std::nullopt;
    }
    if (!llvm::all_of(numbers.asArrayRef(),
                      [](double mean) { return std::isfinite(mean); })) {
      layer.op->emitError(
          "the calibration's means of its input are not finite");
      return std::nullopt;
    }
    return numbers.asArrayRef();
  }

  /// Would quantizing the layer gain nothing?
  bool leaves(CalibratedLayer &layer) {
    auto leave = [&](const Twine &why) {
      layer.op->emitRemark("not quantized: ") << why;
      return true;
    };
    TargetAttr target = TargetAttr::lookup(layer.op);
    if (!target || !multipliesBytes(target))
      return leave("the target multiplies bytes no faster than floats");
    int64_t depth = layer.getDepth();
    if (depth > kMostProductsOfBytes)
      return leave("sums of " + Twine(depth) + " products may not fit 32 bits");
    if (isTooSmallToQuantize(depth, layer.weights.getNumElements()))
      return leave("it is too small to gain");
    return false;
  }

  /// The loss of the whole model is estimated as that of all layers together.
  LogicalResult excludeWorst(std::vector<Planned> &plan) {
    SmallVector<Planned *> byNoise;
    double noise = 0;
    for (Planned &entry : plan) {
      byNoise.push_back(&entry);
      noise += entry.relativeNoise();
    }
    llvm::stable_sort(byNoise, [](Planned *a, Planned *b) {
      return a->relativeNoise() > b->relativeNoise();
    });
    double all = std::sqrt(noise);
    for (Planned *entry : byNoise) {
      if (std::sqrt(std::max(noise, 0.0)) <= maxDrop)
        return success();
      entry->isQuantized = false;
      noise -= entry->relativeNoise();
      entry->layer->op->emitRemark("not quantized: its error is among the "
                                   "largest, and --max-drop is ")
          << maxDrop;
    }
    if (plan.empty())
      return success();
    getOperation()->setAttr(kAccuracyGateAttr, UnitAttr::get(&getContext()));
    return getOperation().emitError(
               "quantized, the model is estimated to lose ")
           << all << ", and no layer can be within the " << maxDrop
           << " of --max-drop";
  }

  DictionaryAttr describe(ArrayRef<Planned> plan) {
    Builder b(&getContext());
    SmallVector<NamedAttribute> layers;
    for (const Planned &entry : plan) {
      double noise = std::max(entry.relativeNoise(), 1e-30);
      layers.push_back(b.getNamedAttr(
          entry.layer->key,
          b.getDictionaryAttr(
              {b.getNamedAttr("scheme",
                              b.getStringAttr(entry.isQuantized ? "static-int8"
                                                                : "float")),
               b.getNamedAttr("sqnr_db",
                              b.getF64FloatAttr(-10 * std::log10(noise)))})));
    }
    return b.getDictionaryAttr(layers);
  }

  void apply(OpBuilder &b, Planned &planned) {
    Operation *op = planned.layer->op;
    Location loc = op->getLoc();
    b.setInsertionPoint(op);
    if (!planned.means.empty())
      correctBias(b, *planned.layer, planned.weights, planned.means);
    b.setInsertionPoint(op);
    op->setOperand(1, std::move(planned.weights).materialize(b, loc));
    Value input = op->getOperand(0);
    if (input.getDefiningOp<DequantizeOp>())
      return;
    int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
    double scale = (planned.range.high - planned.range.low) / 255;
    // Of zeros only, or of numbers too small to divide by, any will do.
    if (scale < std::numeric_limits<float>::min())
      scale = 1;
    Type byte = b.getIntegerType(8, /*isSigned=*/false);
    double lowest = std::nearbyint(-planned.range.low / scale);
    b.setInsertionPointAfterValue(input);
    Value step = createNumber(b, loc, b.getF32Type(), rank, scale);
    Value zero =
        createNumber(b, loc, byte, rank, std::clamp(lowest, 0.0, 255.0));
    auto type = cast<RankedTensorType>(input.getType());
    auto quantized = QuantizeOp::create(b, loc, type.clone(byte), input, step,
                                        zero, /*saturate=*/true);
    Value real = DequantizeOp::create(b, loc, type, quantized, step, zero);
    // A residual sum reads the bytes too; the model's outputs stay exact.
    input.replaceUsesWithIf(real, [&](OpOperand &use) {
      Operation *reader = use.getOwner();
      return reader != quantized && !isa<func::ReturnOp>(reader) &&
             !excluded.contains(reader) && reader->getBlock() == op->getBlock();
    });
  }

  /// Layers that the accuracy gate leaves alone.
  DenseSet<Operation *> excluded;
};
} // namespace
