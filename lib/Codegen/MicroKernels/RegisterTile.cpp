// The loops around a register tile: accumulators are values carried by the
// loops, so that they stay in registers; the innermost loop is unrolled.
#include "RegisterTile.h"
#include "NarrowSums.h"
#include "PanelPrefetch.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

void mopt::mergeReductionLoops(IndexBuilder &ib,
                               SmallVectorImpl<ReductionLoop> &loops) {
  SmallVector<ReductionLoop> merged;
  for (const ReductionLoop &loop : loops) {
    auto continues = [&](OpFoldResult outer, OpFoldResult inner) {
      std::optional<int64_t> a = getConstantIntValue(outer);
      std::optional<int64_t> b = getConstantIntValue(inner);
      std::optional<int64_t> n = getConstantIntValue(loop.count);
      return a && b && n && *a == *b * *n;
    };
    if (!merged.empty() && continues(merged.back().lhsStep, loop.lhsStep) &&
        continues(merged.back().rhsStep, loop.rhsStep)) {
      OpFoldResult count = ib.mul(merged.back().count, loop.count);
      merged.back() = {count, loop.lhsStep, loop.rhsStep};
    } else if (!merged.empty() &&
               getConstantIntValue(merged.back().count) == 1) {
      merged.back() = loop;
    } else {
      merged.push_back(loop);
    }
  }
  loops = std::move(merged);
}

DotProduct mopt::getDotProduct(ConfigAttr config, bool unsignedLhs,
                               bool unsignedRhs) {
  auto [first, second] = config.getInstruction().split(',');
  MLIRContext *context = config.getContext();
  return {config.getInterleave(),
          StringAttr::get(context, first),
          second.empty() ? StringAttr() : StringAttr::get(context, second),
          config.getWordGroups(),
          config.getAccumulates(),
          config.getLhsBits(),
          config.getRhsBits(),
          unsignedLhs,
          unsignedRhs};
}

int64_t RegisterTile::getWordLanes() const {
  return accumulatorType.getNumElements() *
         accumulatorType.getElementTypeBitWidth() / 32;
}

int64_t RegisterTile::getRhsElements() const {
  return dot.interleave == 1
             ? accumulatorType.getNumElements()
             : getWordLanes() * dot.interleave / dot.getBlockRows();
}

int64_t RegisterTile::getWidth() const {
  return rhsPanels.size() * vectors * dot.getBlockRows();
}

int64_t RegisterTile::countSumRows() const {
  return llvm::divideCeil(lhsRows.size(), dot.getBlockRows());
}

static Value callIntrinsic(IndexBuilder &ib, StringAttr name, Type type,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(ib.b, ib.loc, type, name, operands)
      .getResult(0);
}

Value RegisterTile::multiplyToWords(IndexBuilder &ib, Value x, Value y) const {
  auto words =
      VectorType::get(accumulatorType.getNumElements() * dot.interleave / 2,
                      ib.b.getIntegerType(2 * dot.lhsBits));
  return callIntrinsic(ib, dot.instruction, words, {x, y});
}

Value RegisterTile::addWords(IndexBuilder &ib, Value words, Value sum) const {
  Value ones = arith::ConstantOp::create(
      ib.b, ib.loc, ib.b.getOneAttr(cast<VectorType>(words.getType())));
  return arith::AddIOp::create(
      ib.b, ib.loc,
      callIntrinsic(ib, dot.pairSum, accumulatorType, {words, ones}), sum);
}

Value RegisterTile::multiplyAdd(IndexBuilder &ib, Value x, Value y,
                                Value sum) const {
  if (dot.interleave == 1 || x.getType() == sum.getType()) {
    if (isa<FloatType>(accumulatorType.getElementType()))
      return vector::FMAOp::create(ib.b, ib.loc, x, y, sum);
    Value product = arith::MulIOp::create(ib.b, ib.loc, x, y);
    return arith::AddIOp::create(ib.b, ib.loc, product, sum);
  }
  if (dot.pairSum)
    return addWords(ib, multiplyToWords(ib, x, y), sum);
  SmallVector<Value> operands{x, y};
  // An instruction that multiplies by a lane takes it last; it does not matter
  // otherwise where the signs are the same.
  if (lhsSteps > 1 && !dot.unsignedLhs)
    std::swap(operands[0], operands[1]);
  if (dot.accumulates)
    operands.insert(operands.begin(), sum);
  Value result = callIntrinsic(ib, dot.instruction, accumulatorType, operands);
  if (dot.accumulates)
    return result;
  return arith::AddIOp::create(ib.b, ib.loc, result, sum);
}

