// Products of 8-bit integers with zero points and signs corrected.
#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"

#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static Value castTo(OpBuilder &b, Location loc, Value x, Type element) {
  RankedTensorType type = getTensor(x).clone(element);
  return type == x.getType() ? x : CastOp::create(b, loc, type, x, true);
}

/// A constant of `number` in every element of `[1, .., 1]`.
static Value createNumber(OpBuilder &b, Location loc, Type element,
                          int64_t rank, int64_t number) {
  auto type = RankedTensorType::get(SmallVector<int64_t>(rank, 1), element);
  return arith::ConstantOp::create(
      b, loc,
      cast<TypedAttr>(
          DenseElementsAttr::get(type, b.getIntegerAttr(element, number))));
}

/// What a flip of signs made `x` of; null if none did.
static Value getUnflipped(Value x) {
  auto flip = x.getDefiningOp<BinaryOp>();
  if (!flip || flip.getKind() != BinaryKind::xor_)
    return {};
  std::optional<double> mask = getSplatNumber(flip.getRhs());
  auto bits = flip.getLhs().getDefiningOp<BitcastOp>();
  return bits && mask && std::abs(*mask) == 128 ? bits.getInput() : Value();
}

/// `x` in the other signedness, each element moved by 128 so that their order
/// stays.
static Value flipSigns(OpBuilder &b, Location loc, Value x) {
  RankedTensorType type = getTensor(x);
  bool wasUnsigned = type.getElementType().isUnsignedInteger();
  Type element = b.getIntegerType(8);
  if (!wasUnsigned)
    element = b.getIntegerType(8, /*isSigned=*/false);
  RankedTensorType flipped = type.clone(element);
  if (std::optional<ConstantTensor> constant = getConstantTensor(x)) {
    std::optional<ConstantTensor> result = ConstantTensor::allocate(flipped);
    for (auto [to, from] :
         llvm::zip_equal(result->getMutableBytes(), constant->getBytes()))
      to = from ^ '\x80';
    return arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(std::move(*result).toAttr("flipped")));
  }
  // No kernel runs over nothing.
  if (flipped.hasStaticShape() && flipped.getNumElements() == 0)
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(flipped, ArrayRef<APInt>()));
  if (Value before = getUnflipped(x); before && before.getType() == flipped)
    return before;
  Value bits = BitcastOp::create(b, loc, flipped, x);
  return BinaryOp::create(
      b, loc, BinaryKind::xor_, bits,
      createNumber(b, loc, element, type.getRank(), wasUnsigned ? -128 : 128));
}

/// A zero point (null for 0) as i32, moved by `shift`; null if that is 0.
static Value moveZero(OpBuilder &b, Location loc, Value zero, int64_t rank,
                      int64_t shift) {
  Type i32 = b.getI32Type();
  if (!zero)
    return shift == 0 ? Value() : createNumber(b, loc, i32, rank, shift);
  if (std::optional<double> known = getSplatNumber(zero)) {
    int64_t moved = static_cast<int64_t>(*known) + shift;
    return moved == 0 ? Value() : createNumber(b, loc, i32, rank, moved);
  }
  zero = castTo(b, loc, zero, i32);
  if (shift == 0)
    return zero;
  return BinaryOp::create(b, loc, BinaryKind::add, zero,
                          createNumber(b, loc, i32, rank, shift));
}

/// Sums of `x` along `axes`, which keep size 1, in i32.
static Value sum(OpBuilder &b, Location loc, Value x, ArrayRef<int64_t> axes) {
  RankedTensorType type = getTensor(x);
  std::optional<ConstantTensor> constant = getConstantTensor(x);
  if (!constant || type.getNumElements() == 0)
    return ReduceOp::create(b, loc, ReduceKind::sum,
                            castTo(b, loc, x, b.getI32Type()), axes);
  std::optional<ConstantTensor> result =
      constant->sumIntegers(axes, b.getI32Type());
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(std::move(*result).toAttr("sums")));
}

/// `product - lhsZero rhsSums - rhsZero lhsSums + lhsZero rhsZero depth`; null
/// zero points are 0, and then need no sums.
static Value correct(OpBuilder &b, Location loc, Value product, Value lhsZero,
                     Value rhsZero, function_ref<Value()> getLhsSums,
                     function_ref<Value()> getRhsSums,
                     function_ref<Value()> getDepth) {
  auto multiply = [&](Value x, Value y) -> Value {
    return BinaryOp::create(b, loc, BinaryKind::mul, x, y);
  };
  auto subtract = [&](Value x, Value y) -> Value {
    return BinaryOp::create(b, loc, BinaryKind::sub, x, y);
  };
  if (lhsZero) {
    Value sums = getRhsSums();
    if (rhsZero)
      sums = subtract(sums, multiply(rhsZero, getDepth()));
    product = subtract(product, multiply(lhsZero, sums));
  }
  if (rhsZero)
    product = subtract(product, multiply(rhsZero, getLhsSums()));
  return product;
}

