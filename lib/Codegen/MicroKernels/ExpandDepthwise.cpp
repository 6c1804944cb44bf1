// Depthwise convolution anchor to micro-kernels. A tile is a patch of output
// positions times one vector of channels; the channel loop is innermost, and an
// input vector is loaded once for all the outputs of its row that see it.
#include "Epilogue.h"
#include "Expansions.h"
#include "RowBlocks.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

/// Kernel positions that are emitted without a loop.
constexpr int64_t kUnrolledTaps = 64;
/// Products of bytes that f32 sums exactly: 255 * 128 of each below 2^24.
constexpr int64_t kExactTaps = 512;

namespace {
class DepthwiseExpansion {
public:
  DepthwiseExpansion(OpBuilder &b, DepthwiseAnchorOp op)
      : ib(b, op.getLoc()), op(op), config(op.getConfigAttr()),
        input(LinearView::create(ib, op.getInput())),
        filter(LinearView::create(ib, op.getFilter())),
        epilogue(ib, cast<AnchorOpInterface>(op.getOperation())),
        init(LinearView::create(ib, op.getInit())),
        spatial(op.getSpatialRank()),
        type(VectorType::get(
            config.getLanes(),
            op.getEpilogue().front().getArgument(0).getType())) {
    for (int64_t i = 0; i < spatial; ++i)
      kernel.push_back(*getConstantIntValue(filter.sizes[i]));
    // Multiply-adds of floats do in one instruction what takes two of integers,
    // unless the target multiplies words and adds the products at once.
    sumType = type;
    if (type.getElementType().isInteger() && config.getLhsBits() == 0 &&
        llvm::product_of(kernel) <= kExactTaps)
      sumType = type.clone(b.getF32Type());
  }

  void emit() { emitOuter({}); }

private:
  /// Batch and the spatial dimensions outside the patch are plain loops.
  void emitOuter(SmallVector<OpFoldResult> outer) {
    int64_t patchRank = std::min<int64_t>(spatial, 2);
    if (int64_t(outer.size()) < spatial + 1 - patchRank)
      return ib.loop(ib.constant(0), init.sizes[outer.size()], 1,
                     [&](OpFoldResult i) {
                       SmallVector<OpFoldResult> inner(outer);
                       inner.push_back(i);
                       emitOuter(inner);
                     });
    auto emitColumns = [&](SmallVector<SmallVector<OpFoldResult>> rows) {
      forEachRowBlock(ib, init.sizes[spatial], config.getColumns(),
                      [&](int64_t count, OpFoldResult first, OpFoldResult) {
                        emitChannels(rows, count, first);
                      });
    };
    if (patchRank == 1)
      return emitColumns({outer});
    forEachRowBlock(ib, init.sizes[spatial - 1], config.getRows(),
                    [&](int64_t count, OpFoldResult first, OpFoldResult) {
                      SmallVector<SmallVector<OpFoldResult>> rows(count, outer);
                      for (int64_t r = 0; r < count; ++r)
                        rows[r].push_back(ib.add(first, ib.constant(r)));
                      emitColumns(rows);
                    });
  }

  void emitChannels(ArrayRef<SmallVector<OpFoldResult>> rows, int64_t columns,
                    OpFoldResult firstColumn) {
    int64_t lanes = config.getLanes();
    OpFoldResult channels = init.sizes.back();
    OpFoldResult rest = ib.rem(channels, ib.constant(lanes));
    OpFoldResult whole = ib.sub(channels, rest);
    ib.loop(ib.constant(0), whole, lanes, [&](OpFoldResult channel) {
      emitPatch(rows, columns, firstColumn, {channel, Value()});
    });
    std::optional<int64_t> count = getConstantIntValue(rest);
    if (count == 0)
      return;
    auto maskType = VectorType::get(lanes, ib.b.getI1Type());
    if (count) {
      Value mask = vector::ConstantMaskOp::create(
          ib.b, ib.loc, maskType, ib.b.getDenseI64ArrayAttr({*count}));
      return emitPatch(rows, columns, firstColumn, {whole, mask});
    }
    Value any = arith::CmpIOp::create(ib.b, ib.loc, arith::CmpIPredicate::ne,
                                      ib.value(rest), ib.value(ib.constant(0)));
    auto branch = scf::IfOp::create(ib.b, ib.loc, any, false);
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(branch.thenBlock());
    Value mask =
        vector::CreateMaskOp::create(ib.b, ib.loc, maskType, ib.value(rest));
    emitPatch(rows, columns, firstColumn, {whole, mask});
  }

