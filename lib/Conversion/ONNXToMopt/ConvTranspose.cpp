// Handler of ConvTranspose: a convolution of the input with zeros put between
// its elements, by the mirrored filter; a matrix product where windows of the
// result do not overlap.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Dialect/Mopt/IR/Indexing.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

using namespace mlir;
using namespace mopt;

namespace {
struct TransposedWindows {
  LogicalResult bind(OpBinder &op, Value input, Value filter);
  /// Does every output element come from one input element?
  bool isDisjoint() const;

  int64_t group = 1, spatial = 0;
  SmallVector<int64_t> kernel, strides, dilations, outputPadding;
  /// Elements taken off the full result at both ends.
  SmallVector<OpFoldResult> padsBegin, padsEnd;
};
} // namespace

LogicalResult TransposedWindows::bind(OpBinder &op, Value input, Value filter) {
  RankedTensorType x = OpBinder::getType(input), w = OpBinder::getType(filter);
  spatial = x.getRank() - 2;
  if (spatial < 1 || w.getRank() != x.getRank())
    return op.emitError()
           << "expected an input and a filter of equally many, at "
              "least 3, dimensions, found "
           << x << " and " << w;
  group = op.getInt("group", 1);
  if (w.isDynamicDim(0) || w.isDynamicDim(1) ||
      ShapedType::isDynamicShape(w.getShape().drop_front(2)))
    return op.emitError()
           << "a filter of dynamic shape is not supported, found " << w;
  int64_t channels = w.getDimSize(0);
  if (group < 1 || channels % group != 0)
    return op.emitError() << "expected a group count that divides the "
                          << channels << " input channels, found " << group;
  if (!x.isDynamicDim(1) && x.getDimSize(1) != channels)
    return op.emitError() << "expected " << channels
                          << " input channels, found " << x;
  kernel.assign(w.getShape().begin() + 2, w.getShape().end());
  SmallVector<int64_t> ones(spatial, 1), zeros(spatial, 0);
  strides = op.getInts("strides").value_or(ones);
  dilations = op.getInts("dilations").value_or(ones);
  outputPadding = op.getInts("output_padding").value_or(zeros);
  if (failed(verifyWindowLists(op.loc, spatial, strides, dilations,
                               outputPadding, zeros)))
    return failure();

  StringRef autoPad = op.getString("auto_pad", "NOTSET");
  std::optional<SmallVector<int64_t>> shape = op.getInts("output_shape");
  if (shape && static_cast<int64_t>(shape->size()) == spatial + 2)
    shape->erase(shape->begin(), shape->begin() + 2);
  if (shape && static_cast<int64_t>(shape->size()) != spatial)
    return op.emitError() << "expected " << spatial
                          << " values in 'output_shape', found "
                          << shape->size();
  bool isSame = autoPad.starts_with("SAME");
  for (int64_t i = 0; i < spatial; ++i) {
    if (!shape && !isSame)
      break;
    int64_t extent = (kernel[i] - 1) * dilations[i] + 1 + outputPadding[i];
    AffineExpr size = op.b.getAffineSymbolExpr(0);
    // What is too much is split over both ends.
    OpFoldResult total =
        shape ? applyAffine(op.b, op.loc,
                            (size - 1) * strides[i] + extent - (*shape)[i],
                            op.state.shapes.getDim(input, i + 2))
              : OpFoldResult(op.b.getIndexAttr(
                    std::max<int64_t>(0, extent - strides[i])));
    OpFoldResult small = applyAffine(op.b, op.loc, size.floorDiv(2), total);
    OpFoldResult large =
        applyAffine(op.b, op.loc, size - size.floorDiv(2), total);
    bool isUpper = autoPad == "SAME_UPPER";
    padsBegin.push_back(isUpper ? small : large);
    padsEnd.push_back(isUpper ? large : small);
  }
  if (!padsBegin.empty())
    return success();
  if (autoPad != "NOTSET" && autoPad != "VALID")
    return op.emitError() << "expected 'auto_pad' of 'NOTSET', 'SAME_UPPER', "
                             "'SAME_LOWER' or 'VALID', found '"
                          << autoPad << "'";
  SmallVector<int64_t> pads(2 * spatial, 0);
  if (autoPad == "NOTSET")
    pads = op.getInts("pads").value_or(pads);
  if (static_cast<int64_t>(pads.size()) != 2 * spatial)
    return op.emitError() << "expected " << 2 * spatial
                          << " values in 'pads', found " << pads.size();
  for (int64_t i = 0; i < spatial; ++i) {
    padsBegin.push_back(op.b.getIndexAttr(pads[i]));
    padsEnd.push_back(op.b.getIndexAttr(pads[spatial + i]));
  }
  return success();
}

