// Handlers of matrix products and convolutions of 8-bit integers with zero
// points: a product of the bytes as they are, and terms that correct it,
// (a - x)(b - y) = ab - x sum b - y sum a + xy count.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Quantize.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mopt;

/// Operand `i` if it is there; `isZero` tells that nothing has to be done.
static FailureOr<Value> getZeroPoint(OpBinder &op, unsigned i) {
  if (!op.getOperand(i))
    return Value();
  Value zeroPoint = op.getTensor(i);
  if (!zeroPoint)
    return failure();
  return isZeroConstant(zeroPoint) ? Value() : zeroPoint;
}

static bool isOneElement(Value tensor) {
  RankedTensorType type = OpBinder::getType(tensor);
  return type.getRank() == 0 ||
         (type.hasStaticShape() && type.getNumElements() == 1);
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// A parameter of the rows (or columns) of a matrix so that it is broadcast:
/// `[rows, 1]` or `[1, columns]`.
static Value alongMatrix(OpBinder &op, Value parameter, bool isRows) {
  if (isOneElement(parameter))
    return op.reshape(parameter, {op.b.getIndexAttr(1), op.b.getIndexAttr(1)});
  if (OpBinder::getRank(parameter) == 1)
    return op.unsqueeze(parameter, {isRows ? 1 : 0});
  return parameter;
}

/// The product of integer matrices less their zero points, in i32.
static Value multiplyIntegers(OpBinder &op, Value a, Value aZero, Value b,
                              Value bZero) {
  Type i32 = op.b.getI32Type();
  Value result = op.matmul(a, b);
  if (!result)
    return {};
  int64_t aRank = OpBinder::getRank(a), bRank = OpBinder::getRank(b);
  if (aZero)
    aZero = op.cast(alongMatrix(op, aZero, /*isRows=*/true), i32);
  if (bZero)
    bZero = op.cast(alongMatrix(op, bZero, /*isRows=*/false), i32);
  if (aZero) {
    Value sums = op.reduce(ReduceKind::sum, op.cast(b, i32), {bRank - 2});
    result = op.binary(BinaryKind::sub, result,
                       op.binary(BinaryKind::mul, aZero, sums));
  }
  if (bZero) {
    Value sums = op.reduce(ReduceKind::sum, op.cast(a, i32), {aRank - 1});
    result = op.binary(BinaryKind::sub, result,
                       op.binary(BinaryKind::mul, sums, bZero));
  }
  if (aZero && bZero) {
    Value count =
        op.cast(op.fromIndices(op.state.shapes.getDim(a, aRank - 1)), i32);
    Value term = op.binary(BinaryKind::mul,
                           op.binary(BinaryKind::mul, aZero, bZero), count);
    result = op.binary(BinaryKind::add, result, term);
  }
  return result;
}

namespace {
/// Operands of a matrix product with vectors made matrices.
struct Matrices {
  static FailureOr<Matrices> bind(OpBinder &op, unsigned a, unsigned b) {
    Matrices m;
    m.a = op.getTensor(a);
    m.b = op.getTensor(b);
    if (!m.a || !m.b)
      return failure();
    if (OpBinder::getRank(m.a) == 0 || OpBinder::getRank(m.b) == 0)
      return op.emitError() << "expected inputs of at least one dimension";
    m.isRow = OpBinder::getRank(m.a) == 1;
    m.isColumn = OpBinder::getRank(m.b) == 1;
    if (m.isRow)
      m.a = op.unsqueeze(m.a, {0});
    if (m.isColumn)
      m.b = op.unsqueeze(m.b, {1});
    return m;
  }

  /// Takes the added dimensions away.
  Value restore(OpBinder &op, Value result) const {
    if (!result)
      return {};
    int64_t rank = OpBinder::getRank(result);
    SmallVector<int64_t> removed;
    if (isRow)
      removed.push_back(rank - 2);
    if (isColumn)
      removed.push_back(rank - 1);
    return op.squeeze(result, removed);
  }

  Value a, b;
  bool isRow, isColumn;
};
} // namespace

static bool areBytes(Value x, Value y) {
  return OpBinder::getElementType(x).isInteger(8) &&
         OpBinder::getElementType(y).isInteger(8);
}

static LogicalResult convertMatMulInteger(OpBinder &op) {
  FailureOr<Matrices> m = Matrices::bind(op, 0, 1);
  FailureOr<Value> aZero = getZeroPoint(op, 2), bZero = getZeroPoint(op, 3);
  if (failed(m) || failed(aZero) || failed(bZero))
    return failure();
  if (!areBytes(m->a, m->b))
    return op.emitError() << "expected integers of 8 bits, found "
                          << m->a.getType() << " and " << m->b.getType();
  return op.replace(
      m->restore(op, multiplyIntegers(op, m->a, *aZero, m->b, *bZero)));
}

static LogicalResult convertQLinearMatMul(OpBinder &op) {
  FailureOr<Matrices> m = Matrices::bind(op, 0, 3);
  FailureOr<Value> aZero = getZeroPoint(op, 2), bZero = getZeroPoint(op, 5);
  Value aScale = op.getTensor(1), bScale = op.getTensor(4),
        yScale = op.getTensor(6), yZero = op.getTensor(7);
  if (failed(m) || failed(aZero) || failed(bZero) || !aScale || !bScale ||
      !yScale || !yZero)
    return failure();
  Type f32 = op.b.getF32Type();
  Value product;
  if (areBytes(m->a, m->b))
    product = op.cast(multiplyIntegers(op, m->a, *aZero, m->b, *bZero), f32);
  else // Float8, whose zero points are 0.
    product = op.matmul(op.cast(m->a, f32), op.cast(m->b, f32));
  Value factor = op.binary(
      BinaryKind::mul, op.cast(alongMatrix(op, aScale, /*isRows=*/true), f32),
      op.cast(alongMatrix(op, bScale, /*isRows=*/false), f32));
  factor = op.binary(BinaryKind::div, factor,
                     op.cast(alongMatrix(op, yScale, /*isRows=*/true), f32));
  Value y = op.binary(BinaryKind::mul, product, factor);
  if (!y)
    return failure();
  return op.replace(m->restore(
      op, roundToElement(op, y, alongMatrix(op, yZero, /*isRows=*/true),
                         OpBinder::getElementType(yZero))));
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// A parameter of output channels as `[1, c, 1, ..]`.
static Value alongChannels(OpBinder &op, Value parameter, int64_t rank) {
  if (isOneElement(parameter))
    return op.reshape(parameter,
                      SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  return op.alongAxis(parameter, 1, rank);
}

/// Sums of the windows of `x` for each output channel of `filter`.
static Value sumWindows(OpBinder &op, const Windows &windows, Value x,
                        Value filter, int64_t group) {
  RankedTensorType type = OpBinder::getType(filter);
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(filter);
  OpFoldResult outputs = sizes[0];
  sizes[0] = op.b.getIndexAttr(group);
  Value ones = BroadcastOp::create(
      op.b, op.loc, op.scalar(OpBinder::getElementType(x), 1, rank), sizes);
  Value sums = windows.conv(op, x, ones, group);
  if (!sums || group == 1)
    return sums;
  // Every channel of a group has the same sums.
  std::optional<int64_t> known = getConstantIntValue(outputs);
  if (!known || *known % group != 0) {
    op.emitError() << "groups of a dynamic number of channels are not "
                      "supported, found "
                   << type;
    return {};
  }
  SmallVector<OpFoldResult> full = op.state.shapes.getDims(sums), merged = full;
  full.insert(full.begin() + 2, op.b.getIndexAttr(*known / group));
  merged[1] = outputs;
  return op.reshape(
      BroadcastOp::create(op.b, op.loc, op.unsqueeze(sums, {2}), full), merged);
}

/// The convolution of integers less their zero points, in i32. Padding has the
/// value of the zero point.
static Value convolveIntegers(OpBinder &op, Value x, Value xZero, Value filter,
                              Value filterZero) {
  Type i32 = op.b.getI32Type();
  int64_t group = op.getInt("group", 1), rank = OpBinder::getRank(x);
  if (!areBytes(x, filter)) {
    op.emitError() << "expected integers of 8 bits, found " << x.getType()
                   << " and " << filter.getType();
    return {};
  }
  if (xZero && !isOneElement(xZero)) {
    op.emitError() << "expected one zero point of the input, found "
                   << xZero.getType();
    return {};
  }
  if (xZero && op.getString("auto_pad", "NOTSET").starts_with("SAME") &&
      !OpBinder::getType(x).hasStaticShape()) {
    // The padding is known at run time only; subtract first.
    x = op.binary(BinaryKind::sub, op.cast(x, i32),
                  op.cast(alongChannels(op, xZero, rank), i32));
    filter = op.cast(filter, i32);
    if (filterZero) {
      Value zero = op.cast(filterZero, i32);
      if (!isOneElement(zero))
        zero = op.alongAxis(zero, 0, rank);
      filter = op.binary(BinaryKind::sub, filter, zero);
    }
    FailureOr<Windows> windows = Windows::bind(op, x, filter);
    return failed(windows) ? Value() : windows->conv(op, x, filter, group);
  }
  FailureOr<Windows> windows = Windows::bind(op, x, filter);
  if (failed(windows))
    return {};
  if (xZero) {
    SmallVector<OpFoldResult> low(2, op.b.getIndexAttr(0)), high = low;
    for (auto [begin, end] :
         llvm::zip_equal(windows->padsBegin, windows->padsEnd)) {
      low.push_back(op.b.getIndexAttr(begin));
      high.push_back(op.b.getIndexAttr(end));
      begin = end = 0;
    }
    x = PadOp::create(op.b, op.loc, PadMode::constant, x, xZero, low, high);
  }
  Value y = windows->conv(op, x, filter, group);
  if (!y)
    return {};
  Value sums;
  if (xZero) {
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
    sums = op.reduce(ReduceKind::sum, op.cast(filter, i32), axes,
                     /*keepDims=*/false);
    if (filterZero) {
      // (x - a)(w - b) = xw - b sum x - a (sum w - count b)
      Value count =
          op.cast(op.fromIndices(op.product(
                      ArrayRef(op.state.shapes.getDims(filter)).drop_front())),
                  i32);
      Value zero = op.reshape(filterZero,
                              op.product(op.state.shapes.getDims(filterZero)));
      sums = op.binary(BinaryKind::sub, sums,
                       op.binary(BinaryKind::mul, op.cast(zero, i32), count));
    }
    Value term = op.binary(BinaryKind::mul, alongChannels(op, sums, rank),
                           op.cast(alongChannels(op, xZero, rank), i32));
    y = op.binary(BinaryKind::sub, y, term);
  }
  if (filterZero) {
    Value term =
        op.binary(BinaryKind::mul, sumWindows(op, *windows, x, filter, group),
                  op.cast(alongChannels(op, filterZero, rank), i32));
    y = op.binary(BinaryKind::sub, y, term);
  }
  return y;
}

static LogicalResult convertConvInteger(OpBinder &op) {
  Value x = op.getTensor(0), filter = Windows::fixKernel(op, op.getTensor(1));
  FailureOr<Value> xZero = getZeroPoint(op, 2),
                   filterZero = getZeroPoint(op, 3);
  if (!x || !filter || failed(xZero) || failed(filterZero))
    return failure();
  return op.replace(convolveIntegers(op, x, *xZero, filter, *filterZero));
}

static LogicalResult convertQLinearConv(OpBinder &op) {
  Value x = op.getTensor(0), xScale = op.getTensor(1),
        filter = Windows::fixKernel(op, op.getTensor(3)),
        filterScale = op.getTensor(4), yScale = op.getTensor(6),
        yZero = op.getTensor(7);
  FailureOr<Value> xZero = getZeroPoint(op, 2),
                   filterZero = getZeroPoint(op, 5);
  if (!x || !xScale || !filter || !filterScale || !yScale || !yZero ||
      failed(xZero) || failed(filterZero))
    return failure();
  int64_t rank = OpBinder::getRank(x);
  Value sum = convolveIntegers(op, x, *xZero, filter, *filterZero);
  if (op.getOperand(8)) {
    Value bias = op.getTensor(8);
    if (!bias)
      return failure();
    sum = op.binary(BinaryKind::add, sum, op.alongAxis(bias, 1, rank));
  }
  Value factor = op.binary(BinaryKind::mul, alongChannels(op, xScale, rank),
                           alongChannels(op, filterScale, rank));
  factor = op.binary(BinaryKind::div, factor, alongChannels(op, yScale, rank));
  Value y = op.binary(BinaryKind::mul, op.cast(sum, op.b.getF32Type()), factor);
  if (!y)
    return failure();
  return op.replace(roundToElement(op, y, alongChannels(op, yZero, rank),
                                   OpBinder::getElementType(yZero)));
}

void mopt::populateQuantizedContractionHandlers(HandlerRegistry &registry) {
  registry.add("ConvInteger", 10, convertConvInteger);
  registry.add("MatMulInteger", 10, convertMatMulInteger);
  registry.add("QLinearConv", 10, convertQLinearConv);
  registry.add("QLinearMatMul", 10, convertQLinearMatMul);
}
