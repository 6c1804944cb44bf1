// The scalar epilogue of an anchor, applied to vectors of accumulators. Values
// that do not depend on the row are loaded once for all rows of a tile.
#include "Epilogue.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mopt;

OpFoldResult mopt::mapPosition(IndexBuilder &ib, const LinearView &view,
                               AffineMap map,
                               ArrayRef<OpFoldResult> coordinates) {
  SmallVector<OpFoldResult> indices;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    indices.push_back(dim ? coordinates[dim.getPosition()] : ib.constant(0));
  }
  return view.at(ib, indices);
}

Epilogue::Epilogue(IndexBuilder &ib, AnchorOpInterface op)
    : op(op), maps(op.getEpilogueIndexingMaps()),
      init(LinearView::create(ib, op.getInit())) {
  for (Value input : op.getEpilogueInputs()) {
    views.emplace_back();
    if (isa<MemRefType>(input.getType()))
      views.back() = LinearView::create(ib, input);
  }
}

static bool uses(AffineMap map, int64_t dim) {
  return map.isFunctionOfDim(dim);
}

Value Epilogue::load(IndexBuilder &ib, const LinearView &view, AffineMap map,
                     ArrayRef<OpFoldResult> row, const OutputVector &vector,
                     int64_t lanes) {
  SmallVector<OpFoldResult> coordinates(row);
  coordinates.push_back(vector.column);
  Value position = ib.value(mapPosition(ib, view, map, coordinates));
  auto type = VectorType::get(lanes, view.getElementType());
  if (!uses(map, map.getNumDims() - 1)) {
    Value scalar = memref::LoadOp::create(ib.b, ib.loc, view.buffer, position);
    return vector::BroadcastOp::create(ib.b, ib.loc, type, scalar);
  }
  if (!vector.mask)
    return vector::LoadOp::create(ib.b, ib.loc, type, view.buffer, position);
  Value zero = arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(ib.b, ib.loc, type, view.buffer, position,
                                      vector.mask, zero);
}

/// Does `mask` leave the first lane only?
static bool isOfOneLane(Value mask) {
  auto constant = mask.getDefiningOp<vector::ConstantMaskOp>();
  return constant && constant.getMaskDimSizes() == ArrayRef<int64_t>(1);
}

/// Constants and values from outside the region stay scalar and are broadcast
/// where they are used.
Value Epilogue::apply(IndexBuilder &ib, Value accumulator, ValueRange inputs) {
  auto type = cast<VectorType>(accumulator.getType());
  Block &body = op.getEpilogue().front();
  IRMapping vectors;
  vectors.map(body.getArgument(0), accumulator);
  vectors.map(body.getArguments().drop_front(), inputs);
  auto getVector = [&](Value scalar) -> Value {
    if (!vectors.contains(scalar))
      vectors.map(scalar,
                  vector::BroadcastOp::create(
                      ib.b, ib.loc, type.clone(scalar.getType()), scalar));
    return vectors.lookup(scalar);
  };
  for (Operation &scalarOp : body.without_terminator()) {
    if (scalarOp.hasTrait<OpTrait::ConstantLike>()) {
      Value scalar = ib.b.clone(scalarOp)->getResult(0);
      vectors.map(scalarOp.getResult(0),
                  vector::BroadcastOp::create(
                      ib.b, ib.loc, type.clone(scalar.getType()), scalar));
      continue;
    }
    for (Value operand : scalarOp.getOperands())
      getVector(operand);
    Operation *vectorOp = ib.b.cloneWithoutRegions(scalarOp, vectors);
    for (OpResult result : vectorOp->getResults())
      result.setType(type.clone(result.getType()));
  }
  return getVector(cast<mopt::YieldOp>(body.getTerminator()).getOperand(0));
}

void Epilogue::emit(IndexBuilder &ib, ArrayRef<SmallVector<OpFoldResult>> rows,
                    const llvm::SmallBitVector &varying,
                    ArrayRef<OutputVector> vectors, ValueRange accumulators) {
  if (accumulators.empty())
    return;
  int64_t last = op.getOutputRank() - 1;
  int64_t lanes =
      cast<VectorType>(accumulators.front().getType()).getNumElements();
  auto dependsOnRow = [&](AffineMap map) {
    return llvm::any_of(varying.set_bits(),
                        [&](unsigned dim) { return uses(map, dim); });
  };
  // Loads come first where rows share them: later ones could not be proved to
  // see the same memory behind a store.
  int64_t count = views.size();
  SmallVector<SmallVector<Value>> shared(count);
  for (int64_t i = 0; i < count; ++i) {
    if (!views[i]) {
      Value scalar = op.getEpilogueInputs()[i];
      shared[i].push_back(vector::BroadcastOp::create(
          ib.b, ib.loc, VectorType::get(lanes, scalar.getType()), scalar));
    } else if (!dependsOnRow(maps[i])) {
      for (const OutputVector &vector :
           vectors.take_front(uses(maps[i], last) ? vectors.size() : 1))
        shared[i].push_back(
            load(ib, *views[i], maps[i], rows.front(), vector, lanes));
    }
  }
  for (auto [r, row] : llvm::enumerate(rows)) {
    SmallVector<Value> ofRow(count);
    for (auto [v, vector] : llvm::enumerate(vectors)) {
      SmallVector<Value> inputs;
      for (int64_t i = 0; i < count; ++i) {
        if (!shared[i].empty()) {
          inputs.push_back(shared[i].size() == 1 ? shared[i].front()
                                                 : shared[i][v]);
          continue;
        }
        if (uses(maps[i], last) || !ofRow[i])
          ofRow[i] = load(ib, *views[i], maps[i], row, vector, lanes);
        inputs.push_back(ofRow[i]);
      }
      Value result = apply(ib, accumulators[r * vectors.size() + v], inputs);
      SmallVector<OpFoldResult> coordinates(row);
      coordinates.push_back(vector.column);
      Value position =
          ib.value(mapPosition(ib, init, op.getInitIndexingMap(), coordinates));
      // LLVM 22 makes a store of 32 bits of a masked one of a single integer
      // that was truncated, and writes behind the row.
      if (vector.mask && isOfOneLane(vector.mask) &&
          !init.getElementType().isF32())
        memref::StoreOp::create(
            ib.b, ib.loc, vector::ExtractOp::create(ib.b, ib.loc, result, 0),
            init.buffer, position);
      else if (vector.mask)
        vector::MaskedStoreOp::create(ib.b, ib.loc, init.buffer, position,
                                      vector.mask, result);
      else
        vector::StoreOp::create(ib.b, ib.loc, result, init.buffer, position);
    }
  }
}