bool TransposedWindows::isDisjoint() const {
  auto isZero = [](OpFoldResult pad) { return getConstantIntValue(pad) == 0; };
  return kernel == strides && llvm::all_of(padsBegin, isZero) &&
         llvm::all_of(padsEnd, isZero) && llvm::all_equal(outputPadding) &&
         outputPadding.front() == 0 && llvm::all_equal(dilations) &&
         dilations.front() == 1;
}

/// `[n, positions, c]` by `[c, outputs * taps]`, then taps go between
/// positions.
static Value buildProduct(OpBinder &op, const TransposedWindows &w, Value x,
                          Value filter) {
  int64_t spatial = w.spatial,
          channels = OpBinder::getType(filter).getDimSize(0);
  int64_t outputs = OpBinder::getType(filter).getDimSize(1), taps = 1;
  for (int64_t size : w.kernel)
    taps *= size;
  auto attr = [&](int64_t value) -> OpFoldResult {
    return op.b.getIndexAttr(value);
  };
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  OpFoldResult positions = op.product(ArrayRef(sizes).drop_front(2));
  Value lhs = op.reshape(
      x, {sizes[0], attr(w.group), attr(channels / w.group), positions});
  Value rhs =
      op.reshape(filter, {attr(1), attr(w.group), attr(channels / w.group),
                          attr(outputs * taps)});
  Value y = op.matmul(lhs, rhs, /*transposeLhs=*/true);
  // [n, g, spatial.., o, taps..] to [n, g, o, (spatial, tap)..].
  SmallVector<OpFoldResult> split{sizes[0], attr(w.group)};
  llvm::append_range(split, ArrayRef(sizes).drop_front(2));
  split.push_back(attr(outputs));
  SmallVector<int64_t> permutation{0, 1, 2 + spatial};
  SmallVector<OpFoldResult> merged{sizes[0], attr(w.group * outputs)};
  for (int64_t i = 0; i < spatial; ++i) {
    split.push_back(attr(w.kernel[i]));
    permutation.append({2 + i, 3 + spatial + i});
    merged.push_back(op.product({sizes[2 + i], attr(w.kernel[i])}));
  }
  return op.reshape(op.transpose(op.reshape(y, split), permutation), merged);
}

/// `[c, outputs, taps..]` as the filter of the convolution, `[g * outputs,
/// c / g, taps in reverse..]`.
static Value mirrorFilter(OpBinder &op, const TransposedWindows &w,
                          Value filter) {
  RankedTensorType type = OpBinder::getType(filter);
  int64_t channels = type.getDimSize(0), outputs = type.getDimSize(1);
  auto attr = [&](int64_t value) -> OpFoldResult {
    return op.b.getIndexAttr(value);
  };
  SmallVector<OpFoldResult> grouped{attr(w.group), attr(channels / w.group),
                                    attr(outputs)};
  SmallVector<OpFoldResult> merged{attr(w.group * outputs),
                                   attr(channels / w.group)};
  SmallVector<OpFoldResult> offsets(2, attr(0)), strides(2, attr(1));
  SmallVector<int64_t> permutation{0, 2, 1};
  for (auto [i, size] : llvm::enumerate(w.kernel)) {
    grouped.push_back(attr(size));
    merged.push_back(attr(size));
    offsets.push_back(attr(size > 0 ? size - 1 : 0));
    strides.push_back(attr(-1));
    permutation.push_back(3 + i);
  }
  Value y = op.transpose(op.reshape(filter, grouped), permutation);
  y = op.reshape(y, merged);
  return SliceOp::create(op.b, op.loc, y, offsets, merged, strides);
}

