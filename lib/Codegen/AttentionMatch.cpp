// What is attention among kernels and their calls, see the header.
#include "AttentionMatch.h"

#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mopt;

/// Fewer queries are strips of columns, which read keys and values as fast as
/// memory gives them.
static constexpr int64_t kLeastRows = 9;
/// Elements of a query or value whose sums registers hold.
static constexpr int64_t kMostColumns = 256;

func::FuncOp mopt::getKernel(func::CallOp call) {
  if (!call || call.getNumResults() != 1)
    return {};
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      call, call.getCalleeAttr());
  return kernel && !kernel.isDeclaration() && kernel->hasAttr(kKernelAttr)
             ? kernel
             : func::FuncOp();
}

Value mopt::getReturned(func::FuncOp kernel) {
  return kernel.getBody().front().getTerminator()->getOperand(0);
}

bool mopt::isPassedTensor(Value value) {
  return isa<BlockArgument>(value) && isa<RankedTensorType>(value.getType()) &&
         getElementTypeOrSelf(value.getType()).isIntOrFloat();
}

Value mopt::getPassed(Value value, func::CallOp call) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? call.getOperand(argument.getArgNumber()) : Value();
}

/// What is reshaped to `value`, whose rows stay rows; null if someone else
/// reads what is on the way.
static Value skipReshapes(Value value) {
  while (value && value.hasOneUse()) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return value;
    value = op->getOperand(0);
  }
  return Value();
}

Value mopt::skipPadding(Value value) {
  SmallVector<tensor::InsertSliceOp> borders;
  Value inner = value;
  while (auto insert = inner.getDefiningOp<tensor::InsertSliceOp>()) {
    if (auto fill = insert.getSource().getDefiningOp<linalg::FillOp>()) {
      if (!matchPattern(fill.getInputs().front(), m_AnyZeroFloat()))
        return value;
      borders.push_back(insert);
      inner = insert.getDest();
      continue;
    }
    // Each of the zeros' parts is behind it in some dimension.
    auto isZero = [](OpFoldResult x) { return isConstantIntValue(x, 0); };
    ArrayRef<int64_t> sizes = insert.getSourceType().getShape();
    bool isPadding =
        llvm::all_of(insert.getMixedOffsets(), isZero) &&
        insert.hasUnitStride() &&
        insert.getSourceType().getRank() == insert.getDestType().getRank() &&
        llvm::all_of(borders, [&](tensor::InsertSliceOp border) {
          return llvm::any_of(llvm::zip_equal(border.getStaticOffsets(), sizes),
                              [](auto dim) {
                                return ShapedType::isStatic(std::get<0>(dim)) &&
                                       std::get<0>(dim) >= std::get<1>(dim);
                              });
        });
    return isPadding ? insert.getSource() : value;
  }
  return value;
}

/// The right side of `anchor` before it was packed.
static std::optional<AttentionMatch::Side>
findRightSide(ContractAnchorOp anchor) {
  AffineMap map = anchor.getRhsIndexingMap();
  MLIRContext *context = map.getContext();
  unsigned rank = map.getNumDims(), batches = map.getNumResults() - 2;
  AffineExpr column = getAffineDimExpr(rank - 2, context),
             step = getAffineDimExpr(rank - 1, context);
  if (anchor.getWeights() || anchor.getExcess() ||
      anchor.getInterleave() != 1 || map.getResult(batches) != column ||
      map.getResult(batches + 1) != step)
    return std::nullopt;
  SmallVector<AffineExpr> exprs(batches + 2);
  Value packed = anchor.getRhs();
  if (auto pack = packed.getDefiningOp<PackColumnsOp>()) {
    for (unsigned dim = 0; dim < batches; ++dim)
      exprs[pack.getSourceDim(dim)] = map.getResult(dim);
    bool isTransposed = pack.getTransposed();
    exprs[pack.getSourceDim(batches)] = isTransposed ? column : step;
    exprs[pack.getSourceDim(batches + 1)] = isTransposed ? step : column;
    return AttentionMatch::Side{skipPadding(pack.getSource()),
                                AffineMap::get(rank, 0, exprs, context)};
  }
  // One block has the columns in order.
  auto expand = packed.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || expand.getSrcType().getRank() != int64_t(batches) + 2 ||
      expand.getResultType().getDimSize(batches) != 1 ||
      expand.getResultType().getShape().drop_front(batches + 1) !=
          expand.getSrcType().getShape().drop_front(batches) ||
      expand.getResultType().getShape().take_front(batches) !=
          expand.getSrcType().getShape().take_front(batches))
    return std::nullopt;
  llvm::copy(map.getResults().take_front(batches), exprs.begin());
  exprs[batches] = step;
  exprs[batches + 1] = column;
  return AttentionMatch::Side{skipPadding(expand.getSrc()),
                              AffineMap::get(rank, 0, exprs, context)};
}

