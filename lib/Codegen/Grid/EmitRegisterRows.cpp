// Chains of ops on rows, in registers. The threads of a row have the same
// elements of all its buffers, in vectors of neighbours, so that what one op
// passes to the next stays where it is, and each buffer is read once. Sums are
// those of lanes and warps; what only depends on them is computed once.
#include "Emit.h"
#include "Epilogue.h"
#include "LaneSums.h"
#include "RowChain.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kWarp = 32;
/// Elements of a row that a thread has: more would not fit its registers, with
/// those of other buffers. Rows of a warp spare a barrier for each sum.
static constexpr int64_t kMostElements = 32;
static constexpr int64_t kMostThreads = 1024;
/// Blocks that keep a device busy; what is more can be in larger blocks.
static constexpr int64_t kBlocks = 1024, kRowsOfBlock = 4;

namespace {
class RegisterRows {
public:
  RegisterRows(OpBuilder &b, const RowChain &chain)
      : g(b, linalg::LinalgOp(chain.members.front().op).getLoc()), b(b),
        chain(chain), rowDims(chain.rowSizes.size()) {}

  /// Has the chain such a form? Then emits it.
  bool plan();
  LaunchShape emit();

private:
  /// One value for the row, or those of this thread's elements.
  using Values = SmallVector<Value>;

  AffineMap normalize(AffineMap map) const;
  bool isOfRow(AffineMap map) const;
  bool isWhole(linalg::LinalgOp op) const { return op.getNumLoops() > rowDims; }
  Values *find(Value buffer, AffineMap map);
  Values read(linalg::LinalgOp op, OpOperand &operand);
  Values loadElements(Value buffer, AffineMap map);
  void store(linalg::LinalgOp op, OpOperand &out, const Values &values);
  void emitPointwise(const RowChain::Member &member);
  void emitSum(const RowChain::Member &member);
  SmallVector<Values> emitBody(linalg::LinalgOp op, ArrayRef<Values> arguments,
                               ValueRange results, Operation *skipped);
  /// The point of this thread's element `i` in the loops of all of the row.
  SmallVector<Value> getPoint(int64_t i);
  /// Is it one of the row's? Null if all are.
  Value isInside(int64_t i) { return inside[i / width]; }
  int64_t countElements() const { return vectors * width; }

  GridBuilder g;
  OpBuilder &b;
  const RowChain &chain;
  size_t rowDims;
  SmallVector<int64_t> inner;
  int64_t length = 1;
  /// Of a row: threads, elements of a vector, vectors of a thread.
  int64_t threads = kWarp, width = 1, vectors = 1;

  Value thread;
  SmallVector<Value> row;
  /// Of each of this thread's vectors: the coordinates of its first element
  /// within the row, and whether it is there.
  SmallVector<SmallVector<Value>> starts;
  SmallVector<Value> inside;
  /// What is known of buffers at points of the loops.
  struct Known {
    Value buffer;
    AffineMap map;
    Values values;
  };
  SmallVector<Known> known;
};
} // namespace

