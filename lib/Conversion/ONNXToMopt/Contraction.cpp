// Handlers of matrix products and convolutions.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"

using namespace mlir;
using namespace mopt;

/// numpy's matmul: vectors are promoted, batch dimensions broadcast.
static LogicalResult convertMatMul(OpBinder &op) {
  Value lhs = op.getTensor(0), rhs = op.getTensor(1);
  if (!lhs || !rhs)
    return failure();
  bool isRow = OpBinder::getRank(lhs) == 1, isColumn = OpBinder::getRank(rhs) == 1;
  if (OpBinder::getRank(lhs) == 0 || OpBinder::getRank(rhs) == 0)
    return op.emitError() << "expected inputs of at least one dimension";
  if (isRow)
    lhs = op.unsqueeze(lhs, {0});
  if (isColumn)
    rhs = op.unsqueeze(rhs, {1});
  Value result = op.matmul(lhs, rhs);
  if (!result)
    return failure();
  int64_t rank = OpBinder::getRank(result);
  SmallVector<int64_t> removed;
  if (isRow)
    removed.push_back(rank - 2);
  if (isColumn)
    removed.push_back(rank - 1);
  return op.replace(op.squeeze(result, removed));
}

static LogicalResult convertGemm(OpBinder &op) {
  Value a = op.getTensor(0), b = op.getTensor(1);
  if (!a || !b)
    return failure();
  if (OpBinder::getRank(a) != 2 || OpBinder::getRank(b) != 2)
    return op.emitError() << "expected matrices, found " << a.getType()
                          << " and " << b.getType();
  Value result = op.matmul(a, b, op.getInt("transA", 0) != 0,
                           op.getInt("transB", 0) != 0);
  double alpha = op.getFloat("alpha", 1), beta = op.getFloat("beta", 1);
  if (alpha != 1)
    result = op.binary(BinaryKind::mul, result, alpha);
  if (op.getOperand(2)) {
    Value c = op.getTensor(2);
    if (!c)
      return failure();
    if (beta != 1)
      c = op.binary(BinaryKind::mul, c, beta);
    result = op.binary(BinaryKind::add, result, c);
  }
  return op.replace(result);
}

static LogicalResult convertConv(OpBinder &op) {
  Value x = op.getTensor(0), w = Windows::fixKernel(op, op.getTensor(1));
  if (!x || !w)
    return failure();
  FailureOr<Windows> windows = Windows::bind(op, x, w);
  if (failed(windows))
    return failure();
  Value y = windows->conv(op, x, w, op.getInt("group", 1));
  if (op.getOperand(2)) {
    Value bias = op.getTensor(2);
    if (!bias)
      return failure();
    y = op.binary(BinaryKind::add, y,
                  op.alongAxis(bias, 1, OpBinder::getRank(x)));
  }
  return op.replace(y);
}

void mopt::populateContractionHandlers(HandlerRegistry &registry) {
  registry.add("Conv", 1, convertConv);
  registry.add("Gemm", 1, convertGemm);
  registry.add("MatMul", 1, convertMatMul);
}