/// Swaps the last two dimensions of what `map` takes.
static AffineMap swapLast(AffineMap map) {
  unsigned rank = map.getNumDims();
  SmallVector<AffineExpr> dims;
  for (unsigned dim = 0; dim < rank; ++dim)
    dims.push_back(getAffineDimExpr(dim, map.getContext()));
  std::swap(dims[rank - 1], dims[rank - 2]);
  return map.compose(AffineMap::get(rank, 0, dims, map.getContext()));
}

/// The product that a kernel returns.
static ContractAnchorOp findProduct(func::FuncOp kernel) {
  Value value = getReturned(kernel);
  while (auto reshape = value.getDefiningOp<tensor::ExpandShapeOp>())
    value = reshape.getSrc();
  auto anchor = value.getDefiningOp<ContractAnchorOp>();
  return anchor && value.hasOneUse() &&
                 cast<AnchorOpInterface>(anchor.getOperation())
                     .getAccumulatorType()
                     .isF32()
             ? anchor
             : ContractAnchorOp();
}

/// Are the scalars of `block` none that floats of 32 bits instead of 16 would
/// change, but for their precision?
static bool canWiden(Block &block) {
  return llvm::all_of(block.without_terminator(), [](Operation &op) {
    return OpTrait::hasElementwiseMappableTraits(&op) &&
           op.getNumResults() == 1 && !isa<arith::BitcastOp>(op);
  });
}

static bool isStatic(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).hasStaticShape();
}

/// The kernel that gives `scores` from scores of the same shape.
static std::optional<AttentionMatch::Step> findStep(Value scores) {
  auto call = scores.getDefiningOp<func::CallOp>();
  func::FuncOp kernel = getKernel(call);
  auto op = kernel ? getReturned(kernel).getDefiningOp<linalg::GenericOp>()
                   : linalg::GenericOp();
  if (!op || !scores.hasOneUse() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) ||
      !canWiden(*op.getBlock()))
    return std::nullopt;
  AttentionMatch::Step step{call, op, nullptr};
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!isPassedTensor(input->get()))
      return std::nullopt;
    Value passed = getPassed(input->get(), call);
    bool isLarge =
        map.isIdentity() && !isa<BlockArgument>(passed) && passed.hasOneUse();
    // Scores come from a product, maybe through another step.
    if (isLarge && !step.scores)
      step.scores = input;
    for (AffineExpr expr : map.getResults()) {
      auto zero = dyn_cast<AffineConstantExpr>(expr);
      if (!isa<AffineDimExpr>(expr) && !(zero && zero.getValue() == 0))
        return std::nullopt;
    }
  }
  return step.scores ? std::optional(step) : std::nullopt;
}