void RegisterTile::emitPrefetch(IndexBuilder &ib, OpFoldResult step) const {
  if (!prefetch)
    return;
  OpFoldResult position = ib.add(
      ib.mul(step, ib.constant(prefetch->elementsPerStep)), prefetch->start);
  mopt::emitPrefetch(ib, *rhs, position, prefetch->elementsPerStep * unroll,
                     /*locality=*/2);
}

RegisterTile::Values RegisterTile::loadPanels(IndexBuilder &ib,
                                              const ReductionLoop &loop,
                                              OpFoldResult rhsOffset) const {
  int64_t size = getRhsElements(), count = vectors * dot.getBlockRows();
  Values loaded;
  for (OpFoldResult panel : rhsPanels) {
    OpFoldResult base = ib.add(panel, rhsOffset);
    if (prefetchRows)
      mopt::emitPrefetch(
          ib, *rhs,
          ib.add(base, ib.mul(ib.constant(prefetchRows), loop.rhsStep)),
          count * size, /*locality=*/3);
    for (int64_t v = 0; v < count; ++v)
      loaded.push_back(loadRhs(ib, ib.add(base, ib.constant(v * size))));
  }
  return loaded;
}

RegisterTile::Values
RegisterTile::emitStep(IndexBuilder &ib, const ReductionLoop &loop,
                       OpFoldResult group, OpFoldResult lhsOffset,
                       OpFoldResult rhsOffset, Values sums) const {
  Values vectorsOfStep = loadPanels(ib, loop, rhsOffset);
  int64_t width = getWidth();
  for (int64_t r = 0; r < countSumRows(); ++r) {
    Value splat = loadLhsRow(ib, r, lhsOffset, group);
    for (int64_t v = 0; v < width; ++v)
      sums[r * width + v] =
          multiplyAdd(ib, splat, vectorsOfStep[v], sums[r * width + v]);
  }
  return sums;
}

RegisterTile::Values
RegisterTile::emitSteps(IndexBuilder &ib, const ReductionLoop &loop,
                        int64_t count, OpFoldResult lhsOffset,
                        OpFoldResult rhsOffset, Values sums) const {
  bool hasNeighbours = hasLhsNeighbours(loop);
  for (int64_t u = 0; u < count;) {
    OpFoldResult lhsAt =
        ib.add(lhsOffset, ib.mul(ib.constant(u), loop.lhsStep));
    OpFoldResult rhsAt =
        ib.add(rhsOffset, ib.mul(ib.constant(u), loop.rhsStep));
    if (dot.wordGroups > 1 && u + dot.wordGroups <= count) {
      sums = emitWordGroups(ib, loop, lhsAt, rhsAt, std::move(sums));
      u += dot.wordGroups;
    } else if (hasNeighbours && u + lhsSteps <= count) {
      sums = emitLhsSteps(ib, loop, lhsAt, rhsAt, std::move(sums));
      u += lhsSteps;
    } else {
      sums = emitStep(ib, loop, ib.constant(dot.interleave), lhsAt, rhsAt,
                      std::move(sums));
      ++u;
    }
  }
  return sums;
}

bool RegisterTile::hasLhsNeighbours(const ReductionLoop &loop) const {
  return lhsSteps > 1 && getConstantIntValue(loop.lhsStep) == dot.interleave;
}

RegisterTile::Values RegisterTile::emitLhsSteps(IndexBuilder &ib,
                                                const ReductionLoop &loop,
                                                OpFoldResult lhsOffset,
                                                OpFoldResult rhsOffset,
                                                Values sums) const {
  int64_t width = rhsPanels.size() * vectors;
  Values right;
  for (int64_t s = 0; s < lhsSteps; ++s)
    llvm::append_range(
        right,
        loadPanels(ib, loop,
                   ib.add(rhsOffset, ib.mul(ib.constant(s), loop.rhsStep))));
  for (auto [r, row] : llvm::enumerate(lhsRows)) {
    Values splats = loadLhsGroups(ib, ib.add(row, lhsOffset), lhsSteps);
    for (auto [s, splat] : llvm::enumerate(splats))
      for (int64_t v = 0; v < width; ++v)
        sums[r * width + v] =
            multiplyAdd(ib, splat, right[s * width + v], sums[r * width + v]);
  }
  return sums;
}

