// Level in and out: graph. The entry returns, after the model's own outputs,
// the extremes, the histogram and each channel's sum of the values that static
// quantization would quantize: what --instrument=ranges asks for.
#include "CalibratedLayers.h"
#include "RoundWeights.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/ONNX/IR/ONNX.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_INSTRUMENTRANGES
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

// python/mopt/quantization/statistics.py has the same bins: the upper bits of a
// float's magnitude, 64 for each power of two from 2^-40 to 2^24.
static constexpr int64_t kBinShift = 17;
static constexpr int64_t kFirstBin = (127 - 40) * 64;
static constexpr int64_t kBins = 64 * 64;

namespace {
/// Builds the statistics of one value.
struct StatisticsBuilder {
  OpBuilder &b;
  Location loc;

  Value number(Type element, int64_t value) {
    return createNumber(b, loc, element, 1, value);
  }
  Value binary(BinaryKind kind, Value x, Value y) {
    return BinaryOp::create(b, loc, kind, x, y);
  }

  /// All elements in a row.
  Value flatten(Value x) {
    OpFoldResult count = b.getIndexAttr(1);
    Value product;
    auto type = cast<RankedTensorType>(x.getType());
    if (type.hasStaticShape()) {
      count = b.getIndexAttr(type.getNumElements());
    } else {
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        Value size = tensor::DimOp::create(b, loc, x, dim);
        product = product ? arith::MulIOp::create(b, loc, product, size) : size;
      }
      count = product;
    }
    return ReshapeOp::create(b, loc, x, count);
  }

  /// f32 [2]: lowest and highest.
  Value extremes(Value row) {
    SmallVector<int64_t> axes{0};
    Value low = ReduceOp::create(b, loc, ReduceKind::min, row, axes);
    Value high = ReduceOp::create(b, loc, ReduceKind::max, row, axes);
    return ConcatOp::create(b, loc, RankedTensorType::get(2, b.getF32Type()),
                            ValueRange{low, high}, 0);
  }

  /// f32 [channels]: the sum of each, along `axis`.
  Value sums(Value x, int64_t axis) {
    int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
    SmallVector<int64_t> axes;
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim != axis)
        axes.push_back(dim);
    return flatten(ReduceOp::create(b, loc, ReduceKind::sum, x, axes));
  }

  /// i32 [2 * kBins]: how often each bin of the numbers from 0 on was met, then
  /// of the negative ones.
  Value histogram(Value row) {
    Type word = b.getIntegerType(32, /*isSigned=*/false), i64 = b.getI64Type(),
         i32 = b.getI32Type();
    auto type = cast<RankedTensorType>(row.getType());
    Value bits = BitcastOp::create(b, loc, type.clone(word), row);
    Value magnitude = binary(BinaryKind::and_, bits, number(word, 0x7FFFFFFF));
    auto toIndex = [&](Value x, int64_t shift) -> Value {
      return CastOp::create(b, loc, type.clone(i64),
                            binary(BinaryKind::shr, x, number(word, shift)));
    };
    Value bin = binary(BinaryKind::sub, toIndex(magnitude, kBinShift),
                       number(i64, kFirstBin));
    bin = binary(BinaryKind::max, bin, number(i64, 0));
    bin = binary(BinaryKind::min, bin, number(i64, kBins - 1));
    Value sign = binary(BinaryKind::mul, toIndex(bits, 31), number(i64, kBins));
    Value index = binary(BinaryKind::add, bin, sign);
    auto result = RankedTensorType::get(2 * kBins, i32);
    Value zeros = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(result, b.getI32IntegerAttr(0)));
    Value ones = BroadcastOp::create(b, loc, number(i32, 1),
                                     tensor::getMixedSizes(b, loc, row));
    return ScatterElementsOp::create(b, loc, result, ScatterKind::add, zeros,
                                     index, ones, 0);
  }
};

struct InstrumentRanges : mopt::impl::InstrumentRangesBase<InstrumentRanges> {
  using InstrumentRangesBase::InstrumentRangesBase;

  void runOnOperation() override {
    func::FuncOp entry = findEntry(getOperation());
    if (!entry) {
      getOperation().emitError("expected a function with '")
          << kEntryAttr << "'";
      return signalPassFailure();
    }
    std::vector<CalibratedLayer> layers = findCalibratedLayers(entry);
    if (layers.empty()) {
      getOperation().emitError(
          "expected products of f32 with constant weights, found none whose "
          "ranges could be observed");
      return signalPassFailure();
    }
    auto terminator =
        cast<func::ReturnOp>(entry.getBody().front().getTerminator());
    OpBuilder b(terminator);
    SmallVector<Value> results(terminator.getOperands());
    SmallVector<Type> types(entry.getResultTypes());
    SmallVector<DictionaryAttr> attrs;
    for (unsigned i = 0; i < types.size(); ++i)
      attrs.push_back(entry.getResultAttrDict(i));
    auto add = [&](Value value, const Twine &name) {
      results.push_back(value);
      types.push_back(value.getType());
      attrs.push_back(b.getDictionaryAttr(
          b.getNamedAttr(mopt::onnx::kNameAttr, b.getStringAttr(name))));
    };
    // Layers with one input share its statistics, under the first one's name.
    DenseMap<Value, Attribute> seen;
    DenseMap<std::pair<Value, int64_t>, Attribute> summed;
    SmallVector<NamedAttribute> inputs, sums;
    for (CalibratedLayer &layer : layers) {
      StatisticsBuilder builder{b, layer.op->getLoc()};
      Attribute &name = seen[layer.getInput()];
      if (!name) {
        name = b.getStringAttr(layer.key);
        Value row = builder.flatten(layer.getInput());
        add(builder.extremes(row), "mopt.extremes:" + layer.key);
        add(builder.histogram(row), "mopt.histogram:" + layer.key);
      }
      inputs.push_back(b.getNamedAttr(layer.key, name));
      Attribute &sum = summed[{layer.getInput(), layer.channelAxis}];
      if (!sum) {
        sum = b.getStringAttr(layer.key);
        add(builder.sums(layer.getInput(), layer.channelAxis),
            "mopt.sums:" + layer.key);
      }
      sums.push_back(b.getNamedAttr(layer.key, sum));
    }
    terminator->setOperands(results);
    entry.setFunctionType(b.getFunctionType(entry.getArgumentTypes(), types));
    entry.setAllResultAttrs(attrs);
    getOperation()->setAttr(
        kInstrumentedAttr,
        b.getDictionaryAttr(
            {b.getNamedAttr("model", b.getStringAttr(hashLayers(layers))),
             b.getNamedAttr("inputs", b.getDictionaryAttr(inputs)),
             b.getNamedAttr("sums", b.getDictionaryAttr(sums))}));
  }
};
} // namespace
