// Handler of CausalConvWithState: a depthwise convolution that sees the past
// only, whose end is the next call's past.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"

using namespace mlir;
using namespace mopt;

static LogicalResult convertCausalConvWithState(OpBinder &op) {
  TypedValue<RankedTensorType> x = op.getTensor(0), w = op.getTensor(1);
  if (!x || !w)
    return failure();
  if (x.getType().getRank() != 3 || w.getType().getRank() != 3)
    return op.emitError() << "expected inputs of 3 dimensions, found "
                          << x.getType() << " and " << w.getType();
  int64_t channels = w.getType().getDimSize(0), taps = w.getType().getDimSize(2);
  if (ShapedType::isDynamic(channels) || ShapedType::isDynamic(taps))
    return op.emitError() << "weights of dynamic sizes are not supported, found "
                          << w.getType();
  IndexMath math(op.b, op.loc);
  Value padded;
  if (op.getOperand(3)) {
    Value past = op.getTensor(3);
    padded = past ? op.concat({past, x}, 2) : Value();
  } else {
    SmallVector<OpFoldResult> low(3, math.constant(0)), high = low;
    low[2] = math.constant(taps - 1);
    padded = PadOp::create(op.b, op.loc, PadMode::constant, x,
                           op.scalar(x.getType().getElementType(), 0), low, high);
  }
  if (!padded)
    return failure();
  Windows windows;
  windows.kernel = {taps};
  windows.strides = windows.dilations = {1};
  windows.padsBegin = windows.padsEnd = {0};
  Value y = windows.conv(op, padded, w, channels);
  if (op.getOperand(2)) {
    Value bias = op.getTensor(2);
    if (!bias)
      return failure();
    y = op.binary(BinaryKind::add, y, op.alongAxis(bias, 1, 3));
  }
  StringRef activation = op.getString("activation", "none");
  if (activation == "silu" || activation == "swish")
    y = op.binary(BinaryKind::mul, y, op.unary(UnaryKind::sigmoid, y));
  else if (activation != "none")
    return op.emitError() << "expected activation 'none', 'silu' or 'swish', "
                             "found '"
                          << activation << "'";
  Value state;
  if (op.isResultUsed(1)) {
    SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(padded),
                              offsets(3, math.constant(0)),
                              steps(3, math.constant(1));
    offsets[2] = math.sub(sizes[2], math.constant(taps - 1));
    sizes[2] = math.constant(taps - 1);
    state = SliceOp::create(op.b, op.loc, padded, offsets, sizes, steps);
  }
  return op.replace({y, state});
}

void mopt::populateCausalConvolutionHandlers(HandlerRegistry &registry) {
  registry.add("CausalConvWithState", 27, convertCausalConvWithState);
}
