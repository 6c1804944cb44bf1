// Level in and out: structured. A product, the softmax of its rows, and the
// product of that with a third matrix, each in a kernel of its own, become one
// kernel of one op. Leaves all three alone where anyone else reads what is
// between them, or one of them is not quite that.
#include "AttentionMatch.h"
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

namespace {
Type widen(Type type) {
  auto number = dyn_cast<FloatType>(type);
  return number && number.getWidth() < 32
             ? Type(Float32Type::get(type.getContext()))
             : type;
}

/// The kernel of all three, and its call.
class Fusion {
public:
  explicit Fusion(AttentionMatch &match)
      : match(match), host(match.resultsCall), b(match.resultsCall),
        space(match.rows.sizes) {
    space.push_back(match.keys);
  }

  void build(SymbolTable &symbols);

private:
  Value addArgument(Value value);
  Value import(Value value, func::CallOp call);
  std::optional<Direct> findDirectSource(Value source, func::CallOp call);
  void replace(Value source, func::CallOp call, const Direct &direct);
  void readSides();
  Value cast(OpBuilder &scalars, Value value, Type type);
  void cloneScalars(OpBuilder &scalars, Block &block, IRMapping &mapping,
                    function_ref<Value(Value)> import);
  Value readScore(OpBuilder &scalars, AttentionOp op, Value passed,
                  AffineMap map, const DimGroups &groups);
  Value getIndex(OpBuilder &scalars, AttentionOp op, ArrayRef<unsigned> dims);
  Value addStep(OpBuilder &scalars, AttentionOp op, AttentionMatch::Step step,
                Value score);
  SpaceView view(Value tensor, AffineMap map, const DimGroups &groups);
  DimGroups getGroups(const DimGroups &rows) const;
  void buildScores(AttentionOp op);
  void buildResults(AttentionOp op);
  Type round(Type type);
  Value createInit();
  Value getDestination(Value passed);

  AttentionMatch &match;
  OpBuilder host, b;
  func::FuncOp kernel;
  /// What the kernel's arguments are where it is called, and the other way
  /// round.
  SmallVector<Value> passed;
  llvm::DenseMap<Value, Value> arguments;
  llvm::DenseMap<std::pair<Value, Operation *>, Value> imported;
  SmallVector<Attribute> scoreMaps, resultMaps;
  Attribute destination;
  Value query, key, value;
  /// Sizes of the space of scores.
  SmallVector<int64_t> space;
  /// What products with keys and with values are multiplied by.
  double scale = 1, valueScale = 1;
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

/// The argument that `source` views, and views on the way.
static Value getViewed(Value source) {
  while (isa_and_nonnull<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
                         tensor::CollapseShapeOp>(source.getDefiningOp()))
    source = source.getDefiningOp()->getOperand(0);
  return source;
}

/// What can be read in the place of the argument that `source` is or views.
/// Only the argument itself may have zeros behind it.
std::optional<Direct> Fusion::findDirectSource(Value source,
                                               func::CallOp call) {
  Value value = getPassed(getViewed(source), call);
  if (!value)
    return std::nullopt;
  bool isViewed = !isa<BlockArgument>(source);
  SmallVector<Operation *> reshapes;
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
      value.getDefiningOp())) {
    reshapes.push_back(value.getDefiningOp());
    value = reshapes.back()->getOperand(0);
  }
  std::optional<Direct> direct = findDirect(value);
  if (!direct || (direct->isPadded && (isViewed || !reshapes.empty())))
    return std::nullopt;
  for (Operation *op : llvm::reverse(reshapes)) {
    IRMapping mapping;
    mapping.map(op->getOperand(0), direct->value);
    direct->value = host.clone(*op, mapping)->getResult(0);
  }
  return direct;
}

void Fusion::replace(Value source, func::CallOp call, const Direct &direct) {
  imported[{getViewed(source), call.getOperation()}] =
      addArgument(direct.value);
}

static int64_t getDimSize(Value value, AffineMap map, unsigned dim) {
  return cast<RankedTensorType>(value.getType())
      .getDimSize(
          *map.getResultPosition(getAffineDimExpr(dim, map.getContext())));
}

