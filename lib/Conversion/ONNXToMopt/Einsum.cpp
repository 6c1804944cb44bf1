// Handler of Einsum: diagonals, sums, and products of two operands at a time as
// matrix products.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mopt;

namespace {
/// One character a dimension; dimensions of an ellipsis are digits, counted
/// from the last one.
using Labels = std::string;

/// A tensor and what its dimensions stand for.
struct Term {
  Value tensor;
  Labels labels;
};

class EinsumConverter {
public:
  explicit EinsumConverter(OpBinder &op) : op(op) {}
  LogicalResult convert();

private:
  LogicalResult parse();
  FailureOr<Labels> parseLabels(StringRef text, int64_t ellipsisRank);
  /// Keeps one of each repeated label: the diagonal.
  void takeDiagonals(Term &term);
  /// Sums over the labels that are not in `kept`.
  void sumExcept(Term &term, StringRef kept);
  /// Drops dimensions of size 1 that the other term has longer.
  void dropRepeated(Term &term, const Term &other);
  /// The product, with the labels of `kept` that either has.
  FailureOr<Term> multiply(Term x, Term y, StringRef kept);
  Term arrange(const Term &term, StringRef labels);

  OpBinder &op;
  SmallVector<Term> terms;
  Labels result;
};
} // namespace

static std::string withoutSpaces(StringRef text) {
  std::string result;
  for (char c : text)
    if (c != ' ')
      result += c;
  return result;
}

FailureOr<Labels> EinsumConverter::parseLabels(StringRef text,
                                               int64_t ellipsisRank) {
  Labels labels;
  while (!text.empty()) {
    if (text.consume_front("...")) {
      if (ellipsisRank > 10)
        return op.emitError()
               << "expected at most 10 dimensions in an ellipsis";
      for (int64_t i = ellipsisRank; i-- > 0;)
        labels += static_cast<char>('0' + i);
      continue;
    }
    if (!llvm::isAlpha(text.front()))
      return op.emitError()
             << "unexpected '" << text.substr(0, 1) << "' in the equation";
    labels += text.front();
    text = text.drop_front();
  }
  return labels;
}

LogicalResult EinsumConverter::parse() {
  std::string equation = withoutSpaces(op.getString("equation", ""));
  auto [left, right] = StringRef(equation).split("->");
  bool isExplicit = StringRef(equation).contains("->");
  SmallVector<StringRef> inputs;
  left.split(inputs, ',');
  FailureOr<SmallVector<Value>> operands = op.getTensors();
  if (failed(operands))
    return failure();
  if (inputs.size() != operands->size())
    return op.emitError() << "the equation has " << inputs.size()
                          << " terms for " << operands->size() << " inputs";
  int64_t widest = 0;
  for (auto [text, operand] : llvm::zip_equal(inputs, *operands)) {
    int64_t rank = OpBinder::getRank(operand), ellipsis = 0;
    int64_t named = text.size();
    if (text.contains("...")) {
      named -= 3;
      ellipsis = rank - named;
    }
    if (named + ellipsis != rank || ellipsis < 0)
      return op.emitError()
             << "term '" << text << "' does not fit " << operand.getType();
    FailureOr<Labels> labels = parseLabels(text, ellipsis);
    if (failed(labels))
      return failure();
    widest = std::max(widest, ellipsis);
    terms.push_back({operand, *labels});
  }
  if (isExplicit) {
    FailureOr<Labels> labels = parseLabels(right, widest);
    if (failed(labels))
      return failure();
    result = *labels;
  } else {
    // The ellipsis, then in order the labels that occur once.
    for (int64_t i = widest; i-- > 0;)
      result += static_cast<char>('0' + i);
    for (char c = 'A'; c <= 'z'; ++c)
      if (llvm::isAlpha(c) && StringRef(left).count(c) == 1)
        result += c;
  }
  for (auto [i, c] : llvm::enumerate(result)) {
    if (StringRef(result).count(c) != 1)
      return op.emitError() << "label '" << StringRef(&c, 1)
                            << "' stands more than once in the result";
    bool isKnown = llvm::any_of(terms, [c = c](const Term &term) {
      return StringRef(term.labels).contains(c);
    });
    if (!isKnown)
      return op.emitError() << "label '" << StringRef(&c, 1)
                            << "' of the result stands in no input";
  }
  return success();
}

void EinsumConverter::takeDiagonals(Term &term) {
  for (size_t i = 0; i < term.labels.size(); ++i) {
    size_t j;
    while ((j = term.labels.find(term.labels[i], i + 1)) != Labels::npos) {
      // Zeros beside the diagonal, and the sum along it.
      SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(term.tensor);
      SmallVector<OpFoldResult> rows(sizes.size(), op.b.getIndexAttr(1)),
          columns = rows;
      rows[i] = sizes[i];
      columns[j] = sizes[j];
      Type i64 = op.b.getI64Type();
      Value row = IotaOp::create(op.b, op.loc, rows, i, i64);
      Value column = IotaOp::create(op.b, op.loc, columns, j, i64);
      Value zero = op.scalar(OpBinder::getElementType(term.tensor), 0);
      Value masked = op.select(op.compare(CompareKind::eq, row, column),
                               term.tensor, zero);
      term.tensor = op.reduce(ReduceKind::sum, masked, static_cast<int64_t>(j),
                              /*keepDims=*/false);
      term.labels.erase(j, 1);
      if (!term.tensor)
        return;
    }
  }
}

