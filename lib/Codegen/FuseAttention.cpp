// Level in and out: structured. A product, the softmax of its rows, and the
// product of that with a third matrix, each in a kernel of its own, become one
// kernel of one op. Leaves all three alone where anyone else reads what is
// between them, or one of them is not quite that.
#include "SoftmaxChain.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Attention.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FUSEATTENTION
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Fewer queries are strips of columns, which read keys and values as fast as
/// memory gives them.
static constexpr int64_t kLeastRows = 9;
/// Elements of a query or value whose sums registers hold.
static constexpr int64_t kMostColumns = 256;

/// The kernel that a call calls, which returns one tensor.
static func::FuncOp getKernel(func::CallOp call) {
  if (!call || call.getNumResults() != 1)
    return {};
  auto kernel =
      SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  return kernel && !kernel.isDeclaration() && kernel->hasAttr(kKernelAttr)
             ? kernel
             : func::FuncOp();
}

static Value getReturned(func::FuncOp kernel) {
  return kernel.getBody().front().getTerminator()->getOperand(0);
}

/// What `value`, an argument of the kernel that `call` calls, is there.
static Value getPassed(Value value, func::CallOp call) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? call.getOperand(argument.getArgNumber()) : Value();
}

/// What is reshaped to `value`, whose rows stay rows; null if someone else reads
/// what is on the way.
static Value skipReshapes(Value value) {
  while (value && value.hasOneUse()) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return value;
    value = op->getOperand(0);
  }
  return Value();
}

/// What `value` has at its begin, if all else is zeros written behind that.
static Value skipPadding(Value value) {
  Value inner = value;
  while (auto insert = inner.getDefiningOp<tensor::InsertSliceOp>()) {
    if (auto fill = insert.getSource().getDefiningOp<linalg::FillOp>()) {
      if (!matchPattern(fill.getInputs().front(), m_AnyZeroFloat()))
        return value;
      inner = insert.getDest();
      continue;
    }
    auto isZero = [](OpFoldResult x) { return isConstantIntValue(x, 0); };
    return llvm::all_of(insert.getMixedOffsets(), isZero) &&
                   insert.hasUnitStride()
               ? insert.getSource()
               : value;
  }
  return value;
}

namespace {
/// A side of a product where it lies.
struct Side {
  Value source;
  /// From the batches, its row or column, and the step of the depth.
  AffineMap map;
};
} // namespace