static Value getRoot(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// The map from all loops, without those that have one step.
AffineMap RegisterRows::normalize(AffineMap map) const {
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> dims;
  for (unsigned dim = 0; dim < map.getNumDims(); ++dim) {
    int64_t size = dim < rowDims ? chain.rowSizes[dim] : inner[dim - rowDims];
    dims.push_back(size == 1 ? getAffineConstantExpr(0, context)
                             : getAffineDimExpr(dim, context));
  }
  return map.replaceDimsAndSymbols(dims, {}, rowDims + inner.size(), 0);
}

bool RegisterRows::isOfRow(AffineMap map) const {
  for (unsigned dim = rowDims; dim < map.getNumDims(); ++dim)
    if (map.isFunctionOfDim(dim))
      return false;
  return true;
}

bool RegisterRows::plan() {
  for (const RowChain::Member &member : chain.members) {
    linalg::LinalgOp op = member.op;
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    sizes.erase(sizes.begin(), sizes.begin() + rowDims);
    if (sizes.empty())
      continue;
    if (inner.empty())
      inner = sizes;
    if (inner != sizes)
      return false;
    if (op.getNumReductionLoops() > 0 &&
        !op.getMatchingBlockArgument(op.getDpsInitOperand(0)).hasOneUse())
      return false;
  }
  if (inner.empty())
    return false;
  length = mopt::countElements(inner);
  // What is passed on must be of the same elements.
  struct Access {
    Value buffer;
    AffineMap map;
    bool writes;
  };
  SmallVector<Access> accesses;
  int64_t bytes = 1;
  for (const RowChain::Member &member : chain.members) {
    linalg::LinalgOp op = member.op;
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      if (!type)
        continue;
      if (!type.getElementType().isIntOrFloat())
        return false;
      AffineMap map = normalize(op.getMatchingIndexingMap(&operand));
      accesses.push_back({operand.get(), map, op.isDpsInit(&operand)});
      if (!isOfRow(map))
        bytes = std::max<int64_t>(
            bytes, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
    }
  }
  for (const Access &x : accesses)
    for (const Access &y : accesses)
      if (x.writes && getRoot(x.buffer) == getRoot(y.buffer) &&
          (x.buffer != y.buffer || x.map != y.map))
        return false;
  width = std::max<int64_t>(1, kVectorBytes / bytes);
  while (inner.back() % width != 0)
    width /= 2;
  int64_t all = llvm::divideCeil(length, width);
  while (llvm::divideCeil(all, threads) * width > kMostElements)
    threads *= 2;
  vectors = llvm::divideCeil(all, threads);
  return threads <= kMostThreads;
}

SmallVector<Value> RegisterRows::getPoint(int64_t i) {
  SmallVector<Value> point(row);
  llvm::append_range(point, starts[i / width]);
  point.back() = g.add(point.back(), i % width);
  return point;
}

RegisterRows::Values *RegisterRows::find(Value buffer, AffineMap map) {
  for (Known &entry : known)
    if (entry.buffer == buffer && entry.map == map)
      return &entry.values;
  return nullptr;
}

RegisterRows::Values RegisterRows::loadElements(Value buffer, AffineMap map) {
  auto type = cast<MemRefType>(buffer.getType());
  Values values;
  for (int64_t i = 0; i < countElements(); i += width) {
    if (width > 1 && keepsNeighbours(type, map, width)) {
      Value vector = vector::LoadOp::create(
          b, g.loc, VectorType::get(width, type.getElementType()), buffer,
          g.apply(map, getPoint(i)), /*nontemporal=*/false,
          llvm::MaybeAlign(width * type.getElementTypeBitWidth() / 8));
      llvm::append_range(values, splitElements(g, vector));
      continue;
    }
    for (int64_t j = i; j < i + width; ++j)
      values.push_back(g.load(buffer, map, getPoint(j)));
  }
  return values;
}

RegisterRows::Values RegisterRows::read(linalg::LinalgOp op,
                                        OpOperand &operand) {
  Value buffer = operand.get();
  if (!isa<MemRefType>(buffer.getType()))
    return {buffer};
  AffineMap map = op.getMatchingIndexingMap(&operand);
  AffineMap key = normalize(map);
  if (Values *values = find(buffer, key))
    return *values;
  Values values;
  if (isOfRow(key)) {
    SmallVector<Value> point(row);
    point.resize(map.getNumDims(), g.index(0));
    values.push_back(g.load(buffer, map, point));
  } else {
    values = loadElements(buffer, map);
  }
  known.push_back({buffer, key, values});
  return values;
}

void RegisterRows::store(linalg::LinalgOp op, OpOperand &out,
                         const Values &values) {
  AffineMap map = op.getMatchingIndexingMap(&out);
  AffineMap key = normalize(map);
  if (Values *old = find(out.get(), key))
    *old = values;
  else
    known.push_back({out.get(), key, values});
}

/// What the op's scalar code, without the op `skipped`, makes of its arguments:
/// its values `results`. What is the same for all elements is computed once.
SmallVector<RegisterRows::Values>
RegisterRows::emitBody(linalg::LinalgOp op, ArrayRef<Values> arguments,
                       ValueRange results, Operation *skipped) {
  Block &block = op->getRegion(0).front();
  IRMapping common;
  llvm::SmallPtrSet<Value, 16> varying;
  for (auto [argument, values] :
       llvm::zip_equal(block.getArguments(), arguments)) {
    if (values.size() == 1)
      common.map(argument, values.front());
    else if (!values.empty())
      varying.insert(argument);
  }
  SmallVector<Operation *> ofElements;
  for (Operation &scalar : block.without_terminator()) {
    if (&scalar == skipped)
      continue;
    auto number = dyn_cast<linalg::IndexOp>(scalar);
    if (number && number.getDim() < rowDims) {
      common.map(number.getResult(), row[number.getDim()]);
      continue;
    }
    bool varies = number || scalar.getNumRegions() > 0 ||
                  llvm::any_of(scalar.getOperands(), [&](Value operand) {
                    return varying.contains(operand);
                  });
    if (!varies) {
      b.clone(scalar, common);
      continue;
    }
    for (Value result : scalar.getResults())
      varying.insert(result);
    ofElements.push_back(&scalar);
  }
  bool isOne = llvm::none_of(
      results, [&](Value value) { return varying.contains(value); });
  int64_t count = isOne ? 1 : countElements();
  SmallVector<Values> made(results.size());
  for (int64_t i = 0; i < count; ++i) {
    IRMapping mapping = common;
    for (auto [argument, values] :
         llvm::zip_equal(block.getArguments(), arguments))
      if (values.size() > 1)
        mapping.map(argument, values[i]);
    for (Operation *scalar : ofElements) {
      if (auto number = dyn_cast<linalg::IndexOp>(scalar)) {
        mapping.map(number.getResult(), getPoint(i)[number.getDim()]);
        continue;
      }
      Operation *clone = b.clone(*scalar, mapping);
      clone->walk([&](linalg::IndexOp nested) {
        nested.replaceAllUsesWith(getPoint(i)[nested.getDim()]);
        nested.erase();
      });
    }
    for (auto [values, value] : llvm::zip_equal(made, results))
      values.push_back(mapping.lookupOrDefault(value));
  }
  return made;
}

void RegisterRows::emitPointwise(const RowChain::Member &member) {
  linalg::LinalgOp op = member.op;
  SmallVector<Values> arguments;
  for (OpOperand &operand : op->getOpOperands()) {
    bool isSeen = !op.getMatchingBlockArgument(&operand).use_empty();
    if (op.isDpsInit(&operand) && isSeen && member.initial)
      arguments.push_back({member.initial});
    else
      arguments.push_back(isSeen ? read(op, operand) : Values());
  }
  SmallVector<Values> results = emitBody(
      op, arguments, op->getRegion(0).front().getTerminator()->getOperands(),
      /*skipped=*/nullptr);
  for (OpOperand &out : op.getDpsInitsMutable()) {
    const Values &values =
        results[out.getOperandNumber() - op.getNumDpsInputs()];
    store(op, out, values);
    if (!member.isStored)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&out);
    auto type = cast<MemRefType>(out.get().getType());
    auto getValue = [&](int64_t i) {
      return values[values.size() == 1 ? 0 : i];
    };
    if (!isWhole(op)) {
      g.guard(g.below(thread, 1), [&] {
        memref::StoreOp::create(b, g.loc, getValue(0), out.get(),
                                g.apply(map, row));
      });
      continue;
    }
    for (int64_t i = 0; i < countElements(); i += width)
      g.guard(isInside(i), [&] {
        if (width > 1 && keepsNeighbours(type, map, width)) {
          SmallVector<Value> elements;
          for (int64_t j = i; j < i + width; ++j)
            elements.push_back(getValue(j));
          vector::StoreOp::create(
              b, g.loc, joinElements(g, elements), out.get(),
              g.apply(map, getPoint(i)), /*nontemporal=*/false,
              llvm::MaybeAlign(width * type.getElementTypeBitWidth() / 8));
          return;
        }
        for (int64_t j = i; j < i + width; ++j)
          memref::StoreOp::create(b, g.loc, getValue(j), out.get(),
                                  g.apply(map, getPoint(j)));
      });
  }
}

