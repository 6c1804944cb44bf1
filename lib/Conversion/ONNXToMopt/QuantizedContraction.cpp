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

/// Operand `i`, a zero point of elements of type `element`; null if it is left
/// out or 0, when nothing has to be done.
static FailureOr<Value> getZeroPoint(OpBinder &op, unsigned i, Type element) {
  if (!op.getOperand(i))
    return Value();
  Value zeroPoint = op.getTensor(i);
  if (!zeroPoint || failed(verifyZeroPoint(op, zeroPoint, element)))
    return failure();
  return isZeroConstant(zeroPoint) ? Value() : zeroPoint;
}

/// Emits an error unless the zero point of the result has a type that the
/// result may have.
static LogicalResult verifyResultZeroPoint(OpBinder &op, Value zeroPoint) {
  Type element = OpBinder::getElementType(zeroPoint);
  if (element.isIntOrFloat() && element.getIntOrFloatBitWidth() == 8)
    return verifyZeroPoint(op, zeroPoint, element);
  return op.emitError() << "expected a zero point of 8 bits for the result, "
                           "found "
                        << zeroPoint.getType();
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

/// A parameter of the rows (or columns) of `product`, a tensor of at least two
/// dimensions, so that it is broadcast to it. Null stays null, and comes with
/// an error emitted if the parameter, called `name` there, does not fit.
static Value alongMatrix(OpBinder &op, Value parameter, bool isRows,
                         Value product, StringRef name) {
  if (!parameter || !product)
    return {};
  RankedTensorType type = OpBinder::getType(product);
  int64_t rank = type.getRank();
  if (hasOneElement(parameter))
    return op.reshape(parameter,
                      SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  Value y = parameter;
  if (OpBinder::getRank(y) == 1)
    y = op.unsqueeze(y, {isRows ? 1 : 0});
  int64_t missing = rank - OpBinder::getRank(y);
  bool fits = missing >= 0;
  if (fits) {
    y = op.unsqueeze(y, llvm::to_vector(llvm::seq<int64_t>(0, missing)));
    RankedTensorType found = OpBinder::getType(y);
    for (int64_t dim = 0; dim < rank; ++dim) {
      int64_t have = found.getDimSize(dim), want = type.getDimSize(dim);
      bool isAcross = dim == (isRows ? rank - 1 : rank - 2);
      fits &= ShapedType::isDynamic(have) || have == 1 ||
              (!isAcross && (ShapedType::isDynamic(want) || have == want));
    }
  }
  if (fits) {
    for (int64_t dim = 0; dim < rank; ++dim) {
      bool isAcross = dim == (isRows ? rank - 1 : rank - 2);
      op.requireSize(op.state.shapes.getDim(y, dim),
                     isAcross ? OpFoldResult(op.b.getIndexAttr(1))
                              : op.state.shapes.getDim(product, dim),
                     /*orOne=*/true);
    }
    return y;
  }
  op.emitError() << "expected one " << name << ", or one for each of the "
                 << (isRows ? "rows" : "columns") << " of " << type
                 << ", found " << parameter.getType();
  return {};
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

/// The product of integer matrices less their zero points, which may be null,
/// in i32.
static Value multiplyIntegers(OpBinder &op, Value a, Value aZero, Value b,
                              Value bZero) {
  if (failed(verifyBytes(op, a, b)))
    return {};
  // Checks the sizes, and brings batch dimensions together.
  Value product = op.matmul(a, b);
  if (!product)
    return {};
  Value rowZero = alongMatrix(op, aZero, /*isRows=*/true, product,
                              "zero point of the left side"),
        columnZero = alongMatrix(op, bZero, /*isRows=*/false, product,
                                 "zero point of the right side");
  if ((aZero && !rowZero) || (bZero && !columnZero))
    return {};
  auto plain = product.getDefiningOp<MatmulOp>();
  IntegerMatmul integers(op.b, op.loc, plain.getLhs(), plain.getRhs(),
                         /*transposeLhs=*/false, /*transposeRhs=*/false);
  Value sums = integers.build(rowZero, columnZero);
  plain->erase();
  return sums;
}

static LogicalResult convertMatMulInteger(OpBinder &op) {
  FailureOr<Matrices> m = Matrices::bind(op, 0, 1);
  if (failed(m))
    return failure();
  FailureOr<Value> aZero = getZeroPoint(op, 2, OpBinder::getElementType(m->a)),
                   bZero = getZeroPoint(op, 3, OpBinder::getElementType(m->b));
  if (failed(aZero) || failed(bZero))
    return failure();
  return op.replace(
      m->restore(op, multiplyIntegers(op, m->a, *aZero, m->b, *bZero)));
}

static LogicalResult convertQLinearMatMul(OpBinder &op) {
  FailureOr<Matrices> m = Matrices::bind(op, 0, 3);
  if (failed(m))
    return failure();
  FailureOr<Value> aZero = getZeroPoint(op, 2, OpBinder::getElementType(m->a)),
                   bZero = getZeroPoint(op, 5, OpBinder::getElementType(m->b));
  Value aScale = op.getTensor(1), bScale = op.getTensor(4),
        yScale = op.getTensor(6), yZero = op.getTensor(7);
  StringRef aName = "scale of the left side", bName = "scale of the right side",
            yName = "scale of the result";
  if (failed(aZero) || failed(bZero) || !aScale || !bScale || !yScale ||
      !yZero || failed(verifyResultZeroPoint(op, yZero)) ||
      failed(verifyScale(op, aScale, aName)) ||
      failed(verifyScale(op, bScale, bName)) ||
      failed(verifyScale(op, yScale, yName, /*divides=*/true)))
    return failure();
  Type f32 = op.b.getF32Type();
  Value product;
  if (isa<FloatType>(OpBinder::getElementType(m->a))) // Zero points are 0.
    product = op.matmul(op.cast(m->a, f32), op.cast(m->b, f32));
  else
    product = op.cast(multiplyIntegers(op, m->a, *aZero, m->b, *bZero), f32);
  Value rows = alongMatrix(op, aScale, /*isRows=*/true, product, aName),
        columns = alongMatrix(op, bScale, /*isRows=*/false, product, bName),
        result = alongMatrix(op, yScale, /*isRows=*/true, product, yName),
        zero = alongMatrix(op, yZero, /*isRows=*/true, product,
                           "zero point of the result");
  if (!rows || !columns || !result || !zero)
    return failure();
  Value factor =
      op.binary(BinaryKind::mul, op.cast(rows, f32), op.cast(columns, f32));
  factor = op.binary(BinaryKind::div, factor, op.cast(result, f32));
  Value y = op.binary(BinaryKind::mul, product, factor);
  if (!y)
    return failure();
  return op.replace(m->restore(
      op, roundToElement(op, y, zero, OpBinder::getElementType(yZero))));
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Emits an error unless `parameter`, called `name` there, has one element or
/// one for each output of the filter.
static LogicalResult verifyOutputs(OpBinder &op, Value parameter, Value filter,
                                   StringRef name) {
  RankedTensorType type = OpBinder::getType(parameter);
  int64_t outputs = OpBinder::getType(filter).getDimSize(0);
  if (hasOneElement(parameter))
    return success();
  if (type.getRank() == 1 &&
      (type.isDynamicDim(0) || ShapedType::isDynamic(outputs) ||
       type.getDimSize(0) == outputs)) {
    op.requireSize(op.state.shapes.getDim(parameter, 0),
                   op.state.shapes.getDim(filter, 0), /*orOne=*/true);
    return success();
  }
  InFlightDiagnostic error = op.emitError();
  error << "expected one " << name << ", or one for each ";
  if (ShapedType::isStatic(outputs))
    error << "of " << outputs << " outputs";
  else
    error << "output";
  return error << ", found " << type;
}

/// A parameter of one element or of the positions along `axis` as a tensor of
/// `rank` dimensions.
static Value alongChannels(OpBinder &op, Value parameter, int64_t axis,
                           int64_t rank) {
  if (hasOneElement(parameter))
    return op.reshape(parameter,
                      SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  return op.alongAxis(parameter, axis, rank);
}

/// The convolution of integers less their zero points, in i32. Padding has the
/// value of the zero point.
static Value convolveIntegers(OpBinder &op, Value x, Value xZero, Value filter,
                              Value filterZero) {
  Type i32 = op.b.getI32Type();
  int64_t group = op.getInt("group", 1), rank = OpBinder::getRank(x);
  if (failed(verifyBytes(op, x, filter)))
    return {};
  if (filterZero &&
      failed(verifyOutputs(op, filterZero, filter, "zero point of the filter")))
    return {};
  if (filterZero)
    filterZero = alongChannels(op, filterZero, 0, rank);
  if (xZero)
    xZero = isZeroConstant(xZero) ? Value() : alongChannels(op, xZero, 1, rank);
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
  if (!x || !filter)
    return failure();
  FailureOr<Value> xZero = getOneZeroPoint(op, 2, OpBinder::getElementType(x)),
                   filterZero =
                       getZeroPoint(op, 3, OpBinder::getElementType(filter));
  if (failed(xZero) || failed(filterZero))
    return failure();
  return op.replace(convolveIntegers(op, x, *xZero, filter, *filterZero));
}

static LogicalResult convertQLinearConv(OpBinder &op) {
  Value x = op.getTensor(0), filter = Windows::fixKernel(op, op.getTensor(3));
  if (!x || !filter)
    return failure();
  FailureOr<Value> xZero = getOneZeroPoint(op, 2, OpBinder::getElementType(x)),
                   filterZero =
                       getZeroPoint(op, 5, OpBinder::getElementType(filter));
  StringRef filterName = "scale of the filter";
  Value xScale = getOneScale(op, 1, "scale of the input"),
        filterScale = op.getTensor(4),
        yScale = getOneScale(op, 6, "scale of the result", /*divides=*/true),
        yZero = getOneElement(op, 7, "zero point of the result");
  if (!xScale || !filterScale || !yScale || !yZero || failed(xZero) ||
      failed(filterZero) || failed(verifyScale(op, filterScale, filterName)) ||
      failed(verifyOutputs(op, filterScale, filter, filterName)) ||
      failed(verifyResultZeroPoint(op, yZero)))
    return failure();
  int64_t rank = OpBinder::getRank(x);
  Type f32 = op.b.getF32Type(), i32 = op.b.getI32Type();
  Value sum = convolveIntegers(op, x, *xZero, filter, *filterZero);
  if (op.getOperand(8)) {
    Value bias = op.getTensor(8);
    if (!bias || failed(verifyOutputs(op, bias, filter, "bias")))
      return failure();
    if (OpBinder::getElementType(bias) != i32)
      return op.emitError()
             << "expected a bias of " << i32 << ", found " << bias.getType();
    sum = op.binary(BinaryKind::add, sum, alongChannels(op, bias, 1, rank));
  }
  auto spread = [&](Value scale) {
    return op.cast(alongChannels(op, scale, 1, rank), f32);
  };
  Value factor =
      op.binary(BinaryKind::mul, spread(xScale), spread(filterScale));
  factor = op.binary(BinaryKind::div, factor, spread(yScale));
  Value y = op.binary(BinaryKind::mul, op.cast(sum, f32), factor);
  if (!y)
    return failure();
  return op.replace(roundToElement(op, y, alongChannels(op, yZero, 1, rank),
                                   OpBinder::getElementType(yZero)));
}

void mopt::populateQuantizedContractionHandlers(HandlerRegistry &registry) {
  registry.add("ConvInteger", 10, convertConvInteger);
  registry.add("MatMulInteger", 10, convertMatMulInteger);
  registry.add("QLinearConv", 10, convertQLinearConv);
  registry.add("QLinearMatMul", 10, convertQLinearMatMul);
}