/// Queries, keys and values, read before they were scaled or padded if that can
/// be.
void Fusion::readSides() {
  ContractAnchorOp scores = match.scores;
  AffineMap queryMap = scores.getLhsIndexingMap();
  unsigned last = queryMap.getNumDims() - 1;
  std::optional<Direct> directQuery =
      findDirectSource(scores.getLhs(), match.scoresCall);
  std::optional<Direct> directKey =
      findDirectSource(match.key.source, match.scoresCall);
  auto getDepth = [&](const std::optional<Direct> &direct, Value source,
                      AffineMap map) {
    return getDimSize(direct && direct->isPadded ? direct->value : source, map,
                      last);
  };
  // Padded both or not.
  if (getDepth(directQuery, scores.getLhs(), queryMap) !=
      getDepth(directKey, match.key.source, match.key.map)) {
    if (directQuery && directQuery->isPadded)
      directQuery.reset();
    if (directKey && directKey->isPadded)
      directKey.reset();
  }
  std::optional<Direct> directValue =
      findDirectSource(match.value.source, match.resultsCall);
  if (directQuery) {
    replace(scores.getLhs(), match.scoresCall, *directQuery);
    scale *= directQuery->factor;
  }
  if (directKey) {
    replace(match.key.source, match.scoresCall, *directKey);
    scale *= directKey->factor;
  }
  if (directValue) {
    replace(match.value.source, match.resultsCall, *directValue);
    valueScale *= directValue->factor;
  }
  query = import(scores.getLhs(), match.scoresCall);
  key = import(match.key.source, match.scoresCall);
  value = import(match.value.source, match.resultsCall);
  match.depth = getDimSize(query, queryMap, last);
  // Behind the keys are only zeros.
  auto type = llvm::cast<RankedTensorType>(value.getType());
  AffineMap map = match.value.map;
  int64_t dim =
      *map.getResultPosition(getAffineDimExpr(last - 1, map.getContext()));
  if (type.getDimSize(dim) == match.keys)
    return;
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape()),
      strides(type.getRank(), b.getIndexAttr(1));
  sizes[dim] = b.getIndexAttr(match.keys);
  value = tensor::ExtractSliceOp::create(b, value.getLoc(), value, offsets,
                                         sizes, strides);
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

/// What becomes of dimensions of rows, and of one behind them.
DimGroups Fusion::getGroups(const DimGroups &rows) const {
  DimGroups groups = rows;
  groups.push_back({unsigned(space.size()) - 1});
  return groups;
}

SpaceView Fusion::view(Value tensor, AffineMap map, const DimGroups &groups) {
  return viewInSpace(b, tensor, map, groups, space);
}

/// The index of a score in a dimension that became `dims`.
Value Fusion::getIndex(OpBuilder &scalars, AttentionOp op,
                       ArrayRef<unsigned> dims) {
  Location loc = op.getLoc();
  Block &region = op.getScores().front();
  if (dims.empty())
    return arith::ConstantIndexOp::create(scalars, loc, 0);
  Value index = region.getArgument(1 + dims.front());
  for (unsigned dim : dims.drop_front()) {
    Value size = arith::ConstantIndexOp::create(scalars, loc, space[dim]);
    index = arith::MulIOp::create(scalars, loc, index, size);
    index =
        arith::AddIOp::create(scalars, loc, index, region.getArgument(1 + dim));
  }
  return index;
}

/// An element of `passed`, at `map` of the indices of a score, whose dimensions
/// become `groups`. What a kernel computes for each score by itself is computed
/// here instead of being read.
Value Fusion::readScore(OpBuilder &scalars, AttentionOp op, Value passed,
                        AffineMap map, const DimGroups &groups) {
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
  auto isKnown = [](OpOperand *input) { return isPassedTensor(input->get()); };
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
                            loops.getMatchingIndexingMap(input).compose(map),
                            groups));
    for (Operation &scalar : loops.getBlock()->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(scalar)) {
        auto dim = dyn_cast<AffineDimExpr>(map.getResult(index.getDim()));
        ArrayRef<unsigned> dims;
        if (dim)
          dims = groups[dim.getPosition()];
        mapping.map(index.getResult(), getIndex(scalars, op, dims));
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
  SpaceView read = view(addArgument(passed), map, groups);
  op.getScoreInputsMutable().append(read.tensor);
  scoreMaps.push_back(AffineMapAttr::get(read.map));
  return region.addArgument(getElementTypeOrSelf(passed.getType()),
                            op.getLoc());
}

/// What a kernel between the product and the softmax makes of a score.
Value Fusion::addStep(OpBuilder &scalars, AttentionOp op,
                      AttentionMatch::Step step, Value score) {
  IRMapping mapping;
  for (OpOperand *input : step.op.getDpsInputOperands()) {
    Value element = score;
    if (input != step.scores)
      element = readScore(scalars, op, getPassed(input->get(), step.call),
                          step.op.getMatchingIndexingMap(input),
                          getGroups(match.rows.second));
    mapping.map(step.op.getMatchingBlockArgument(input),
                cast(scalars, element, widen(element.getType())));
  }
  Block &block = *step.op.getBlock();
  cloneScalars(scalars, block, mapping,
               [&](Value value) { return import(value, step.call); });
  return mapping.lookup(block.getTerminator()->getOperand(0));
}

