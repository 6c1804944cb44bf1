// Level in and out: legal. Sparse weights become dense constants again; a
// product that a sparse micro-kernel computes faster is marked, and packs its
// weights without the zeros later. Leaves all other products alone.
#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/Sparsity.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Target/SparseKernels.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SELECTSPARSITY
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Dense weights of few rows from which on permuting by one instruction gains.
/// Expanding gains where they come from memory: no cache holds the weights of
/// the function, and these are more than a loop's start and end cost.
static constexpr int64_t kLeastPermutedBytes = 64 << 10;
static constexpr int64_t kLeastExpandedBytes = 1 << 20;
static constexpr int64_t kLeastUncachedBytes = 32 << 20;

/// What a value of form scalars costs over what an element costs a dense
/// product: of many rows, where arithmetic is the limit, of those of a vector,
/// and of few rows, whose dense weights take less time from a cache; and
/// packing an element of the left side, and turning a result.
static constexpr double kValueCost = 1.54, kVectorValueCost = 2,
                        kCachedValueCost = 4, kPackingCost = 20,
                        kTurningCost = 4;
static constexpr int64_t kFewRows = 4, kVectorRows = 8;
/// What a byte costs whose element of the left side is picked, over one of a
/// dense product: where its instruction takes one of two products at a time, so
/// that no word saturates, and where it takes all, for one row and for more.
static constexpr double kPickedWordCost = 2.5, kPickedOnceCost = 1.6,
                        kPickedCost = 2.2;
/// Values in whose time a loop over those of a few columns starts and ends.
static constexpr double kLoopValues = 3;
/// Of rows that matrix registers multiply by expanded weights, over the time in
/// which memory brings a dense byte: a byte's mask, expanding it, and a row of
/// products with it. Half of the latter two passes while the next bytes come,
/// and nothing takes less time than both. From layers of 4096x4096 with 8 to
/// 128 rows.
static constexpr double kMaskCost = 0.125, kExpandingCost = 0.63,
                        kMatrixRowCost = 0.0125, kSerialShare = 0.5;
/// Products that a device multiplies faster with half of the weights, and bytes
/// that it copies at once (H200: by groups of warps, 256 rows by 4096 x 4096
/// take 15.0 us with sparse weights of f16 and 13.1 with dense ones, 512 rows
/// 18.8 and 23.5, 1024 x 1024 x 1024 4.9 and 5.3; with weights of bytes 9.1 and
/// 8.0, 11.3 and 14.1, 3.8 and 4.3. Warps gain 1.36, 1.47 and 1.09 from these).
static constexpr int64_t kLeastGroupRows = 512, kLeastGroupDepth = 512,
                         kLeastGroupResults = 1 << 20, kCopiedBytes = 16;
/// A gain that is no accident.
static constexpr double kLeastGain = 1.05;

/// How much faster than a dense product that of a share of values is, by the
/// costs above. `isCached`: the weights of the function are few.
static double estimateGain(const SparseKernel &kernel, double share,
                           int64_t rows, int64_t depth, int64_t width,
                           bool isCached) {
  double valueCost = rows <= kFewRows && isCached ? kCachedValueCost
                     : rows <= kVectorRows        ? kVectorValueCost
                                                  : kValueCost;
  double cost = valueCost * share + kTurningCost / depth;
  // A single row is not packed.
  if (rows > 1)
    cost += kPackingCost / width;
  // Rows that do not exist take no time where all wait for memory.
  double padded = rows <= kVectorRows && !isCached
                      ? rows
                      : llvm::alignTo(rows, chooseRowBlock(kernel, rows));
  return rows / (padded * cost);
}

/// How much faster than with dense weights from memory are `rows` rows that
/// meet expanded ones?
static double estimateExpandedGain(SparseAssembleOp op, int64_t rows) {
  SparsityAttr sparsity = op.getSparsity();
  // Groups that keep fewer are filled up.
  double share = isUnstructured(sparsity)
                     ? getKeptShare(op)
                     : double(sparsity.getKept()) / sparsity.getGroup();
  double products = kMatrixRowCost * rows, work = kExpandingCost + products;
  return std::max(1.0, products) /
         std::max(share + kMaskCost + kSerialShare * work, work);
}

