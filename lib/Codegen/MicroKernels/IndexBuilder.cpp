// Index arithmetic that folds constants as it goes.
#include "IndexBuilder.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

Value IndexBuilder::value(OpFoldResult x) {
  return getValueOrCreateConstantIndexOp(b, loc, x);
}

OpFoldResult IndexBuilder::add(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(*cx + *cy);
  if (cx == 0)
    return y;
  if (cy == 0)
    return x;
  return arith::AddIOp::create(b, loc, value(x), value(y)).getResult();
}

OpFoldResult IndexBuilder::sub(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(*cx - *cy);
  if (cy == 0)
    return x;
  return arith::SubIOp::create(b, loc, value(x), value(y)).getResult();
}

OpFoldResult IndexBuilder::mul(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(*cx * *cy);
  if (cx == 0 || cy == 1)
    return x;
  if (cy == 0 || cx == 1)
    return y;
  return arith::MulIOp::create(b, loc, value(x), value(y)).getResult();
}

OpFoldResult IndexBuilder::div(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(*cx / *cy);
  if (cy == 1)
    return x;
  return arith::DivUIOp::create(b, loc, value(x), value(y)).getResult();
}

OpFoldResult IndexBuilder::ceilDiv(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(llvm::divideCeil(*cx, *cy));
  if (cy == 1)
    return x;
  return div(add(x, sub(y, constant(1))), y);
}

OpFoldResult IndexBuilder::rem(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(*cx % *cy);
  if (cy == 1)
    return constant(0);
  return arith::RemUIOp::create(b, loc, value(x), value(y)).getResult();
}

OpFoldResult IndexBuilder::min(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(std::min(*cx, *cy));
  return arith::MinUIOp::create(b, loc, value(x), value(y)).getResult();
}

OpFoldResult IndexBuilder::max(OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> cx = getConstantIntValue(x),
                         cy = getConstantIntValue(y);
  if (cx && cy)
    return constant(std::max(*cx, *cy));
  return arith::MaxUIOp::create(b, loc, value(x), value(y)).getResult();
}

void IndexBuilder::loop(OpFoldResult from, OpFoldResult to, int64_t step,
                        function_ref<void(OpFoldResult)> body) {
  std::optional<int64_t> cf = getConstantIntValue(from);
  std::optional<int64_t> ct = getConstantIntValue(to);
  if (cf && ct) {
    if (*ct <= *cf)
      return;
    if (*ct - *cf <= step)
      return body(from);
  }
  auto op =
      scf::ForOp::create(b, loc, value(from), value(to), value(constant(step)));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.getBody());
  body(OpFoldResult(op.getInductionVar()));
}
