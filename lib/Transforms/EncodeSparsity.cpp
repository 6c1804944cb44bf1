// Level in: graph. Level out: legal. Constant weights with N:M structure, or
// with many zeros of any, say so: each is a mopt.sparse_assemble of what is not
// zero. Nothing is decided yet; leaves all other weights alone.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/Sparsity.h"
#include "mopt/Support/SparsityPattern.h"
#include "mopt/Target/SparseKernels.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_ENCODESPARSITY
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Sparsest first, then smallest groups. Blocks of four neighbours of which
/// every second or fourth is zero are 4:8 and 4:16.
static constexpr SparsityPattern kPatterns[] = {{1, 4}, {2, 8}, {4, 16},
                                                {1, 2}, {2, 4}, {4, 8}};

/// Zeros of weights without any of these patterns from which on they can gain:
/// a little less than half, so that blocks pruned by halves are among them.
static constexpr double kLeastZeros = 0.45;

namespace {
/// Weights of floats or i8 whose lines run along one axis.
struct Lines {
  Lines(const ConstantTensor &weights, int64_t axis)
      : data(weights.getBytes().data()), bytes(weights.getElementBytes()),
        size(weights.getType().getDimSize(axis)),
        stride(ConstantTensor::getStrides(weights.getType().getShape())[axis]),
        count(size == 0 ? 0 : weights.getNumElements() / size) {}

  int64_t getStart(int64_t line) const {
    return line / stride * stride * size + line % stride;
  }
  bool isKept(int64_t line, int64_t k) const {
    return isNonzero(data + (getStart(line) + k * stride) * bytes, bytes);
  }

  const char *data;
  int64_t bytes, size, stride, count;
};

/// The first group with more elements than a pattern allows.
struct Excess {
  int64_t line, group, count;
};
} // namespace

static std::optional<Excess> findExcess(const Lines &lines,
                                        const SparsityPattern &pattern) {
  for (int64_t line = 0; line < lines.count; ++line)
    for (int64_t k = 0; k < lines.size; k += pattern.group) {
      int64_t count = 0;
      for (int64_t i = k, e = std::min(k + pattern.group, lines.size); i < e;
           ++i)
        count += lines.isKept(line, i);
      if (count > pattern.kept)
        return Excess{line, k, count};
    }
  return std::nullopt;
}

/// The most that a group of `kUnstructuredGroup` keeps; nothing for weights
/// with few zeros.
static std::optional<SparsityPattern> findUnstructured(const Lines &lines) {
  if (lines.size < kUnstructuredGroup)
    return std::nullopt;
  int64_t most = 0, all = 0;
  for (int64_t line = 0; line < lines.count; ++line)
    for (int64_t k = 0; k < lines.size; k += kUnstructuredGroup) {
      int64_t count = 0;
      for (int64_t i = k, e = std::min(k + kUnstructuredGroup, lines.size);
           i < e; ++i)
        count += lines.isKept(line, i);
      most = std::max(most, count);
      all += count;
    }
  if (all > (1 - kLeastZeros) * lines.count * lines.size)
    return std::nullopt;
  return SparsityPattern{most, kUnstructuredGroup};
}

