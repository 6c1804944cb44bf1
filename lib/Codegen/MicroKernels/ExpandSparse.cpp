// Sparse anchor to micro-kernels for few rows, which wait for their weights:
// several packed blocks stream at once, values are brought to their columns by
// a mask, or elements of the left side to the values by a permutation. More
// rows are blocks of a few, which read the same weights one after the other.
#include "ByteLanes.h"
#include "Columns.h"
#include "Expansions.h"
#include "RegisterTile.h"
#include "RowBlocks.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// What one prefetch brings.
constexpr int64_t kLineBytes = 64;
/// Of a lane that holds positions.
constexpr int64_t kLaneBits = 32;

namespace {
/// Rows of `lhs`, from `firstRow` on, times some packed blocks.
class SparseTile {
public:
  SparseTile(IndexBuilder &ib, SparseAnchorOp op, const LinearView &lhs,
             const LinearView &values, const LinearView &positions,
             OpFoldResult firstRow, int64_t rows, const Panels &panels)
      : ib(ib), op(op), config(op.getConfig()), lhs(lhs), values(values),
        positions(positions), lhsStart(ib.mul(firstRow, lhs.strides[0])),
        rows(rows), vectors(panels.vectors), lanes(config.getLanes()) {
    for (int64_t p = 0; p < panels.count; ++p) {
      OpFoldResult block = ib.add(panels.firstBlock, ib.constant(p));
      valueStarts.push_back(ib.mul(block, values.strides[0]));
      positionStarts.push_back(ib.mul(block, positions.strides[0]));
    }
  }

  /// One accumulator per row, panel and vector, rows first.
  SmallVector<Value> emit() {
    Value zero = arith::ConstantOp::create(ib.b, ib.loc,
                                           ib.b.getZeroAttr(getVectorType()));
    SmallVector<Value> sums(rows * valueStarts.size() * vectors, zero);
    switch (op.getForm()) {
    case SparseForm::masks:
      return emitMasks(std::move(sums));
    case SparseForm::bytes:
      return emitBytes(std::move(sums));
    case SparseForm::lanes:
      return emitLanes(std::move(sums));
    case SparseForm::byte_lanes:
      return ByteLanes(ib, op, lhs, values, positions, lhsStart, rows, vectors,
                       valueStarts, positionStarts)
          .emit(std::move(sums));
    case SparseForm::scalars:
      break;
    }
    llvm_unreachable("many rows have an expansion of their own");
  }

private:
  VectorType getVectorType() {
    return VectorType::get(lanes,
                           op.getEpilogue().front().getArgument(0).getType());
  }

  /// Calls `body(i, carried)` for `from` to `to` in steps; its results are
  /// carried.
  SmallVector<Value> carry(
      int64_t from, int64_t to, int64_t step, SmallVector<Value> carried,
      function_ref<SmallVector<Value>(OpFoldResult, SmallVector<Value>)> body) {
    if (to <= from)
      return carried;
    if (to - from <= step)
      return body(ib.constant(from), std::move(carried));
    auto loop = scf::ForOp::create(ib.b, ib.loc, ib.value(ib.constant(from)),
                                   ib.value(ib.constant(to)),
                                   ib.value(ib.constant(step)), carried);
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(ib.b, ib.loc,
                         body(OpFoldResult(loop.getInductionVar()),
                              SmallVector<Value>(loop.getRegionIterArgs())));
    return SmallVector<Value>(loop.getResults());
  }

  OpFoldResult getLhsPosition(int64_t row, OpFoldResult k) {
    return ib.add(ib.add(lhsStart, ib.mul(ib.constant(row), lhs.strides[0])),
                  ib.mul(k, lhs.strides[1]));
  }