static Value pad(OpBinder &op, Value x, ArrayRef<OpFoldResult> low,
                 ArrayRef<OpFoldResult> high) {
  Value zero = op.scalar(OpBinder::getElementType(x), 0);
  return PadOp::create(op.b, op.loc, PadMode::constant, x, zero, low, high);
}

static Value buildConvolution(OpBinder &op, const TransposedWindows &w, Value x,
                              Value filter) {
  OpFoldResult zero = op.b.getIndexAttr(0), one = op.b.getIndexAttr(1);
  bool isStrided = llvm::any_of(w.strides, [](int64_t s) { return s != 1; });
  if (isStrided) {
    // stride - 1 zeros behind every element.
    SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
    SmallVector<OpFoldResult> split(ArrayRef(sizes).take_front(2)),
        merged = split, low(2, zero), high(2, zero);
    for (int64_t i = 0; i < w.spatial; ++i) {
      split.append({sizes[2 + i], one});
      low.append({zero, zero});
      high.append({zero, op.b.getIndexAttr(w.strides[i] - 1)});
      merged.push_back(
          op.product({sizes[2 + i], op.b.getIndexAttr(w.strides[i])}));
    }
    x = op.reshape(pad(op, op.reshape(x, split), low, high), merged);
  }
  // A filter's extent at both ends, less what the result loses there.
  SmallVector<OpFoldResult> low(2, zero), high(2, zero);
  SmallVector<int64_t> begin, end;
  AffineExpr s = op.b.getAffineSymbolExpr(0);
  for (int64_t i = 0; i < w.spatial; ++i) {
    int64_t reach = (w.kernel[i] - 1) * w.dilations[i];
    low.push_back(applyAffine(op.b, op.loc, -s + reach, w.padsBegin[i]));
    high.push_back(applyAffine(
        op.b, op.loc, -s + (reach + w.outputPadding[i] - (w.strides[i] - 1)),
        w.padsEnd[i]));
    begin.push_back(getConstantIntValue(low.back()).value_or(-1));
    end.push_back(getConstantIntValue(high.back()).value_or(-1));
  }
  auto isNegative = [](int64_t value) { return value < 0; };
  SmallVector<int64_t> ones(w.spatial, 1);
  if (llvm::any_of(begin, isNegative) || llvm::any_of(end, isNegative)) {
    x = pad(op, x, low, high);
    begin.assign(w.spatial, 0);
    end = begin;
  }
  return ConvOp::create(op.b, op.loc, x, mirrorFilter(op, w, filter), ones,
                        w.dilations, begin, end, w.group,
                        /*channels_last=*/false);
}

static LogicalResult convertConvTranspose(OpBinder &op) {
  Value x = op.getTensor(0), filter = op.getTensor(1);
  TransposedWindows windows;
  if (!x || !filter || failed(windows.bind(op, x, filter)))
    return failure();
  if (OpBinder::getElementType(x) != OpBinder::getElementType(filter))
    return op.emitError() << "expected equal element types, found "
                          << x.getType() << " and " << filter.getType();
  Value y = windows.isDisjoint() ? buildProduct(op, windows, x, filter)
                                 : buildConvolution(op, windows, x, filter);
  if (op.getOperand(2)) {
    Value bias = op.getTensor(2);
    if (!bias)
      return failure();
    y = op.binary(BinaryKind::add, y,
                  op.alongAxis(bias, 1, OpBinder::getRank(x)));
  }
  return op.replace(y);
}

void mopt::populateConvTransposeHandlers(HandlerRegistry &registry) {
  registry.add("ConvTranspose", 1, convertConvTranspose);
}
