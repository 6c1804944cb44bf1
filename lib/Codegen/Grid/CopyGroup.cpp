// Groups of copies and fills: which may run at the same time, and their
// threads.
#include "CopyGroup.h"

#include "Epilogue.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kThreads = 256;

namespace {
/// What a copy (of `source`) or a fill (with `value`) writes: `sizes` elements
/// of `base` from `offsets` on.
struct Write {
  Value target, source, value, base;
  SmallVector<int64_t> offsets, sizes;
};
} // namespace

static Value getRoot(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

static bool hasStaticElements(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return type.hasStaticShape() && type.getNumElements() > 0;
}

static std::optional<Write> getWrite(Operation *op) {
  Write write;
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    write.target = fill.getOutputs().front();
    write.value = fill.getInputs().front();
  } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    write.target = copy.getTarget();
    write.source = copy.getSource();
  } else if (auto copy = dyn_cast<linalg::CopyOp>(op)) {
    write.target = copy.getOutputs().front();
    write.source = copy.getInputs().front();
  } else {
    return std::nullopt;
  }
  if (!isa<MemRefType>(write.target.getType()) ||
      !hasStaticElements(write.target) ||
      (write.source && !hasStaticElements(write.source)))
    return std::nullopt;
  write.base = write.target;
  auto view = write.target.getDefiningOp<memref::SubViewOp>();
  if (view && !ShapedType::isDynamicShape(view.getStaticOffsets()) &&
      !ShapedType::isDynamicShape(view.getStaticSizes()) &&
      llvm::all_of(view.getStaticStrides(),
                   [](int64_t stride) { return stride == 1; })) {
    write.base = view.getSource();
    write.offsets.assign(view.getStaticOffsets().begin(),
                         view.getStaticOffsets().end());
    write.sizes.assign(view.getStaticSizes().begin(),
                       view.getStaticSizes().end());
    return write;
  }
  auto type = cast<MemRefType>(write.target.getType());
  write.offsets.assign(type.getRank(), 0);
  write.sizes.assign(type.getShape().begin(), type.getShape().end());
  return write;
}

static bool areEqual(Value x, Value y) {
  Attribute first, second;
  return x == y || (matchPattern(x, m_Constant(&first)) &&
                    matchPattern(y, m_Constant(&second)) && first == second);
}

/// May both be done in any order?
static bool areIndependent(const Write &a, const Write &b) {
  if (a.base != b.base)
    return false;
  if (a.value && b.value && areEqual(a.value, b.value))
    return true;
  for (size_t i = 0; i < a.offsets.size(); ++i)
    if (a.offsets[i] + a.sizes[i] <= b.offsets[i] ||
        b.offsets[i] + b.sizes[i] <= a.offsets[i])
      return true;
  return false;
}

SmallVector<Operation *> mopt::findCopies(ArrayRef<Operation *> ops) {
  SmallVector<Operation *> members;
  SmallVector<Write> writes;
  for (Operation *op : ops) {
    std::optional<Write> write = getWrite(op);
    if (!write) {
      // Views stand between.
      if (!members.empty() && op->getNumRegions() == 0 &&
          isMemoryEffectFree(op))
        continue;
      break;
    }
    if ((write->source && getRoot(write->source) == getRoot(write->base)) ||
        !llvm::all_of(writes, [&](const Write &other) {
          return areIndependent(*write, other);
        }))
      break;
    members.push_back(op);
    writes.push_back(*write);
  }
  if (members.size() < 2)
    members.clear();
  return members;
}

/// Neighbours that a thread writes at once, if threads enough are left.
static int64_t countNeighbours(const Write &write) {
  auto type = cast<MemRefType>(write.target.getType());
  if (type.getRank() == 0 || !type.getElementType().isIntOrFloat())
    return 1;
  AffineMap map =
      AffineMap::getMultiDimIdentityMap(type.getRank(), type.getContext());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  auto suits = [&](int64_t count) {
    return type.getShape().back() % count == 0 &&
           type.getNumElements() / count >= kBusyThreads &&
           keepsNeighbours(type, map, count) &&
           (!write.source ||
            keepsNeighbours(cast<MemRefType>(write.source.getType()), map,
                            count));
  };
  for (int64_t count = kVectorBytes / bytes; count > 1; count /= 2)
    if (suits(count))
      return count;
  return 1;
}

static void copyNeighbours(GridBuilder &g, const Write &write, ValueRange point,
                           int64_t count) {
  Type element = cast<MemRefType>(write.target.getType()).getElementType();
  auto type = VectorType::get(count, element);
  llvm::MaybeAlign alignment(
      count * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
  Value value;
  if (write.source)
    value = vector::LoadOp::create(g.b, g.loc, type, write.source, point,
                                   /*nontemporal=*/false, alignment);
  else
    value = vector::BroadcastOp::create(g.b, g.loc, type, write.value);
  vector::StoreOp::create(g.b, g.loc, value, write.target, point,
                          /*nontemporal=*/false, alignment);
}

LaunchShape mopt::emitCopies(ArrayRef<Operation *> members) {
  OpBuilder b(members.front());
  b.setInsertionPoint(members.back());
  GridBuilder g(b, members.front()->getLoc());
  Value block = g.block(), thread = g.thread();
  int64_t first = 0;
  for (Operation *op : members) {
    Write write = *getWrite(op);
    ArrayRef<int64_t> shape =
        cast<MemRefType>(write.target.getType()).getShape();
    int64_t width = countNeighbours(write);
    int64_t count = countElements(shape) / width;
    int64_t blocks = llvm::divideCeil(count, kThreads);
    SmallVector<int64_t> sizes(shape);
    if (width > 1)
      sizes.back() /= width;
    // Blocks in front of the first are very large numbers.
    Value own = arith::SubIOp::create(b, g.loc, block, g.index(first));
    g.guard(g.below(own, blocks), [&] {
      Value number = g.add(g.mul(own, kThreads), thread);
      g.guard(count % kThreads ? g.below(number, count) : Value(), [&] {
        SmallVector<Value> point = g.split(number, sizes);
        if (width > 1) {
          point.back() = g.mul(point.back(), width);
          copyNeighbours(g, write, point, width);
          return;
        }
        Value value =
            write.source ? memref::LoadOp::create(b, g.loc, write.source, point)
                               .getResult()
                         : write.value;
        memref::StoreOp::create(b, g.loc, value, write.target, point);
      });
    });
    first += blocks;
  }
  for (Operation *op : members)
    op->erase();
  return {first, 1, kThreads};
}