/// Do fewer products make up for picking what bytes meet, wherever the weights
/// lie?
static bool gainsFromPicking(const SparseKernel &kernel, SparsityAttr sparsity,
                             int64_t rows) {
  SparsityAttr picked = getByteLanePattern(sparsity);
  double cost = StringRef(kernel.row->types) == "u8p8" ? kPickedWordCost
                : rows == 1                            ? kPickedOnceCost
                                                       : kPickedCost;
  return 1 >= kLeastGain * cost * picked.getKept() / picked.getGroup();
}

/// The rows that share the weights, dynamic if not known.
static int64_t countRows(Operation *op) {
  RankedTensorType type = getTensor(op->getResult(0));
  auto conv = dyn_cast<ConvOp>(op);
  int64_t columnDim = conv && !conv.getChannelsLast() ? 1 : type.getRank() - 1;
  int64_t rows = 1;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (ShapedType::isDynamic(size))
      return size;
    if (static_cast<int64_t>(dim) != columnDim)
      rows *= size;
  }
  return rows;
}

/// Has the constant right side of `op` one matrix that a sparse micro-kernel
/// could read, and its left side rows?
static bool hasSparseForm(Operation *op, RankedTensorType weights) {
  if (auto matmul = dyn_cast<QuantizedMatmulOp>(op))
    // What mopt-select-schemes computes in integers.
    return !matmul.getTransposeLhs() && !matmul.getRhsZeroPoint() &&
           weights.getDimSize(*getDepthAxis(op)) <= kMostProductsOfBytes &&
           llvm::all_of(weights.getShape().drop_back(2),
                        [](int64_t size) { return size == 1; });
  if (!weights.getElementType().isF32() ||
      !getTensor(op->getOperand(0)).getElementType().isF32())
    return false;
  auto matmul = dyn_cast<MatmulOp>(op);
  if (!matmul)
    return getDepthAxis(op).has_value();
  return !matmul.getTransposeLhs() &&
         llvm::all_of(weights.getShape().drop_back(2),
                      [](int64_t size) { return size == 1; });
}

/// The share of elements that form scalars multiplies: where columns keep
/// different numbers of values, those that meet the rows together take as long
/// as the fullest, and each loop over them has a start and an end.
static double getMultipliedShare(const SparseKernel &kernel, int64_t rows,
                                 SparseAssembleOp op) {
  SparsityAttr sparsity = op.getSparsity();
  std::optional<ConstantTensor> values = getConstantTensor(op.getValues());
  if (!isUnstructured(sparsity) || !values)
    return double(sparsity.getKept()) / sparsity.getGroup();
  int64_t block = chooseRowBlock(kernel, rows);
  int64_t together = countColumnsTogether(block, getRowLanes(kernel, block));
  int64_t perPart =
      getSparseDepthPart(block) / sparsity.getGroup() * sparsity.getKept();
  ArrayRef<int64_t> shape = values->getType().getShape();
  int64_t axis = op.getAxis(), length = shape[axis];
  int64_t inner = ConstantTensor::getStrides(shape)[axis];
  int64_t columns = values->getNumElements() / length;
  auto *data = reinterpret_cast<const float *>(values->getBytes().data());
  double slots = 0;
  for (int64_t first = 0; first < columns; first += together)
    for (int64_t k = 0; k < length; k += perPart) {
      double most = 0;
      for (int64_t n = first; n < std::min(first + together, columns); ++n) {
        double count = 0;
        for (int64_t i = k; i < std::min(k + perPart, length); ++i)
          count += data[(n / inner * length + i) * inner + n % inner] != 0;
        most = std::max(most, count);
      }
      slots += (most + kLoopValues) * together;
    }
  return double(slots) / getTensor(op.getResult()).getNumElements();
}