  void prefetch(OpFoldResult position, int64_t elements) {
    int64_t step =
        kLineBytes * 8 / values.getElementType().getIntOrFloatBitWidth();
    for (int64_t i = 0; i < elements; i += step)
      memref::PrefetchOp::create(
          ib.b, ib.loc, values.buffer,
          ValueRange{ib.value(ib.add(position, ib.constant(i)))},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }

  //===--------------------------------------------------------------------===//
  // Masks
  //===--------------------------------------------------------------------===//

  /// One step of the depth. `state` is the sums, then the position of the next
  /// value of each panel.
  void emitMaskStep(OpFoldResult k, SmallVector<Value> &state) {
    int64_t perStep = config.getColumns() / lanes, count = valueStarts.size();
    int64_t width = count * vectors, sums = rows * width;
    SmallVector<Value> splats;
    for (int64_t r = 0; r < rows; ++r)
      splats.push_back(vector::BroadcastOp::create(
          ib.b, ib.loc, getVectorType(),
          memref::LoadOp::create(ib.b, ib.loc, lhs.buffer,
                                 ib.value(getLhsPosition(r, k)))));
    Value zero = arith::ConstantOp::create(ib.b, ib.loc,
                                           ib.b.getZeroAttr(getVectorType()));
    Type bits = ib.b.getIntegerType(lanes);
    SparsityAttr sparsity = op.getSparsity();
    int64_t floats = llvm::divideCeil(config.getColumns() * sparsity.getKept(),
                                      sparsity.getGroup());
    for (int64_t p = 0; p < count; ++p) {
      Value &next = state[sums + p];
      if (config.getPrefetchRows())
        prefetch(ib.add(OpFoldResult(next),
                        ib.constant(config.getPrefetchRows() * floats)),
                 floats);
      for (int64_t v = 0; v < vectors; ++v) {
        OpFoldResult at =
            ib.add(positionStarts[p],
                   ib.add(ib.mul(k, ib.constant(perStep)), ib.constant(v)));
        Value word = memref::LoadOp::create(ib.b, ib.loc, positions.buffer,
                                            ib.value(at));
        Value mask = vector::BitCastOp::create(
            ib.b, ib.loc, VectorType::get(lanes, ib.b.getI1Type()),
            vector::BroadcastOp::create(ib.b, ib.loc, VectorType::get(1, bits),
                                        word));
        Value expanded = vector::ExpandLoadOp::create(
            ib.b, ib.loc, getVectorType(), values.buffer, next, mask, zero);
        Value used = arith::IndexCastUIOp::create(
            ib.b, ib.loc, ib.b.getIndexType(),
            math::CtPopOp::create(ib.b, ib.loc, word));
        next = arith::AddIOp::create(ib.b, ib.loc, next, used);
        for (int64_t r = 0; r < rows; ++r) {
          Value &sum = state[r * width + p * vectors + v];
          sum = vector::FMAOp::create(ib.b, ib.loc, splats[r], expanded, sum);
        }
      }
    }
  }

  SmallVector<Value> emitMasks(SmallVector<Value> state) {
    int64_t sums = state.size(), depth = op.getDepth();
    int64_t unroll = config.getUnroll();
    for (OpFoldResult start : valueStarts)
      state.push_back(ib.value(start));
    auto steps = [&](int64_t count) {
      return [this, count](OpFoldResult k, SmallVector<Value> inner) {
        for (int64_t u = 0; u < count; ++u)
          emitMaskStep(ib.add(k, ib.constant(u)), inner);
        return inner;
      };
    };
    int64_t whole = depth / unroll * unroll;
    state = carry(0, whole, unroll, std::move(state), steps(unroll));
    state = carry(whole, depth, depth - whole, std::move(state),
                  steps(depth - whole));
    state.resize(sums);
    return state;
  }

  //===--------------------------------------------------------------------===//
  // Bytes
  //===--------------------------------------------------------------------===//

  /// Values of a vector if all vectors have as many.
  std::optional<int64_t> countFixed() {
    int64_t group = op.getSparsity().getGroup();
    int64_t interleave = config.getInterleave();
    if (interleave % group != 0)
      return std::nullopt;
    return lanes * op.getSparsity().countKept(interleave);
  }

  /// One group of bytes along the depth, of which `size` exist. `state` is the
  /// sums, then, where vectors differ in their number of values, the position
  /// of the next one of each panel.
  void emitByteStep(const RegisterTile &tile, OpFoldResult step, int64_t size,
                    SmallVector<Value> &state) {
    int64_t perStep = config.getColumns() / lanes, count = valueStarts.size();
    int64_t width = count * vectors, bytes = lanes * config.getInterleave();
    std::optional<int64_t> fixed = countFixed();
    int64_t perVector = lanes * op.getSparsity().countKept(size);
    SmallVector<Value> splats;
    OpFoldResult k = ib.mul(step, ib.constant(config.getInterleave()));
    for (int64_t r = 0; r < rows; ++r)
      splats.push_back(
          tile.loadLhs(ib, getLhsPosition(r, k), ib.constant(size)));
    auto type = VectorType::get(bytes, ib.b.getI8Type());
    Value zero =
        arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
    int64_t valuesOfStep =
        llvm::divideCeil(config.getColumns() * config.getInterleave() *
                             op.getSparsity().getKept(),
                         op.getSparsity().getGroup());
    for (int64_t p = 0; p < count; ++p) {
      OpFoldResult base = valueStarts[p];
      if (fixed)
        base = ib.add(base, ib.mul(step, ib.constant(perStep * *fixed)));
      else
        base = state[rows * width + p];
      if (config.getPrefetchRows())
        prefetch(
            ib.add(base, ib.constant(config.getPrefetchRows() * valuesOfStep)),
            valuesOfStep);
      for (int64_t v = 0; v < vectors; ++v) {
        Value word = memref::LoadOp::create(
            ib.b, ib.loc, positions.buffer,
            ib.value(ib.add(
                positionStarts[p],
                ib.add(ib.mul(step, ib.constant(perStep)), ib.constant(v)))));
        Value mask = vector::BitCastOp::create(
            ib.b, ib.loc, VectorType::get(bytes, ib.b.getI1Type()),
            vector::BroadcastOp::create(
                ib.b, ib.loc, VectorType::get(1, word.getType()), word));
        OpFoldResult at =
            fixed ? ib.add(base, ib.constant(v * perVector)) : base;
        // There are as many bytes behind the last values of a block.
        Value kept = vector::LoadOp::create(ib.b, ib.loc, type, values.buffer,
                                            ib.value(at));
        Value expanded = LLVM::CallIntrinsicOp::create(
                             ib.b, ib.loc, type, op.getPermutationAttr(),
                             ValueRange{kept, zero, mask})
                             .getResult(0);
        if (!fixed)
          base = ib.add(
              base, OpFoldResult(arith::IndexCastUIOp::create(
                                     ib.b, ib.loc, ib.b.getIndexType(),
                                     math::CtPopOp::create(ib.b, ib.loc, word))
                                     .getResult()));
        for (int64_t r = 0; r < rows; ++r) {
          Value &sum = state[r * width + p * vectors + v];
          sum = tile.multiplyAdd(ib, splats[r], expanded, sum);
        }
      }
      if (!fixed)
        state[rows * width + p] = ib.value(base);
    }
  }

  SmallVector<Value> emitBytes(SmallVector<Value> state) {
    RegisterTile tile;
    tile.lhs = &lhs;
    tile.accumulatorType = getVectorType();
    tile.dot =
        getDotProduct(config, /*unsignedLhs=*/true, /*unsignedRhs=*/false);
    int64_t sums = state.size(), interleave = config.getInterleave();
    int64_t steps = op.getDepth() / interleave, unroll = config.getUnroll();
    if (!countFixed())
      for (OpFoldResult start : valueStarts)
        state.push_back(ib.value(start));
    auto emitSteps = [&](int64_t count) {
      return [this, &tile, count, interleave](OpFoldResult step,
                                              SmallVector<Value> inner) {
        for (int64_t u = 0; u < count; ++u)
          emitByteStep(tile, ib.add(step, ib.constant(u)), interleave, inner);
        return inner;
      };
    };
    int64_t whole = steps / unroll * unroll;
    state = carry(0, whole, unroll, std::move(state), emitSteps(unroll));
    state = carry(whole, steps, steps - whole, std::move(state),
                  emitSteps(steps - whole));
    if (int64_t rest = op.getDepth() % interleave)
      emitByteStep(tile, ib.constant(steps), rest, state);
    state.resize(sums);
    return state;
  }

  //===--------------------------------------------------------------------===//
  // Lanes
  //===--------------------------------------------------------------------===//

  /// The `size` elements of a row that one group belongs to, in each part of a
  /// vector that the permutation picks from.
  Value loadGroup(int64_t row, OpFoldResult k, int64_t size) {
    int64_t group = op.getSparsity().getGroup();
    auto type = VectorType::get(group, ib.b.getF32Type());
    Value position = ib.value(getLhsPosition(row, k));
    Value elements;
    if (getConstantIntValue(lhs.strides[1]) != 1) {
      elements =
          arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
      for (int64_t i = 0; i < size; ++i)
        elements = vector::InsertOp::create(
            ib.b, ib.loc,
            memref::LoadOp::create(
                ib.b, ib.loc, lhs.buffer,
                ib.value(getLhsPosition(row, ib.add(k, ib.constant(i))))),
            elements, i);
    } else if (size == group) {
      elements =
          vector::LoadOp::create(ib.b, ib.loc, type, lhs.buffer, position);
    } else {
      // Nothing behind the last element may be read.
      Value mask = vector::ConstantMaskOp::create(
          ib.b, ib.loc, VectorType::get(group, ib.b.getI1Type()),
          ib.b.getDenseI64ArrayAttr({size}));
      Value zero =
          arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
      elements = vector::MaskedLoadOp::create(ib.b, ib.loc, type, lhs.buffer,
                                              position, mask, zero);
    }
    if (group >= lanes)
      return elements;
    SmallVector<int64_t> repeated;
    for (int64_t i = 0; i < lanes; ++i)
      repeated.push_back(i % group);
    return vector::ShuffleOp::create(ib.b, ib.loc, elements, elements,
                                     repeated);
  }

  /// Does the permutation pick bytes out of one or more vectors, and not
  /// elements of one?
  bool picksBytes() { return op.getPermutation()->ends_with("i8"); }

  /// What the permutation takes as the positions in the lowest bits of lanes:
  /// it looks at no others, or takes the places of an element's bytes.
  Value getPlaces(Value positions) {
    if (!picksBytes())
      return positions;
    auto type = cast<VectorType>(positions.getType());
    auto splat = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(
          ib.b, ib.loc,
          DenseElementsAttr::get(type, ib.b.getI32IntegerAttr(value)));
    };
    Value place = arith::AndIOp::create(ib.b, ib.loc, positions,
                                        splat(op.getSparsity().getGroup() - 1));
    place = arith::MulIOp::create(ib.b, ib.loc, place, splat(0x04040404));
    place = arith::OrIOp::create(ib.b, ib.loc, place, splat(0x03020100));
    return vector::BitCastOp::create(ib.b, ib.loc, getBytesType(), place);
  }