/// The right side of `anchor` before it was packed.
static std::optional<Side> findRightSide(ContractAnchorOp anchor) {
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
    return Side{skipPadding(pack.getSource()),
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
  return Side{skipPadding(expand.getSrc()),
              AffineMap::get(rank, 0, exprs, context)};
}

/// Swaps the last two dimensions of what `map` takes.
static AffineMap swapLast(AffineMap map) {
  unsigned rank = map.getNumDims();
  SmallVector<AffineExpr> dims;
  for (unsigned dim = 0; dim < rank; ++dim)
    dims.push_back(getAffineDimExpr(dim, map.getContext()));
  std::swap(dims[rank - 1], dims[rank - 2]);
  return map.compose(
      AffineMap::get(rank, 0, dims, map.getContext()));
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

namespace {
/// Are the scalars of `block` none that floats of 32 bits instead of 16 would
/// change, but for their precision?
bool canWiden(Block &block) {
  return llvm::all_of(block.without_terminator(), [](Operation &op) {
    return OpTrait::hasElementwiseMappableTraits(&op) &&
           op.getNumResults() == 1 && !isa<arith::BitcastOp>(op);
  });
}

/// The three kernels, and what they compute.
struct Match {
  func::CallOp scoresCall, softmaxCall, resultsCall;
  ContractAnchorOp scores, results;
  SoftmaxChain softmax;
  Side key, value;
  /// Batches, rows, keys, depth, columns.
  SmallVector<int64_t> sizes;
};

std::optional<Match> match(func::CallOp call) {
  Match found;
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

  // The weights of values.
  Value weights = skipReshapes(getPassed(found.results.getLhs(), call));
  found.softmaxCall = weights ? weights.getDefiningOp<func::CallOp>() : nullptr;
  func::FuncOp softmaxKernel = getKernel(found.softmaxCall);
  if (!softmaxKernel ||
      !(found.softmax =
            matchSoftmax(skipPadding(getReturned(softmaxKernel)))))
    return std::nullopt;

  Value scores =
      skipReshapes(getPassed(found.softmax.scores, found.softmaxCall));
  found.scoresCall = scores ? scores.getDefiningOp<func::CallOp>() : nullptr;
  func::FuncOp scoresKernel = getKernel(found.scoresCall);
  if (!scoresKernel || !(found.scores = findProduct(scoresKernel)) ||
      !isa<OpResult>(getReturned(scoresKernel)))
    return std::nullopt;
  auto product = cast<AnchorOpInterface>(found.scores.getOperation());
  auto lhs = cast<RankedTensorType>(found.scores.getLhs().getType());
  auto init = cast<RankedTensorType>(found.scores.getInit().getType());
  auto left = cast<RankedTensorType>(found.results.getLhs().getType());
  if (lhs.getElementType() != element ||
      getElementTypeOrSelf(found.scores.getRhs().getType()) != element ||
      getElementTypeOrSelf(found.results.getRhs().getType()) != element ||
      !product.getInitIndexingMap().isIdentity() ||
      init.getShape().drop_back() != left.getShape().drop_back() ||
      !init.hasStaticShape() ||
      getReturned(scoresKernel) != found.scores->getResult(0) ||
      !canWiden(product.getEpilogue().front()))
    return std::nullopt;
  // Its own inputs have points of its own shape.
  bool isReshaped =
      cast<ShapedType>(found.softmax.scores.getType()).getShape() !=
      init.getShape();
  if (isReshaped && found.softmax.blind)
    return std::nullopt;
  if (isReshaped &&
      cast<ShapedType>(found.softmax.scores.getType()).getShape().back() !=
          init.getShape().back())
    return std::nullopt;

  std::optional<Side> key = findRightSide(found.scores),
                      value = findRightSide(found.results);
  if (!key || !value)
    return std::nullopt;
  found.key = *key;
  found.value = {value->source, swapLast(value->map)};
  AffineMap queryMap = found.scores.getLhsIndexingMap();
  int64_t depthDim = *queryMap.getResultPosition(
      getAffineDimExpr(queryMap.getNumDims() - 1, queryMap.getContext()));
  int64_t rank = init.getRank();
  // Behind its keys, weights and values are zeros, if there are any.
  AffineMap valueMap = found.value.map;
  int64_t keyDim = *valueMap.getResultPosition(
      getAffineDimExpr(valueMap.getNumDims() - 2, valueMap.getContext()));
  int64_t keys = init.getShape().back();
  if (cast<RankedTensorType>(found.value.source.getType())
          .getDimSize(keyDim) != keys)
    return std::nullopt;
  bool isPadded = skipPadding(getReturned(softmaxKernel)) !=
                  getReturned(softmaxKernel);
  if (cast<RankedTensorType>(weights.getType()).getShape().back() !=
          left.getShape().back() ||
      (left.getShape().back() != keys && !isPadded))
    return std::nullopt;
  found.sizes.assign(init.getShape().begin(), init.getShape().end());
  found.sizes.append(
      {lhs.getDimSize(depthDim), results.getOutputDimSize(rank - 1)});
  if (llvm::is_contained(found.sizes, 0) ||
      found.sizes[rank - 2] < kLeastRows || found.sizes[rank] > kMostColumns ||
      found.sizes[rank + 1] > kMostColumns)
    return std::nullopt;
  return found;
}

/// What a kernel that only multiplies each element by a number multiplies, and
/// that number.
std::optional<std::pair<Value, double>> findScaled(Value value) {
  auto call = value.getDefiningOp<func::CallOp>();
  func::FuncOp kernel = getKernel(call);
  if (!kernel)
    return std::nullopt;
  // A copy returns what it gets.
  if (Value copied = getPassed(getReturned(kernel), call))
    return std::pair(copied, 1.0);
  auto op = getReturned(kernel).getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumDpsInputs() != 1 ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return std::nullopt;
  Value source = getPassed(op.getDpsInputOperand(0)->get(), call);
  if (!source || source.getType() != value.getType())
    return std::nullopt;
  Value scalar = op.getBlock()->getTerminator()->getOperand(0);
  double factor = 1;
  while (Operation *def = scalar.getDefiningOp()) {
    APFloat number(0.0);
    if (isa<arith::MulFOp>(def) &&
        matchPattern(def->getOperand(1), m_ConstantFloat(&number)))
      factor *= number.convertToDouble();
    else if (!isa<arith::ExtFOp, arith::TruncFOp>(def))
      return std::nullopt;
    scalar = def->getOperand(0);
  }
  if (scalar != op.getBlock()->getArgument(0))
    return std::nullopt;
  return std::pair(source, factor);
}

Type widen(Type type) {
  auto number = dyn_cast<FloatType>(type);
  return number && number.getWidth() < 32
             ? Type(Float32Type::get(type.getContext()))
             : type;
}

/// The kernel of all three, and its call.
class Fusion {
public:
  explicit Fusion(Match &match)
      : match(match), host(match.resultsCall), b(match.resultsCall) {}

  void build(SymbolTable &symbols);

private:
  Value addArgument(Value value);
  Value import(Value value, func::CallOp call);
  double skipScaling(Value source, func::CallOp call);
  Value cast(OpBuilder &scalars, Value value, Type type);
  void cloneScalars(OpBuilder &scalars, Block &block, IRMapping &mapping,
                    function_ref<Value(Value)> import);
  Value readScore(OpBuilder &scalars, AttentionOp op, Value passed,
                  AffineMap map);
  void buildScores(AttentionOp op, double scale);
  void buildResults(AttentionOp op, double scale);

  Match &match;
  OpBuilder host, b;
  func::FuncOp kernel;
  /// What the kernel's arguments are where it is called, and the other way
  /// round.
  SmallVector<Value> passed;
  llvm::DenseMap<Value, Value> arguments;
  llvm::DenseMap<std::pair<Value, Operation *>, Value> imported;
  SmallVector<Attribute> scoreMaps, resultMaps;
  Attribute destination;
};
} // namespace

Value Fusion::addArgument(Value value) {
  Value &argument = arguments[value];
  if (!argument) {
    argument =
        kernel.getBody().front().addArgument(value.getType(), value.getLoc());
    passed.push_back(value);
  }
  return argument;
}

/// `value` of the kernel that `call` calls, computed once more.
Value Fusion::import(Value value, func::CallOp call) {
  auto key = std::pair(value, call.getOperation());
  if (Value known = imported.lookup(key))
    return known;
  Value result;
  if (Value argument = getPassed(value, call)) {
    result = addArgument(argument);
  } else {
    Operation *op = value.getDefiningOp();
    IRMapping mapping;
    for (Value operand : op->getOperands())
      mapping.map(operand, import(operand, call));
    result = b.clone(*op, mapping)
                 ->getResult(llvm::cast<OpResult>(value).getResultNumber());
  }
  imported[key] = result;
  return result;
}

/// Lets what `source` views be read before it was multiplied by a number, which
/// is the result.
double Fusion::skipScaling(Value source, func::CallOp call) {
  while (Operation *op = source.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp>(op))
      return 1;
    source = op->getOperand(0);
  }
  Value value = getPassed(source, call);
  SmallVector<Operation *> reshapes;
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      break;
    reshapes.push_back(op);
    value = op->getOperand(0);
  }
  auto scaled = findScaled(value);
  if (!scaled)
    return 1;
  Value direct = scaled->first;
  for (Operation *op : llvm::reverse(reshapes)) {
    IRMapping mapping;
    mapping.map(op->getOperand(0), direct);
    direct = host.clone(*op, mapping)->getResult(0);
  }
  imported[{source, call.getOperation()}] = addArgument(direct);
  return scaled->second;
}

