// Level in and out: graph. An elementwise function from bytes to bytes, written
// in floats between dequantization and quantization, becomes a table that the
// compiler evaluates, and so does one of floats in its end. Leaves alone what
// two tensors go into, and what is as cheap as a load.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Transforms/EvaluateOp.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_TABULATEFUNCTIONS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Instructions that a load is worth.
static constexpr int64_t kLeastCost = 12;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isByte(Value value) {
  return getTensor(value).getElementType().isInteger(8);
}

/// Vector instructions that `op` takes, about.
static int64_t getCost(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op)) {
    switch (unary.getKind()) {
    case UnaryKind::abs:
    case UnaryKind::neg:
    case UnaryKind::floor:
    case UnaryKind::ceil:
    case UnaryKind::round:
      return 1;
    default:
      return 12;
    }
  }
  // A constant divisor becomes part of a scale.
  if (auto binary = dyn_cast<BinaryOp>(op))
    return binary.getKind() == BinaryKind::pow ? 30
           : binary.getKind() == BinaryKind::div &&
                   !getConstantTensor(binary.getRhs())
               ? 6
               : 1;
  return isa<QuantizeOp>(op) ? 6 : 2;
}

namespace {
/// The ops between a tensor of bytes and a quantization to bytes.
struct Function {
  /// The bytes that all comes from.
  Value input;
  /// From the first to the last, which is the quantization.
  llvm::SetVector<Operation *> ops;
  int64_t cost = 0;
  /// Sums that are rounded to steps of 1, by the dequantization that is one
  /// side of them: mopt-fuse-steps fuses its product, as ONNX Runtime does in
  /// QLinearAdd, and a table holds what the operators give.
  llvm::SmallDenseMap<Operation *, DequantizeOp> fusedProducts;

  /// The one that ends in `last`, a quantization to bytes or a function whose
  /// floats are read.
  static std::optional<Function> find(Operation *last) {
    Function function;
    if (!function.add(last) || !function.input || function.cost < kLeastCost)
      return std::nullopt;
    // What something else reads has to be computed anyway.
    for (Operation *op : function.ops)
      if (op != last && !llvm::all_of(op->getUsers(), [&](Operation *user) {
            return function.ops.contains(user);
          }))
        return std::nullopt;
    for (Operation *op : function.ops)
      if (auto quantize = dyn_cast<QuantizeOp>(op);
          quantize && getSplatNumber(quantize.getScale()) == 1.0)
        function.fuse(quantize.getInput());
    return function;
  }

private:
  /// Adds `op` behind all that it is made of.
  bool add(Operation *op) {
    if (ops.contains(op))
      return true;
    if (!op->hasTrait<Elementwise>() || ops.size() >= kMostOps ||
        !isa<RankedTensorType>(op->getResult(0).getType()))
      return false;
    for (Value operand : op->getOperands()) {
      if (getConstantTensor(operand)) {
        if (!isOneElement(operand))
          return false;
        continue;
      }
      Operation *producer = operand.getDefiningOp();
      auto dequantize = dyn_cast_or_null<DequantizeOp>(producer);
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (!producer || !type ||
          type.getShape() != getTensor(op->getResult(0)).getShape())
        return false;
      // From as far up as it is a function of bytes.
      Function before = *this;
      if (add(producer))
        continue;
      *this = std::move(before);
      if (!dequantize || !isByte(dequantize.getInput()) ||
          !addSource(dequantize))
        return false;
    }
    ops.insert(op);
    cost += getCost(op);
    return true;
  }

  bool addSource(DequantizeOp op) {
    if ((input && input != op.getInput()) ||
        !getConstantTensor(op.getScale()) ||
        (op.getZeroPoint() && !getConstantTensor(op.getZeroPoint())) ||
        !QuantizationParameters(op).isPerTensor())
      return false;
    input = op.getInput();
    if (ops.insert(op))
      cost += getCost(op);
    return true;
  }

  /// Notes the products that are fused in `sum`, if it is one, as
  /// mopt-fuse-steps finds them.
  bool fuse(Value sum) {
    auto add = sum.getDefiningOp<BinaryOp>();
    if (!add || add.getKind() != BinaryKind::add || !sum.hasOneUse() ||
        !ops.contains(add) || !getTensor(sum).getElementType().isF32())
      return false;
    for (auto [product, other] : {std::pair(add.getRhs(), add.getLhs()),
                                  std::pair(add.getLhs(), add.getRhs())}) {
      auto dequantize = product.getDefiningOp<DequantizeOp>();
      if (!dequantize || !isByte(dequantize.getInput()))
        continue;
      fusedProducts[add] = dequantize;
      fuse(other);
      return true;
    }
    return fuse(add.getLhs());
  }