  VectorType getBytesType() {
    return VectorType::get(lanes * kLaneBits / 8, ib.b.getI8Type());
  }

  /// The element of a group at each of `places`.
  Value pick(Value elements, Value places) {
    SmallVector<Value> operands;
    if (!picksBytes()) {
      operands = {elements};
    } else {
      for (int64_t i = 0; i < op.getSparsity().getGroup(); i += lanes)
        operands.push_back(vector::BitCastOp::create(
            ib.b, ib.loc, getBytesType(),
            vector::ExtractStridedSliceOp::create(
                ib.b, ib.loc, elements, ArrayRef<int64_t>{i},
                ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{1})));
    }
    operands.push_back(places);
    Type type = picksBytes() ? getBytesType() : getVectorType();
    Value picked = LLVM::CallIntrinsicOp::create(
                       ib.b, ib.loc, type, op.getPermutationAttr(), operands)
                       .getResult(0);
    return picksBytes() ? vector::BitCastOp::create(ib.b, ib.loc,
                                                    getVectorType(), picked)
                              .getResult()
                        : picked;
  }

  /// Group `g` of those whose positions share words, `size` elements from `k`
  /// on. `state` is the sums, then what is left of the words.
  void emitGroup(OpFoldResult word, OpFoldResult g, OpFoldResult k,
                 int64_t size, SmallVector<Value> &state) {
    int64_t kept = op.getSparsity().getKept(), columns = config.getColumns();
    int64_t bits = llvm::Log2_64(op.getSparsity().getGroup());
    int64_t panels = valueStarts.size(), width = panels * vectors;
    int64_t groupsPerWord = kLaneBits / (bits * kept);
    SmallVector<Value> elements;
    for (int64_t r = 0; r < rows; ++r)
      elements.push_back(loadGroup(r, k, size));
    for (int64_t j = 0; j < kept; ++j) {
      OpFoldResult slot =
          ib.add(ib.mul(word, ib.constant(groupsPerWord * kept)),
                 ib.add(ib.mul(g, ib.constant(kept)), ib.constant(j)));
      for (int64_t p = 0; p < panels; ++p) {
        OpFoldResult base =
            ib.add(valueStarts[p], ib.mul(slot, ib.constant(columns)));
        if (config.getPrefetchRows())
          prefetch(
              ib.add(base, ib.constant(config.getPrefetchRows() * columns)),
              vectors * lanes);
        for (int64_t v = 0; v < vectors; ++v) {
          Value &picks = state[rows * width + p * vectors + v];
          Value weights = vector::LoadOp::create(
              ib.b, ib.loc, getVectorType(), values.buffer,
              ib.value(ib.add(base, ib.constant(v * lanes))));
          Value places = getPlaces(picks);
          for (int64_t r = 0; r < rows; ++r) {
            Value &sum = state[r * width + p * vectors + v];
            sum = vector::FMAOp::create(ib.b, ib.loc, pick(elements[r], places),
                                        weights, sum);
          }
          Value shift = arith::ConstantOp::create(
              ib.b, ib.loc,
              DenseElementsAttr::get(cast<VectorType>(picks.getType()),
                                     ib.b.getI32IntegerAttr(bits)));
          picks = arith::ShRUIOp::create(ib.b, ib.loc, picks, shift);
        }
      }
    }
  }