static bool isSignedByte(Value x) {
  return getTensor(x).getElementType().isSignlessInteger(8);
}

/// The number of products in a sum of `x` along `axes`.
static Value countDepth(OpBuilder &b, Location loc, Value x,
                        ArrayRef<int64_t> axes) {
  RankedTensorType type = getTensor(x);
  SmallVector<OpFoldResult> sizes(type.getRank(), b.getIndexAttr(1));
  int64_t depth = 1;
  bool isStatic = true;
  for (int64_t axis : axes) {
    isStatic &= !type.isDynamicDim(axis);
    depth *= type.getDimSize(axis);
  }
  if (isStatic)
    return createNumber(b, loc, b.getI32Type(), type.getRank(), depth);
  for (int64_t axis : axes)
    sizes[axis] = tensor::getMixedSize(b, loc, x, axis);
  Value one = createNumber(b, loc, b.getI32Type(), type.getRank(), 1);
  return ReduceOp::create(b, loc, ReduceKind::sum,
                          BroadcastOp::create(b, loc, one, sizes), axes);
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// With the last two dimensions exchanged.
static Value exchange(OpBuilder &b, Location loc, Value x) {
  if (!x || isOneElement(x))
    return x;
  int64_t rank = getTensor(x).getRank();
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(permutation[rank - 1], permutation[rank - 2]);
  return TransposeOp::create(b, loc, x, permutation);
}

Value IntegerMatmul::orientLhs(Value parameter) {
  return transposeLhs ? exchange(b, loc, parameter) : parameter;
}

Value IntegerMatmul::orientRhs(Value parameter) {
  return transposeRhs ? exchange(b, loc, parameter) : parameter;
}

Value IntegerMatmul::buildByWeights() {
  if (!isSignedByte(rhs))
    rhs = flipSigns(b, loc, rhs);
  return MatmulOp::create(b, loc, lhs, rhs, transposeLhs, transposeRhs);
}

/// How far elements move that are made signed or unsigned, if they are.
static int64_t getShift(bool flips, bool toSigned) {
  return !flips ? 0 : toSigned ? -128 : 128;
}

Value IntegerMatmul::build(Value lhsZero, Value rhsZero,
                           SparsityAttr sparsity) {
  int64_t rank = getTensor(lhs).getRank();
  bool flipsLhs = isSignedByte(lhs) != signedLhs, flipsRhs = !isSignedByte(rhs);
  lhsZero =
      moveZero(b, loc, orientLhs(lhsZero), rank, getShift(flipsLhs, signedLhs));
  rhsZero = moveZero(b, loc, orientRhs(rhsZero), rank, flipsRhs ? -128 : 0);
  if (flipsLhs)
    lhs = flipSigns(b, loc, lhs);
  if (flipsRhs)
    rhs = flipSigns(b, loc, rhs);
  int64_t lhsDepth = transposeLhs ? rank - 2 : rank - 1;
  int64_t rhsDepth = transposeRhs ? rank - 1 : rank - 2;
  auto product = MatmulOp::create(b, loc, lhs, rhs, transposeLhs, transposeRhs);
  if (sparsity && !flipsRhs)
    product->setAttr(SparsityAttr::kAttrName, sparsity);
  return correct(
      b, loc, product, lhsZero, rhsZero,
      [&] { return orientLhs(sum(b, loc, lhs, lhsDepth)); },
      [&] { return orientRhs(sum(b, loc, rhs, rhsDepth)); },
      [&] { return countDepth(b, loc, lhs, lhsDepth); });
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

Value IntegerConv::convolve(Value x, Value w, int64_t groups) {
  return ConvOp::create(b, loc, x, w, strides, dilations, padsBegin, padsEnd,
                        groups, /*channels_last=*/false, padValue);
}

/// `[o, 1, ..]` as `[1, o, 1, ..]`.
Value IntegerConv::orientFilter(Value parameter) {
  if (!parameter || isOneElement(parameter))
    return parameter;
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::seq<int64_t>(0, getTensor(parameter).getRank()));
  std::swap(permutation[0], permutation[1]);
  return TransposeOp::create(b, loc, parameter, permutation);
}

void IntegerConv::padInput(Value zero) {
  if (std::optional<double> known = getSplatNumber(zero)) {
    padValue = static_cast<int64_t>(*known);
    return;
  }
  auto isZero = [](int64_t pad) { return pad == 0; };
  if (llvm::all_of(padsBegin, isZero) && llvm::all_of(padsEnd, isZero))
    return;
  SmallVector<OpFoldResult> low(2, b.getIndexAttr(0)), high = low;
  for (auto [begin, end] : llvm::zip_equal(padsBegin, padsEnd)) {
    low.push_back(b.getIndexAttr(begin));
    high.push_back(b.getIndexAttr(end));
    begin = end = 0;
  }
  Value value = castTo(b, loc, zero, getTensor(input).getElementType());
  input = PadOp::create(b, loc, PadMode::constant, input, value, low, high);
}

Value IntegerConv::sumWindows() {
  RankedTensorType type = getTensor(filter);
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = group;
  Value sums = convolve(
      input,
      arith::ConstantOp::create(
          b, loc,
          cast<TypedAttr>(DenseElementsAttr::get(
              type.clone(shape), b.getIntegerAttr(type.getElementType(), 1)))),
      group);
  if (group == 1 || type.getDimSize(0) == group)
    return sums;
  // All outputs of a group have the same sums: [n, group, outputs / group, ..].
  SmallVector<OpFoldResult> merged = tensor::getMixedSizes(b, loc, sums);
  SmallVector<OpFoldResult> split(merged);
  split.insert(split.begin() + 2, b.getIndexAttr(1));
  sums = ReshapeOp::create(b, loc, sums, split);
  split[2] = b.getIndexAttr(type.getDimSize(0) / group);
  sums = BroadcastOp::create(b, loc, sums, split);
  merged[1] = b.getIndexAttr(type.getDimSize(0));
  return ReshapeOp::create(b, loc, sums, merged);
}

Value IntegerConv::build(Value inputZero, Value filterZero,
                         std::optional<int64_t> padding) {
  int64_t rank = getTensor(input).getRank();
  bool flipsInput = isSignedByte(input) != signedInput,
       flipsFilter = !isSignedByte(filter);
  int64_t shift = getShift(flipsInput, signedInput);
  inputZero = moveZero(b, loc, inputZero, rank, shift);
  filterZero = moveZero(b, loc, filterZero, rank, flipsFilter ? -128 : 0);
  if (flipsInput)
    input = flipSigns(b, loc, input);
  if (flipsFilter)
    filter = flipSigns(b, loc, filter);
  if (padding)
    padValue = *padding + shift;
  else if (inputZero)
    padInput(inputZero);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
  return correct(
      b, loc, convolve(input, filter, group), inputZero,
      orientFilter(filterZero), [&] { return sumWindows(); },
      [&] { return orientFilter(sum(b, loc, filter, axes)); },
      [&] { return countDepth(b, loc, filter, axes); });
}

//===----------------------------------------------------------------------===//
// Signs
//===----------------------------------------------------------------------===//

static bool needsFlip(Value lhs, Value rhs, bool signedLhs) {
  return getTensor(lhs).getElementType().isInteger(8) &&
         getTensor(rhs).getElementType().isInteger(8) &&
         (isSignedByte(lhs) != signedLhs || !isSignedByte(rhs));
}

void mopt::normalizeSigns(IRRewriter &rewriter, MatmulOp op, bool signedLhs) {
  if (!needsFlip(op.getLhs(), op.getRhs(), signedLhs))
    return;
  IntegerMatmul product(rewriter, op.getLoc(), op.getLhs(), op.getRhs(),
                        op.getTransposeLhs(), op.getTransposeRhs(), signedLhs);
  rewriter.replaceOp(op, product.build(Value(), Value()));
}

void mopt::normalizeSigns(IRRewriter &rewriter, ConvOp op, bool signedLhs) {
  if (op.getChannelsLast() ||
      !needsFlip(op.getInput(), op.getFilter(), signedLhs) ||
      (op.getGroup() > 1 && getTensor(op.getFilter()).isDynamicDim(0)))
    return;
  IntegerConv product(rewriter, op.getLoc(), op.getInput(), op.getFilter(),
                      op.getStrides(), op.getDilations(), op.getPadsBegin(),
                      op.getPadsEnd(), op.getGroup(), signedLhs);
  rewriter.replaceOp(op, product.build(Value(), Value(), op.getPadValue()));
}
