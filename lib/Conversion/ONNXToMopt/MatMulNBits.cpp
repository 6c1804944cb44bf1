// Handler of com.microsoft::MatMulNBits: a matrix product with weights of 2, 4
// or 8 bits that share a scale in blocks along the depth. The weights become
// bytes with a dimension for the blocks, and are dequantized.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Quantize.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mopt;

/// Elements of `bits` bits out of bytes that hold several, the lowest first:
/// `[.., bytes]` to `[.., bytes * 8 / bits]`.
static Value unpackBits(OpBinder &op, Value packed, int64_t bits) {
  int64_t perByte = 8 / bits, rank = OpBinder::getRank(packed);
  if (perByte == 1)
    return packed;
  RankedTensorType type = OpBinder::getType(packed);
  if (std::optional<ConstantTensor> bytes = getConstantTensor(packed)) {
    SmallVector<int64_t> shape(type.getShape());
    shape.back() *= perByte;
    std::optional<ConstantTensor> result =
        ConstantTensor::allocate(type.clone(shape));
    char *out = result->getMutableBytes().data();
    for (char byte : bytes->getBytes())
      for (int64_t slot = 0; slot < perByte; ++slot)
        *out++ = static_cast<char>(static_cast<uint8_t>(byte) >> slot * bits &
                                   ((1 << bits) - 1));
    return op.constant(std::move(*result).toAttr("unpacked"));
  }
  SmallVector<Value> slots;
  for (int64_t slot = 0; slot < perByte; ++slot) {
    Value shifted =
        op.binary(BinaryKind::shr, packed, static_cast<double>(slot * bits));
    shifted = op.binary(BinaryKind::and_, shifted,
                        static_cast<double>((1 << bits) - 1));
    slots.push_back(op.unsqueeze(shifted, {rank}));
  }
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(packed);
  sizes.back() = op.product({sizes.back(), op.b.getIndexAttr(perByte)});
  return op.reshape(op.concat(slots, rank), sizes);
}

/// The first `count` elements of the last dimension.
static Value takeFront(OpBinder &op, Value x, int64_t count) {
  int64_t rank = OpBinder::getRank(x);
  if (OpBinder::getType(x).getShape().back() == count)
    return x;
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  sizes.back() = op.b.getIndexAttr(count);
  return SliceOp::create(
      op.b, op.loc, x, SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(0)),
      sizes, SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
}

/// `x` as `[rows, columns]`, an error if it has not as many elements.
static Value asMatrix(OpBinder &op, Value x, StringRef name, int64_t rows,
                      int64_t columns) {
  RankedTensorType type = OpBinder::getType(x);
  if (!type.hasStaticShape() || type.getNumElements() != rows * columns) {
    op.emitError() << "expected " << rows << " x " << columns << " " << name
                   << ", found " << type;
    return {};
  }
  return op.reshape(x, {op.b.getIndexAttr(rows), op.b.getIndexAttr(columns)});
}

static LogicalResult convertMatMulNBits(OpBinder &op) {
  Value a = op.getTensor(0), b = op.getTensor(1), scales = op.getTensor(2);
  if (!a || !b || !scales || failed(verifyScale(op, scales, "scale")))
    return failure();
  int64_t depth = op.getInt("K", 0), width = op.getInt("N", 0),
          bits = op.getInt("bits", 4), block = op.getInt("block_size", 0);
  if (bits != 2 && bits != 4 && bits != 8)
    return op.emitError() << "weights of " << bits << " bits are not supported";
  if (depth < 1 || width < 1 || block < 8 / bits || block % (8 / bits) != 0)
    return op.emitError() << "expected sizes K and N and a 'block_size' of "
                             "whole bytes, found "
                          << depth << ", " << width << " and " << block;
  if (op.getOperand(4))
    return op.emitError() << "an order of the depth ('g_idx') is not supported";
  if (int64_t rank = OpBinder::getRank(a);
      rank > 0 && OpBinder::getType(a).isDynamicDim(rank - 1))
    op.requireSize(op.state.shapes.getDim(a, rank - 1),
                   op.b.getIndexAttr(depth));
  int64_t blocks = llvm::divideCeil(depth, block);
  RankedTensorType packed = OpBinder::getType(b);
  if (!packed.getElementType().isUnsignedInteger(8) ||
      !packed.hasStaticShape() ||
      packed.getNumElements() != width * blocks * (block * bits / 8))
    return op.emitError() << "expected " << width << " x " << blocks << " x "
                          << block * bits / 8 << " bytes of weights, found "
                          << packed;
  auto index = [&](int64_t size) -> OpFoldResult {
    return op.b.getIndexAttr(size);
  };
  // Unpacked first, while they are a constant and not a reshape of one.
  Value weights = op.reshape(unpackBits(op, b, bits),
                             {index(width), index(blocks), index(block)});
  scales = asMatrix(op, scales, "scales", width, blocks);
  if (!scales)
    return failure();
  scales = op.unsqueeze(scales, {2});

  // The middle of the range without zero points of its own.
  Type byte = packed.getElementType();
  Value zero = op.scalar(byte, 1 << (bits - 1), 3), shift;
  if (op.getOperand(3)) {
    zero = op.getTensor(3);
    if (!zero)
      return failure();
    if (OpBinder::getElementType(zero) == byte) {
      int64_t perRow = llvm::alignTo(blocks, 8 / bits);
      zero = asMatrix(op, unpackBits(op, zero, bits), "packed zero points",
                      width, perRow);
      if (!zero)
        return failure();
      zero = op.unsqueeze(takeFront(op, zero, blocks), {2});
    } else if (!isa<FloatType>(OpBinder::getElementType(zero))) {
      return op.emitError() << "expected zero points of " << byte
                            << " or floats, found " << zero.getType();
    } else {
      shift = asMatrix(op, op.cast(zero, OpBinder::getElementType(scales)),
                       "zero points", width, blocks);
      if (!shift)
        return failure();
      shift = op.unsqueeze(shift, {2});
      zero = {};
    }
  }
  Type element = OpBinder::getElementType(scales);
  Value w = DequantizeOp::create(op.b, op.loc,
                                 OpBinder::getType(weights).clone(element),
                                 weights, scales, zero);
  if (shift)
    w = op.binary(BinaryKind::sub, w,
                  op.binary(BinaryKind::mul, shift, scales));
  w = takeFront(op, op.reshape(w, {index(width), index(blocks * block)}),
                depth);
  Value y = op.matmul(a, op.cast(w, OpBinder::getElementType(a)),
                      /*transposeLhs=*/false, /*transposeRhs=*/true);
  if (y && op.getOperand(5)) {
    Value bias = op.getTensor(5);
    if (!bias)
      return failure();
    y = op.binary(BinaryKind::add, y, bias);
  }
  return op.replace(y);
}

void mopt::populateMatMulNBitsHandlers(HandlerRegistry &registry) {
  registry.add("com.microsoft", "MatMulNBits", 1, convertMatMulNBits);
}