void RegisterRows::emitSum(const RowChain::Member &member) {
  linalg::LinalgOp op = member.op;
  Operation *combiner = findCombiner(op);
  OpOperand &out = *op.getDpsInitOperand(0);
  BlockArgument carried = op.getMatchingBlockArgument(&out);
  // What is added, of all elements, then the sum.
  SmallVector<Values> arguments;
  for (OpOperand &operand : op->getOpOperands())
    arguments.push_back(
        op.isDpsInit(&operand) ||
                op.getMatchingBlockArgument(&operand).use_empty()
            ? Values()
            : read(op, operand));
  Value summand = combiner->getOperand(combiner->getOperand(0) == carried);
  Values summands = emitBody(op, arguments, summand, combiner).front();
  Value neutral =
      arith::ConstantOp::create(b, g.loc, *arith::getNeutralElement(combiner));
  // By halves: one after the other would wait for each other.
  LaneSums lanes(g, combiner);
  SmallVector<Value> sums;
  for (int64_t i = 0; i < countElements(); ++i) {
    Value next = summands[summands.size() == 1 ? 0 : i];
    if (isInside(i))
      next = arith::SelectOp::create(b, g.loc, isInside(i), next, neutral);
    sums.push_back(next);
  }
  while (sums.size() > 1) {
    size_t half = llvm::divideCeil(sums.size(), 2);
    for (size_t i = 0; i + half < sums.size(); ++i)
      sums[i] = lanes.combine(sums[i], sums[i + half]);
    sums.truncate(half);
  }
  Value sum = sums.front();
  sum = lanes.addLanes(sum);
  if (threads > kWarp)
    sum = lanes.addWarps(sum, thread, threads / kWarp,
                         op->getParentOfType<gpu::GPUFuncOp>());
  Value initial = member.initial ? member.initial : read(op, out).front();
  sum = lanes.combine(initial, sum);
  store(op, out, {sum});
  if (member.isStored)
    g.guard(g.below(thread, 1), [&] {
      SmallVector<Value> point(row);
      point.resize(op.getNumLoops(), g.index(0));
      memref::StoreOp::create(b, g.loc, sum, out.get(),
                              g.apply(op.getMatchingIndexingMap(&out), point));
    });
}

