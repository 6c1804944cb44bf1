// mopt scatter ops to a copy of the input and sequential loops over updates:
// repeated indices meet in row-major order.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

/// A fresh tensor of the same stored elements.
static Value copyTensor(OpBuilder &b, Location loc, Value x,
                        ArrayRef<OpFoldResult> sizes) {
  return createParallelGeneric(
      b, loc, sizes, getElement(x), x, b.getMultiDimIdentityMap(sizes.size()),
      [](OpBuilder &, Location, ValueRange v) { return v[0]; });
}

static std::optional<BinaryKind> getCombiner(ScatterKind kind) {
  switch (kind) {
  case ScatterKind::none:
    return std::nullopt;
  case ScatterKind::add:
    return BinaryKind::add;
  case ScatterKind::mul:
    return BinaryKind::mul;
  case ScatterKind::max:
    return BinaryKind::max;
  case ScatterKind::min:
    return BinaryKind::min;
  }
  return std::nullopt;
}

/// Loops over positions of `updates` below `bounds`, and puts each element into
/// `result` where `place` says.
static Value scatter(OpBuilder &b, Location loc, Value result, Value updates,
                     ValueRange bounds, ScatterKind kind, Type element,
                     function_ref<SmallVector<Value>(OpBuilder &, Location,
                                                     ValueRange)>
                         place) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  SmallVector<Value> lower(bounds.size(), zero), steps(bounds.size(), one);
  scf::LoopNest nest = scf::buildLoopNest(
      b, loc, lower, bounds, steps, result,
      [&](OpBuilder &b, Location loc, ValueRange ivs, ValueRange args) {
        SmallVector<Value> position = place(b, loc, ivs);
        Value update = tensor::ExtractOp::create(b, loc, updates, ivs);
        if (std::optional<BinaryKind> combiner = getCombiner(kind)) {
          Value old = tensor::ExtractOp::create(b, loc, args[0], position);
          Value scalar = buildBinary(b, loc, *combiner, element,
                                     loadElement(b, loc, old, element),
                                     loadElement(b, loc, update, element));
          update = storeElement(b, loc, scalar, element);
        }
        return scf::ValueVector{
            tensor::InsertOp::create(b, loc, update, args[0], position)};
      });
  return nest.results.front();
}

static Value getSize(OpBuilder &b, Location loc, Value tensor, int64_t dim) {
  return getValueOrCreateConstantIndexOp(
      b, loc, tensor::getMixedSize(b, loc, tensor, dim));
}

/// Loop bounds that no wrong size of an operand can lead astray: the updates'
/// sizes, but at most what `limit` has, and 0 if `input` has no element.
static SmallVector<Value>
getBounds(OpBuilder &b, Location loc, Value updates, Value input,
          function_ref<std::optional<std::pair<Value, int64_t>>(int64_t)> limit) {
  auto type = cast<RankedTensorType>(updates.getType());
  SmallVector<Value> bounds;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    Value bound = getSize(b, loc, updates, dim);
    if (auto other = limit(dim))
      bound = arith::MinSIOp::create(b, loc, bound,
                                     getSize(b, loc, other->first, other->second));
    bounds.push_back(bound);
  }
  auto inputType = cast<RankedTensorType>(input.getType());
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  for (int64_t dim = 0; dim < inputType.getRank() && !bounds.empty(); ++dim) {
    if (inputType.getDimSize(dim) > 0)
      continue;
    Value isEmpty = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          getSize(b, loc, input, dim), zero);
    bounds[0] = arith::SelectOp::create(b, loc, isEmpty, zero, bounds[0]);
  }
  return bounds;
}

namespace {
struct LowerScatterElements : OpConversionPattern<ScatterElementsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ScatterElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    Value input = adaptor.getInput(), indices = adaptor.getIndices();
    SmallVector<Value> bounds = getBounds(
        rewriter, loc, adaptor.getUpdates(), input,
        [&](int64_t dim) -> std::optional<std::pair<Value, int64_t>> {
          return std::pair(indices, dim);
        });
    for (auto [dim, bound] : llvm::enumerate(bounds))
      if (static_cast<int64_t>(dim) != axis)
        bound = arith::MinSIOp::create(rewriter, loc, bound,
                                       getSize(rewriter, loc, input, dim));
    Value size = getSize(rewriter, loc, input, axis);
    Value copy = copyTensor(rewriter, loc, input, getResultSizes(rewriter, op));
    rewriter.replaceOp(
        op, scatter(rewriter, loc, copy, adaptor.getUpdates(), bounds,
                    op.getKind(), getElement(op.getInput()),
                    [&](OpBuilder &b, Location loc, ValueRange ivs) {
                      SmallVector<Value> position(ivs);
                      Value stored =
                          tensor::ExtractOp::create(b, loc, indices, ivs);
                      position[axis] = normalizeIndex(b, loc, stored, size);
                      return position;
                    }));
    return success();
  }
};

struct LowerScatterND : OpConversionPattern<ScatterNDOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ScatterNDOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput(), indices = adaptor.getIndices();
    auto indicesType = cast<RankedTensorType>(op.getIndices().getType());
    int64_t depth = indicesType.getShape().back();
    int64_t outer = indicesType.getRank() - 1;
    SmallVector<Value> bounds = getBounds(
        rewriter, loc, adaptor.getUpdates(), input,
        [&](int64_t dim) -> std::optional<std::pair<Value, int64_t>> {
          if (dim < outer)
            return std::pair(indices, dim);
          return std::pair(input, dim - outer + depth);
        });
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < depth; ++i)
      sizes.push_back(getSize(rewriter, loc, input, i));
    Value copy = copyTensor(rewriter, loc, input, getResultSizes(rewriter, op));
    rewriter.replaceOp(
        op, scatter(rewriter, loc, copy, adaptor.getUpdates(), bounds,
                    op.getKind(), getElement(op.getInput()),
                    [&](OpBuilder &b, Location loc, ValueRange ivs) {
                      SmallVector<Value> tuple(ivs.take_front(outer)), position;
                      tuple.emplace_back();
                      for (int64_t i = 0; i < depth; ++i) {
                        tuple.back() = arith::ConstantIndexOp::create(b, loc, i);
                        Value stored =
                            tensor::ExtractOp::create(b, loc, indices, tuple);
                        position.push_back(
                            normalizeIndex(b, loc, stored, sizes[i]));
                      }
                      llvm::append_range(position, ivs.drop_front(outer));
                      return position;
                    }));
    return success();
  }
};
} // namespace

void mopt::populateScatterToLinalg(TypeConverter &types,
                                   RewritePatternSet &patterns) {
  patterns.add<LowerScatterElements, LowerScatterND>(types,
                                                     patterns.getContext());
}