void Fusion::buildScores(AttentionOp op) {
  auto anchor = llvm::cast<AnchorOpInterface>(match.scores.getOperation());
  Block &from = anchor.getEpilogue().front();
  Block &block = op.getScores().emplaceBlock();
  Location loc = op.getLoc();
  Type f32 = b.getF32Type();
  Value sum = block.addArgument(f32, loc);
  for (size_t dim = 0; dim < space.size(); ++dim)
    block.addArgument(b.getIndexType(), loc);
  OpBuilder scalars = OpBuilder::atBlockEnd(&block);
  if (scale != 1)
    sum = arith::MulFOp::create(
        scalars, loc, sum,
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(scale)));
  DimGroups groups = getGroups(match.rows.first);
  IRMapping mapping;
  mapping.map(from.getArgument(0), sum);
  for (auto [argument, input, map] : llvm::zip_equal(
           from.getArguments().drop_front(), anchor.getEpilogueInputs(),
           anchor.getEpilogueIndexingMaps())) {
    Value element;
    Value outer = getPassed(input, match.scoresCall);
    if (outer && isa<RankedTensorType>(outer.getType())) {
      element = readScore(scalars, op, outer, map, groups);
    } else {
      SpaceView read = view(import(input, match.scoresCall), map, groups);
      op.getScoreInputsMutable().append(read.tensor);
      scoreMaps.push_back(AffineMapAttr::get(read.map));
      element = block.addArgument(argument.getType(), loc);
    }
    mapping.map(argument, cast(scalars, element, widen(element.getType())));
  }
  cloneScalars(scalars, from, mapping,
               [&](Value value) { return import(value, match.scoresCall); });
  Value score = mapping.lookup(from.getTerminator()->getOperand(0));
  for (const AttentionMatch::Step &step : match.steps)
    score = addStep(scalars, op, step, score);
  YieldOp::create(scalars, loc, score);
  op.setScoreMapsAttr(b.getArrayAttr(scoreMaps));
}

void Fusion::buildResults(AttentionOp op) {
  auto anchor = llvm::cast<AnchorOpInterface>(match.results.getOperation());
  Block &from = anchor.getEpilogue().front();
  Block &block = op.getResults().emplaceBlock();
  Location loc = op.getLoc();
  Value quotient = block.addArgument(b.getF32Type(), loc);
  OpBuilder scalars = OpBuilder::atBlockEnd(&block);
  if (valueScale != 1)
    quotient = arith::MulFOp::create(
        scalars, loc, quotient,
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(valueScale)));
  auto addInput = [&](Value input, func::CallOp call, AffineMap map,
                      const DimGroups &rows) {
    SpaceView read = view(import(input, call), map, getGroups(rows));
    op.getResultInputsMutable().append(read.tensor);
    resultMaps.push_back(AffineMapAttr::get(read.map));
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
                                    last.getMatchingIndexingMap(operand),
                                    match.rows.second));
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
    quotient = arith::SelectOp::create(scalars, loc, isBlind, zero, quotient);
  }
  IRMapping mapping;
  mapping.map(from.getArgument(0), quotient);
  for (auto [argument, input, map] : llvm::zip_equal(
           from.getArguments().drop_front(), anchor.getEpilogueInputs(),
           anchor.getEpilogueIndexingMaps()))
    mapping.map(argument,
                addInput(input, match.resultsCall, map, match.rows.first));
  for (Operation &scalar : from) {
    for (Value operand : scalar.getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, import(operand, match.resultsCall));
    if (!scalar.hasTrait<OpTrait::IsTerminator>())
      scalars.clone(scalar, mapping);
  }
  Value result = mapping.lookup(from.getTerminator()->getOperand(0));
  if (match.roundingCall)
    result = cast(scalars, result, match.rounded);
  YieldOp::create(scalars, loc, result);
  op.setResultMapsAttr(b.getArrayAttr(resultMaps));
}

/// The type of the result that has this one before it is rounded.
Type Fusion::round(Type type) {
  return match.roundingCall
             ? Type(llvm::cast<RankedTensorType>(type).clone(match.rounded))
             : type;
}

