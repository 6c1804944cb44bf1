// In: packing and transposition of constants, possibly reshaped in between.
// Out: constants that hold the result, 64-byte aligned resources unless small.
// Leaves what depends on run-time values alone. Intermediate bytes live only
// while one weight is computed.
#include "mopt/Codegen/Packing.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

#include <array>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FOLDWEIGHTPACKING
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// Larger constants are resources.
constexpr int64_t kInlineElements = 16;
constexpr size_t kAlignment = 64;

/// The bytes of a constant: owned if they had to be computed.
struct Bytes {
  ArrayRef<char> data;
  std::vector<char> owned;
};

SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/// Writes to `out`, in row-major order of `shape`, the elements of `in` that
/// stand at the sum of indices times `strides`.
void gather(const char *in, char *out, ArrayRef<int64_t> shape,
            ArrayRef<int64_t> strides, size_t elementBytes) {
  if (shape.size() == 1) {
    for (int64_t i = 0; i < shape[0]; ++i)
      std::memcpy(out + i * elementBytes, in + i * strides[0] * elementBytes,
                  elementBytes);
    return;
  }
  int64_t inner = 1;
  for (int64_t size : shape.drop_front())
    inner *= size;
  for (int64_t i = 0; i < shape[0]; ++i)
    gather(in + i * strides[0] * elementBytes, out + i * inner * elementBytes,
           shape.drop_front(), strides.drop_front(), elementBytes);
}

/// The same for two dimensions, with rows `pitch` elements apart in `out`.
void gather(const char *in, char *out, std::array<int64_t, 2> shape,
            std::array<int64_t, 2> strides, int64_t pitch,
            size_t elementBytes) {
  for (int64_t i = 0; i < shape[0]; ++i)
    for (int64_t j = 0; j < shape[1]; ++j)
      std::memcpy(out + (i * pitch + j) * elementBytes,
                  in + (i * strides[0] + j * strides[1]) * elementBytes,
                  elementBytes);
}

size_t getElementBytes(Type type) {
  unsigned bits = cast<ShapedType>(type).getElementTypeBitWidth();
  return bits % 8 == 0 ? bits / 8 : 0;
}

/// Null if `value` is not computed from a constant alone.
std::optional<Bytes> evaluate(Value value);

std::optional<Bytes> evaluateConstant(ElementsAttr elements) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return std::nullopt;
    return Bytes{blob->getData(), {}};
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return std::nullopt;
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return Bytes{raw, {}};
  Bytes bytes;
  for (int64_t i = 0, e = dense.getNumElements(); i < e; ++i)
    bytes.owned.insert(bytes.owned.end(), raw.begin(), raw.end());
  bytes.data = bytes.owned;
  return bytes;
}

std::optional<Bytes> evaluateTranspose(linalg::TransposeOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  std::optional<Bytes> source = evaluate(op.getInput());
  if (!source)
    return std::nullopt;
  SmallVector<int64_t> sourceStrides = getStrides(type.getShape());
  SmallVector<int64_t> shape, strides;
  for (int64_t dim : op.getPermutation()) {
    shape.push_back(type.getDimSize(dim));
    strides.push_back(sourceStrides[dim]);
  }
  Bytes result;
  result.owned.resize(source->data.size());
  gather(source->data.data(), result.owned.data(), shape, strides,
         getElementBytes(type));
  result.data = result.owned;
  return result;
}

std::optional<Bytes> evaluate(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  Operation *op = value.getDefiningOp();
  if (!op || !type || !type.hasStaticShape() || !getElementBytes(type))
    return std::nullopt;
  ElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)))
    return evaluateConstant(elements);
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return evaluate(op->getOperand(0));
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return type.getRank() > 0 ? evaluateTranspose(transpose) : std::nullopt;
  return std::nullopt;
}