  /// `count` groups from `k` on, whose positions share words; the last one has
  /// `lastSize` elements.
  void emitWord(OpFoldResult word, OpFoldResult k, int64_t count,
                int64_t lastSize, SmallVector<Value> &sums) {
    int64_t group = op.getSparsity().getGroup(), columns = config.getColumns();
    auto wordType = VectorType::get(lanes, ib.b.getI32Type());
    SmallVector<Value> state = sums;
    for (OpFoldResult start : positionStarts)
      for (int64_t v = 0; v < vectors; ++v)
        state.push_back(vector::LoadOp::create(
            ib.b, ib.loc, wordType, positions.buffer,
            ib.value(ib.add(start, ib.add(ib.mul(word, ib.constant(columns)),
                                          ib.constant(v * lanes))))));
    auto emitAt = [&](OpFoldResult g, int64_t size, SmallVector<Value> &inner) {
      emitGroup(word, g, ib.add(k, ib.mul(g, ib.constant(group))), size, inner);
    };
    int64_t whole = lastSize == group ? count : count - 1;
    if (picksBytes()) {
      // Of all groups at once LLVM would load the values first, and run out of
      // registers.
      state = carry(0, whole, 1, std::move(state),
                    [&](OpFoldResult g, SmallVector<Value> inner) {
                      emitAt(g, group, inner);
                      return inner;
                    });
    } else {
      for (int64_t g = 0; g < whole; ++g)
        emitAt(ib.constant(g), group, state);
    }
    if (whole < count)
      emitAt(ib.constant(whole), lastSize, state);
    state.resize(sums.size());
    sums = std::move(state);
  }