/// Finds what only rounds the result.
static void findRounding(AttentionMatch &found) {
  func::FuncOp kernel = getKernel(found.resultsCall);
  Value value = found.resultsCall.getResult(0);
  if (getReturned(kernel) != found.results->getResult(0))
    return;
  SmallVector<Operation *> reshapes;
  while (value.hasOneUse() &&
         isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
             *value.user_begin())) {
    reshapes.push_back(*value.user_begin());
    value = reshapes.back()->getResult(0);
  }
  auto call = value.hasOneUse() ? dyn_cast<func::CallOp>(*value.user_begin())
                                : func::CallOp();
  func::FuncOp callee = getKernel(call);
  auto op = callee ? getReturned(callee).getDefiningOp<linalg::GenericOp>()
                   : linalg::GenericOp();
  if (!op || op.getNumDpsInputs() != 1 ||
      getPassed(op.getDpsInputOperand(0)->get(), call) != value ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return;
  auto round = op.getBlock()
                   ->getTerminator()
                   ->getOperand(0)
                   .getDefiningOp<arith::TruncFOp>();
  if (!round || round.getIn() != op.getBlock()->getArgument(0))
    return;
  found.roundingCall = call;
  found.rounded = round.getType();
  found.reshapes = reshapes;
}

std::optional<AttentionMatch> mopt::matchAttention(func::CallOp call) {
  AttentionMatch found;
  found.resultsCall = call;
  func::FuncOp kernel = getKernel(call);
  if (!kernel || !(found.results = findProduct(kernel)))
    return std::nullopt;
  auto results = cast<AnchorOpInterface>(found.results.getOperation());
  ConfigAttr config = results.getConfigAttr();
  Type element = getElementTypeOrSelf(found.results.getLhs().getType());
  if (!config || config.getMatrixUnit() != "warp" ||
      !(element.isF16() || element.isBF16()) ||
      !found.results.getLhsIndexingMap().isIdentity())
    return std::nullopt;

  // The weights of values, maybe padded by a kernel of their own.
  auto left = cast<RankedTensorType>(found.results.getLhs().getType());
  Value weights = getPassed(found.results.getLhs(), call);
  bool isPadded = false;
  auto padCall = weights ? weights.getDefiningOp<func::CallOp>() : nullptr;
  if (func::FuncOp pad = getKernel(padCall)) {
    Value inner = getPassed(skipPadding(getReturned(pad)), padCall);
    if (inner && weights.hasOneUse() &&
        cast<RankedTensorType>(inner.getType()).getShape().drop_back() ==
            left.getShape().drop_back()) {
      weights = inner;
      isPadded = true;
    }
  }
  weights = skipReshapes(weights);
  found.softmaxCall = weights ? weights.getDefiningOp<func::CallOp>() : nullptr;
  func::FuncOp softmaxKernel = getKernel(found.softmaxCall);
  if (!softmaxKernel ||
      !(found.softmax = matchSoftmax(skipPadding(getReturned(softmaxKernel)))))
    return std::nullopt;

  Value scores = getPassed(found.softmax.scores, found.softmaxCall);
  while (std::optional<AttentionMatch::Step> step = findStep(scores)) {
    found.steps.insert(found.steps.begin(), *step);
    scores = getPassed(step->scores->get(), step->call);
  }
  scores = skipReshapes(scores);
  found.scoresCall = scores ? scores.getDefiningOp<func::CallOp>() : nullptr;
  func::FuncOp scoresKernel = getKernel(found.scoresCall);
  if (!scoresKernel || !(found.scores = findProduct(scoresKernel)) ||
      !isa<OpResult>(getReturned(scoresKernel)))
    return std::nullopt;
  auto product = cast<AnchorOpInterface>(found.scores.getOperation());
  auto lhs = cast<RankedTensorType>(found.scores.getLhs().getType());
  auto init = cast<RankedTensorType>(found.scores.getInit().getType());
  if (lhs.getElementType() != element ||
      getElementTypeOrSelf(found.scores.getRhs().getType()) != element ||
      getElementTypeOrSelf(found.results.getRhs().getType()) != element ||
      !product.getInitIndexingMap().isIdentity() ||
      init.getShape().drop_back() != left.getShape().drop_back() ||
      !init.hasStaticShape() ||
      getReturned(scoresKernel) != found.scores->getResult(0) ||
      !canWiden(product.getEpilogue().front()))
    return std::nullopt;
  ArrayRef<int64_t> rows = init.getShape().drop_back(),
                    shape = cast<ShapedType>(found.softmax.scores.getType())
                                .getShape();
  if (shape.back() != init.getShape().back())
    return std::nullopt;
  // Rows of several dimensions are one if nobody tells them apart.
  bool isPlain = found.steps.empty() && !found.softmax.blind;
  std::optional<RowSpace> space = RowSpace::get(rows);
  if (!isPlain)
    space = RowSpace::find(rows, shape.drop_back());
  if (!space || space->first.back().empty() ||
      space->first.back().back() + 1 != space->sizes.size())
    return std::nullopt;
  found.rows = *space;

  std::optional<AttentionMatch::Side> key = findRightSide(found.scores),
                                      value = findRightSide(found.results);
  if (!key || !value)
    return std::nullopt;
  found.key = *key;
  found.value = {value->source, swapLast(value->map)};
  AffineMap queryMap = found.scores.getLhsIndexingMap();
  int64_t depthDim = *queryMap.getResultPosition(
      getAffineDimExpr(queryMap.getNumDims() - 1, queryMap.getContext()));
  int64_t rank = init.getRank();
  // Behind its keys, weights are zeros, if there are any.
  int64_t keys = init.getShape().back();
  if (!isPadded &&
      cast<RankedTensorType>(weights.getType()).getShape().back() !=
          left.getShape().back())
    return std::nullopt;
  isPadded |=
      skipPadding(getReturned(softmaxKernel)) != getReturned(softmaxKernel);
  if (left.getShape().back() != keys && !isPadded)
    return std::nullopt;
  found.keys = keys;
  found.depth = lhs.getDimSize(depthDim);
  found.columns = results.getOutputDimSize(rank - 1);
  if (llvm::is_contained(found.rows.sizes, 0) ||
      found.rows.sizes.back() < kLeastRows || keys == 0 || found.depth < 1 ||
      found.columns < 1 || !isStatic(found.key.source) ||
      !isStatic(found.value.source) || !isStatic(found.scores.getLhs()) ||
      found.depth > kMostColumns || found.columns > kMostColumns)
    return std::nullopt;
  findRounding(found);
  return found;
}