  Value load(const LinearView &view, OpFoldResult position, Value mask,
             bool isUnsigned) {
    auto loaded = VectorType::get(type.getShape(), view.getElementType());
    Value vector;
    if (mask)
      vector = vector::MaskedLoadOp::create(
          ib.b, ib.loc, loaded, view.buffer, ib.value(position), mask,
          arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(loaded)));
    else
      vector = vector::LoadOp::create(ib.b, ib.loc, loaded, view.buffer,
                                      ib.value(position));
    if (loaded == sumType)
      return vector;
    if (isa<FloatType>(view.getElementType()))
      return arith::ExtFOp::create(ib.b, ib.loc, sumType, vector);
    if (isUnsigned)
      vector = arith::ExtUIOp::create(ib.b, ib.loc, type, vector);
    else
      vector = arith::ExtSIOp::create(ib.b, ib.loc, type, vector);
    return type == sumType
               ? vector
               : arith::SIToFPOp::create(ib.b, ib.loc, sumType, vector)
                     .getResult();
  }

  Value multiplyAdd(Value x, Value y, Value sum) {
    if (isa<FloatType>(sumType.getElementType()))
      return vector::FMAOp::create(ib.b, ib.loc, x, y, sum);
    return arith::AddIOp::create(ib.b, ib.loc, sum,
                                 arith::MulIOp::create(ib.b, ib.loc, x, y));
  }

