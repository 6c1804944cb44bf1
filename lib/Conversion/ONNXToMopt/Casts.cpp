// Handlers of operators that change the element type only, and of Dropout,
// which does nothing in inference.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

/// A float that is a power of two, as its exponent: that of `x` as f32, one more
/// where rounding goes up. A sign is dropped.
static Value castToPowerOfTwo(OpBinder &op, Value x, Type type) {
  StringRef mode = op.getString("round_mode", "up");
  if (mode != "up" && mode != "down" && mode != "nearest") {
    op.emitError() << "expected 'round_mode' of 'up', 'down' or 'nearest', found '"
                   << mode << "'";
    return {};
  }
  Type i32 = op.b.getI32Type();
  x = op.cast(x, op.b.getF32Type());
  if (!x)
    return {};
  Value bits = BitcastOp::create(op.b, op.loc, OpBinder::getType(x).clone(i32), x);
  auto number = [&](int32_t value) { return op.scalar(i32, value); };
  Value exponent = op.binary(
      BinaryKind::and_, op.binary(BinaryKind::shr, bits, number(23)), number(255));
  if (mode != "down") {
    Value fraction = op.binary(BinaryKind::and_, bits, number(0x7FFFFF));
    // Half goes up, but for denormals, which have no even neighbour below.
    Value limit = number(0);
    if (mode == "nearest")
      limit = op.select(op.compare(CompareKind::gt, exponent, number(0)),
                        number(0x3FFFFF), number(0x400000));
    Value isUp = op.compare(CompareKind::gt, fraction, limit);
    int32_t largest = op.getInt("saturate", 1) != 0 ? 254 : 255;
    Value hasRoom = op.compare(CompareKind::lt, exponent, number(largest));
    Value step = op.cast(op.binary(BinaryKind::and_, isUp, hasRoom), i32);
    exponent = op.binary(BinaryKind::add, exponent, step);
  }
  Value byte = op.cast(
      exponent, IntegerType::get(op.b.getContext(), 8, IntegerType::Unsigned));
  if (!byte)
    return {};
  return BitcastOp::create(op.b, op.loc, OpBinder::getType(x).clone(type), byte);
}

static Value castTo(OpBinder &op, Value x, Type type) {
  if (isa<Float8E8M0FNUType>(type) && OpBinder::getElementType(x) != type)
    return castToPowerOfTwo(op, x, type);
  return op.cast(x, type, op.getInt("saturate", 1) != 0);
}

static LogicalResult convertCast(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  // Before version 6 the type was stated by name.
  Type type;
  if (StringRef name = op.getString("to", ""); !name.empty()) {
    int64_t dataType = llvm::StringSwitch<int64_t>(name)
                           .Case("FLOAT", 1)
                           .Case("UINT8", 2)
                           .Case("INT8", 3)
                           .Case("UINT16", 4)
                           .Case("INT16", 5)
                           .Case("INT32", 6)
                           .Case("INT64", 7)
                           .Case("BOOL", 9)
                           .Case("FLOAT16", 10)
                           .Case("DOUBLE", 11)
                           .Case("UINT32", 12)
                           .Case("UINT64", 13)
                           .Default(0);
    if (dataType == 0)
      return op.emitError() << "element type '" << name << "' is not supported";
    type = op.getDataType(dataType);
  } else {
    type = op.getDataType(op.getInt("to", 0));
  }
  if (!type)
    return failure();
  return op.replace(castTo(op, x, type));
}

static LogicalResult convertCastLike(OpBinder &op) {
  Value x = op.getTensor(0), like = op.getTensor(1);
  if (!x || !like)
    return failure();
  return op.replace(castTo(op, x, OpBinder::getElementType(like)));
}

static LogicalResult convertBitCast(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = op.getDataType(op.getInt("to", 0)), from = OpBinder::getElementType(x);
  if (!type)
    return failure();
  if (type == from)
    return op.replace(x);
  // A boolean is stored as a byte.
  auto width = [](Type element) {
    return element.isInteger(1) ? 8 : element.getIntOrFloatBitWidth();
  };
  if (width(type) != width(from))
    return op.emitError() << "expected element types of equal width, found "
                          << from << " and " << type;
  return op.replace(
      BitcastOp::create(op.b, op.loc, OpBinder::getType(x).clone(type), x)
          .getResult());
}

static LogicalResult convertDropout(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  bool isTraining = op.getVersion() < 7 && op.getInt("is_test", 0) == 0 &&
                    op.isResultUsed(1);
  if (op.getOperand(2)) {
    FailureOr<double> mode = op.getConstantScalar(2);
    if (failed(mode))
      return failure();
    isTraining = *mode != 0;
  }
  // Nothing is dropped at a ratio of 0.
  if (isTraining && op.getOperand(1)) {
    FailureOr<double> ratio = op.getConstantScalar(1);
    if (failed(ratio))
      return failure();
    isTraining = *ratio != 0;
  }
  if (isTraining)
    return op.emitError() << "dropout for training is not supported";
  Value mask;
  if (op.isResultUsed(1)) {
    Type type = op.getVersion() < 10 ? OpBinder::getElementType(x)
                                     : Type(op.b.getI1Type());
    mask = BroadcastOp::create(op.b, op.loc,
                               op.scalar(type, 1, OpBinder::getRank(x)),
                               op.state.shapes.getDims(x));
  }
  return op.replace({x, mask});
}

void mopt::populateCastHandlers(HandlerRegistry &registry) {
  registry.add("BitCast", 26, convertBitCast);
  registry.add("Cast", 1, convertCast);
  registry.add("CastLike", 15, convertCastLike);
  registry.add("Dropout", 1, convertDropout);
}