Value Fusion::cast(OpBuilder &scalars, Value value, Type type) {
  if (value.getType() == type)
    return value;
  if (value.getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(scalars, value.getLoc(), type, value);
  return arith::TruncFOp::create(scalars, value.getLoc(), type, value);
}

/// The ops of `block` with floats of 32 bits; `mapping` has its arguments,
/// `import` what comes from outside.
void Fusion::cloneScalars(OpBuilder &scalars, Block &block, IRMapping &mapping,
                          function_ref<Value(Value)> import) {
  auto require = [&](Value value) {
    if (!mapping.contains(value)) {
      Value outer = import(value);
      mapping.map(value, cast(scalars, outer, widen(outer.getType())));
    }
    return mapping.lookup(value);
  };
  for (Operation &op : block) {
    for (Value operand : op.getOperands())
      require(operand);
    if (op.hasTrait<OpTrait::IsTerminator>())
      return;
    if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
      Value operand = mapping.lookup(op.getOperand(0));
      mapping.map(op.getResult(0),
                  cast(scalars, operand, widen(op.getResult(0).getType())));
      continue;
    }
    Operation *clone = scalars.clone(op, mapping);
    clone->getResult(0).setType(widen(op.getResult(0).getType()));
  }
}

/// An element of `passed`, at `map` of the indices of a score. What a kernel
/// computes for each score by itself is computed here instead of being read.
Value Fusion::readScore(OpBuilder &scalars, AttentionOp op, Value passed,
                        AffineMap map) {
  Block &region = op.getScores().front();
  unsigned rank = map.getNumDims();
  auto call = passed.getDefiningOp<func::CallOp>();
  func::FuncOp callee = getKernel(call);
  auto loops = callee ? getReturned(callee).getDefiningOp<linalg::GenericOp>()
                      : linalg::GenericOp();
  auto isScalar = [](Operation &op) {
    return isa<linalg::IndexOp>(op) ||
           OpTrait::hasElementwiseMappableTraits(&op);
  };
  auto isKnown = [&](OpOperand *input) {
    return isa<BlockArgument>(input->get());
  };
  // Few steps, and either of positions alone or one for each score.
  bool isForEach =
      map.isFunctionOfDim(rank - 1) && map.isFunctionOfDim(rank - 2);
  static constexpr int64_t mostSteps = 8;
  if (loops && loops.getNumDpsInits() == 1 &&
      loops.getNumParallelLoops() == loops.getNumLoops() &&
      loops.getMatchingIndexingMap(loops.getDpsInitOperand(0)).isIdentity() &&
      !loops.payloadUsesValueFromOperand(loops.getDpsInitOperand(0)) &&
      (isForEach || loops.getNumDpsInputs() == 0) &&
      llvm::range_size(loops.getBlock()->getOperations()) <= mostSteps &&
      llvm::all_of(loops.getBlock()->without_terminator(), isScalar) &&
      llvm::all_of(loops.getDpsInputOperands(), isKnown)) {
    IRMapping mapping;
    for (OpOperand *input : loops.getDpsInputOperands())
      mapping.map(loops.getMatchingBlockArgument(input),
                  readScore(scalars, op, getPassed(input->get(), call),
                            loops.getMatchingIndexingMap(input).compose(map)));
    for (Operation &scalar : loops.getBlock()->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(scalar)) {
        auto dim = dyn_cast<AffineDimExpr>(map.getResult(index.getDim()));
        Value position;
        if (dim)
          position = region.getArgument(1 + dim.getPosition());
        else
          position = arith::ConstantIndexOp::create(scalars, op.getLoc(), 0);
        mapping.map(index.getResult(), position);
        continue;
      }
      for (Value operand : scalar.getOperands())
        if (!mapping.contains(operand))
          mapping.map(operand, import(operand, call));
      scalars.clone(scalar, mapping);
    }
    return mapping.lookupOrDefault(
        loops.getBlock()->getTerminator()->getOperand(0));
  }
  op.getScoreInputsMutable().append(addArgument(passed));
  scoreMaps.push_back(AffineMapAttr::get(map));
  return region.addArgument(getElementTypeOrSelf(passed.getType()),
                            op.getLoc());
}

