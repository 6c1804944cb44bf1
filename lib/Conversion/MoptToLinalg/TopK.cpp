// mopt.topk to loops that keep a heap in the result: its root is the element
// that the next better one drives out. In the end the heap is sorted in place.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

namespace {
/// An element with its position, both as stored.
struct Item {
  Value value, index;
};

/// The heap of one row: `values` and `indices` along `axis` at `outer`.
struct Heap {
  Value values, indices;

  SmallVector<Value> getState() const { return {values, indices}; }
};

class HeapBuilder {
public:
  HeapBuilder(OpBuilder &b, Location loc, TopKOp op, ValueRange outer)
      : b(b), loc(loc), element(getElement(op.getInput())), axis(op.getAxis()),
        isLargest(op.getLargest()), outer(outer) {}

  Value constant(int64_t value) const {
    return arith::ConstantIndexOp::create(b, loc, value);
  }

  SmallVector<Value> at(Value i) const {
    SmallVector<Value> position(outer);
    position.insert(position.begin() + axis, i);
    return position;
  }

  Item load(const Heap &heap, Value i) const {
    return {tensor::ExtractOp::create(b, loc, heap.values, at(i)),
            tensor::ExtractOp::create(b, loc, heap.indices, at(i))};
  }

  Heap store(const Heap &heap, Value i, const Item &item) const {
    return {
        tensor::InsertOp::create(b, loc, item.value, heap.values, at(i)),
        tensor::InsertOp::create(b, loc, item.index, heap.indices, at(i))};
  }

  /// Does `x` come before `y` in the result? A total order.
  Value isBefore(const Item &x, const Item &y) const {
    Value u = loadElement(b, loc, x.value, element);
    Value v = loadElement(b, loc, y.value, element);
    Value isAbove = buildIsLarger(b, loc, element, u, v);
    Value isBelow = buildIsLarger(b, loc, element, v, u);
    if (!isLargest)
      std::swap(isAbove, isBelow);
    Value isEarlier = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                            x.index, y.index);
    Value no = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
    Value tie = arith::SelectOp::create(b, loc, isBelow, no, isEarlier);
    return arith::OrIOp::create(b, loc, isAbove, tie);
  }

  Item select(Value condition, const Item &x, const Item &y) const {
    return {arith::SelectOp::create(b, loc, condition, x.value, y.value),
            arith::SelectOp::create(b, loc, condition, x.index, y.index)};
  }

  /// Restores the heap of `size` elements when only the one at `start` may come
  /// before one of its children.
  Heap siftDown(const Heap &heap, Value start, Value size) const {
    SmallVector<Value> init = heap.getState();
    init.push_back(start);
    auto loop = scf::WhileOp::create(
        b, loc, ValueRange(init).getTypes(), init,
        [&](OpBuilder &b, Location loc, ValueRange args) {
          HeapBuilder inner(b, *this);
          Value child = inner.getChild(args[2]);
          Value isThere = arith::CmpIOp::create(
              b, loc, arith::CmpIPredicate::slt, child, size);
          scf::ConditionOp::create(b, loc, isThere, args);
        },
        [&](OpBuilder &b, Location loc, ValueRange args) {
          scf::YieldOp::create(b, loc, HeapBuilder(b, *this).sink(args, size));
        });
    return {loop.getResult(0), loop.getResult(1)};
  }

private:
  HeapBuilder(OpBuilder &b, const HeapBuilder &other)
      : b(b), loc(other.loc), element(other.element), axis(other.axis),
        isLargest(other.isLargest), outer(other.outer) {}

  Value getChild(Value i) const {
    return arith::AddIOp::create(
        b, loc, arith::AddIOp::create(b, loc, i, i), constant(1));
  }

  /// One step: the element changes places with the later of its children, or
  /// rests, which is said by a position behind the end.
  SmallVector<Value> sink(ValueRange args, Value size) const {
    Heap heap{args[0], args[1]};
    Value left = getChild(args[2]);
    Value last = arith::SubIOp::create(b, loc, size, constant(1));
    Value right = arith::MinSIOp::create(
        b, loc, arith::AddIOp::create(b, loc, left, constant(1)), last);
    Item item = load(heap, args[2]), l = load(heap, left), r = load(heap, right);
    Value takesRight = isBefore(l, r);
    Item child = select(takesRight, r, l);
    Value place = arith::SelectOp::create(b, loc, takesRight, right, left);
    Value sinks = isBefore(item, child);
    heap = store(heap, args[2], select(sinks, child, item));
    heap = store(heap, place, select(sinks, item, child));
    Value next = arith::SelectOp::create(b, loc, sinks, place, size);
    return {heap.values, heap.indices, next};
  }

