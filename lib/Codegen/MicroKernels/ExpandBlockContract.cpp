// Contraction anchor with packed weights to micro-kernels. Weights are unpacked
// in registers, once for all rows of a tile; sums of a group are integers, or
// floats, and are scaled before the next one. As many rows as fit the
// first-level cache are brought into the form that weights take.
#include "BlockRows.h"
#include "Columns.h"
#include "Expansions.h"
#include "RowBlocks.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

/// Bytes of rows that are prepared at once, and how many rows at most.
static constexpr int64_t kRowBytes = 48 << 10, kMostRows = 64;
/// Steps of a group that are emitted at once.
static constexpr int64_t kUnroll = 4;
/// Bytes that one prefetch brings, and how far ahead of their use.
static constexpr int64_t kLineBytes = 64, kPrefetchBytes = 4096;

namespace {
using Values = SmallVector<Value>;

class BlockContractExpansion {
public:
  BlockContractExpansion(OpBuilder &b, ContractAnchorOp op)
      : ib(b, op.getLoc()), op(op), config(op.getConfigAttr()),
        layout(op.getWeightsAttr()), lhs(LinearView::create(ib, op.getLhs())),
        rhs(LinearView::create(ib, op.getRhs())),
        epilogue(ib, cast<AnchorOpInterface>(op.getOperation())),
        init(LinearView::create(ib, op.getInit())),
        batchRank(op.getBatchRank()), lanes(config.getLanes()),
        form(getForm(config)), words(VectorType::get(lanes, b.getI32Type())),
        floats(VectorType::get(lanes, b.getF32Type())) {
    rowCount = getSize(op.getInitIndexingMap(), batchRank);
    width = getSize(op.getInitIndexingMap(), batchRank + 1);
    int64_t bytes = BlockRows::getBytes(layout, form);
    capacity = std::clamp(kRowBytes / bytes / config.getRows() *
                              int64_t(config.getRows()),
                          int64_t(config.getRows()), kMostRows);
    if (std::optional<int64_t> known = getConstantIntValue(rowCount))
      capacity = std::min(capacity, std::max<int64_t>(*known, 1));
    rows.emplace(ib, layout, capacity, lanes, form);
  }

  void emit() { emitBatches({}); }

private:
  static BlockRows::Form getForm(ConfigAttr config) {
    return config.getInterleave() == 1   ? BlockRows::Form::floats
           : config.getInterleave() == 2 ? BlockRows::Form::words
                                         : BlockRows::Form::bytes;
  }

  int64_t getPosition(AffineMap map, int64_t dim) {
    return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
  }
  OpFoldResult getSize(AffineMap map, int64_t dim) {
    return init.sizes[getPosition(map, dim)];
  }
  OpFoldResult getStride(const LinearView &view, AffineMap map, int64_t dim) {
    return view.strides[getPosition(map, dim)];
  }

  void emitBatches(SmallVector<OpFoldResult> batch) {
    if (int64_t(batch.size()) < batchRank) {
      OpFoldResult count = getSize(op.getInitIndexingMap(), batch.size());
      return ib.loop(ib.constant(0), count, 1, [&](OpFoldResult i) {
        SmallVector<OpFoldResult> inner(batch);
        inner.push_back(i);
        emitBatches(inner);
      });
    }
    SmallVector<OpFoldResult> origin(batch);
    origin.append(2, ib.constant(0));
    batchIndices = batch;
    lhsStart = mapPosition(ib, lhs, op.getLhsIndexingMap(), origin);
    rhsStart = mapPosition(ib, rhs, op.getRhsIndexingMap(), origin);
    ib.loop(ib.constant(0), rowCount, capacity, [&](OpFoldResult first) {
      emitRows(first, ib.min(ib.constant(capacity), ib.sub(rowCount, first)));
    });
  }