LaunchShape RegisterRows::emit() {
  int64_t rows = mopt::countElements(chain.rowSizes);
  int64_t ofBlock = threads == kWarp && rows >= kBlocks * kRowsOfBlock &&
                            rows % kRowsOfBlock == 0
                        ? kRowsOfBlock
                        : 1;
  Value number = g.block();
  thread = g.thread();
  if (ofBlock > 1) {
    number = g.add(g.mul(number, ofBlock), g.div(thread, kWarp));
    thread = g.rem(thread, kWarp);
  }
  row = g.split(number, chain.rowSizes);
  for (int64_t i = 0; i < vectors; ++i) {
    Value at = g.add(thread, i * threads);
    int64_t all = length / width;
    inside.push_back((i + 1) * threads > all ? g.below(at, all) : Value());
    if (inside.back())
      at = g.clamp(at, all - 1);
    starts.push_back(g.split(g.mul(at, width), inner));
  }
  for (const RowChain::Member &member : chain.members) {
    linalg::LinalgOp op = member.op;
    if (op.getNumReductionLoops() == 0)
      emitPointwise(member);
    else
      emitSum(member);
  }
  for (const RowChain::Member &member : chain.members)
    linalg::LinalgOp(member.op)->erase();
  return {rows / ofBlock, 1, ofBlock * threads};
}

std::optional<LaunchShape> mopt::emitRegisterRows(const RowChain &chain) {
  linalg::LinalgOp first = chain.members.front().op;
  OpBuilder b(first);
  RegisterRows rows(b, chain);
  if (!rows.plan())
    return std::nullopt;
  return rows.emit();
}