void Fusion::buildScores(AttentionOp op, double scale) {
  auto anchor = llvm::cast<AnchorOpInterface>(match.scores.getOperation());
  Block &from = anchor.getEpilogue().front();
  Block &block = op.getScores().emplaceBlock();
  Location loc = op.getLoc();
  Type f32 = b.getF32Type();
  Value sum = block.addArgument(f32, loc);
  for (int64_t dim = 0; dim < anchor.getOutputRank(); ++dim)
    block.addArgument(b.getIndexType(), loc);
  OpBuilder scalars = OpBuilder::atBlockEnd(&block);
  if (scale != 1)
    sum = arith::MulFOp::create(
        scalars, loc, sum,
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(scale)));
  IRMapping mapping;
  mapping.map(from.getArgument(0), sum);
  for (auto [argument, input, map] : llvm::zip_equal(
           from.getArguments().drop_front(), anchor.getEpilogueInputs(),
           anchor.getEpilogueIndexingMaps())) {
    Value element;
    Value outer = getPassed(input, match.scoresCall);
    if (outer && isa<RankedTensorType>(outer.getType())) {
      element = readScore(scalars, op, outer, map);
    } else {
      op.getScoreInputsMutable().append(import(input, match.scoresCall));
      scoreMaps.push_back(AffineMapAttr::get(map));
      element = block.addArgument(argument.getType(), loc);
    }
    mapping.map(argument, cast(scalars, element, widen(element.getType())));
  }
  cloneScalars(scalars, from, mapping,
               [&](Value value) { return import(value, match.scoresCall); });
  YieldOp::create(scalars, loc,
                  mapping.lookup(from.getTerminator()->getOperand(0)));
  op.setScoreMapsAttr(b.getArrayAttr(scoreMaps));
}