  void emitPatch(ArrayRef<SmallVector<OpFoldResult>> rows, int64_t columns,
                 OpFoldResult firstColumn, const OutputVector &vector) {
    SmallVector<SmallVector<OpFoldResult>> points;
    SmallVector<OpFoldResult> rowStarts;
    for (const SmallVector<OpFoldResult> &row : rows) {
      OpFoldResult start = ib.add(ib.mul(row[0], input.strides[0]),
                                  ib.mul(vector.column, input.strides.back()));
      SmallVector<OpFoldResult> point(row);
      point.push_back(firstColumn);
      for (int64_t i = 0; i < spatial; ++i)
        start = ib.add(start, ib.mul(point[i + 1],
                                     ib.mul(input.strides[i + 1],
                                            ib.constant(op.getStrides()[i]))));
      rowStarts.push_back(start);
      for (int64_t c = 0; c < columns; ++c) {
        points.push_back(row);
        points.back().push_back(ib.add(firstColumn, ib.constant(c)));
      }
    }
    Value zero =
        arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(sumType));
    SmallVector<Value> sums(points.size(), zero);
    OpFoldResult filterStart = ib.mul(vector.column, filter.strides.back());
    bool unrolled = llvm::product_of(kernel) <= kUnrolledTaps;
    sums = emitTaps(0, unrolled, columns, rowStarts, filterStart, vector.mask,
                    std::move(sums));
    if (sumType != type)
      for (Value &sum : sums)
        sum = arith::FPToSIOp::create(ib.b, ib.loc, type, sum);
    llvm::SmallBitVector varying(spatial + 1, true);
    varying.reset(0);
    epilogue.emit(ib, points, varying, {vector}, sums);
  }

  /// The kernel dimensions from `dim` on.
  SmallVector<Value> emitTaps(int64_t dim, bool unrolled, int64_t columns,
                              ArrayRef<OpFoldResult> rowStarts,
                              OpFoldResult filterStart, Value mask,
                              SmallVector<Value> sums) {
    int64_t step = op.getDilations()[dim];
    bool last = dim == spatial - 1;
    if (last && kernel[dim] <= kUnrolledTaps)
      return emitRow(columns, rowStarts, filterStart, mask, std::move(sums));
    auto emitTap = [&](OpFoldResult tap, SmallVector<Value> current) {
      SmallVector<OpFoldResult> starts;
      for (OpFoldResult start : rowStarts)
        starts.push_back(ib.add(
            start,
            ib.mul(tap, ib.mul(input.strides[dim + 1], ib.constant(step)))));
      OpFoldResult at = ib.add(filterStart, ib.mul(tap, filter.strides[dim]));
      if (!last)
        return emitTaps(dim + 1, unrolled, columns, starts, at, mask,
                        std::move(current));
      return emitColumnsOfTaps(1, columns, starts, at, mask,
                               std::move(current));
    };
    if (unrolled) {
      for (int64_t tap = 0; tap < kernel[dim]; ++tap)
        sums = emitTap(ib.constant(tap), std::move(sums));
      return sums;
    }
    auto loop = scf::ForOp::create(ib.b, ib.loc, ib.value(ib.constant(0)),
                                   ib.value(ib.constant(kernel[dim])),
                                   ib.value(ib.constant(1)), sums);
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        emitTap(OpFoldResult(loop.getInductionVar()),
                SmallVector<Value>(loop.getRegionIterArgs()));
    scf::YieldOp::create(ib.b, ib.loc, next);
    return SmallVector<Value>(loop.getResults());
  }

  SmallVector<Value> emitRow(int64_t columns, ArrayRef<OpFoldResult> rowStarts,
                             OpFoldResult filterStart, Value mask,
                             SmallVector<Value> sums) {
    return emitColumnsOfTaps(kernel.back(), columns, rowStarts, filterStart,
                             mask, std::move(sums));
  }

  /// `taps` neighbours along the last kernel dimension.
  SmallVector<Value> emitColumnsOfTaps(int64_t taps, int64_t columns,
                                       ArrayRef<OpFoldResult> rowStarts,
                                       OpFoldResult filterStart, Value mask,
                                       SmallVector<Value> sums) {
    int64_t stride = op.getStrides().back(), step = op.getDilations().back();
    SmallVector<Value> weights;
    for (int64_t t = 0; t < taps; ++t)
      weights.push_back(
          load(filter,
               ib.add(filterStart,
                      ib.mul(ib.constant(t), filter.strides[spatial - 1])),
               mask, op.getUnsignedRhs()));
    for (auto [r, start] : llvm::enumerate(rowStarts)) {
      llvm::SmallDenseMap<int64_t, Value> inputs;
      for (int64_t c = 0; c < columns; ++c)
        for (int64_t t = 0; t < taps; ++t) {
          int64_t offset = c * stride + t * step;
          Value &vector = inputs[offset];
          if (!vector)
            vector = load(input,
                          ib.add(start, ib.mul(ib.constant(offset),
                                               input.strides[spatial])),
                          mask, op.getUnsignedLhs());
          Value &sum = sums[r * columns + c];
          sum = multiplyAdd(vector, weights[t], sum);
        }
    }
    return sums;
  }

  IndexBuilder ib;
  DepthwiseAnchorOp op;
  ConfigAttr config;
  LinearView input, filter;
  Epilogue epilogue;
  LinearView init;
  int64_t spatial;
  /// Of the accumulators as the epilogue takes them, and while they are summed.
  VectorType type, sumType;
  SmallVector<int64_t> kernel;
};
} // namespace

void mopt::expandDepthwiseAnchor(OpBuilder &b, DepthwiseAnchorOp op) {
  DepthwiseExpansion(b, op).emit();
}