void EinsumConverter::sumExcept(Term &term, StringRef kept) {
  SmallVector<int64_t> axes;
  Labels labels;
  for (auto [i, c] : llvm::enumerate(term.labels)) {
    if (kept.contains(c))
      labels += c;
    else
      axes.push_back(i);
  }
  term.tensor =
      op.reduce(ReduceKind::sum, term.tensor, axes, /*keepDims=*/false);
  term.labels = labels;
}

void EinsumConverter::dropRepeated(Term &term, const Term &other) {
  SmallVector<int64_t> axes;
  Labels labels;
  RankedTensorType type = OpBinder::getType(term.tensor),
                   otherType = OpBinder::getType(other.tensor);
  for (auto [i, c] : llvm::enumerate(term.labels)) {
    size_t at = other.labels.find(c);
    if (at != Labels::npos && type.getDimSize(i) == 1 &&
        otherType.getDimSize(at) != 1)
      axes.push_back(i);
    else
      labels += c;
  }
  term.tensor = op.squeeze(term.tensor, axes);
  term.labels = labels;
}

Term EinsumConverter::arrange(const Term &term, StringRef labels) {
  SmallVector<int64_t> permutation;
  for (char c : labels)
    permutation.push_back(term.labels.find(c));
  return {op.transpose(term.tensor, permutation), labels.str()};
}

FailureOr<Term> EinsumConverter::multiply(Term x, Term y, StringRef kept) {
  dropRepeated(x, y);
  dropRepeated(y, x);
  sumExcept(x, (kept + y.labels).str());
  sumExcept(y, (kept + x.labels).str());
  Labels batch, rows, columns, summed;
  for (char c : x.labels) {
    bool isShared = StringRef(y.labels).contains(c);
    (isShared ? (kept.contains(c) ? batch : summed) : rows) += c;
  }
  for (char c : y.labels)
    if (!StringRef(x.labels).contains(c))
      columns += c;
  Term product{{}, batch + rows + columns};
  x = arrange(x, batch + rows + summed);
  y = arrange(y, batch + summed + columns);

  // Sizes by label, from the term that has it.
  auto sizesOf = [&](StringRef labels) {
    SmallVector<OpFoldResult> sizes;
    for (char c : labels) {
      const Term &term = StringRef(x.labels).contains(c) ? x : y;
      sizes.push_back(op.state.shapes.getDim(term.tensor, term.labels.find(c)));
    }
    return sizes;
  };
  // Sizes that only run time knows to be equal must be told to be.
  for (char c : batch + summed) {
    int64_t i = x.labels.find(c), j = y.labels.find(c);
    OpFoldResult a = op.state.shapes.getDim(x.tensor, i),
                 b = op.state.shapes.getDim(y.tensor, j);
    std::optional<int64_t> m = getConstantIntValue(a),
                           n = getConstantIntValue(b);
    if (m && n && *m != *n)
      return op.emitError() << "label '" << StringRef(&c, 1) << "' has sizes "
                            << *m << " and " << *n;
  }
  if (summed.empty()) {
    SmallVector<int64_t> atEnd, before;
    for (size_t i = 0; i < columns.size(); ++i)
      atEnd.push_back(batch.size() + rows.size() + i);
    for (size_t i = 0; i < rows.size(); ++i)
      before.push_back(batch.size() + i);
    product.tensor = op.binary(BinaryKind::mul, op.unsqueeze(x.tensor, atEnd),
                               op.unsqueeze(y.tensor, before));
    if (!product.tensor)
      return failure();
    return product;
  }
  OpFoldResult m = op.product(sizesOf(rows)), n = op.product(sizesOf(columns)),
               k = op.product(sizesOf(summed)),
               count = op.product(sizesOf(batch));
  Value lhs = op.reshape(x.tensor, {count, m, k});
  Value rhs = op.reshape(y.tensor, {count, k, n});
  Value sum = op.matmul(lhs, rhs);
  if (!sum)
    return failure();
  product.tensor = op.reshape(sum, sizesOf(product.labels));
  return product;
}

LogicalResult EinsumConverter::convert() {
  if (failed(parse()))
    return failure();
  Type element = OpBinder::getElementType(terms.front().tensor);
  for (Term &term : terms) {
    // Products of bytes are of another type.
    if (element.isInteger(8))
      term.tensor = op.cast(term.tensor, op.b.getI32Type());
    takeDiagonals(term);
    if (!term.tensor)
      return failure();
  }
  Term all = terms.front();
  for (size_t i = 1; i < terms.size(); ++i) {
    Labels kept = result;
    for (const Term &later : ArrayRef(terms).drop_front(i + 1))
      kept += later.labels;
    FailureOr<Term> product = multiply(all, terms[i], kept);
    if (failed(product))
      return failure();
    all = *product;
  }
  sumExcept(all, result);
  return op.replace(op.cast(arrange(all, result).tensor, element));
}

static LogicalResult convertEinsum(OpBinder &op) {
  return EinsumConverter(op).convert();
}

void mopt::populateEinsumHandlers(HandlerRegistry &registry) {
  registry.add("Einsum", 12, convertEinsum);
}
