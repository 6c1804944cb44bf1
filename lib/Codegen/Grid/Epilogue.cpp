// Scalars of products; epilogues of neighbouring results access memory in
// vectors.
#include "Epilogue.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mopt;

Value mopt::joinElements(GridBuilder &g, ArrayRef<Value> elements) {
  auto type = VectorType::get(elements.size(), elements.front().getType());
  return vector::FromElementsOp::create(g.b, g.loc, type, elements);
}

SmallVector<Value> mopt::splitElements(GridBuilder &g, Value vector) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < cast<VectorType>(vector.getType()).getDimSize(0); ++i)
    elements.push_back(vector::ExtractOp::create(g.b, g.loc, vector, i));
  return elements;
}

Value mopt::widenElement(GridBuilder &g, Value value, Type type,
                         bool isUnsigned) {
  if (value.getType() == type)
    return value;
  if (isa<FloatType>(type) && isa<FloatType>(value.getType()))
    return arith::ExtFOp::create(g.b, g.loc, type, value);
  if (isa<FloatType>(type))
    return arith::SIToFPOp::create(g.b, g.loc, type, value);
  if (isUnsigned)
    return arith::ExtUIOp::create(g.b, g.loc, type, value);
  return arith::ExtSIOp::create(g.b, g.loc, type, value);
}

Value mopt::multiplyAdd(GridBuilder &g, Value x, Value y, Value sum) {
  if (!isa<FloatType>(sum.getType()))
    return arith::AddIOp::create(g.b, g.loc, sum,
                                 arith::MulIOp::create(g.b, g.loc, x, y));
  return math::FmaOp::create(g.b, g.loc, x, y, sum);
}

bool mopt::keepsNeighbours(MemRefType type, AffineMap map, int64_t count) {
  unsigned last = map.getNumDims() - 1, results = map.getNumResults();
  if (results == 0 ||
      map.getResult(results - 1) != getAffineDimExpr(last, map.getContext()) ||
      llvm::any_of(map.getResults().drop_back(),
                   [&](AffineExpr expr) { return expr.isFunctionOfDim(last); }))
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      strides.pop_back_val() != 1 || ShapedType::isDynamic(offset) ||
      offset % count != 0)
    return false;
  return llvm::all_of(
      llvm::zip_equal(strides, type.getShape().drop_back()), [&](auto dim) {
        auto [stride, size] = dim;
        return size == 1 ||
               (ShapedType::isStatic(stride) && stride % count == 0);
      });
}

static llvm::MaybeAlign getAlignment(MemRefType type, int64_t count) {
  return llvm::MaybeAlign(count * type.getElementTypeBitWidth() / 8);
}

/// `point` and its neighbours.
static SmallVector<SmallVector<Value>>
getNeighbours(GridBuilder &g, ArrayRef<Value> point, int64_t count) {
  SmallVector<SmallVector<Value>> points(count, SmallVector<Value>(point));
  for (int64_t i = 1; i < count; ++i)
    points[i].back() = g.add(point.back(), i);
  return points;
}

SmallVector<SmallVector<Value>> mopt::loadNeighbours(GridBuilder &g,
                                                     ValueRange inputs,
                                                     ArrayRef<AffineMap> maps,
                                                     ArrayRef<Value> point,
                                                     int64_t count) {
  SmallVector<SmallVector<Value>> points = getNeighbours(g, point, count);
  SmallVector<SmallVector<Value>> loaded(count);
  for (auto [input, map] : llvm::zip_equal(inputs, maps)) {
    auto type = dyn_cast<MemRefType>(input.getType());
    if (count > 1 && type && keepsNeighbours(type, map, count)) {
      Value vector = vector::LoadOp::create(
          g.b, g.loc, VectorType::get(count, type.getElementType()), input,
          g.apply(map, point), /*nontemporal=*/false,
          getAlignment(type, count));
      for (auto [i, element] : llvm::enumerate(splitElements(g, vector)))
        loaded[i].push_back(element);
      continue;
    }
    bool isOne = !map.isFunctionOfDim(map.getNumDims() - 1);
    Value first = g.load(input, map, point);
    for (int64_t i = 0; i < count; ++i)
      loaded[i].push_back(isOne || i == 0 ? first
                                          : g.load(input, map, points[i]));
  }
  return loaded;
}

SmallVector<Value> mopt::computeScalars(GridBuilder &g, Block &block,
                                        ArrayRef<Value> point,
                                        ArrayRef<Value> sums,
                                        ArrayRef<SmallVector<Value>> loaded) {
  SmallVector<SmallVector<Value>> points = getNeighbours(g, point, sums.size());
  SmallVector<Value> results;
  for (auto [sum, inputs, at] : llvm::zip_equal(sums, loaded, points)) {
    SmallVector<Value> arguments{sum};
    if (block.getNumArguments() != 1 + inputs.size())
      llvm::append_range(arguments, at);
    llvm::append_range(arguments, inputs);
    IRMapping mapping;
    mapping.map(block.getArguments(), arguments);
    for (Operation &scalar : block.without_terminator())
      g.b.clone(scalar, mapping);
    results.push_back(
        mapping.lookupOrDefault(block.getTerminator()->getOperand(0)));
  }
  return results;
}

SmallVector<Value> mopt::finishResults(GridBuilder &g, AnchorOpInterface op,
                                       ArrayRef<Value> point,
                                       ArrayRef<Value> sums) {
  return computeScalars(g, op.getEpilogue().front(), point, sums,
                        loadNeighbours(g, op.getEpilogueInputs(),
                                       op.getEpilogueIndexingMaps(), point,
                                       sums.size()));
}

void mopt::storeNeighbours(GridBuilder &g, Value init, AffineMap map,
                           ArrayRef<Value> point, ArrayRef<Value> results) {
  OpBuilder &b = g.b;
  int64_t count = results.size();
  auto type = cast<MemRefType>(init.getType());
  if (count > 1 && keepsNeighbours(type, map, count)) {
    vector::StoreOp::create(b, g.loc, joinElements(g, results), init,
                            g.apply(map, point), /*nontemporal=*/false,
                            getAlignment(type, count));
    return;
  }
  SmallVector<SmallVector<Value>> points = getNeighbours(g, point, count);
  for (int64_t i = 0; i < count; ++i)
    memref::StoreOp::create(b, g.loc, results[i], init,
                            g.apply(map, points[i]));
}

void mopt::storeResults(GridBuilder &g, AnchorOpInterface op,
                        ArrayRef<Value> point, ArrayRef<Value> sums) {
  storeNeighbours(g, op.getInit(), op.getInitIndexingMap(), point,
                  finishResults(g, op, point, sums));
}
