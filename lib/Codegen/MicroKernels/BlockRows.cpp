// Rows for products with packed weights. An activation of 16 bits errs by
// 1 / 65534 of the largest of its group, which is far below what weights of 4
// bits do, and its sums with such weights are exact.
#include "BlockRows.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// The largest integer of 16 bits in magnitude, and the largest whose parts are
/// signed bytes.
static constexpr float kSteps = 32767, kStepsInParts = 127 * 256 + 127;
/// Below this a group counts as 0: its reciprocal would be infinite.
static constexpr float kSmallest = 1e-33f;

int64_t BlockRows::getBytes(BlockWeightsAttr layout, Form form) {
  int64_t depth = layout.getGroups() * layout.getGroup();
  return form == Form::floats ? depth * 4 : depth * 2 + layout.getGroups() * 8;
}

BlockRows::BlockRows(IndexBuilder &ib, BlockWeightsAttr layout,
                     int64_t capacity, int64_t lanes, Form form)
    : layout(layout), lanes(lanes),
      depth(layout.getGroups() * layout.getGroup()), form(form) {
  Operation *around = ib.b.getInsertionBlock()->getParentOp();
  while (!isa<scf::ForallOp, FunctionOpInterface>(around))
    around = around->getParentOp();
  OpBuilder::InsertionGuard guard(ib.b);
  ib.b.setInsertionPointToStart(&around->getRegion(0).front());
  auto allocate = [&](int64_t count, Type element) -> Value {
    auto type = MemRefType::get({count}, element);
    return memref::AllocaOp::create(ib.b, ib.loc, type,
                                    ib.b.getI64IntegerAttr(64));
  };
  Type f32 = ib.b.getF32Type();
  switch (form) {
  case Form::floats:
    elements = allocate(capacity * depth, f32);
    return;
  case Form::words:
    elements = allocate(capacity * depth, ib.b.getI16Type());
    break;
  case Form::bytes:
    elements = allocate(capacity * depth * 2, ib.b.getI8Type());
  }
  scales = allocate(capacity * layout.getGroups(), f32);
  sums = allocate(capacity * layout.getGroups(), ib.b.getI32Type());
}

OpFoldResult BlockRows::at(IndexBuilder &ib, OpFoldResult row, OpFoldResult k) {
  return ib.add(ib.mul(row, ib.constant(depth)), k);
}

OpFoldResult BlockRows::groupAt(IndexBuilder &ib, OpFoldResult row,
                                OpFoldResult group) {
  return ib.add(ib.mul(row, ib.constant(layout.getGroups())), group);
}

static Value splat(IndexBuilder &ib, VectorType type, float value) {
  return arith::ConstantOp::create(
      ib.b, ib.loc, DenseElementsAttr::get(type, ib.b.getF32FloatAttr(value)));
}

void BlockRows::fill(IndexBuilder &ib, OpFoldResult row, const LinearView &lhs,
                     OpFoldResult start, OpFoldResult stride) {
  int64_t group = layout.getGroup(), whole = layout.getDepth() / group;
  OpFoldResult step = ib.mul(ib.constant(group), stride);
  ib.loop(ib.constant(0), ib.constant(whole), 1, [&](OpFoldResult i) {
    fillGroup(ib, row, i, group, lhs, ib.add(start, ib.mul(i, step)), stride);
  });
  if (int64_t rest = layout.getDepth() % group)
    fillGroup(ib, row, ib.constant(whole), rest, lhs,
              ib.add(start, ib.mul(ib.constant(whole), step)), stride);
}

