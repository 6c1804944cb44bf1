// Kernels, strides, dilations and paddings of convolutions and poolings.
#include "mopt/Conversion/ONNXToMopt/Windows.h"

#include "mopt/Dialect/Mopt/IR/Indexing.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mopt;

/// SAME padding of one dimension: ceil(size / stride) windows; the odd element
/// goes to the end, or to the beginning with SAME_LOWER.
static std::pair<int64_t, int64_t> getSamePadding(int64_t size, int64_t extent,
                                                  int64_t stride, bool lower) {
  int64_t count = llvm::divideCeil(size, stride);
  int64_t total = std::max<int64_t>(0, (count - 1) * stride + extent - size);
  int64_t small = total / 2;
  return lower ? std::pair(total - small, small) : std::pair(small, total - small);
}

Value Windows::fixKernel(OpBinder &op, Value filter) {
  std::optional<SmallVector<int64_t>> stated = op.getInts("kernel_shape");
  if (!filter || !stated)
    return filter;
  RankedTensorType type = OpBinder::getType(filter);
  if (type.getRank() != static_cast<int64_t>(stated->size()) + 2)
    return filter;
  for (auto [i, size] : llvm::enumerate(*stated))
    filter = op.withSize(filter, i + 2, size);
  return filter;
}

FailureOr<Windows> Windows::bind(OpBinder &op, Value &input, Value filter,
                                 double padValue) {
  RankedTensorType type = OpBinder::getType(input);
  int64_t spatial = type.getRank() - 2;
  if (spatial < 1)
    return op.emitError() << "expected an input of at least 3 dimensions, found "
                          << type;
  Windows w;
  if (filter) {
    RankedTensorType filterType = OpBinder::getType(filter);
    if (filterType.getRank() != type.getRank())
      return op.emitError() << "expected a filter of " << type.getRank()
                            << " dimensions, found " << filterType;
    w.kernel.assign(filterType.getShape().begin() + 2, filterType.getShape().end());
    if (auto stated = op.getInts("kernel_shape"))
      for (auto [own, size] : llvm::zip(*stated, w.kernel))
        if (ShapedType::isStatic(size) && own != size)
          return op.emitError() << "expected 'kernel_shape' to be the filter's "
                                   "sizes, found " << own << " for " << size;
    if (ShapedType::isDynamicShape(w.kernel))
      return op.emitError() << "a filter of dynamic kernel sizes is not "
                               "supported without 'kernel_shape', found "
                            << filterType;
  } else if (auto kernel = op.getInts("kernel_shape")) {
    w.kernel = *kernel;
  } else {
    return op.emitError() << "expected the attribute 'kernel_shape'";
  }
  SmallVector<int64_t> ones(spatial, 1);
  w.strides = op.getInts("strides").value_or(ones);
  w.dilations = op.getInts("dilations").value_or(ones);
  w.ceilMode = op.getInt("ceil_mode", 0) != 0;
  SmallVector<int64_t> pads =
      op.getInts("pads").value_or(SmallVector<int64_t>(2 * spatial, 0));
  if (static_cast<int64_t>(pads.size()) != 2 * spatial)
    return op.emitError() << "expected " << 2 * spatial
                          << " values in 'pads', found " << pads.size();
  w.padsBegin.assign(pads.begin(), pads.begin() + spatial);
  w.padsEnd.assign(pads.begin() + spatial, pads.end());
  if (static_cast<int64_t>(w.kernel.size()) != spatial)
    return op.emitError() << "expected " << spatial
                          << " values in 'kernel_shape', found "
                          << w.kernel.size();
  if (failed(verifyWindowLists(op.loc, spatial, w.strides, w.dilations,
                               SmallVector<int64_t>(spatial, 0),
                               SmallVector<int64_t>(spatial, 0))))
    return failure();

  StringRef autoPad = op.getString("auto_pad", "NOTSET");
  SmallVector<OpFoldResult> low(type.getRank(), op.b.getIndexAttr(0)), high = low;
  bool needsPad = false;
  if (autoPad == "VALID") {
    w.padsBegin.assign(spatial, 0);
    w.padsEnd.assign(spatial, 0);
  } else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    bool lower = autoPad == "SAME_LOWER";
    // The window count is ceil(size / stride) in either rounding mode.
    w.ceilMode = false;
    for (int64_t i = 0; i < spatial; ++i) {
      int64_t extent = (w.kernel[i] - 1) * w.dilations[i] + 1;
      int64_t size = type.getDimSize(i + 2), stride = w.strides[i];
      if (ShapedType::isStatic(size)) {
        std::tie(w.padsBegin[i], w.padsEnd[i]) =
            getSamePadding(size, extent, stride, lower);
        continue;
      }
      if (stride == 1) {
        std::tie(w.padsBegin[i], w.padsEnd[i]) =
            getSamePadding(extent, extent, 1, lower);
        continue;
      }
      needsPad = true;
      w.padsBegin[i] = w.padsEnd[i] = 0;
      AffineExpr n = op.b.getAffineSymbolExpr(0);
      OpFoldResult total = applyAffine(
          op.b, op.loc, (n.ceilDiv(stride) - 1) * stride + extent - n,
          op.state.shapes.getDim(input, i + 2));
      total = arith::MaxSIOp::create(op.b, op.loc, op.index(total),
                                     op.index(op.b.getIndexAttr(0)))
                  .getResult();
      OpFoldResult small = applyAffine(op.b, op.loc, n.floorDiv(2), total);
      OpFoldResult large = applyAffine(op.b, op.loc, n.ceilDiv(2), total);
      low[i + 2] = lower ? large : small;
      high[i + 2] = lower ? small : large;
    }
  } else if (autoPad != "NOTSET") {
    return op.emitError() << "expected 'auto_pad' of 'NOTSET', 'SAME_UPPER', "
                             "'SAME_LOWER' or 'VALID', found '" << autoPad << "'";
  }
  // Negative paddings remove elements.
  for (int64_t i = 0; i < spatial; ++i) {
    for (auto [list, target] : {std::pair(&w.padsBegin, &low),
                                std::pair(&w.padsEnd, &high)})
      if ((*list)[i] < 0) {
        (*target)[i + 2] = op.b.getIndexAttr((*list)[i]);
        (*list)[i] = 0;
        needsPad = true;
      }
  }
  if (needsPad) {
    Value value = op.scalar(type.getElementType(), padValue);
    input = PadOp::create(op.b, op.loc, PadMode::constant, input, value, low, high);
  }
  return w;
}

Value Windows::conv(OpBinder &op, Value input, Value filter,
                    int64_t group) const {
  // The inferring builder aborts on misfits; ask first.
  ConvOp::Properties properties;
  MLIRContext *ctx = op.b.getContext();
  properties.strides = DenseI64ArrayAttr::get(ctx, strides);
  properties.dilations = DenseI64ArrayAttr::get(ctx, dilations);
  properties.pads_begin = DenseI64ArrayAttr::get(ctx, padsBegin);
  properties.pads_end = DenseI64ArrayAttr::get(ctx, padsEnd);
  properties.group = op.b.getI64IntegerAttr(group);
  SmallVector<Type> types;
  if (failed(ConvOp::inferReturnTypes(ctx, op.loc, {input, filter}, {},
                                      &properties, {}, types)))
    return {};
  return ConvOp::create(op.b, op.loc, types.front(), input, filter, strides,
                        dilations, padsBegin, padsEnd, group,
                        /*channels_last=*/false);
}

Value Windows::pool(OpBinder &op, PoolKind kind, Value input) const {
  return PoolOp::create(op.b, op.loc, kind, input, kernel, strides, dilations,
                        padsBegin, padsEnd, ceilMode, /*channels_last=*/false);
}