  OpBuilder &b;
  Location loc;
  Type element;
  int64_t axis;
  bool isLargest;
  SmallVector<Value> outer;
};

struct LowerTopK : OpConversionPattern<TopKOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(TopKOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    Value values = createEmpty(rewriter, loc, sizes, getElement(op.getInput()));
    Value indices = createEmpty(rewriter, loc, sizes, rewriter.getI64Type());
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> bounds;
    for (OpFoldResult size : sizes)
      bounds.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, size));
    Value k = bounds[axis];
    bounds.erase(bounds.begin() + axis);
    Value size = getValueOrCreateConstantIndexOp(
        rewriter, loc,
        tensor::getMixedSize(rewriter, loc, adaptor.getInput(), axis));
    SmallVector<Value> lower(bounds.size(), zero), steps(bounds.size(), one);
    auto row = [&](OpBuilder &b, Location loc, ValueRange outer,
                   ValueRange args) -> scf::ValueVector {
      Heap heap = selectRow(b, loc, op, adaptor.getInput(), outer,
                            {args[0], args[1]}, k, size);
      return {heap.values, heap.indices};
    };
    if (bounds.empty()) {
      SmallVector<Value> init{values, indices};
      rewriter.replaceOp(op, row(rewriter, loc, {}, init));
      return success();
    }
    rewriter.replaceOp(op, scf::buildLoopNest(rewriter, loc, lower, bounds, steps,
                                              {values, indices}, row)
                               .results);
    return success();
  }

  static Heap selectRow(OpBuilder &b, Location loc, TopKOp op, Value input,
                        ValueRange outer, Heap heap, Value k, Value size) {
    HeapBuilder row(b, loc, op, outer);
    Value zero = row.constant(0), one = row.constant(1);
    auto loop = [&](Value from, Value to, Heap heap, auto body) -> Heap {
      auto forOp = scf::ForOp::create(
          b, loc, from, to, one, heap.getState(),
          [&](OpBuilder &b, Location loc, Value i, ValueRange args) {
            HeapBuilder inner(b, loc, op, outer);
            Heap next = body(b, inner, i, Heap{args[0], args[1]});
            scf::YieldOp::create(b, loc, next.getState());
          });
      return {forOp.getResult(0), forOp.getResult(1)};
    };
    auto read = [&](OpBuilder &b, HeapBuilder &row, Value i) -> Item {
      return {tensor::ExtractOp::create(b, loc, input, row.at(i)),
              arith::IndexCastOp::create(b, loc, b.getI64Type(), i)};
    };
    // The first k elements, made a heap from its last inner node backwards.
    heap = loop(zero, k, heap,
                [&](OpBuilder &b, HeapBuilder &row, Value i, Heap heap) {
                  return row.store(heap, i, read(b, row, i));
                });
    Value half = arith::ShRUIOp::create(b, loc, k, one);
    heap = loop(zero, half, heap,
                [&](OpBuilder &b, HeapBuilder &row, Value i, Heap heap) {
                  Value start = arith::SubIOp::create(
                      b, loc, arith::SubIOp::create(b, loc, half, one), i);
                  return row.siftDown(heap, start, k);
                });
    // The others, each in place of the root if it comes before it. Of an empty
    // heap there is no root.
    Value isEmpty =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, k, zero);
    Value from = arith::SelectOp::create(b, loc, isEmpty, size, k);
    heap = loop(from, size, heap,
                [&](OpBuilder &b, HeapBuilder &row, Value i, Heap heap) -> Heap {
                  Item item = read(b, row, i);
                  Value enters = row.isBefore(item, row.load(heap, zero));
                  auto branch = scf::IfOp::create(
                      b, loc, enters,
                      [&](OpBuilder &b, Location loc) {
                        HeapBuilder inner(b, loc, op, outer);
                        Heap next = inner.store(heap, zero, item);
                        next = inner.siftDown(next, zero, k);
                        scf::YieldOp::create(b, loc, next.getState());
                      },
                      [&](OpBuilder &b, Location loc) {
                        scf::YieldOp::create(b, loc, heap.getState());
                      });
                  return {branch.getResult(0), branch.getResult(1)};
                });
    // The last element of a shrinking heap goes to its end.
    return loop(one, k, heap,
                [&](OpBuilder &b, HeapBuilder &row, Value i, Heap heap) {
                  Value end = arith::SubIOp::create(b, loc, k, i);
                  Item root = row.load(heap, zero), item = row.load(heap, end);
                  heap = row.store(heap, zero, item);
                  heap = row.store(heap, end, root);
                  return row.siftDown(heap, zero, end);
                });
  }
};
} // namespace

void mopt::populateTopKToLinalg(TypeConverter &types,
                                RewritePatternSet &patterns) {
  patterns.add<LowerTopK>(types, patterns.getContext());
}
