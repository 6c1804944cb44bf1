// Handlers of matrix products and convolutions of 8-bit integers with zero
// points.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Quantize.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"
#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"

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

/// Emits an error unless both are integers of 8 bits.
static LogicalResult verifyBytes(OpBinder &op, Value x, Value y) {
  if (OpBinder::getElementType(x).isInteger(8) &&
      OpBinder::getElementType(y).isInteger(8))
    return success();
  return op.emitError() << "expected integers of 8 bits, found " << x.getType()
                        << " and " << y.getType();
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// A parameter of the rows (or columns) of a matrix so that it is broadcast:
/// `[rows, 1]` or `[1, columns]`, behind dimensions of size 1 up to `rank`.
/// Null stays null.
static Value alongMatrix(OpBinder &op, Value parameter, bool isRows,
                         int64_t rank = 2) {
  if (!parameter)
    return {};
  if (isOneElement(parameter))
    return op.reshape(parameter,
                      SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  if (OpBinder::getRank(parameter) == 1)
    parameter = op.unsqueeze(parameter, {isRows ? 1 : 0});
  int64_t missing = rank - OpBinder::getRank(parameter);
  return op.unsqueeze(parameter,
                      llvm::to_vector(llvm::seq<int64_t>(0, missing)));
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

/// The product of integer matrices less their zero points, in i32.
static Value multiplyIntegers(OpBinder &op, Value a, Value aZero, Value b,
                              Value bZero) {
  if (failed(verifyBytes(op, a, b)))
    return {};
  // Checks the sizes, and brings batch dimensions together.
  Value product = op.matmul(a, b);
  if (!product)
    return {};
  int64_t rank = OpBinder::getRank(product);
  auto plain = product.getDefiningOp<MatmulOp>();
  IntegerMatmul integers(op.b, op.loc, plain.getLhs(), plain.getRhs(),
                         /*transposeLhs=*/false, /*transposeRhs=*/false);
  Value sums = integers.build(alongMatrix(op, aZero, /*isRows=*/true, rank),
                              alongMatrix(op, bZero, /*isRows=*/false, rank));
  plain->erase();
  return sums;
}

static LogicalResult convertMatMulInteger(OpBinder &op) {
  FailureOr<Matrices> m = Matrices::bind(op, 0, 1);
  FailureOr<Value> aZero = getZeroPoint(op, 2), bZero = getZeroPoint(op, 3);
  if (failed(m) || failed(aZero) || failed(bZero))
    return failure();
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
  if (isa<FloatType>(OpBinder::getElementType(m->a))) // Zero points are 0.
    product = op.matmul(op.cast(m->a, f32), op.cast(m->b, f32));
  else
    product = op.cast(multiplyIntegers(op, m->a, *aZero, m->b, *bZero), f32);
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

/// The convolution of integers less their zero points, in i32. Padding has the
/// value of the zero point.
static Value convolveIntegers(OpBinder &op, Value x, Value xZero, Value filter,
                              Value filterZero) {
  Type i32 = op.b.getI32Type();
  int64_t group = op.getInt("group", 1), rank = OpBinder::getRank(x);
  if (failed(verifyBytes(op, x, filter)))
    return {};
  if (xZero && !isOneElement(xZero)) {
    op.emitError() << "expected one zero point of the input, found "
                   << xZero.getType();
    return {};
  }
  if (filterZero) {
    if (isOneElement(filterZero))
      filterZero = op.reshape(
          filterZero, SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
    else
      filterZero = op.alongAxis(filterZero, 0, rank);
  }
  if (xZero)
    xZero = alongChannels(op, xZero, rank);
  if (op.getString("auto_pad", "NOTSET").starts_with("SAME") &&
      !OpBinder::getType(x).hasStaticShape()) {
    // The padding is known at run time only; subtract first.
    x = op.cast(x, i32);
    if (xZero)
      x = op.binary(BinaryKind::sub, x, op.cast(xZero, i32));
    filter = op.cast(filter, i32);
    if (filterZero)
      filter = op.binary(BinaryKind::sub, filter, op.cast(filterZero, i32));
    FailureOr<Windows> windows = Windows::bind(op, x, filter);
    return failed(windows) ? Value() : windows->conv(op, x, filter, group);
  }
  if (group > 1 && OpBinder::getType(filter).isDynamicDim(0)) {
    op.emitError() << "groups of a dynamic number of channels are not "
                      "supported, found "
                   << filter.getType();
    return {};
  }
  FailureOr<Windows> windows = Windows::bind(op, x, filter);
  if (failed(windows))
    return {};
  // Checks the sizes.
  Value plain = windows->conv(op, x, filter, group);
  if (!plain)
    return {};
  plain.getDefiningOp()->erase();
  IntegerConv integers(op.b, op.loc, x, filter, windows->strides,
                       windows->dilations, windows->padsBegin, windows->padsEnd,
                       group);
  return integers.build(xZero, filterZero);
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