void Fusion::buildResults(AttentionOp op, double scale) {
  auto anchor = llvm::cast<AnchorOpInterface>(match.results.getOperation());
  Block &from = anchor.getEpilogue().front();
  Block &block = op.getResults().emplaceBlock();
  Location loc = op.getLoc();
  Value quotient = block.addArgument(b.getF32Type(), loc);
  OpBuilder scalars = OpBuilder::atBlockEnd(&block);
  if (scale != 1)
    quotient = arith::MulFOp::create(
        scalars, loc, quotient,
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(scale)));
  auto addInput = [&](Value input, func::CallOp call, AffineMap map) {
    op.getResultInputsMutable().append(import(input, call));
    resultMaps.push_back(AffineMapAttr::get(map));
    return block.addArgument(getElementTypeOrSelf(input.getType()), loc);
  };
  if (match.softmax.blind) {
    linalg::GenericOp last = match.softmax.last;
    IRMapping mapping;
    std::function<Value(Value)> clone = [&](Value value) -> Value {
      if (mapping.contains(value))
        return mapping.lookup(value);
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        OpOperand *operand = last.getMatchingOpOperand(argument);
        mapping.map(value, addInput(operand->get(), match.softmaxCall,
                                    last.getMatchingIndexingMap(operand)));
        return mapping.lookup(value);
      }
      Operation *def = value.getDefiningOp();
      if (def->getBlock() != last.getBlock())
        return import(value, match.softmaxCall);
      for (Value operand : def->getOperands())
        mapping.map(operand, clone(operand));
      scalars.clone(*def, mapping);
      return mapping.lookup(value);
    };
    Value isBlind = clone(match.softmax.blind);
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    quotient =
        arith::SelectOp::create(scalars, loc, isBlind, zero, quotient);
  }
  IRMapping mapping;
  mapping.map(from.getArgument(0), quotient);
  for (auto [argument, input, map] : llvm::zip_equal(
           from.getArguments().drop_front(), anchor.getEpilogueInputs(),
           anchor.getEpilogueIndexingMaps()))
    mapping.map(argument, addInput(input, match.resultsCall, map));
  for (Operation &scalar : from) {
    for (Value operand : scalar.getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, import(operand, match.resultsCall));
    scalars.clone(scalar, mapping);
  }
  op.setResultMapsAttr(b.getArrayAttr(resultMaps));
}

