// TfIdfVectorizer: how often each of some short lists of numbers occurs in a
// row, its elements next to each other or a fixed number of elements apart.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;
using K = BinaryKind;
using Index = OpFoldResult;

/// How often each of `grams`, lists of `size` numbers, occurs in the rows of
/// `x` with elements `step` apart: `[rows, grams]`.
static Value countGrams(OpBinder &op, Value x, ArrayRef<int64_t> grams,
                        int64_t size, int64_t step) {
  IndexMath math(op.b, op.loc);
  int64_t count = grams.size() / size;
  Index rows = op.state.shapes.getDim(x, 0);
  Index starts = math.max(
      math.sub(op.state.shapes.getDim(x, 1), math.constant((size - 1) * step)),
      math.constant(0));
  Value isEqual;
  for (int64_t i = 0; i < size; ++i) {
    Value window =
        SliceOp::create(op.b, op.loc, x,
                        ArrayRef<Index>{math.constant(0),
                                        math.min(math.constant(i * step),
                                                 op.state.shapes.getDim(x, 1))},
                        ArrayRef<Index>{rows, starts},
                        ArrayRef<Index>{math.constant(1), math.constant(1)});
    SmallVector<int64_t> numbers;
    for (int64_t gram = 0; gram < count; ++gram)
      numbers.push_back(grams[gram * size + i]);
    Value wanted =
        op.cast(op.constantInts(numbers), OpBinder::getElementType(x));
    Value same = op.compare(CompareKind::eq, op.unsqueeze(window, {2}),
                            op.unsqueeze(wanted, {0, 1}));
    isEqual = isEqual ? op.binary(K::and_, isEqual, same) : same;
  }
  return op.reduce(ReduceKind::sum, op.cast(isEqual, op.b.getF32Type()), {1},
                   /*keepDims=*/false);
}

static LogicalResult convertTfIdfVectorizer(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = OpBinder::getElementType(x);
  int64_t rank = OpBinder::getRank(x);
  if (!isa<IntegerType>(type) || rank < 1 || rank > 2)
    return op.emitError()
           << "expected integers of one or two dimensions, found "
           << x.getType();
  StringRef mode = op.getString("mode", "TF");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    return op.emitError() << "expected mode 'TF', 'IDF' or 'TFIDF', found '"
                          << mode << "'";
  SmallVector<int64_t> pool =
      op.getInts("pool_int64s").value_or(SmallVector<int64_t>());
  SmallVector<int64_t> counts =
      op.getInts("ngram_counts").value_or(SmallVector<int64_t>());
  SmallVector<int64_t> indexes =
      op.getInts("ngram_indexes").value_or(SmallVector<int64_t>());
  int64_t shortest = op.getInt("min_gram_length", 1),
          longest = op.getInt("max_gram_length", 1),
          skips = op.getInt("max_skip_count", 0);
  if (pool.empty())
    return op.emitError() << "expected n-grams of integers in 'pool_int64s'";
  if (shortest < 1 || longest < shortest || skips < 0 ||
      longest > static_cast<int64_t>(counts.size()))
    return op.emitError() << "expected lengths of n-grams from 1 to "
                          << counts.size() << ", found " << shortest << " to "
                          << longest << " and " << skips << " skips";
  if (rank == 1)
    x = op.unsqueeze(x, {0});
  // The pool holds all n-grams of one number, then those of two and so on.
  SmallVector<Value> lists;
  SmallVector<int64_t> places, order;
  int64_t first = 0;
  for (int64_t size = 1; size <= static_cast<int64_t>(counts.size()); ++size) {
    int64_t begin = counts[size - 1];
    int64_t end =
        size < static_cast<int64_t>(counts.size()) ? counts[size] : pool.size();
    if (begin < 0 || end < begin || end > static_cast<int64_t>(pool.size()) ||
        (end - begin) % size != 0)
      return op.emitError() << "expected n-grams of " << size
                            << " numbers in 'pool_int64s', found positions "
                            << begin << " to " << end << " of " << pool.size();
    int64_t number = (end - begin) / size;
    if (first + number > static_cast<int64_t>(indexes.size()))
      return op.emitError()
             << "expected an index for each n-gram, found " << indexes.size();
    if (number > 0 && size >= shortest && size <= longest) {
      ArrayRef<int64_t> grams = ArrayRef(pool).slice(begin, end - begin);
      Value sum = countGrams(op, x, grams, size, 1);
      for (int64_t step = 2; size > 1 && step <= skips + 1; ++step)
        sum = op.binary(K::add, sum, countGrams(op, x, grams, size, step));
      lists.push_back(sum);
      for (int64_t i = first; i < first + number; ++i) {
        places.push_back(indexes[i]);
        order.push_back(i);
      }
    }
    first += number;
  }
  int64_t width = 0;
  for (int64_t index : indexes) {
    if (index < 0)
      return op.emitError() << "expected indices from 0 on, found " << index;
    width = std::max(width, index + 1);
  }
  Type f32 = op.b.getF32Type();
  Index rows = op.state.shapes.getDim(x, 0);
  Value y =
      BroadcastOp::create(op.b, op.loc, op.scalar(f32, 0, 2),
                          ArrayRef<Index>{rows, op.b.getIndexAttr(width)});
  if (!lists.empty()) {
    Value found = op.concat(lists, 1);
    if (mode == "IDF")
      found =
          op.cast(op.compare(CompareKind::gt, found, op.scalar(f32, 0)), f32);
    std::optional<SmallVector<float>> weights = op.getFloats("weights");
    if (mode != "TF" && weights) {
      if (weights->size() != indexes.size())
        return op.emitError() << "expected " << indexes.size()
                              << " weights, found " << weights->size();
      SmallVector<float> used;
      for (int64_t i : order)
        used.push_back((*weights)[i]);
      auto usedType = RankedTensorType::get(used.size(), f32);
      found = op.binary(
          K::mul, found,
          op.constant(DenseElementsAttr::get(usedType, ArrayRef<float>(used))));
    }
    Value at = BroadcastOp::create(op.b, op.loc,
                                   op.unsqueeze(op.constantInts(places), {0}),
                                   op.state.shapes.getDims(found));
    y = ScatterElementsOp::create(op.b, op.loc, ScatterKind::add, y, at, found,
                                  1);
  }
  return op.replace(rank == 1 ? op.squeeze(y, {0}) : y);
}

void mopt::populateNGramHandlers(HandlerRegistry &registry) {
  registry.add("TfIdfVectorizer", 9, convertTfIdfVectorizer);
}