RegisterTile::Values RegisterTile::emitWordGroups(IndexBuilder &ib,
                                                  const ReductionLoop &loop,
                                                  OpFoldResult lhsOffset,
                                                  OpFoldResult rhsOffset,
                                                  Values sums) const {
  int64_t width = rhsPanels.size() * vectors;
  auto advance = [&](OpFoldResult from, int64_t group, OpFoldResult step) {
    return ib.add(from, ib.mul(ib.constant(group), step));
  };
  // The vectors of one group after those of another.
  Values right;
  for (int64_t g = 0; g < dot.wordGroups; ++g)
    llvm::append_range(
        right, loadPanels(ib, loop, advance(rhsOffset, g, loop.rhsStep)));
  for (auto [r, row] : llvm::enumerate(lhsRows)) {
    Values words(width);
    for (int64_t g = 0; g < dot.wordGroups; ++g) {
      Value splat =
          loadLhs(ib, advance(ib.add(row, lhsOffset), g, loop.lhsStep),
                  ib.constant(dot.interleave));
      for (int64_t v = 0; v < width; ++v) {
        Value products = multiplyToWords(ib, splat, right[g * width + v]);
        words[v] = g == 0
                       ? products
                       : arith::AddIOp::create(ib.b, ib.loc, words[v], products)
                             .getResult();
      }
    }
    for (int64_t v = 0; v < width; ++v)
      sums[r * width + v] = addWords(ib, words[v], sums[r * width + v]);
  }
  return sums;
}

/// A loop that carries `sums`.
static SmallVector<Value>
carry(IndexBuilder &ib, OpFoldResult from, OpFoldResult to, int64_t step,
      SmallVector<Value> sums,
      function_ref<SmallVector<Value>(OpFoldResult, SmallVector<Value>)> body) {
  std::optional<int64_t> cf = getConstantIntValue(from);
  std::optional<int64_t> ct = getConstantIntValue(to);
  if (cf && ct && *ct <= *cf)
    return sums;
  if (cf && ct && *ct - *cf <= step)
    return body(from, std::move(sums));
  auto loop = scf::ForOp::create(ib.b, ib.loc, ib.value(from), ib.value(to),
                                 ib.value(ib.constant(step)), sums);
  OpBuilder::InsertionGuard guard(ib.b);
  ib.b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(OpFoldResult(loop.getInductionVar()),
                                 SmallVector<Value>(loop.getRegionIterArgs()));
  scf::YieldOp::create(ib.b, ib.loc, next);
  return SmallVector<Value>(loop.getResults());
}

/// All steps of `loops`; the most there can be if run time knows.
static int64_t countSteps(ArrayRef<ReductionLoop> loops) {
  int64_t steps = 1;
  for (const ReductionLoop &loop : loops) {
    std::optional<int64_t> count = getConstantIntValue(loop.count);
    if (!count)
      return std::numeric_limits<int64_t>::max();
    steps *= *count;
  }
  return steps;
}

bool RegisterTile::sumsNarrow() const {
  return dot.wordGroups > 1 && dot.instruction.empty();
}

RegisterTile::Values RegisterTile::emitNarrow(
    IndexBuilder &ib, Values sums,
    function_ref<Values(const RegisterTile &, Values)> emit) const {
  RegisterTile narrow = *this;
  Type element = lhs->getElementType();
  // As many bits: two neighbours along the depth for a column, or twice as many
  // columns.
  narrow.accumulatorType = VectorType::get(
      getWordLanes() * (32 / element.getIntOrFloatBitWidth()), element);
  narrow.dot.wordGroups = 1;
  if (dot.interleave == 1)
    narrow.vectors = llvm::divideCeil(vectors, 2);
  Value zero = arith::ConstantOp::create(
      ib.b, ib.loc, ib.b.getZeroAttr(narrow.accumulatorType));
  Values parts = emit(narrow, Values(countSumRows() * narrow.getWidth(), zero));
  if (dot.interleave > 1) {
    addNarrowSums(ib, parts, sums);
    return sums;
  }
  // Each panel has columns of its own.
  MutableArrayRef<Value> rest = sums;
  for (ArrayRef<Value> own = parts; !own.empty();
       own = own.drop_front(narrow.vectors), rest = rest.drop_front(vectors))
    addNarrowHalves(ib, own.take_front(narrow.vectors),
                    rest.take_front(vectors));
  return sums;
}