  /// `count` rows from `first` on.
  void emitRows(OpFoldResult first, OpFoldResult count) {
    AffineMap map = op.getLhsIndexingMap();
    OpFoldResult rowStride = getStride(lhs, map, batchRank);
    ib.loop(ib.constant(0), count, 1, [&](OpFoldResult row) {
      rows->fill(ib, row, lhs,
                 ib.add(lhsStart, ib.mul(ib.add(first, row), rowStride)),
                 getStride(lhs, map, batchRank + 1));
    });
    forEachPanel(ib, width, layout.getColumns(), lanes, /*streams=*/1,
                 [&](const Panels &panels) {
                   forEachRowBlock(
                       ib, count, config.getRows(),
                       [&](int64_t size, OpFoldResult row, OpFoldResult) {
                         emitTile(panels, size, row, first);
                       });
                 });
  }

  void emitTile(const Panels &panels, int64_t size, OpFoldResult row,
                OpFoldResult first) {
    AffineMap map = op.getRhsIndexingMap();
    OpFoldResult panel = ib.add(
        rhsStart, ib.mul(panels.firstBlock, getStride(rhs, map, batchRank)));
    SmallVector<OpFoldResult> tileRows;
    SmallVector<SmallVector<OpFoldResult>> coordinates;
    for (int64_t r = 0; r < size; ++r) {
      tileRows.push_back(ib.add(row, ib.constant(r)));
      coordinates.push_back(batchIndices);
      coordinates.back().push_back(ib.add(first, tileRows.back()));
    }
    vectors = panels.vectors;
    Value zero =
        arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(floats));
    Values sums = carry(
        layout.getGroups(), 1, Values(size * vectors, zero),
        [&](OpFoldResult group, Values current) {
          OpFoldResult start =
              ib.add(panel, ib.mul(group, getStride(rhs, map, batchRank + 1)));
          emitPrefetch(start);
          return form == BlockRows::Form::floats
                     ? addFloats(tileRows, group, start, std::move(current))
                     : addIntegers(tileRows, group, start, std::move(current));
        });
    llvm::SmallBitVector varying(batchRank + 1);
    varying.set(batchRank);
    epilogue.emit(
        ib, coordinates, varying,
        panels.getOutputVectors(ib, layout.getColumns(), lanes, ib.constant(0)),
        sums);
  }

