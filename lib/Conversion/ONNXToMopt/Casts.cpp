// Handlers of operators that change the element type only, and of Dropout,
// which does nothing in inference.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

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
  return op.replace(op.cast(x, type, op.getInt("saturate", 1) != 0));
}

static LogicalResult convertCastLike(OpBinder &op) {
  Value x = op.getTensor(0), like = op.getTensor(1);
  if (!x || !like)
    return failure();
  return op.replace(op.cast(x, OpBinder::getElementType(like),
                            op.getInt("saturate", 1) != 0));
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
  // A boolean is a byte of 0 or 1.
  if (from.isInteger(1) && type.getIntOrFloatBitWidth() == 8 &&
      isa<IntegerType>(type))
    return op.replace(op.cast(x, type));
  if (type.getIntOrFloatBitWidth() != from.getIntOrFloatBitWidth())
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