RegisterTile::Values
RegisterTile::emitNarrowParts(IndexBuilder &ib, const ReductionLoop &loop,
                              OpFoldResult lhsOffset, OpFoldResult rhsOffset,
                              OpFoldResult step, Values sums) const {
  auto emitPart = [&](OpFoldResult first, OpFoldResult count, Values current) {
    return emitNarrow(ib, std::move(current),
                      [&](const RegisterTile &narrow, Values zeros) {
                        return narrow.emitLoops(
                            ib, {{count, loop.lhsStep, loop.rhsStep}},
                            ib.add(lhsOffset, ib.mul(first, loop.lhsStep)),
                            ib.add(rhsOffset, ib.mul(first, loop.rhsStep)),
                            ib.add(step, first), std::move(zeros));
                      });
  };
  OpFoldResult part = ib.constant(dot.wordGroups);
  OpFoldResult tail = ib.rem(loop.count, part);
  OpFoldResult whole = ib.sub(loop.count, tail);
  sums = carry(ib, ib.constant(0), whole, dot.wordGroups, std::move(sums),
               [&](OpFoldResult i, Values current) {
                 return emitPart(i, part, std::move(current));
               });
  return carry(ib, ib.constant(0), ib.min(tail, ib.constant(1)), 1,
               std::move(sums), [&](OpFoldResult, Values current) {
                 return emitPart(whole, tail, std::move(current));
               });
}

RegisterTile::Values
RegisterTile::emitLoops(IndexBuilder &ib, ArrayRef<ReductionLoop> rest,
                        OpFoldResult lhsOffset, OpFoldResult rhsOffset,
                        OpFoldResult step, Values sums) const {
  if (sumsNarrow() && countSteps(rest) <= dot.wordGroups)
    return emitNarrow(ib, std::move(sums),
                      [&](const RegisterTile &narrow, Values zeros) {
                        return narrow.emitLoops(ib, rest, lhsOffset, rhsOffset,
                                                step, std::move(zeros));
                      });
  const ReductionLoop &loop = rest.front();
  auto advance = [&](OpFoldResult i, auto body) {
    return body(ib.add(lhsOffset, ib.mul(i, loop.lhsStep)),
                ib.add(rhsOffset, ib.mul(i, loop.rhsStep)));
  };
  if (rest.size() > 1) {
    OpFoldResult stepsInside = ib.constant(1);
    for (const ReductionLoop &inner : rest.drop_front())
      stepsInside = ib.mul(stepsInside, inner.count);
    return carry(ib, ib.constant(0), loop.count, 1, std::move(sums),
                 [&](OpFoldResult i, Values current) {
                   return advance(i, [&](OpFoldResult l, OpFoldResult r) {
                     return emitLoops(ib, rest.drop_front(), l, r,
                                      ib.add(step, ib.mul(i, stepsInside)),
                                      std::move(current));
                   });
                 });
  }
  if (sumsNarrow())
    return emitNarrowParts(ib, loop, lhsOffset, rhsOffset, step,
                           std::move(sums));
  OpFoldResult tail = ib.rem(loop.count, ib.constant(unroll));
  OpFoldResult whole = ib.sub(loop.count, tail);
  sums = carry(ib, ib.constant(0), whole, unroll, std::move(sums),
               [&](OpFoldResult i, Values current) {
                 emitPrefetch(ib, ib.add(step, i));
                 return advance(i, [&](OpFoldResult l, OpFoldResult r) {
                   return emitSteps(ib, loop, unroll, l, r, std::move(current));
                 });
               });
  if (std::optional<int64_t> count = getConstantIntValue(tail))
    return advance(whole, [&](OpFoldResult l, OpFoldResult r) {
      return emitSteps(ib, loop, *count, l, r, std::move(sums));
    });
  return carry(ib, whole, loop.count, 1, std::move(sums),
               [&](OpFoldResult i, Values current) {
                 return advance(i, [&](OpFoldResult l, OpFoldResult r) {
                   return emitSteps(ib, loop, 1, l, r, std::move(current));
                 });
               });
}