  /// A loop of `count` iterations, `step` at once, that carries `values`. With
  /// `isRolled` LLVM may not emit several iterations either.
  Values carry(int64_t count, int64_t step, Values values,
               function_ref<Values(OpFoldResult, Values)> body,
               bool isRolled = false) {
    if (count <= step)
      return body(ib.constant(0), std::move(values));
    auto value = [&](int64_t x) { return ib.value(ib.constant(x)); };
    auto loop = scf::ForOp::create(ib.b, ib.loc, value(0), value(count),
                                   value(step), values);
    if (isRolled) {
      MLIRContext *context = ib.b.getContext();
      auto never = LLVM::LoopUnrollAttr::get(context, ib.b.getBoolAttr(true),
                                             {}, {}, {}, {}, {}, {});
      loop->setAttr("llvm.loop_annotation",
                    LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, never,
                                                  {}, {}, {}, {}, {}, {}, {},
                                                  {}, {}, {}, {}));
    }
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(loop.getBody());
    Values next = body(OpFoldResult(loop.getInductionVar()),
                       Values(loop.getRegionIterArgs()));
    scf::YieldOp::create(ib.b, ib.loc, next);
    return Values(loop.getResults());
  }

  void emitPrefetch(OpFoldResult start) {
    for (int64_t done = 0; done < layout.getGroupBytes(); done += kLineBytes)
      memref::PrefetchOp::create(
          ib.b, ib.loc, rhs.buffer,
          ValueRange{
              ib.value(ib.add(start, ib.constant(kPrefetchBytes + done)))},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }

  /// Bytes from `position` on as elements of `element`.
  Value loadBytes(OpFoldResult position, int64_t count, Type element) {
    int64_t bytes = count * element.getIntOrFloatBitWidth() / 8;
    Value loaded = vector::LoadOp::create(
        ib.b, ib.loc, VectorType::get(bytes, ib.b.getI8Type()), rhs.buffer,
        ib.value(position));
    if (element.isInteger(8))
      return loaded;
    return vector::BitCastOp::create(ib.b, ib.loc,
                                     VectorType::get(count, element), loaded);
  }

  /// The scales of vector `v` of the group at `start`.
  Value loadScales(OpFoldResult start, int64_t v) {
    int64_t bytes = layout.getScaleBits() / 8;
    OpFoldResult position =
        ib.add(start, ib.constant(layout.getScaleOffset() + v * lanes * bytes));
    if (bytes == 4)
      return loadBytes(position, lanes, ib.b.getF32Type());
    return arith::ExtFOp::create(ib.b, ib.loc, floats,
                                 loadBytes(position, lanes, ib.b.getF16Type()));
  }

  /// The zero points of vector `v` as integers of 32 bits, if there are some.
  Value loadZeros(OpFoldResult start, int64_t v) {
    OpFoldResult position =
        ib.add(start, ib.constant(layout.getZeroOffset() + v * lanes));
    Value zeros = arith::ExtUIOp::create(
        ib.b, ib.loc, words, loadBytes(position, lanes, ib.b.getI8Type()));
    int64_t moved = BlockRows::getByteShift(layout);
    if (form != BlockRows::Form::bytes || moved == 0)
      return zeros;
    return arith::SubIOp::create(ib.b, ib.loc, zeros, constant(words, moved));
  }

  Value constant(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        ib.b, ib.loc,
        DenseElementsAttr::get(
            type, ib.b.getIntegerAttr(type.getElementType(), value)));
  }

  /// The bits of each element from `shift` on, as many as a weight has.
  Value takeBits(Value packed, int64_t shift) {
    auto type = cast<VectorType>(packed.getType());
    int64_t width = type.getElementTypeBitWidth(), bits = layout.getBits();
    if (shift > 0)
      packed =
          arith::ShRUIOp::create(ib.b, ib.loc, packed, constant(type, shift));
    if (shift + bits < width)
      packed = arith::AndIOp::create(ib.b, ib.loc, packed,
                                     constant(type, (1 << bits) - 1));
    return packed;
  }

  /// Runs over the steps of a group, each a word for every column. Of several
  /// rows' integers LLVM would add those of all steps in another order, which
  /// takes more registers than there are.
  Values forEachStep(
      OpFoldResult start, Values values,
      function_ref<void(OpFoldResult position, OpFoldResult k, Values &values)>
          body) {
    int64_t steps = layout.getGroup() / layout.getPerWord();
    bool isRolled = form == BlockRows::Form::words &&
                    !config.getAccumulates() &&
                    int64_t(values.size()) > vectors;
    int64_t unroll = isRolled ? 1 : kUnroll;
    while (steps % unroll != 0)
      --unroll;
    return carry(
        steps, unroll, std::move(values),
        [&](OpFoldResult step, Values current) {
          for (int64_t u = 0; u < unroll; ++u) {
            OpFoldResult i = ib.add(step, ib.constant(u));
            body(ib.add(start, ib.mul(i, ib.constant(layout.getColumns() * 4))),
                 ib.mul(i, ib.constant(layout.getPerWord())), current);
          }
          return current;
        },
        isRolled);
  }

  Value multiplyGroups(Value weights, Value group, Value sum) {
    Values operands{weights, group};
    if (config.getAccumulates())
      operands.insert(operands.begin(), sum);
    Value result = LLVM::CallIntrinsicOp::create(
                       ib.b, ib.loc, words,
                       ib.b.getStringAttr(config.getInstruction()), operands)
                       .getResult(0);
    if (config.getAccumulates())
      return result;
    return arith::AddIOp::create(ib.b, ib.loc, result, sum);
  }

  /// Adds to `parts` the products of a group, with pairs of 16 bits.
  Values addPairs(ArrayRef<OpFoldResult> tileRows, OpFoldResult firstK,
                  OpFoldResult start, Values parts) {
    return forEachStep(
        start, std::move(parts),
        [&](OpFoldResult position, OpFoldResult k, Values &values) {
          Values packed;
          for (int64_t v = 0; v < vectors; ++v)
            packed.push_back(
                loadBytes(ib.add(position, ib.constant(v * lanes * 4)),
                          2 * lanes, ib.b.getI16Type()));
          for (int64_t t = 0; t < layout.getPerWord() / 2; ++t) {
            Values weights;
            for (Value bits : packed)
              weights.push_back(takeBits(bits, t * layout.getBits()));
            OpFoldResult at = ib.add(firstK, ib.add(k, ib.constant(2 * t)));
            for (auto [r, row] : llvm::enumerate(tileRows)) {
              Value pair = rows->loadPair(ib, row, at);
              for (int64_t v = 0; v < vectors; ++v) {
                Value &sum = values[r * vectors + v];
                sum = multiplyGroups(weights[v], pair, sum);
              }
            }
          }
        });
  }

  /// The same in bytes: high and low parts of the left side have sums of their
  /// own.
  Values addBytes(ArrayRef<OpFoldResult> tileRows, OpFoldResult firstK,
                  OpFoldResult start, Values parts) {
    size_t count = parts.size();
    parts.append(count, constant(words, 0));
    parts = forEachStep(
        start, std::move(parts),
        [&](OpFoldResult position, OpFoldResult k, Values &values) {
          Values packed;
          for (int64_t v = 0; v < vectors; ++v)
            packed.push_back(
                loadBytes(ib.add(position, ib.constant(v * lanes * 4)),
                          4 * lanes, ib.b.getI8Type()));
          OpFoldResult at = ib.add(firstK, k);
          SmallVector<Values> left;
          for (OpFoldResult row : tileRows)
            left.push_back(rows->loadParts(ib, row, at));
          for (int64_t t = 0; t < layout.getPerWord() / 4; ++t)
            for (int64_t v = 0; v < vectors; ++v) {
              Value weights = takeSignedBits(packed[v], t * layout.getBits());
              for (auto [r, of] : llvm::enumerate(left)) {
                Value &low = values[r * vectors + v],
                      &high = values[count + r * vectors + v];
                high = multiplyGroups(weights, of[2 * t], high);
                low = multiplyGroups(weights, of[2 * t + 1], low);
              }
            }
        });
    Values sums;
    for (size_t i = 0; i < count; ++i)
      sums.push_back(arith::AddIOp::create(
          ib.b, ib.loc, parts[i],
          arith::ShLIOp::create(ib.b, ib.loc, parts[count + i],
                                constant(words, 8))));
    return sums;
  }

  /// Weights in signed bytes, less what makes them fit.
  Value takeSignedBits(Value packed, int64_t shift) {
    Value bits = takeBits(packed, shift);
    int64_t moved = BlockRows::getByteShift(layout);
    if (moved == 0)
      return bits;
    return arith::XOrIOp::create(
        ib.b, ib.loc, bits, constant(cast<VectorType>(bits.getType()), -moved));
  }

  Values addIntegers(ArrayRef<OpFoldResult> tileRows, OpFoldResult group,
                     OpFoldResult start, Values sums) {
    int64_t size = tileRows.size();
    OpFoldResult firstK = ib.mul(group, ib.constant(layout.getGroup()));
    bool inBytes = form == BlockRows::Form::bytes;
    // Sums start with what zero points take away.
    Values parts;
    for (OpFoldResult row : tileRows) {
      Value negative = rows->loadNegativeSum(ib, row, group);
      for (int64_t v = 0; v < vectors; ++v)
        parts.push_back(layout.hasZeroPoints()
                            ? Value(arith::MulIOp::create(
                                  ib.b, ib.loc, loadZeros(start, v), negative))
                            : negative);
    }
    parts = inBytes ? addBytes(tileRows, firstK, start, std::move(parts))
                    : addPairs(tileRows, firstK, start, std::move(parts));
    Values scales;
    for (int64_t v = 0; v < vectors; ++v)
      scales.push_back(loadScales(start, v));
    for (int64_t r = 0; r < size; ++r) {
      Value scale = rows->loadScale(ib, tileRows[r], group);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[r * vectors + v];
        Value part = arith::SIToFPOp::create(ib.b, ib.loc, floats,
                                             parts[r * vectors + v]);
        Value scaled = arith::MulFOp::create(ib.b, ib.loc, scales[v], scale);
        sum = vector::FMAOp::create(ib.b, ib.loc, part, scaled, sum);
      }
    }
    return sums;
  }

  /// Integers of fewer than 23 bits as floats above 2^23, whose last bits they
  /// are: a difference of two is exact, and no conversion is needed.
  Value asLargeFloat(Value integers) {
    Value bits = arith::OrIOp::create(ib.b, ib.loc, integers,
                                      constant(words, 0x4b000000));
    return arith::BitcastOp::create(ib.b, ib.loc, floats, bits);
  }

  /// Weights stay at their place in a half word, where they count a power of
  /// two more; rows are divided by it.
  Values addFloats(ArrayRef<OpFoldResult> tileRows, OpFoldResult group,
                   OpFoldResult start, Values sums) {
    int64_t size = tileRows.size(), perWord = layout.getPerWord();
    OpFoldResult firstK = ib.mul(group, ib.constant(layout.getGroup()));
    // The zero point of each slot of a half word, in the form that weights get.
    SmallVector<Values> zeros(perWord / 2);
    for (int64_t t = 0; t < perWord / 2; ++t)
      for (int64_t v = 0; v < vectors; ++v) {
        Value zero = layout.hasZeroPoints()
                         ? loadZeros(start, v)
                         : constant(words, layout.getZeroPoint());
        zero = arith::ShLIOp::create(ib.b, ib.loc, zero,
                                     constant(words, t * layout.getBits()));
        zeros[t].push_back(asLargeFloat(zero));
      }
    Value none =
        arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(floats));
    Values parts = forEachStep(
        start, Values(size * vectors, none),
        [&](OpFoldResult position, OpFoldResult k, Values &values) {
          Values packed;
          for (int64_t v = 0; v < vectors; ++v)
            packed.push_back(
                loadBytes(ib.add(position, ib.constant(v * lanes * 4)), lanes,
                          ib.b.getI32Type()));
          Values halves(packed);
          for (Value bits : packed)
            halves.push_back(arith::ShRUIOp::create(ib.b, ib.loc, bits,
                                                    constant(words, 16)));
          for (int64_t i = 0; i < perWord; ++i) {
            int64_t t = i / 2, shift = t * layout.getBits();
            Value mask = constant(words, ((int64_t(1) << layout.getBits()) - 1)
                                             << shift);
            Values weights;
            for (int64_t v = 0; v < vectors; ++v) {
              Value bits = arith::AndIOp::create(
                  ib.b, ib.loc, halves[i % 2 * vectors + v], mask);
              weights.push_back(arith::SubFOp::create(
                  ib.b, ib.loc, asLargeFloat(bits), zeros[t][v]));
            }
            OpFoldResult at = ib.add(firstK, ib.add(k, ib.constant(i)));
            for (int64_t r = 0; r < size; ++r) {
              Value x = rows->loadFloat(ib, tileRows[r], at);
              for (int64_t v = 0; v < vectors; ++v) {
                Value &sum = values[r * vectors + v];
                sum = vector::FMAOp::create(ib.b, ib.loc, weights[v], x, sum);
              }
            }
          }
        });
    for (int64_t v = 0; v < vectors; ++v) {
      Value scale = loadScales(start, v);
      for (int64_t r = 0; r < size; ++r) {
        Value &sum = sums[r * vectors + v];
        sum = vector::FMAOp::create(ib.b, ib.loc, parts[r * vectors + v], scale,
                                    sum);
      }
    }
    return sums;
  }

  IndexBuilder ib;
  ContractAnchorOp op;
  ConfigAttr config;
  BlockWeightsAttr layout;
  LinearView lhs, rhs;
  Epilogue epilogue;
  LinearView init;
  int64_t batchRank, lanes, vectors = 0, capacity = 0;
  BlockRows::Form form;
  VectorType words, floats;
  std::optional<BlockRows> rows;
  OpFoldResult rowCount, width;
  // Of the batch that is being emitted.
  SmallVector<OpFoldResult> batchIndices;
  OpFoldResult lhsStart, rhsStart;
};
} // namespace

void mopt::expandBlockContractAnchor(OpBuilder &b, ContractAnchorOp op) {
  BlockContractExpansion(b, op).emit();
}