std::optional<Direct> mopt::findDirect(Value value) {
  auto call = value.getDefiningOp<func::CallOp>();
  func::FuncOp kernel = getKernel(call);
  if (!kernel)
    return std::nullopt;
  Direct direct;
  Value inner = skipPadding(getReturned(kernel));
  direct.isPadded = inner != getReturned(kernel);
  if (auto op = inner.getDefiningOp<linalg::LinalgOp>()) {
    if (op.getNumDpsInputs() != 1 ||
        !llvm::all_of(op.getIndexingMapsArray(),
                      [](AffineMap map) { return map.isIdentity(); }))
      return std::nullopt;
    inner = op.getDpsInputOperand(0)->get();
    Value scalar = op.getBlock()->getTerminator()->getOperand(0);
    while (Operation *def = scalar.getDefiningOp()) {
      APFloat number(0.0);
      if (isa<arith::MulFOp>(def) &&
          matchPattern(def->getOperand(1), m_ConstantFloat(&number)))
        direct.factor *= number.convertToDouble();
      else if (!isa<arith::ExtFOp, arith::TruncFOp>(def))
        return std::nullopt;
      scalar = def->getOperand(0);
    }
    if (scalar != op.getBlock()->getArgument(0))
      return std::nullopt;
  }
  direct.value = getPassed(inner, call);
  if (!direct.value || getElementTypeOrSelf(direct.value.getType()) !=
                           getElementTypeOrSelf(value.getType()))
    return std::nullopt;
  return direct;
}