/// The dense constant that `op` stands for.
static Value densify(OpBuilder &b, SparseAssembleOp op,
                     const ConstantTensor &values,
                     const ConstantTensor &positions) {
  RankedTensorType type = getTensor(op.getResult());
  ConstantTensor result = std::move(*ConstantTensor::allocate(type));
  MutableArrayRef<char> bytes = result.getMutableBytes();
  int64_t width = result.getElementBytes(), axis = op.getAxis();
  int64_t length = values.getType().getDimSize(axis);
  int64_t inner = ConstantTensor::getStrides(type.getShape())[axis];
  int64_t kept = op.getSparsity().getKept(),
          group = op.getSparsity().getGroup();
  std::fill(bytes.begin(), bytes.end(), 0);
  for (int64_t i = 0, e = values.getNumElements(); i < e; ++i) {
    int64_t along = i / inner % length, outer = i / inner / length;
    int64_t k = along / kept * group + positions.getInt(i);
    int64_t at = (outer * type.getDimSize(axis) + k) * inner + i % inner;
    std::memcpy(bytes.data() + at * width, values.getBytes().data() + i * width,
                width);
  }
  return arith::ConstantOp::create(
      b, op.getLoc(), cast<TypedAttr>(std::move(result).toAttr("dense")));
}

static int64_t getBytes(RankedTensorType type) {
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Bytes of the constant right sides of all products.
static int64_t countWeights(Operation *root) {
  llvm::SmallDenseSet<Value> weights;
  root->walk([&](Operation *op) {
    if (isa<MatmulOp, ConvOp, QuantizedMatmulOp, QuantizedConvOp>(op) &&
        getTensor(op->getOperand(1)).hasStaticShape() &&
        isa_and_nonnull<arith::ConstantOp, SparseAssembleOp>(
            op->getOperand(1).getDefiningOp()))
      weights.insert(op->getOperand(1));
  });
  int64_t bytes = 0;
  for (Value value : weights)
    bytes += getBytes(getTensor(value));
  return bytes;
}

namespace {
struct SelectSparsity : mopt::impl::SelectSparsityBase<SelectSparsity> {
  using SelectSparsityBase::SelectSparsityBase;

  void runOnOperation() override {
    if (!llvm::is_contained({"auto", "always", "never"}, sparse)) {
      emitError(getOperation().getLoc(),
                "expected 'sparse' of auto, always or never, found '")
          << sparse << "'";
      return signalPassFailure();
    }
    allBytes = countWeights(getOperation());
    getOperation()->walk([&](Operation *op) {
      if (!isa<MatmulOp, ConvOp, QuantizedMatmulOp>(op))
        return;
      auto assemble = op->getOperand(1).getDefiningOp<SparseAssembleOp>();
      if (!assemble)
        return;
      StringRef why = findReasonForDense(op, assemble);
      if (why.empty())
        op->setAttr(SparsityAttr::kAttrName, assemble.getSparsity());
      // Those of bytes are still to be decided between integers and floats.
      if (!isa<QuantizedMatmulOp>(op))
        op->removeAttr(kArithmeticAttr);
      if (remarks)
        op->emitRemark("computed with ")
            << (why.empty() ? "sparse" : "dense") << " weights of pattern "
            << describeSparsity(assemble) << (why.empty() ? "" : ": ") << why;
    });
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](SparseAssembleOp op) {
      std::optional<ConstantTensor> values = getConstantTensor(op.getValues()),
                                    positions =
                                        getConstantTensor(op.getPositions());
      if (!values || !positions) {
        op.emitOpError("expected constant values and positions");
        return signalPassFailure();
      }
      rewriter.setInsertionPoint(op);
      Value dense = densify(rewriter, op, *values, *positions);
      SmallVector<Operation *> parts{op.getValues().getDefiningOp(),
                                     op.getPositions().getDefiningOp()};
      rewriter.replaceOp(op, dense);
      for (Operation *part : parts)
        if (part->use_empty())
          rewriter.eraseOp(part);
    });
  }

  /// What the constant right sides of all products have, when dense.
  int64_t allBytes = 0;

  /// The same for warps of a device, or groups of them.
  StringRef findReasonOnDevice(Operation *op, SparseAssembleOp weights) {
    RankedTensorType type = getTensor(weights.getResult());
    Type element = type.getElementType(),
         left = getTensor(op->getOperand(0)).getElementType();
    bool areBytes = element.isInteger(8);
    auto matmul = dyn_cast<MatmulOp>(op);
    bool hasForm = matmul
                       ? llvm::all_of(type.getShape().drop_back(2),
                                      [](int64_t size) { return size == 1; }) &&
                             !matmul.getTransposeLhs() &&
                             (areBytes ? left.isInteger(8) : left == element)
                       : hasSparseForm(op, type);
    if (!hasForm)
      return "no sparse micro-kernel has this form";
    if (!keepsTwoOfFour(weights.getSparsity()))
      return "devices multiply weights of pattern 2:4";
    int64_t rows = countRows(op);
    if (ShapedType::isDynamic(rows))
      return "only run time knows its rows";
    int64_t depth = type.getDimSize(weights.getAxis());
    if (depth == 0)
      return "its depth is 0";
    if (sparse == "always")
      return "";
    int64_t bytes = depth * element.getIntOrFloatBitWidth() / 8;
    if (bytes % kCopiedBytes != 0)
      return "its rows are no multiples of 16 bytes";
    int64_t width = type.getNumElements() / depth;
    return rows < kLeastGroupRows || depth < kLeastGroupDepth ||
                   rows * width < kLeastGroupResults
               ? "its rows, depth and width gain too little"
               : "";
  }

  /// Empty if a sparse micro-kernel is faster.
  StringRef findReasonForDense(Operation *op, SparseAssembleOp weights) {
    if (sparse == "never")
      return "sparse micro-kernels are off";
    TargetAttr target = TargetAttr::lookup(op);
    RankedTensorType type = getTensor(weights.getResult());
    if (target && isa<MatmulOp, QuantizedMatmulOp>(op))
      if (findDeviceSparseRow(target, type.getElementType()))
        return findReasonOnDevice(op, weights);
    if (!hasSparseForm(op, type))
      return "no sparse micro-kernel has this form";
    int64_t rows = countRows(op);
    if (ShapedType::isDynamic(rows))
      return "only run time knows its rows";
    std::optional<SparseKernel> kernel;
    int64_t depth = type.getDimSize(weights.getAxis());
    if (rows > 0 && target && getConstantTensor(weights.getValues()))
      kernel =
          findSparseKernel(target, weights.getSparsity(), rows, depth,
                           isa<QuantizedMatmulOp>(op), getKeptShare(weights));
    if (!kernel)
      return "the target has no sparse micro-kernel for this pattern, depth "
             "and number of rows";
    if (auto chosen = op->getAttrOfType<StringAttr>(kArithmeticAttr))
      return chosen == "sparse" ? "" : "it was measured to be faster";
    if (sparse == "always")
      return "";
    int64_t width = type.getNumElements() / std::max<int64_t>(1, depth);
    bool isCached = allBytes < kLeastUncachedBytes;
    if (kernel->form == SparseForm::scalars)
      return estimateGain(*kernel, getMultipliedShare(*kernel, rows, weights),
                          rows, depth, width, isCached) < kLeastGain
                 ? "its rows, depth and width gain too little"
                 : "";
    if (kernel->form == SparseForm::byte_lanes &&
        gainsFromPicking(*kernel, weights.getSparsity(), rows))
      return getBytes(type) < kLeastPermutedBytes ? "the weights are small"
                                                  : "";
    if (*kernel->row->matrixUnit) {
      if (estimateExpandedGain(weights, rows) < kLeastGain)
        return "its rows and pattern gain too little";
    } else if (rows > kFewRows) {
      return "so many rows hardly wait for their weights";
    }
    // Permuting with several instructions gains where expanding does.
    bool waits = kernel->form != SparseForm::lanes || kernel->row->cost > 1;
    if (getBytes(type) < (waits ? kLeastExpandedBytes : kLeastPermutedBytes))
      return "the weights are small";
    return waits && isCached ? "the model's weights are few enough for a cache"
                             : "";
  }
};
} // namespace