/// Fills `out`, which is zero, with the packed form of `source`.
void pack(PackColumnsOp op, ArrayRef<char> source, char *out) {
  auto from = cast<RankedTensorType>(op.getSource().getType());
  auto to = cast<RankedTensorType>(op.getInit().getType());
  size_t bytes = getElementBytes(from);
  int64_t rank = from.getRank(), columns = op.getBlockColumns();
  int64_t blocks = to.getDimSize(rank - 2), steps = to.getDimSize(rank - 1);
  int64_t depth = from.getDimSize(op.getTransposed() ? rank - 1 : rank - 2);
  int64_t interleave = op.getInterleave();
  int64_t width = from.getDimSize(op.getTransposed() ? rank - 2 : rank - 1);
  int64_t columnStride = op.getTransposed() ? depth : 1;
  int64_t depthStride = op.getTransposed() ? 1 : width;
  int64_t batches = 1;
  for (int64_t size : from.getShape().drop_back(2))
    batches *= size;
  const char *in = source.data();
  for (int64_t batch = 0; batch < batches; ++batch) {
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t first = block * columns;
      int64_t used = std::min(columns, width - first);
      for (int64_t step = 0; step < steps; ++step) {
        int64_t k = step * interleave;
        gather(in + (first * columnStride + k * depthStride) * bytes, out,
               {used, std::min(interleave, depth - k)},
               {columnStride, depthStride}, interleave, bytes);
        out += columns * interleave * bytes;
      }
    }
    in += depth * width * bytes;
  }
}

Value createConstant(OpBuilder &b, Location loc, RankedTensorType type,
                     AsmResourceBlob blob) {
  if (type.getNumElements() <= kInlineElements)
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::getFromRawBuffer(type, blob.getData()));
  return arith::ConstantOp::create(
      b, loc,
      DenseResourceElementsAttr::get(
          type, DenseResourceElementsHandle::getManagerInterface(b.getContext())
                    .insert("packed", std::move(blob))));
}

/// For variants that share weights.
Packing describe(PackColumnsOp op) {
  auto from = cast<RankedTensorType>(op.getSource().getType());
  Packing packing;
  for (int64_t size : from.getShape().drop_back(2))
    packing.batches *= size;
  packing.depth = from.getShape().take_back(2).front();
  packing.width = from.getShape().back();
  if (op.getTransposed())
    std::swap(packing.depth, packing.width);
  packing.columns = op.getBlockColumns();
  packing.interleave = op.getInterleave();
  return packing;
}

struct FoldWeightPacking : impl::FoldWeightPackingBase<FoldWeightPacking> {
  void runOnOperation() override {
    // Packing first: it takes the transpositions before it along, which then
    // need no constant of their own.
    auto module = cast<ModuleOp>(getOperation());
    SmallVector<PackColumnsOp> packs;
    getOperation()->walk([&](PackColumnsOp op) { packs.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (PackColumnsOp op : packs) {
      auto type = dyn_cast<RankedTensorType>(op.getInit().getType());
      // What is packed in another order is no constant.
      if (!type || !type.hasStaticShape() || op.getPermutation())
        continue;
      std::optional<Bytes> source = evaluate(op.getSource());
      if (!source)
        continue;
      size_t size = type.getNumElements() * getElementBytes(type);
      AsmResourceBlob blob = HeapAsmResourceBlob::allocate(size, kAlignment);
      std::memset(blob.getMutableData().data(), 0, size);
      pack(op, source->data, blob.getMutableData().data());
      Packing packing = describe(op);
      notePacking(module, replace(rewriter, op, type, std::move(blob)),
                  packing);
    }
    SmallVector<linalg::TransposeOp> transposes;
    getOperation()->walk(
        [&](linalg::TransposeOp op) { transposes.push_back(op); });
    for (linalg::TransposeOp op : transposes) {
      if (op->use_empty() || op.getResult().empty())
        continue;
      std::optional<Bytes> bytes = evaluate(op.getResult()[0]);
      if (!bytes)
        continue;
      auto type = cast<RankedTensorType>(op.getResult()[0].getType());
      replace(rewriter, op, type,
              HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes->data,
                                                            kAlignment));
    }
  }

  /// Puts a constant in the place of `op`, erases what only `op` used, and
  /// returns the constant.
  ElementsAttr replace(IRRewriter &rewriter, Operation *op,
                       RankedTensorType type, AsmResourceBlob blob) {
    rewriter.setInsertionPoint(op);
    SmallVector<Operation *> unused;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        unused.push_back(producer);
    Value constant =
        createConstant(rewriter, op->getLoc(), type, std::move(blob));
    rewriter.replaceOp(op, constant);
    while (!unused.empty()) {
      Operation *producer = unused.pop_back_val();
      if (!isOpTriviallyDead(producer) || llvm::is_contained(unused, producer))
        continue;
      for (Value operand : producer->getOperands())
        if (Operation *next = operand.getDefiningOp())
          unused.push_back(next);
      rewriter.eraseOp(producer);
    }
    return cast<ElementsAttr>(
        constant.getDefiningOp<arith::ConstantOp>().getValue());
  }
};
} // namespace
} // namespace mopt