  static constexpr size_t kMostOps = 64;
};

struct TabulateFunctions
    : mopt::impl::TabulateFunctionsBase<TabulateFunctions> {
  void runOnOperation() override {
    // Behind the quantizations what is left of functions, in that order.
    SmallVector<Operation *> ends;
    getOperation().walk([&](UnaryOp op) {
      if (llvm::is_contained(
              {UnaryKind::erf, UnaryKind::tanh, UnaryKind::sigmoid},
              op.getKind()) &&
          getTensor(op.getResult()).getElementType().isF32())
        ends.push_back(op);
    });
    getOperation().walk([&](QuantizeOp op) {
      if (isByte(op.getResult()))
        ends.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    // The last ones first: they take in those before them. What an earlier one
    // took is gone.
    llvm::SmallPtrSet<Operation *, 16> gone;
    for (Operation *end : llvm::reverse(ends)) {
      if (gone.contains(end))
        continue;
      std::optional<Function> function = Function::find(end);
      if (!function)
        continue;
      std::optional<ConstantTensor> table = evaluate(*function);
      if (!table)
        continue;
      rewriter.setInsertionPoint(end);
      Value constant = arith::ConstantOp::create(
          rewriter, end->getLoc(),
          cast<TypedAttr>(std::move(*table).toAttr("table")));
      SmallVector<Location> locations =
          llvm::map_to_vector(function->ops, [](Operation *op) -> Location {
            return op->getLoc();
          });
      rewriter.replaceAllUsesWith(
          end->getResult(0),
          LookupOp::create(rewriter, rewriter.getFusedLoc(locations),
                           end->getResult(0).getType(), function->input,
                           constant));
      for (Operation *op : llvm::reverse(function->ops)) {
        gone.insert(op);
        rewriter.eraseOp(op);
      }
    }
  }

  /// The function of each byte.
  static std::optional<ConstantTensor> evaluate(const Function &function) {
    llvm::MapVector<Value, ConstantTensor> values;
    std::optional<ConstantTensor> bytes = ConstantTensor::allocate(
        RankedTensorType::get(256, getTensor(function.input).getElementType()));
    for (int64_t i = 0; i < 256; ++i)
      bytes->getMutableBytes()[i] = static_cast<char>(i);
    values.insert({function.input, std::move(*bytes)});
    std::optional<ConstantTensor> result;
    for (Operation *op : function.ops) {
      auto getValue = [&](Value operand) {
        auto known = values.find(operand);
        return known != values.end() ? copy(known->second)
                                     : asElement(*getConstantTensor(operand));
      };
      if (DequantizeOp product = function.fusedProducts.lookup(op)) {
        auto add = cast<BinaryOp>(op);
        Value other =
            add.getLhs() == product.getResult() ? add.getRhs() : add.getLhs();
        result = evaluateFused(
            getValue(product.getInput()), getValue(product.getScale()),
            product.getZeroPoint() ? getValue(product.getZeroPoint()).getInt(0)
                                   : 0,
            getValue(other));
      } else {
        // The op as one on 256 elements.
        Operation *line = op->clone();
        line->getResult(0).setType(RankedTensorType::get(
            256, getTensor(op->getResult(0)).getElementType()));
        result =
            evaluateOp(line, llvm::map_to_vector(op->getOperands(), getValue));
        line->destroy();
      }
      if (!result)
        return std::nullopt;
      if (op != function.ops.back())
        values.insert({op->getResult(0), std::move(*result)});
    }
    return result;
  }

  /// (bytes - zero) * scale + other, each rounded once; `other` is one number
  /// or as many as there are bytes.
  static std::optional<ConstantTensor>
  evaluateFused(const ConstantTensor &bytes, const ConstantTensor &scale,
                int64_t zero, const ConstantTensor &other) {
    std::optional<ConstantTensor> result =
        ConstantTensor::allocate(RankedTensorType::get(
            bytes.getNumElements(), scale.getType().getElementType()));
    float factor = static_cast<float>(scale.getFloat(0));
    for (int64_t i = 0; i < bytes.getNumElements(); ++i) {
      float steps = static_cast<float>(bytes.getInt(i) - zero),
            addend = static_cast<float>(
                other.getFloat(other.getNumElements() == 1 ? 0 : i));
      result->setFloat(i, std::fma(steps, factor, addend));
    }
    return result;
  }

  static ConstantTensor copy(const ConstantTensor &tensor) {
    std::optional<ConstantTensor> result =
        ConstantTensor::allocate(tensor.getType());
    llvm::copy(tensor.getBytes(), result->getMutableBytes().begin());
    return std::move(*result);
  }

  /// A constant of one element, of one dimension.
  static ConstantTensor asElement(const ConstantTensor &tensor) {
    std::optional<ConstantTensor> result = ConstantTensor::allocate(
        RankedTensorType::get(1, tensor.getType().getElementType()));
    llvm::copy(tensor.getBytes().take_front(tensor.getElementBytes()),
               result->getMutableBytes().begin());
    return std::move(*result);
  }
};
} // namespace
