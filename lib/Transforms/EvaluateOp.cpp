// mopt ops on constants: elementwise ones as numbers, the rest as bytes.
#include "mopt/Transforms/EvaluateOp.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/ReferenceMath.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mopt;

using Operands = ArrayRef<ConstantTensor>;

static RankedTensorType getResultType(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType());
}

/// Calls `visit(position, sources)` for each element of `shape`, where a source
/// stands at the sum of indices times the strides of its operand.
static void forEach(ArrayRef<int64_t> shape,
                    ArrayRef<SmallVector<int64_t>> strides,
                    function_ref<void(int64_t, ArrayRef<int64_t>)> visit) {
  int64_t count = 1, rank = shape.size();
  for (int64_t size : shape)
    count *= size;
  SmallVector<int64_t> index(rank, 0), source(strides.size(), 0);
  for (int64_t position = 0; position < count; ++position) {
    visit(position, source);
    for (int64_t dim = rank - 1; dim >= 0; --dim) {
      for (auto [at, stride] : llvm::zip_equal(source, strides))
        at += stride[dim];
      if (++index[dim] < shape[dim])
        break;
      for (auto [at, stride] : llvm::zip_equal(source, strides))
        at -= stride[dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

/// Strides of an operand that is broadcast to the result.
static SmallVector<int64_t> getBroadcastStrides(const ConstantTensor &operand) {
  ArrayRef<int64_t> shape = operand.getType().getShape();
  SmallVector<int64_t> strides = ConstantTensor::getStrides(shape);
  for (auto [stride, size] : llvm::zip_equal(strides, shape))
    if (size == 1)
      stride = 0;
  return strides;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// In the precision of the element type, as at run time; nothing for functions
/// that are better left to it.
static std::optional<double> evaluate(UnaryKind kind, double x) {
  switch (kind) {
  case UnaryKind::abs:
    return std::fabs(x);
  case UnaryKind::neg:
    return -x;
  case UnaryKind::sqrt:
    return std::sqrt(x);
  case UnaryKind::reciprocal:
    return 1 / x;
  case UnaryKind::floor:
    return std::floor(x);
  case UnaryKind::ceil:
    return std::ceil(x);
  case UnaryKind::round:
    return std::nearbyint(x);
  case UnaryKind::exp:
    return std::exp(x);
  case UnaryKind::log:
    return std::log(x);
  case UnaryKind::tanh:
    return std::tanh(x);
  case UnaryKind::erf:
    return std::erf(x);
  case UnaryKind::sigmoid:
    return 1 / (1 + std::exp(-x));
  case UnaryKind::sin:
    return std::sin(x);
  case UnaryKind::cos:
    return std::cos(x);
  default:
    return std::nullopt;
  }
}

/// In f32, which tables of quantized functions are made from: the reference's
/// last bit decides between two steps.
static std::optional<double> evaluateSingle(UnaryKind kind, float x) {
  if (std::isnan(x))
    return evaluate(kind, x);
  switch (kind) {
  case UnaryKind::tanh:
    return computeReferenceTanh(x);
  case UnaryKind::erf:
    return computeReferenceErf(x);
  case UnaryKind::sigmoid:
    return computeReferenceSigmoid(x);
  default:
    return evaluate(kind, x);
  }
}

static std::optional<double> evaluate(BinaryKind kind, double x, double y) {
  switch (kind) {
  case BinaryKind::add:
    return x + y;
  case BinaryKind::sub:
    return x - y;
  case BinaryKind::mul:
    return x * y;
  case BinaryKind::div:
    return x / y;
  case BinaryKind::pow:
    return std::pow(x, y);
  case BinaryKind::max:
    return std::isnan(x) || std::isnan(y) ? x + y : std::fmax(x, y);
  case BinaryKind::min:
    return std::isnan(x) || std::isnan(y) ? x + y : std::fmin(x, y);
  default:
    return std::nullopt;
  }
}

static std::optional<int64_t> evaluate(BinaryKind kind, bool isUnsigned,
                                       int64_t x, int64_t y) {
  auto wrap = [](uint64_t value) { return static_cast<int64_t>(value); };
  uint64_t u = x, v = y;
  bool isLess = isUnsigned ? u < v : x < y;
  switch (kind) {
  case BinaryKind::add:
    return wrap(u + v);
  case BinaryKind::sub:
    return wrap(u - v);
  case BinaryKind::mul:
    return wrap(u * v);
  case BinaryKind::div:
    if (y == 0)
      return 0;
    if (isUnsigned)
      return wrap(u / v);
    return y == -1 ? wrap(-u) : x / y;
  case BinaryKind::max:
    return isLess ? y : x;
  case BinaryKind::min:
    return isLess ? x : y;
  case BinaryKind::and_:
    return x & y;
  case BinaryKind::or_:
    return x | y;
  case BinaryKind::xor_:
    return x ^ y;
  default:
    return std::nullopt;
  }
}

template <typename T>
static bool compare(CompareKind kind, T x, T y) {
  switch (kind) {
  case CompareKind::eq:
    return x == y;
  case CompareKind::ne:
    return x != y;
  case CompareKind::lt:
    return x < y;
  case CompareKind::le:
    return x <= y;
  case CompareKind::gt:
    return x > y;
  case CompareKind::ge:
    return x >= y;
  }
  return false;
}

static bool isUnsigned(const ConstantTensor &x) {
  Type element = x.getType().getElementType();
  return element.isUnsignedInteger() || element.isInteger(1);
}

/// mopt.quantize in f32.
static int64_t quantize(float x, float scale, int64_t zero, unsigned width,
                        bool isUnsigned) {
  float y = std::nearbyint(x / scale) + static_cast<float>(zero);
  float high = std::exp2(width - !isUnsigned) - 1;
  float low = isUnsigned ? 0 : -high - 1;
  return static_cast<int64_t>(std::fmin(std::fmax(y, low), high));
}

static std::optional<ConstantTensor> evaluateElementwise(Operation *op,
                                                         Operands x) {
  std::optional<ConstantTensor> result =
      ConstantTensor::allocate(getResultType(op));
  if (!result)
    return std::nullopt;
  SmallVector<SmallVector<int64_t>> strides;
  for (const ConstantTensor &operand : x)
    strides.push_back(getBroadcastStrides(operand));
  bool isKnown = true;
  forEach(result->getType().getShape(), strides,
          [&](int64_t i, ArrayRef<int64_t> at) {
            if (!isKnown)
              return;
            auto setFloat = [&](std::optional<double> value) {
              isKnown = value.has_value();
              if (value)
                result->setFloat(i, *value);
            };
            auto setInt = [&](std::optional<int64_t> value) {
              isKnown = value.has_value();
              if (value)
                result->setInt(i, *value);
            };
            llvm::TypeSwitch<Operation *>(op)
                .Case<UnaryOp>([&](UnaryOp unary) {
                  if (x[0].getType().getElementType().isF32())
                    setFloat(
                        evaluateSingle(unary.getKind(), x[0].getFloat(at[0])));
                  else if (x[0].isFloat() && result->isFloat())
                    setFloat(evaluate(unary.getKind(), x[0].getFloat(at[0])));
                  else if (unary.getKind() == UnaryKind::neg)
                    setInt(static_cast<int64_t>(-uint64_t(x[0].getInt(at[0]))));
                  else if (unary.getKind() == UnaryKind::not_)
                    setInt(result->getType().getElementType().isInteger(1)
                               ? int64_t(x[0].getInt(at[0]) == 0)
                               : ~x[0].getInt(at[0]));
                  else
                    isKnown = false;
                })
                .Case<BinaryOp>([&](BinaryOp binary) {
                  if (x[0].isFloat())
                    setFloat(evaluate(binary.getKind(), x[0].getFloat(at[0]),
                                      x[1].getFloat(at[1])));
                  else
                    setInt(evaluate(binary.getKind(), isUnsigned(x[0]),
                                    x[0].getInt(at[0]), x[1].getInt(at[1])));
                })
                .Case<CompareOp>([&](CompareOp cmp) {
                  if (x[0].isFloat())
                    setInt(compare(cmp.getKind(), x[0].getFloat(at[0]),
                                   x[1].getFloat(at[1])));
                  else if (isUnsigned(x[0]))
                    setInt(compare<uint64_t>(cmp.getKind(), x[0].getInt(at[0]),
                                             x[1].getInt(at[1])));
                  else
                    setInt(compare(cmp.getKind(), x[0].getInt(at[0]),
                                   x[1].getInt(at[1])));
                })
                .Case<SelectOp>([&](SelectOp) {
                  int64_t taken = x[0].getInt(at[0]) ? 1 : 2;
                  size_t bytes = result->getElementBytes();
                  std::memcpy(result->getMutableBytes().data() + i * bytes,
                              x[taken].getBytes().data() + at[taken] * bytes,
                              bytes);
                })
                .Case<QuantizeOp>([&](QuantizeOp) {
                  if (result->isFloat() ||
                      !x[1].getType().getElementType().isF32()) {
                    isKnown = false;
                    return;
                  }
                  Type to = result->getType().getElementType();
                  int64_t zero = x.size() > 2 ? x[2].getInt(at[2]) : 0;
                  setInt(quantize(x[0].getFloat(at[0]), x[1].getFloat(at[1]),
                                  zero, to.getIntOrFloatBitWidth(),
                                  to.isUnsignedInteger()));
                })
                .Case<DequantizeOp>([&](DequantizeOp) {
                  if (x[0].isFloat() ||
                      !result->getType().getElementType().isF32()) {
                    isKnown = false;
                    return;
                  }
                  int64_t zero = x.size() > 2 ? x[2].getInt(at[2]) : 0;
                  // Two roundings to f32, as at run time.
                  float steps = static_cast<float>(x[0].getInt(at[0]) - zero);
                  setFloat(steps * static_cast<float>(x[1].getFloat(at[1])));
                })
                .Case<CastOp>([&](CastOp) {
                  Type to = result->getType().getElementType();
                  if (to.isInteger(1))
                    setInt(x[0].isFloat() ? x[0].getFloat(at[0]) != 0
                                          : x[0].getInt(at[0]) != 0);
                  else if (result->isFloat() && to.getIntOrFloatBitWidth() >= 16)
                    setFloat(x[0].getFloat(at[0]));
                  else if (!result->isFloat() && !x[0].isFloat())
                    setInt(x[0].getInt(at[0]));
                  else if (!result->isFloat() &&
                           std::fabs(x[0].getFloat(at[0])) < 9e18)
                    setInt(static_cast<int64_t>(x[0].getFloat(at[0])));
                  else
                    isKnown = false;
                })
                .Default([&](Operation *) { isKnown = false; });
          });
  if (!isKnown)
    return std::nullopt;
  return result;
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

/// Elements of `x` in row-major order of the result, from `start` by `strides`.
static std::optional<ConstantTensor> gather(RankedTensorType type,
                                            const ConstantTensor &x,
                                            int64_t start,
                                            SmallVector<int64_t> strides) {
  std::optional<ConstantTensor> result = ConstantTensor::allocate(type);
  if (!result)
    return std::nullopt;
  size_t bytes = x.getElementBytes();
  char *out = result->getMutableBytes().data();
  const char *in = x.getBytes().data() + start * static_cast<int64_t>(bytes);
  forEach(type.getShape(), strides, [&](int64_t i, ArrayRef<int64_t> at) {
    std::memcpy(out + i * bytes, in + at[0] * static_cast<int64_t>(bytes), bytes);
  });
  return result;
}

static std::optional<ConstantTensor> evaluateTranspose(TransposeOp op,
                                                       Operands x) {
  SmallVector<int64_t> own =
      ConstantTensor::getStrides(x[0].getType().getShape());
  return gather(op.getType(), x[0], 0,
                llvm::map_to_vector(op.getPermutation(),
                                    [&](int64_t dim) { return own[dim]; }));
}

static std::optional<ConstantTensor> evaluateSlice(SliceOp op, Operands x) {
  if (ShapedType::isDynamicShape(op.getStaticOffsets()) ||
      ShapedType::isDynamicShape(op.getStaticStrides()))
    return std::nullopt;
  SmallVector<int64_t> strides =
      ConstantTensor::getStrides(x[0].getType().getShape());
  int64_t start = 0;
  for (auto [dim, stride] : llvm::enumerate(strides)) {
    start += stride * op.getStaticOffsets()[dim];
    stride *= op.getStaticStrides()[dim];
  }
  return gather(op.getType(), x[0], start, strides);
}

static std::optional<ConstantTensor> evaluateConcat(ConcatOp op, Operands x) {
  std::optional<ConstantTensor> result = ConstantTensor::allocate(op.getType());
  if (!result)
    return std::nullopt;
  int64_t axis = op.getAxis(), outer = 1;
  for (int64_t size : op.getType().getShape().take_front(axis))
    outer *= size;
  char *out = result->getMutableBytes().data();
  for (int64_t i = 0; i < outer; ++i)
    for (const ConstantTensor &operand : x) {
      size_t bytes = operand.getBytes().size() / outer;
      std::memcpy(out, operand.getBytes().data() + i * bytes, bytes);
      out += bytes;
    }
  return result;
}

static std::optional<ConstantTensor> evaluateGather(GatherOp op, Operands x) {
  std::optional<ConstantTensor> result = ConstantTensor::allocate(op.getType());
  if (!result)
    return std::nullopt;
  ArrayRef<int64_t> shape = x[0].getType().getShape();
  int64_t axis = op.getAxis(), outer = 1, inner = x[0].getElementBytes();
  for (int64_t size : shape.take_front(axis))
    outer *= size;
  for (int64_t size : shape.drop_front(axis + 1))
    inner *= size;
  char *out = result->getMutableBytes().data();
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t k = 0; k < x[1].getNumElements(); ++k) {
      int64_t picked = x[1].getInt(k);
      picked += picked < 0 ? shape[axis] : 0;
      if (picked < 0 || picked >= shape[axis])
        return std::nullopt;
      std::memcpy(out, x[0].getBytes().data() + (i * shape[axis] + picked) * inner,
                  inner);
      out += inner;
    }
  return result;
}

std::optional<ConstantTensor> mopt::evaluateOp(Operation *op, Operands x) {
  RankedTensorType type = getResultType(op);
  if (op->hasTrait<Elementwise>())
    return evaluateElementwise(op, x);
  return llvm::TypeSwitch<Operation *, std::optional<ConstantTensor>>(op)
      .Case<ReshapeOp>([&](ReshapeOp) -> std::optional<ConstantTensor> {
        std::optional<ConstantTensor> result = ConstantTensor::allocate(type);
        if (result)
          llvm::copy(x[0].getBytes(), result->getMutableBytes().begin());
        return result;
      })
      .Case<BroadcastOp>([&](BroadcastOp) {
        return gather(type, x[0], 0, getBroadcastStrides(x[0]));
      })
      .Case<TransposeOp>([&](auto t) { return evaluateTranspose(t, x); })
      .Case<SliceOp>([&](auto slice) { return evaluateSlice(slice, x); })
      .Case<ConcatOp>([&](auto concat) { return evaluateConcat(concat, x); })
      .Case<GatherOp>([&](auto g) { return evaluateGather(g, x); })
      .Default([](Operation *) -> std::optional<ConstantTensor> {
        return std::nullopt;
      });
}