  SmallVector<Value> emitLanes(SmallVector<Value> sums) {
    int64_t group = op.getSparsity().getGroup();
    int64_t bits = llvm::Log2_64(group);
    int64_t perWord = kLaneBits / (bits * op.getSparsity().getKept());
    int64_t depth = op.getDepth(), groups = llvm::divideCeil(depth, group);
    int64_t words = depth / group / perWord;
    sums = carry(0, words, 1, std::move(sums),
                 [&](OpFoldResult word, SmallVector<Value> inner) {
                   emitWord(word, ib.mul(word, ib.constant(perWord * group)),
                            perWord, group, inner);
                   return inner;
                 });
    int64_t done = words * perWord;
    if (groups > done)
      emitWord(ib.constant(words), ib.constant(done * group), groups - done,
               depth - (groups - 1) * group, sums);
    return sums;
  }

  IndexBuilder &ib;
  SparseAnchorOp op;
  ConfigAttr config;
  const LinearView &lhs, &values, &positions;
  OpFoldResult lhsStart;
  int64_t rows, vectors, lanes;
  /// Of each panel.
  SmallVector<OpFoldResult> valueStarts, positionStarts;
};
} // namespace

void mopt::expandSparseAnchor(OpBuilder &b, SparseAnchorOp op) {
  if (op.getForm() == SparseForm::scalars)
    return expandSparseRows(b, op);
  if (!op.getConfig().getMatrixUnit().empty())
    return expandSparseMatrices(b, op);
  IndexBuilder ib(b, op.getLoc());
  LinearView lhs = LinearView::create(ib, op.getLhs());
  LinearView values = LinearView::create(ib, op.getValues());
  LinearView positions = LinearView::create(ib, op.getPositions());
  Epilogue epilogue(ib, cast<AnchorOpInterface>(op.getOperation()));
  LinearView init = LinearView::create(ib, op.getInit());
  ConfigAttr config = op.getConfig();
  llvm::SmallBitVector varying(1, true);
  // Few rows are a number that is known.
  int64_t blockRows =
      std::min(config.getRows(), *getConstantIntValue(init.sizes[0]));
  int64_t streams =
      std::max<int64_t>(1, config.getStreams() / llvm::PowerOf2Ceil(blockRows));
  forEachPanel(
      ib, init.sizes[1], config.getColumns(), config.getLanes(), streams,
      [&](const Panels &panels) {
        forEachRowBlock(
            ib, init.sizes[0], config.getRows(),
            [&](int64_t rows, OpFoldResult firstRow, OpFoldResult) {
              SmallVector<SmallVector<OpFoldResult>> coordinates;
              for (int64_t r = 0; r < rows; ++r)
                coordinates.push_back({ib.add(firstRow, ib.constant(r))});
              epilogue.emit(ib, coordinates, varying,
                            panels.getOutputVectors(ib, config.getColumns(),
                                                    config.getLanes(),
                                                    ib.constant(0)),
                            SparseTile(ib, op, lhs, values, positions, firstRow,
                                       rows, panels)
                                .emit());
            });
      });
}