Value Fusion::createInit() {
  if (!match.roundingCall)
    return import(match.results.getInit(), match.resultsCall);
  auto type = llvm::cast<RankedTensorType>(
      round(match.results->getResult(0).getType()));
  return tensor::EmptyOp::create(b, match.results.getLoc(), type.getShape(),
                                 type.getElementType());
}

Value Fusion::getDestination(Value passed) {
  if (!match.roundingCall)
    return passed;
  return bufferization::AllocTensorOp::create(
      host, passed.getLoc(),
      llvm::cast<RankedTensorType>(round(passed.getType())), ValueRange());
}

void Fusion::build(SymbolTable &symbols) {
  func::CallOp call = match.resultsCall;
  func::FuncOp results = getKernel(call);
  Location loc =
      b.getFusedLoc({match.scores.getLoc(), match.softmax.last.getLoc(),
                     match.results.getLoc()});
  b.setInsertionPointAfter(results);
  kernel = func::FuncOp::create(b, loc, "kernel_attention",
                                b.getFunctionType({}, {}));
  kernel.setPrivate();
  kernel->setAttr(kKernelAttr, b.getUnitAttr());
  symbols.insert(kernel);
  b.setInsertionPointToEnd(kernel.addEntryBlock());

  ContractAnchorOp scores = match.scores;
  readSides();
  auto anchor = llvm::cast<AnchorOpInterface>(match.results.getOperation());
  DimGroups rows = getGroups(match.rows.first), keys = match.rows.first;
  // Keys and values have those of batches, then a key and its elements.
  unsigned last = space.size() - 1;
  keys.back() = {last - 1};
  keys.push_back({last});
  SpaceView queries = view(query, scores.getLhsIndexingMap(), rows),
            init = view(createInit(), anchor.getInitIndexingMap(), rows);
  SpaceView keyView = view(key, match.key.map, keys),
            valueView = view(value, match.value.map, keys);
  SmallVector<int64_t> sizes = space;
  sizes.append({match.depth, match.columns});
  auto op = AttentionOp::create(
      b, loc, init.tensor.getType(), queries.tensor, keyView.tensor,
      valueView.tensor, ValueRange(), ValueRange(), init.tensor,
      b.getDenseI64ArrayAttr(sizes), AffineMapAttr::get(queries.map),
      AffineMapAttr::get(keyView.map), AffineMapAttr::get(valueView.map),
      AffineMapAttr::get(init.map), b.getArrayAttr({}), b.getArrayAttr({}),
      b.getStringAttr(anchor.getConfigAttr().getInstruction()));
  b.setInsertionPoint(op);
  buildScores(op);
  buildResults(op);
  b.setInsertionPointAfter(op);
  Value result = op.getResult();
  if (!init.reassociation.empty())
    result =
        tensor::CollapseShapeOp::create(b, loc, result, init.reassociation);
  imported[{match.results->getResult(0), call.getOperation()}] = result;
  Value returned = import(getReturned(results), call);
  for (BlockArgument argument : results.getArguments())
    if (auto number =
            results.getArgAttr(argument.getArgNumber(), kDestinationAttr)) {
      addArgument(getDestination(call.getOperand(argument.getArgNumber())));
      destination = number;
    }
  func::ReturnOp::create(b, loc, returned);
  kernel.setFunctionType(b.getFunctionType(
      kernel.getBody().front().getArgumentTypes(), returned.getType()));
  kernel.setArgAttr(passed.size() - 1, kDestinationAttr, destination);
  auto fused = func::CallOp::create(host, loc, kernel, passed);
  if (!match.roundingCall) {
    call.getResult(0).replaceAllUsesWith(fused.getResult(0));
    return;
  }
  Value rounded = fused.getResult(0);
  for (Operation *op : match.reshapes) {
    IRMapping mapping;
    mapping.map(op->getOperand(0), rounded);
    rounded = host.clone(*op, mapping)->getResult(0);
    rounded.setType(round(rounded.getType()));
  }
  match.roundingCall.getResult(0).replaceAllUsesWith(rounded);
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
      std::optional<AttentionMatch> found = matchAttention(call);
      if (!found)
        continue;
      Fusion(*found).build(symbols);
      unused.push_back(found->roundingCall ? found->roundingCall : call);
    }
    for (func::CallOp call : unused)
      eraseUnused(call.getResult(0));
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (kernel->hasAttr(kKernelAttr) &&
          SymbolTable::symbolKnownUseEmpty(kernel, getOperation()))
        symbols.erase(kernel);
  }

  SmallVector<func::CallOp> unused;
};
} // namespace