void Fusion::build(SymbolTable &symbols) {
  func::CallOp call = match.resultsCall;
  func::FuncOp results = getKernel(call);
  Location loc = b.getFusedLoc({match.scores.getLoc(),
                                match.softmax.last.getLoc(),
                                match.results.getLoc()});
  b.setInsertionPointAfter(results);
  kernel = func::FuncOp::create(b, loc, "kernel_attention",
                                b.getFunctionType({}, {}));
  kernel.setPrivate();
  kernel->setAttr(kKernelAttr, b.getUnitAttr());
  symbols.insert(kernel);
  b.setInsertionPointToEnd(kernel.addEntryBlock());

  ContractAnchorOp scores = match.scores;
  double scale = skipScaling(scores.getLhs(), match.scoresCall) *
                 skipScaling(match.key.source, match.scoresCall);
  double valueScale = skipScaling(match.value.source, call);
  Value query = import(scores.getLhs(), match.scoresCall),
        key = import(match.key.source, match.scoresCall),
        value = import(match.value.source, call),
        init = import(match.results.getInit(), call);
  auto anchor = llvm::cast<AnchorOpInterface>(match.results.getOperation());
  auto op = AttentionOp::create(
      b, loc, init.getType(), query, key, value, ValueRange(), ValueRange(),
      init, b.getDenseI64ArrayAttr(match.sizes),
      AffineMapAttr::get(scores.getLhsIndexingMap()),
      AffineMapAttr::get(match.key.map), AffineMapAttr::get(match.value.map),
      AffineMapAttr::get(anchor.getInitIndexingMap()), b.getArrayAttr({}),
      b.getArrayAttr({}),
      b.getStringAttr(anchor.getConfigAttr().getInstruction()));
  b.setInsertionPoint(op);
  buildScores(op, scale);
  buildResults(op, valueScale);
  b.setInsertionPointAfter(op);
  imported[{match.results->getResult(0), call.getOperation()}] =
      op.getResult();
  Value returned = import(getReturned(results), call);
  for (BlockArgument argument : results.getArguments())
    if (auto number = results.getArgAttr(argument.getArgNumber(),
                                         kDestinationAttr)) {
      addArgument(call.getOperand(argument.getArgNumber()));
      destination = number;
    }
  func::ReturnOp::create(b, loc, returned);
  kernel.setFunctionType(
      b.getFunctionType(kernel.getBody().front().getArgumentTypes(),
                        returned.getType()));
  kernel.setArgAttr(passed.size() - 1, kDestinationAttr, destination);
  auto fused = func::CallOp::create(host, loc, kernel, passed);
  call.getResult(0).replaceAllUsesWith(fused.getResult(0));
}

/// Erases what computes `value`, if nobody reads it.
static void eraseUnused(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !op->use_empty() ||
      !(getKernel(dyn_cast<func::CallOp>(op)) ||
        isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::EmptyOp,
            bufferization::AllocTensorOp>(op)))
    return;
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  for (Value operand : operands)
    eraseUnused(operand);
}

namespace {
struct FuseAttention : mopt::impl::FuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::CallOp> calls;
    getOperation().walk([&](func::CallOp call) { calls.push_back(call); });
    for (func::CallOp call : calls) {
      // Those of products that are fused are behind what they call for.
      std::optional<Match> found = match(call);
      if (!found)
        continue;
      Fusion(*found).build(symbols);
      fused.push_back(call);
    }
    for (func::CallOp call : fused)
      eraseUnused(call.getResult(0));
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (kernel->hasAttr(kKernelAttr) &&
          SymbolTable::symbolKnownUseEmpty(kernel, getOperation()))
        symbols.erase(kernel);
  }

  SmallVector<func::CallOp> fused;
};
} // namespace
