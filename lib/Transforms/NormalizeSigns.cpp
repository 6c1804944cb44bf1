// Level in and out: graph. Signed bytes that only move between quantization and
// dequantization become unsigned ones with zero points that are 128 larger:
// integer micro-kernels take unsigned left sides. Where the target's take
// signed ones it is the other way round. Leaves bytes alone that anything else
// reads, and constants.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_NORMALIZESIGNS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isByte(Value value, bool isSigned) {
  Type element = getTensor(value).getElementType();
  return isSigned ? element.isSignlessInteger(8) : element.isUnsignedInteger(8);
}

namespace {
/// Values that hand each other their elements, so that they have one type.
struct Web {
  llvm::SetVector<Value> values;
  SmallVector<QuantizeOp> sources;
  SmallVector<DequantizeOp> sinks;
  /// The paddings, with the numbers that they pad by.
  SmallVector<std::pair<PadOp, int64_t>> pads;

  /// All that `source` reaches; nothing if something else reads or makes it.
  static std::optional<Web> collect(QuantizeOp source) {
    Web web;
    web.values.insert(source.getResult());
    for (size_t i = 0; i < web.values.size(); ++i)
      if (!web.visit(web.values[i]))
        return std::nullopt;
    return web;
  }

private:
  /// Is `op` known to take elements of its operand `i` as they are?
  static bool moves(Operation *op, unsigned i) {
    if (isa<ConcatOp>(op))
      return true;
    if (auto pool = dyn_cast<PoolOp>(op))
      return pool.getKind() == PoolKind::max;
    return i == 0 &&
           isa<ReshapeOp, TransposeOp, SliceOp, BroadcastOp, GatherOp, PadOp>(
               op);
  }

  bool visit(Value value) {
    Operation *producer = value.getDefiningOp();
    if (auto quantize = dyn_cast_or_null<QuantizeOp>(producer)) {
      sources.push_back(quantize);
    } else if (producer && moves(producer, 0)) {
      unsigned count = isa<ConcatOp>(producer) ? producer->getNumOperands() : 1;
      values.insert_range(producer->getOperands().take_front(count));
    } else {
      return false;
    }
    if (auto pad = dyn_cast<PadOp>(producer)) {
      Value number = pad.getValue();
      while (auto reshape = number.getDefiningOp<ReshapeOp>())
        number = reshape.getInput();
      std::optional<double> known = getSplatNumber(number);
      if (!known)
        return false;
      pads.emplace_back(pad, static_cast<int64_t>(*known));
    }
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (auto sink = dyn_cast<DequantizeOp>(user)) {
        if (use.getOperandNumber() != 0)
          return false;
        sinks.push_back(sink);
      } else if (moves(user, use.getOperandNumber())) {
        values.insert(user->getResult(0));
      } else {
        return false;
      }
    }
    return true;
  }
};

struct NormalizeSigns : mopt::impl::NormalizeSignsBase<NormalizeSigns> {
  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    toSigned = target && multipliesSignedBytes(target);
    SmallVector<QuantizeOp> candidates;
    getOperation().walk([&](QuantizeOp op) { candidates.push_back(op); });
    for (QuantizeOp op : candidates) {
      // A web is turned at its first source.
      if (!isByte(op.getResult(), !toSigned))
        continue;
      if (std::optional<Web> web = Web::collect(op))
        turn(*web);
    }
  }

  /// Bytes as they become, and how far each number moves.
  Type getByte(OpBuilder &b) {
    return toSigned ? b.getIntegerType(8)
                    : b.getIntegerType(8, /*isSigned=*/false);
  }
  int64_t getShift() { return toSigned ? -128 : 128; }

  void turn(Web &web) {
    OpBuilder b(web.sources.front());
    Type byte = getByte(b);
    for (Value value : web.values)
      value.setType(getTensor(value).clone(byte));
    for (QuantizeOp source : web.sources)
      source.getZeroPointMutable().assign(
          moveZero(b, source, source.getScale(), source.getZeroPoint()));
    for (DequantizeOp sink : web.sinks)
      sink.getZeroPointMutable().assign(
          moveZero(b, sink, sink.getScale(), sink.getZeroPoint()));
    for (auto [pad, number] : web.pads) {
      b.setInsertionPoint(pad);
      pad.getValueMutable().set(create(
          b, pad, getTensor(pad.getValue()).clone(byte), number + getShift()));
    }
  }

  static Value create(OpBuilder &b, Operation *op, RankedTensorType type,
                      int64_t number) {
    return arith::ConstantOp::create(
        b, op->getLoc(),
        cast<TypedAttr>(DenseElementsAttr::get(
            type, b.getIntegerAttr(type.getElementType(), number))));
  }

  /// `zero`, null for 0, moved; its shape is that of `scale` if it is null.
  Value moveZero(OpBuilder &b, Operation *op, Value scale, Value zero) {
    b.setInsertionPoint(op);
    Type byte = getByte(b);
    RankedTensorType type = getTensor(scale).clone(byte);
    if (!zero)
      return create(b, op, type.clone(SmallVector<int64_t>(type.getRank(), 1)),
                    getShift());
    type = getTensor(zero).clone(byte);
    if (std::optional<ConstantTensor> constant = getConstantTensor(zero)) {
      std::optional<ConstantTensor> moved = ConstantTensor::allocate(type);
      for (int64_t i = 0; i < constant->getNumElements(); ++i)
        moved->setInt(i, constant->getInt(i) + getShift());
      return arith::ConstantOp::create(
          b, op->getLoc(), cast<TypedAttr>(std::move(*moved).toAttr("zero")));
    }
    Value bits = BitcastOp::create(b, op->getLoc(), type, zero);
    Value half = create(
        b, op, type.clone(SmallVector<int64_t>(type.getRank(), 1)), getShift());
    return BinaryOp::create(b, op->getLoc(), type, BinaryKind::xor_, bits,
                            half);
  }

  bool toSigned = false;
};
} // namespace
