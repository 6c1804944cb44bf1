// TreeEnsemble: every tree descends for every row at the same time, one step
// for each level; leaves stay where they are. Also the simple operators of
// ai.onnx.ml on tensors of numbers.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;
using namespace mopt;
using K = BinaryKind;

namespace {
/// What a node of a tree asks, by the numbers of 'nodes_modes'.
enum Mode : int64_t { kMember = 6 };
constexpr CompareKind kComparisons[] = {CompareKind::le, CompareKind::lt,
                                        CompareKind::ge, CompareKind::gt,
                                        CompareKind::eq, CompareKind::ne};

class TreeEnsemble {
public:
  explicit TreeEnsemble(OpBinder &op) : op(op) {}

  LogicalResult bind();
  LogicalResult convert();

private:
  LogicalResult bindInts(StringRef name, SmallVectorImpl<int64_t> &list,
                         size_t count);
  FailureOr<SmallVector<double>> getNumbers(StringRef name);
  LogicalResult bindMembers();
  /// Levels from the roots to the deepest leaf; failure if a node is its own
  /// descendant.
  FailureOr<int64_t> measureDepth();
  /// The entries of a list, one a node and leaf, for each tree of each row.
  Value look(ArrayRef<int64_t> list);
  Value look(ArrayRef<double> list);
  Value ask();
  Value transform(Value y);

  OpBinder &op;
  Value x;
  Type type;
  int64_t targets = 0, numNodes = 0;
  /// One entry a node, then one a leaf.
  SmallVector<int64_t> features, modes, onTrue, onFalse, tracksTrue, target;
  SmallVector<double> splits, weights;
  SmallVector<int64_t> roots;
  /// What each node that asks for members has.
  SmallVector<SmallVector<double>> members;
  /// Where each tree is: `[rows, trees]`.
  Value at;
};
} // namespace

LogicalResult TreeEnsemble::bindInts(StringRef name,
                                     SmallVectorImpl<int64_t> &list,
                                     size_t count) {
  std::optional<SmallVector<int64_t>> found = op.getInts(name);
  if (!found || found->size() != count)
    return op.emitError() << "expected " << count << " values in '" << name
                          << "', found " << (found ? found->size() : 0);
  list = *found;
  return success();
}

FailureOr<SmallVector<double>> TreeEnsemble::getNumbers(StringRef name) {
  SmallVector<double> numbers;
  ElementsAttr elements = op.getElements(name);
  if (!elements)
    return numbers;
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return op.emitError() << "expected numbers in '" << name << "'";
  if (isa<FloatType>(dense.getElementType())) {
    for (APFloat value : dense.getValues<APFloat>()) {
      bool losesInfo;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
      numbers.push_back(value.convertToDouble());
    }
  } else {
    for (const APInt &value : dense.getValues<APInt>())
      numbers.push_back(value.getZExtValue());
  }
  return numbers;
}

/// The lists lie behind each other, each ended by NaN.
LogicalResult TreeEnsemble::bindMembers() {
  FailureOr<SmallVector<double>> all = getNumbers("membership_values");
  if (failed(all))
    return failure();
  members.resize(modes.size());
  size_t next = 0;
  for (int64_t node = 0; node < numNodes; ++node) {
    if (modes[node] != kMember)
      continue;
    while (next < all->size() && !std::isnan((*all)[next]))
      members[node].push_back((*all)[next++]);
    if (next++ == all->size())
      return op.emitError()
             << "expected a list in 'membership_values' for node " << node
             << ", found none";
  }
  return success();
}