/// `weights` as a `mopt.sparse_assemble`. Groups with fewer elements than the
/// pattern allows keep zeros, at the first free positions.
static Value encode(OpBuilder &b, Location loc, const ConstantTensor &weights,
                    const Lines &lines, int64_t axis,
                    const SparsityPattern &pattern) {
  RankedTensorType type = weights.getType();
  auto sparsity =
      SparsityAttr::get(b.getContext(), pattern.kept, pattern.group);
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = sparsity.countKept(lines.size);
  ConstantTensor values =
                     std::move(*ConstantTensor::allocate(type.clone(shape))),
                 positions = std::move(*ConstantTensor::allocate(
                     RankedTensorType::get(shape, b.getI8Type())));
  char *valueAt = values.getMutableBytes().data();
  char *positionAt = positions.getMutableBytes().data();
  for (int64_t line = 0; line < lines.count; ++line) {
    int64_t start = lines.getStart(line);
    int64_t out =
        line / lines.stride * lines.stride * shape[axis] + line % lines.stride;
    for (int64_t k = 0; k < lines.size; k += pattern.group) {
      int64_t size = std::min(pattern.group, lines.size - k);
      int64_t fillers = std::min(pattern.kept, size);
      for (int64_t i = 0; i < size; ++i)
        fillers -= lines.isKept(line, k + i);
      for (int64_t i = 0; i < size; ++i) {
        if (!lines.isKept(line, k + i) && fillers-- <= 0)
          continue;
        std::memcpy(valueAt + out * lines.bytes,
                    lines.data + (start + (k + i) * lines.stride) * lines.bytes,
                    lines.bytes);
        positionAt[out] = static_cast<char>(i);
        out += lines.stride;
      }
    }
  }
  auto constant = [&](ConstantTensor tensor, StringRef name) -> Value {
    return arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(std::move(tensor).toAttr(name)));
  };
  Value kept = constant(std::move(values), "kept");
  return SparseAssembleOp::create(b, loc, type, kept,
                                  constant(std::move(positions), "positions"),
                                  sparsity, axis);
}

namespace {
struct EncodeSparsity : mopt::impl::EncodeSparsityBase<EncodeSparsity> {
  using EncodeSparsityBase::EncodeSparsityBase;

  void runOnOperation() override {
    if (mode == "off")
      return;
    std::optional<SparsityPattern> wanted = SparsityPattern::parse(mode);
    if (!wanted && mode != "auto") {
      emitError(getOperation().getLoc(),
                "expected 'mode' of auto, off or N:M, found '")
          << mode << "'";
      return signalPassFailure();
    }
    bool failed = false;
    encoded.clear();
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      std::optional<int64_t> axis = getDepthAxis(op);
      if (!axis)
        return;
      failed |= !encodeRhs(rewriter, op, *axis, wanted);
    });
    if (failed)
      signalPassFailure();
  }

  /// False after an error.
  bool encodeRhs(IRRewriter &rewriter, Operation *op, int64_t axis,
                 const std::optional<SparsityPattern> &wanted) {
    Value &known = encoded[{op->getOperand(1), axis}];
    if (known) {
      op->setOperand(1, known);
      return true;
    }
    std::optional<ConstantTensor> weights =
        getConstantTensor(op->getOperand(1));
    if (!weights || weights->getNumElements() == 0)
      return true;
    Type element = weights->getType().getElementType();
    TargetAttr target = TargetAttr::lookup(op);
    bool isOfDevice = isa<MatmulOp>(op) && target &&
                      findDeviceSparseRow(target, element) != nullptr;
    if (!(isa<QuantizedMatmulOp>(op) ? element.isSignlessInteger(8)
                                     : element.isF32() || isOfDevice))
      return true;
    Lines lines(*weights, axis);
    std::optional<SparsityPattern> found;
    if (wanted) {
      if (lines.size < wanted->group)
        return true;
      if (std::optional<Excess> excess = findExcess(lines, *wanted)) {
        op->emitError("expected weights with at most ")
            << wanted->kept << " of " << wanted->group
            << " neighbours along the depth that are not 0, found "
            << excess->count << " in column " << excess->line << " from depth "
            << excess->group << " on";
        return false;
      }
      found = wanted;
    } else {
      for (const SparsityPattern &pattern : kPatterns)
        if (lines.size >= pattern.group && !findExcess(lines, pattern)) {
          found = pattern;
          break;
        }
      if (!found)
        found = findUnstructured(lines);
    }
    if (!found)
      return true;
    rewriter.setInsertionPointAfterValue(op->getOperand(1));
    known = encode(rewriter, op->getLoc(), *weights, lines, axis, *found);
    op->setOperand(1, known);
    return true;
  }

  /// Weights that several products share stay shared.
  DenseMap<std::pair<Value, int64_t>, Value> encoded;
};
} // namespace
