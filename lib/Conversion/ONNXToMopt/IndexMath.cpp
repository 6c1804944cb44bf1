// Folding arithmetic on index values.
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;
using Index = IndexMath::Index;

static std::optional<int64_t> known(Index x) { return getConstantIntValue(x); }

static bool isEqual(Index x, Index y) {
  return x == y || (known(x) && known(x) == known(y));
}

/// Wraps as the emitted op does.
static int64_t wrapped(uint64_t x) { return static_cast<int64_t>(x); }

Value IndexMath::value(Index x) const {
  return getValueOrCreateConstantIndexOp(b, loc, x);
}

Index IndexMath::add(Index x, Index y) const {
  if (known(x) && known(y))
    return constant(wrapped(uint64_t(*known(x)) + uint64_t(*known(y))));
  if (known(x) == int64_t(0))
    return y;
  if (known(y) == int64_t(0))
    return x;
  return arith::AddIOp::create(b, loc, value(x), value(y)).getResult();
}

Index IndexMath::sub(Index x, Index y) const {
  if (known(x) && known(y))
    return constant(wrapped(uint64_t(*known(x)) - uint64_t(*known(y))));
  if (known(y) == int64_t(0))
    return x;
  if (isEqual(x, y))
    return constant(0);
  return arith::SubIOp::create(b, loc, value(x), value(y)).getResult();
}

Index IndexMath::mul(Index x, Index y) const {
  if (known(x) && known(y))
    return constant(wrapped(uint64_t(*known(x)) * uint64_t(*known(y))));
  if (known(x) == int64_t(1))
    return y;
  if (known(y) == int64_t(1))
    return x;
  return arith::MulIOp::create(b, loc, value(x), value(y)).getResult();
}

Index IndexMath::min(Index x, Index y) const {
  if (known(x) && known(y))
    return constant(std::min(*known(x), *known(y)));
  if (isEqual(x, y))
    return x;
  return arith::MinSIOp::create(b, loc, value(x), value(y)).getResult();
}

Index IndexMath::max(Index x, Index y) const {
  if (known(x) && known(y))
    return constant(std::max(*known(x), *known(y)));
  if (isEqual(x, y))
    return x;
  return arith::MaxSIOp::create(b, loc, value(x), value(y)).getResult();
}

Index IndexMath::floorDiv(Index x, Index y) const {
  if (known(y) == int64_t(0))
    return constant(0);
  if (known(y) == int64_t(1))
    return x;
  if (known(x) && known(y))
    return constant(llvm::divideFloorSigned(*known(x), *known(y)));
  Value divisor = value(select(arith::CmpIPredicate::eq, y, constant(0),
                               constant(1), y));
  Index quotient =
      arith::FloorDivSIOp::create(b, loc, value(x), divisor).getResult();
  return select(arith::CmpIPredicate::eq, y, constant(0), constant(0), quotient);
}

Index IndexMath::ceilDiv(Index x, Index y) const {
  if (known(y) == int64_t(0))
    return constant(0);
  if (known(y) == int64_t(1))
    return x;
  if (known(x) && known(y))
    return constant(llvm::divideCeilSigned(*known(x), *known(y)));
  Value divisor = value(select(arith::CmpIPredicate::eq, y, constant(0),
                               constant(1), y));
  Index quotient =
      arith::CeilDivSIOp::create(b, loc, value(x), divisor).getResult();
  return select(arith::CmpIPredicate::eq, y, constant(0), constant(0), quotient);
}

Index IndexMath::select(arith::CmpIPredicate p, Index x, Index y, Index ifTrue,
                        Index ifFalse) const {
  if (known(x) && known(y))
    return arith::applyCmpPredicate(p, APInt(64, *known(x), true),
                                    APInt(64, *known(y), true))
               ? ifTrue
               : ifFalse;
  if (isEqual(ifTrue, ifFalse))
    return ifTrue;
  Value condition = arith::CmpIOp::create(b, loc, p, value(x), value(y));
  return arith::SelectOp::create(b, loc, condition, value(ifTrue),
                                 value(ifFalse))
      .getResult();
}

Index IndexMath::wrap(Index x, Index size) const {
  if (known(x))
    return *known(x) < 0 ? add(x, size) : x;
  return select(arith::CmpIPredicate::slt, x, constant(0), add(x, size), x);
}