void BlockRows::fillGroup(IndexBuilder &ib, OpFoldResult row,
                          OpFoldResult group, int64_t count,
                          const LinearView &lhs, OpFoldResult start,
                          OpFoldResult stride) {
  auto type = VectorType::get(lanes, ib.b.getF32Type());
  auto maskType = VectorType::get(lanes, ib.b.getI1Type());
  Value zero = splat(ib, type, 0);
  SmallVector<Value> vectors;
  for (int64_t first = 0; first < layout.getGroup(); first += lanes) {
    int64_t valid = std::clamp<int64_t>(count - first, 0, lanes);
    OpFoldResult position = ib.add(start, ib.mul(ib.constant(first), stride));
    if (valid == 0) {
      vectors.push_back(zero);
    } else if (getConstantIntValue(stride) != 1) {
      // A transposed left side: its elements stand apart.
      Value vector = zero;
      for (int64_t i = 0; i < valid; ++i) {
        OpFoldResult one = ib.add(position, ib.mul(ib.constant(i), stride));
        Value scalar =
            memref::LoadOp::create(ib.b, ib.loc, lhs.buffer, ib.value(one));
        vector = vector::InsertOp::create(ib.b, ib.loc, scalar, vector, i);
      }
      vectors.push_back(vector);
    } else if (valid == lanes) {
      vectors.push_back(vector::LoadOp::create(ib.b, ib.loc, type, lhs.buffer,
                                               ib.value(position)));
    } else {
      Value mask = vector::ConstantMaskOp::create(
          ib.b, ib.loc, maskType, ib.b.getDenseI64ArrayAttr({valid}));
      vectors.push_back(vector::MaskedLoadOp::create(
          ib.b, ib.loc, type, lhs.buffer, ib.value(position), mask, zero));
    }
  }
  if (form != Form::floats)
    return storeIntegers(ib, row, group, vectors);
  OpFoldResult first = ib.mul(group, ib.constant(layout.getGroup()));
  for (auto [i, vector] : llvm::enumerate(vectors)) {
    int64_t offset = i * lanes, left = layout.getGroup() - offset;
    Value position = ib.value(at(ib, row, ib.add(first, ib.constant(offset))));
    SmallVector<float> factors;
    for (int64_t lane = 0; lane < lanes; ++lane)
      factors.push_back(
          std::ldexp(1.0f, -int((offset + lane) % layout.getPerWord() / 2) *
                               int(layout.getBits())));
    vector = arith::MulFOp::create(
        ib.b, ib.loc, vector,
        arith::ConstantOp::create(
            ib.b, ib.loc,
            DenseElementsAttr::get(type, ArrayRef<float>(factors))));
    if (left >= lanes) {
      vector::StoreOp::create(ib.b, ib.loc, vector, elements, position);
      continue;
    }
    Value mask = vector::ConstantMaskOp::create(
        ib.b, ib.loc, maskType, ib.b.getDenseI64ArrayAttr({left}));
    vector::MaskedStoreOp::create(ib.b, ib.loc, elements, position, mask,
                                  vector);
  }
}

void BlockRows::storeIntegers(IndexBuilder &ib, OpFoldResult row,
                              OpFoldResult group, ValueRange vectors) {
  OpBuilder &b = ib.b;
  Location loc = ib.loc;
  auto type = cast<VectorType>(vectors.front().getType());
  // Magnitudes compare as their bits do, and NaN is above all of them: it makes
  // the scale NaN, and with that all results of the row.
  auto words = type.clone(b.getI32Type());
  Value mask = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(words, b.getI32IntegerAttr(0x7fffffff)));
  Value largest;
  for (Value vector : vectors) {
    Value magnitude = arith::AndIOp::create(
        b, loc, arith::BitcastOp::create(b, loc, words, vector), mask);
    largest = largest
                  ? Value(arith::MaxUIOp::create(b, loc, largest, magnitude))
                  : magnitude;
  }
  Value most = arith::BitcastOp::create(
      b, loc, b.getF32Type(),
      vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXUI,
                                  largest));
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  };
  Value isLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, most,
                                        number(kSmallest));
  float count = form == Form::bytes ? kStepsInParts : kSteps;
  Value factor = arith::SelectOp::create(
      b, loc, isLarge, arith::DivFOp::create(b, loc, number(count), most),
      number(0));
  Value scale = arith::MulFOp::create(b, loc, most, number(1 / count));
  Value factors = vector::BroadcastOp::create(b, loc, type, factor);

  Value low = splat(ib, type, -count), high = splat(ib, type, count), sum;
  SmallVector<Value> integers;
  OpFoldResult first = ib.mul(group, ib.constant(layout.getGroup()));
  for (auto [i, vector] : llvm::enumerate(vectors)) {
    Value steps = arith::MulFOp::create(b, loc, vector, factors);
    // What is no number may not reach the conversion.
    steps = arith::MinNumFOp::create(
        b, loc, arith::MaxNumFOp::create(b, loc, steps, low), high);
    Value q = arith::FPToSIOp::create(b, loc, words,
                                      math::RoundEvenOp::create(b, loc, steps));
    sum = sum ? Value(arith::AddIOp::create(b, loc, sum, q)) : q;
    if (form == Form::bytes) {
      integers.push_back(q);
      continue;
    }
    Value narrow =
        arith::TruncIOp::create(b, loc, type.clone(b.getI16Type()), q);
    int64_t offset = i * lanes, left = layout.getGroup() - offset;
    if (left < lanes)
      narrow = vector::ExtractStridedSliceOp::create(
          b, loc, narrow, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{left},
          ArrayRef<int64_t>{1});
    vector::StoreOp::create(
        b, loc, narrow, elements,
        ib.value(at(ib, row, ib.add(first, ib.constant(offset)))));
  }
  if (form == Form::bytes)
    storeParts(ib, row, group, integers);
  Value total =
      vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, sum);
  int64_t zero = layout.hasZeroPoints() ? 1 : layout.getZeroPoint();
  if (form == Form::bytes && !layout.hasZeroPoints())
    zero -= getByteShift(layout);
  Value negative =
      arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(-zero));
  Value correction = arith::MulIOp::create(b, loc, total, negative);
  Value position = ib.value(groupAt(ib, row, group));
  memref::StoreOp::create(b, loc, scale, scales, position);
  memref::StoreOp::create(b, loc, correction, sums, position);
}