LogicalResult TreeEnsemble::bind() {
  x = op.getTensor(0);
  if (!x)
    return failure();
  type = OpBinder::getElementType(x);
  if (OpBinder::getRank(x) != 2 || !isa<FloatType>(type))
    return op.emitError() << "expected floats of two dimensions, found "
                          << x.getType();
  targets = op.getInt("n_targets", 1);
  features = op.getInts("nodes_featureids").value_or(SmallVector<int64_t>());
  target = op.getInts("leaf_targetids").value_or(SmallVector<int64_t>());
  roots = op.getInts("tree_roots").value_or(SmallVector<int64_t>());
  numNodes = features.size();
  int64_t numLeaves = target.size();
  FailureOr<SmallVector<double>> kinds = getNumbers("nodes_modes"),
                                 limits = getNumbers("nodes_splits"),
                                 values = getNumbers("leaf_weights");
  SmallVector<int64_t> trueLeafs, falseLeafs;
  if (failed(kinds) || failed(limits) || failed(values) ||
      failed(bindInts("nodes_truenodeids", onTrue, numNodes)) ||
      failed(bindInts("nodes_falsenodeids", onFalse, numNodes)) ||
      failed(bindInts("nodes_trueleafs", trueLeafs, numNodes)) ||
      failed(bindInts("nodes_falseleafs", falseLeafs, numNodes)))
    return failure();
  tracksTrue.assign(numNodes, 0);
  if (op.hasAttr("nodes_missing_value_tracks_true") &&
      failed(bindInts("nodes_missing_value_tracks_true", tracksTrue, numNodes)))
    return failure();
  if (static_cast<int64_t>(kinds->size()) != numNodes ||
      static_cast<int64_t>(limits->size()) != numNodes ||
      static_cast<int64_t>(values->size()) != numLeaves || numLeaves == 0)
    return op.emitError() << "expected a mode and a split for each of "
                          << numNodes << " nodes and a weight for each of "
                          << numLeaves << " leaves, found " << kinds->size()
                          << ", " << limits->size() << " and "
                          << values->size();
  int64_t columns = OpBinder::getType(x).getDimSize(1);
  for (int64_t node = 0; node < numNodes; ++node) {
    modes.push_back((*kinds)[node]);
    if (modes[node] > kMember)
      return op.emitError()
             << "expected modes from 0 to 6, found " << modes[node];
    if (features[node] < 0 ||
        (ShapedType::isStatic(columns) && features[node] >= columns))
      return op.emitError() << "expected features from 0 to " << columns - 1
                            << ", found " << features[node];
    for (auto [next, isLeaf] : {std::pair(&onTrue[node], trueLeafs[node]),
                                std::pair(&onFalse[node], falseLeafs[node])}) {
      if (*next < 0 || *next >= (isLeaf ? numLeaves : numNodes))
        return op.emitError() << "expected a node or leaf that is there behind "
                                 "node "
                              << node << ", found " << *next;
      *next += isLeaf ? numNodes : 0;
    }
  }
  for (int64_t root : roots)
    if (root < 0 || root >= numNodes)
      return op.emitError() << "expected roots from 0 to " << numNodes - 1
                            << ", found " << root;
  for (int64_t index : target)
    if (index < 0 || index >= targets)
      return op.emitError() << "expected targets from 0 to " << targets - 1
                            << ", found " << index;
  if (roots.empty())
    return op.emitError() << "expected at least one tree";
  if (failed(bindMembers()))
    return failure();
  splits = *limits;
  weights.assign(numNodes, 0);
  llvm::append_range(weights, *values);
  target.insert(target.begin(), numNodes, 0);
  for (int64_t leaf = numNodes; leaf < numNodes + numLeaves; ++leaf) {
    onTrue.push_back(leaf);
    onFalse.push_back(leaf);
  }
  int64_t total = numNodes + numLeaves;
  features.resize(total, 0);
  modes.resize(total, modes.front());
  tracksTrue.resize(total, 0);
  splits.resize(total, 0);
  members.resize(total);
  return success();
}

FailureOr<int64_t> TreeEnsemble::measureDepth() {
  llvm::SmallDenseSet<int64_t> level(roots.begin(), roots.end());
  for (int64_t depth = 0; depth <= numNodes; ++depth) {
    llvm::SmallDenseSet<int64_t> below;
    for (int64_t node : level)
      if (node < numNodes)
        below.insert_range(ArrayRef<int64_t>{onTrue[node], onFalse[node]});
    if (below.empty())
      return depth;
    level = std::move(below);
  }
  return op.emitError() << "expected trees, found a node that is behind itself";
}

Value TreeEnsemble::look(ArrayRef<int64_t> list) {
  return GatherOp::create(op.b, op.loc, op.constantInts(list), at, 0);
}

Value TreeEnsemble::look(ArrayRef<double> list) {
  auto listType = RankedTensorType::get(list.size(), op.b.getF64Type());
  Value table =
      op.cast(op.constant(DenseElementsAttr::get(listType, list)), type);
  return GatherOp::create(op.b, op.loc, table, at, 0);
}

/// What the nodes answer.
Value TreeEnsemble::ask() {
  Value value = GatherElementsOp::create(op.b, op.loc, x, look(features), 1);
  llvm::SmallSetVector<int64_t, 8> used(modes.begin(), modes.end());
  Value answer, mode = used.size() > 1 ? look(modes) : Value();
  Type i64 = op.b.getI64Type();
  for (int64_t kind : used) {
    Value own;
    if (kind == kMember) {
      size_t most = 1;
      for (ArrayRef<double> list : members)
        most = std::max(most, list.size());
      for (size_t i = 0; i < most; ++i) {
        // Nothing is equal to NaN.
        SmallVector<double> column(members.size(), NAN);
        for (auto [entry, list] : llvm::zip_equal(column, members))
          if (i < list.size())
            entry = list[i];
        Value isOne = op.compare(CompareKind::eq, value, look(column));
        own = own ? op.binary(K::or_, own, isOne) : isOne;
      }
    } else {
      own = op.compare(kComparisons[kind], value, look(splits));
    }
    answer =
        answer
            ? op.select(op.compare(CompareKind::eq, mode, op.scalar(i64, kind)),
                        own, answer)
            : own;
  }
  if (!llvm::is_contained(tracksTrue, 1))
    return answer;
  Value isMissing = op.unary(UnaryKind::is_nan, value);
  Value tracks =
      op.compare(CompareKind::ne, look(tracksTrue), op.scalar(i64, 0));
  return op.binary(K::or_, answer, op.binary(K::and_, isMissing, tracks));
}