/// A word of 32 bits in a view of bytes.
static OpFoldResult loadWord(IndexBuilder &ib, const LinearView &view,
                             OpFoldResult position) {
  Type word = ib.b.getI32Type();
  Value bytes = vector::LoadOp::create(
      ib.b, ib.loc,
      VectorType::get(ExcessRow::kWordBytes, view.getElementType()),
      view.buffer, ib.value(position));
  Value words =
      vector::BitCastOp::create(ib.b, ib.loc, VectorType::get(1, word), bytes);
  return arith::IndexCastOp::create(
             ib.b, ib.loc, ib.b.getIndexType(),
             vector::ExtractOp::create(ib.b, ib.loc, words, 0))
      .getResult();
}

RegisterTile::Values RegisterTile::emitExcess(IndexBuilder &ib,
                                              Values sums) const {
  int64_t width = rhsPanels.size() * vectors;
  for (auto [p, panel] : llvm::enumerate(excess->panels)) {
    Values own;
    for (size_t r = 0; r < lhsRows.size(); ++r)
      llvm::append_range(
          own, ArrayRef(sums).slice(r * width + p * vectors, vectors));
    OpFoldResult count =
        loadWord(ib, *excess->view,
                 ib.add(panel, ib.constant(excess->row.getCountOffset())));
    own = carry(
        ib, ib.constant(0), count, 1, std::move(own),
        [&, panel = panel](OpFoldResult i, Values current) {
          RegisterTile again = *this;
          OpFoldResult row = ib.add(panel, ib.mul(i, excess->stride));
          again.rhs = excess->view;
          again.rhsPanels = {row};
          again.prefetchRows = 0;
          OpFoldResult lhsOffset = ib.constant(0);
          for (auto [dim, step] : llvm::enumerate(excess->lhsSteps)) {
            OpFoldResult index = loadWord(
                ib, *excess->view,
                ib.add(row, ib.constant(excess->row.getIndexOffset(dim))));
            lhsOffset = ib.add(lhsOffset, ib.mul(index, step));
          }
          return again.emitStep(ib, {}, ib.constant(dot.interleave), lhsOffset,
                                ib.constant(0), std::move(current));
        });
    for (size_t r = 0; r < lhsRows.size(); ++r)
      for (int64_t v = 0; v < vectors; ++v)
        sums[r * width + p * vectors + v] = own[r * vectors + v];
  }
  return sums;
}

SmallVector<Value> RegisterTile::emit(IndexBuilder &ib) const {
  Value zero = arith::ConstantOp::create(ib.b, ib.loc,
                                         ib.b.getZeroAttr(accumulatorType));
  Values sums(countSumRows() * getWidth(), zero);
  sums = emitLoops(ib, loops, ib.constant(0), ib.constant(0), ib.constant(0),
                   std::move(sums));
  if (excess)
    sums = emitExcess(ib, std::move(sums));
  if (!partialGroup)
    return splitBlocks(ib, std::move(sums));
  const ReductionLoop &loop = loops.front();
  sums = carry(
      ib, ib.constant(0), ib.min(partialGroup, ib.constant(1)), 1,
      std::move(sums), [&](OpFoldResult, Values current) {
        OpFoldResult l = ib.mul(loop.count, loop.lhsStep),
                     r = ib.mul(loop.count, loop.rhsStep);
        if (!sumsNarrow())
          return emitStep(ib, loop, partialGroup, l, r, std::move(current));
        return emitNarrow(ib, std::move(current),
                          [&](const RegisterTile &narrow, Values zeros) {
                            return narrow.emitStep(ib, loop, partialGroup, l, r,
                                                   std::move(zeros));
                          });
      });
  return splitBlocks(ib, std::move(sums));
}

RegisterTile::Values RegisterTile::splitBlocks(IndexBuilder &ib,
                                               Values sums) const {
  if (dot.getBlockRows() == 1)
    return sums;
  // Of two squares side by side the upper halves are one row, and the lower
  // ones the next.
  Values rows;
  for (size_t r = 0; r < lhsRows.size(); ++r) {
    const Value *squares = &sums[r / 2 * getWidth()];
    int64_t first = r % 2 * 2;
    for (int64_t w = 0; w < getWidth(); w += 2)
      rows.push_back(vector::ShuffleOp::create(
          ib.b, ib.loc, squares[w], squares[w + 1],
          ArrayRef<int64_t>{first, first + 1, first + 4, first + 5}));
  }
  return rows;
}