void BlockRows::storeParts(IndexBuilder &ib, OpFoldResult row,
                           OpFoldResult group, ArrayRef<Value> integers) {
  OpBuilder &b = ib.b;
  Location loc = ib.loc;
  // Vectors are joined to whole words of weights.
  int64_t perWord = layout.getPerWord(), bits = layout.getBits();
  int64_t joined = std::max<int64_t>(perWord / lanes, 1), size = joined * lanes;
  auto words = VectorType::get(size, b.getI32Type());
  // Of four bytes in a word the lower two are the first neighbours of pairs.
  SmallVector<int64_t> order;
  for (int64_t word = 0; word < size; word += perWord)
    for (int64_t place = 0; place < 8 / bits; ++place)
      for (int64_t part : {int64_t(0), size})
        for (int64_t byte = 0; byte < 4; ++byte)
          order.push_back(part + word + 2 * (byte % 2 * (8 / bits) + place) +
                          byte / 2);
  auto splatWord = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(words, b.getI32IntegerAttr(value)));
  };
  OpFoldResult first = ib.mul(group, ib.constant(layout.getGroup()));
  for (size_t i = 0; i < integers.size(); i += joined) {
    Value q = splatWord(0);
    for (auto [j, vector] : llvm::enumerate(
             integers.slice(i, std::min<size_t>(joined, integers.size() - i))))
      q = vector::InsertStridedSliceOp::create(
          b, loc, vector, q, ArrayRef<int64_t>{int64_t(j) * lanes},
          ArrayRef<int64_t>{1});
    Value high = arith::ShRSIOp::create(
        b, loc, arith::AddIOp::create(b, loc, q, splatWord(128)), splatWord(8));
    auto narrow = words.clone(b.getI8Type());
    Value parts = vector::ShuffleOp::create(
        b, loc, arith::TruncIOp::create(b, loc, narrow, high),
        arith::TruncIOp::create(b, loc, narrow, q), order);
    int64_t offset = i * lanes, left = layout.getGroup() - offset;
    if (left < size)
      parts = vector::ExtractStridedSliceOp::create(
          b, loc, parts, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{2 * left},
          ArrayRef<int64_t>{1});
    Value position = ib.value(ib.mul(
        at(ib, row, ib.add(first, ib.constant(offset))), ib.constant(2)));
    vector::StoreOp::create(b, loc, parts, elements, position);
  }
}

SmallVector<Value> BlockRows::loadParts(IndexBuilder &ib, OpFoldResult row,
                                        OpFoldResult k) {
  int64_t count = layout.getPerWord() / 2;
  Value bytes = vector::LoadOp::create(
      ib.b, ib.loc, VectorType::get(4 * count, ib.b.getI8Type()), elements,
      ib.value(ib.mul(at(ib, row, k), ib.constant(2))));
  Value groups = vector::BitCastOp::create(
      ib.b, ib.loc, VectorType::get(count, ib.b.getI32Type()), bytes);
  SmallVector<Value> parts;
  for (int64_t i = 0; i < count; ++i)
    parts.push_back(vector::BitCastOp::create(
        ib.b, ib.loc, VectorType::get(4 * lanes, ib.b.getI8Type()),
        vector::ShuffleOp::create(ib.b, ib.loc, groups, groups,
                                  SmallVector<int64_t>(lanes, i))));
  return parts;
}

static Value loadSplat(IndexBuilder &ib, Value memory, OpFoldResult position,
                       int64_t lanes) {
  Value scalar =
      memref::LoadOp::create(ib.b, ib.loc, memory, ib.value(position));
  return vector::BroadcastOp::create(
      ib.b, ib.loc, VectorType::get(lanes, scalar.getType()), scalar);
}

Value BlockRows::loadPair(IndexBuilder &ib, OpFoldResult row, OpFoldResult k) {
  Type word = ib.b.getI32Type(), half = ib.b.getI16Type();
  Value pair = vector::LoadOp::create(ib.b, ib.loc, VectorType::get(2, half),
                                      elements, ib.value(at(ib, row, k)));
  Value bits = vector::ExtractOp::create(
      ib.b, ib.loc,
      vector::BitCastOp::create(ib.b, ib.loc, VectorType::get(1, word), pair),
      0);
  Value words = vector::BroadcastOp::create(ib.b, ib.loc,
                                            VectorType::get(lanes, word), bits);
  return vector::BitCastOp::create(ib.b, ib.loc,
                                   VectorType::get(2 * lanes, half), words);
}

Value BlockRows::loadFloat(IndexBuilder &ib, OpFoldResult row, OpFoldResult k) {
  return loadSplat(ib, elements, at(ib, row, k), lanes);
}

Value BlockRows::loadScale(IndexBuilder &ib, OpFoldResult row,
                           OpFoldResult group) {
  return loadSplat(ib, scales, groupAt(ib, row, group), lanes);
}

Value BlockRows::loadNegativeSum(IndexBuilder &ib, OpFoldResult row,
                                 OpFoldResult group) {
  return loadSplat(ib, sums, groupAt(ib, row, group), lanes);
}