Value TreeEnsemble::transform(Value y) {
  int64_t kind = op.getInt("post_transform", 0);
  if (kind == 1)
    return SoftmaxOp::create(op.b, op.loc, y, 1);
  if (kind == 2)
    return op.unary(UnaryKind::sigmoid, y);
  if (kind == 0)
    return y;
  op.emitError() << "a 'post_transform' of " << kind
                 << " is not supported, only 0, 1 and 2";
  return {};
}

LogicalResult TreeEnsemble::convert() {
  FailureOr<int64_t> depth = measureDepth();
  if (failed(depth))
    return failure();
  OpFoldResult rows = op.state.shapes.getDim(x, 0);
  SmallVector<OpFoldResult> sizes{rows, op.b.getIndexAttr(roots.size())};
  at = BroadcastOp::create(op.b, op.loc,
                           op.unsqueeze(op.constantInts(roots), {0}), sizes);
  for (int64_t level = 0; level < *depth; ++level)
    at = op.select(ask(), look(onTrue), look(onFalse));
  int64_t aggregate = op.getInt("aggregate_function", 1);
  if (aggregate < 0 || aggregate > 3)
    return op.emitError() << "expected an 'aggregate_function' from 0 to 3, "
                             "found "
                          << aggregate;
  Value weight = look(weights);
  if (aggregate == 0)
    weight = op.binary(K::div, weight, static_cast<double>(roots.size()));
  ScatterKind kind = aggregate == 2   ? ScatterKind::min
                     : aggregate == 3 ? ScatterKind::max
                                      : ScatterKind::add;
  // Targets of no leaf keep the largest or the smallest number.
  APFloat start = APFloat::getZero(cast<FloatType>(type).getFloatSemantics());
  if (aggregate >= 2)
    start = APFloat::getLargest(start.getSemantics(), aggregate == 3);
  auto oneType = RankedTensorType::get({1, 1}, type);
  sizes[1] = op.b.getIndexAttr(targets);
  Value y = BroadcastOp::create(
      op.b, op.loc, op.constant(DenseElementsAttr::get(oneType, start)), sizes);
  y = ScatterElementsOp::create(op.b, op.loc, kind, y, look(target), weight, 1);
  return op.replace(transform(y));
}

static LogicalResult convertTreeEnsemble(OpBinder &op) {
  TreeEnsemble ensemble(op);
  return failed(ensemble.bind()) ? failure() : ensemble.convert();
}

static LogicalResult convertBinarizer(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = OpBinder::getElementType(x);
  Value limit = op.scalar(type, op.getFloat("threshold", 0));
  return op.replace(op.cast(op.compare(CompareKind::gt, x, limit), type));
}

/// ai.onnx.ml Scaler-1: (x - offset) * scale in f32, each one number or one per
/// feature, of which a row [c] or a batch [n, c] has c.
static LogicalResult convertScaler(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  auto type = OpBinder::getType(x);
  int64_t features = type.getRank() == 0 ? 1 : type.getShape().back();
  x = op.cast(x, op.b.getF32Type());
  auto apply = [&](BinaryKind kind, StringRef name) -> LogicalResult {
    std::optional<SmallVector<float>> numbers = op.getFloats(name);
    if (!numbers)
      return success();
    int64_t count = numbers->size();
    if (count != 1 && (type.getRank() == 0 || type.getRank() > 2 ||
                       (ShapedType::isStatic(features) && count != features)))
      return op.emitError()
             << "expected 1 number or one per feature in '" << name
             << "', found " << count << " for input " << type;
    auto listType = RankedTensorType::get({count}, op.b.getF32Type());
    x = op.binary(kind, x,
                  op.constant(DenseElementsAttr::get(
                      listType, ArrayRef<float>(*numbers))));
    return success();
  };
  if (failed(apply(BinaryKind::sub, "offset")) ||
      failed(apply(BinaryKind::mul, "scale")))
    return failure();
  return op.replace(x);
}

/// Columns by number.
static LogicalResult convertArrayFeatureExtractor(OpBinder &op) {
  Value x = op.getTensor(0), columns = op.getTensor(1);
  if (!x || !columns)
    return failure();
  if (!OpBinder::getElementType(columns).isInteger(64) ||
      OpBinder::getRank(x) == 0)
    return op.emitError() << "expected columns of 'i64' of at least one "
                             "dimension, found "
                          << columns.getType() << " of " << x.getType();
  if (OpBinder::getRank(x) == 1)
    x = op.unsqueeze(x, {0});
  columns = op.reshape(columns, op.product(op.state.shapes.getDims(columns)));
  return op.replace(
      GatherOp::create(op.b, op.loc, x, columns, OpBinder::getRank(x) - 1)
          .getResult());
}

void mopt::populateTreeEnsembleHandlers(HandlerRegistry &registry) {
  registry.add("ai.onnx.ml", "ArrayFeatureExtractor", 1,
               convertArrayFeatureExtractor);
  registry.add("ai.onnx.ml", "Binarizer", 1, convertBinarizer);
  registry.add("ai.onnx.ml", "Scaler", 1, convertScaler);
  registry.add("ai.onnx.ml", "TreeEnsemble", 5, convertTreeEnsemble);
}
