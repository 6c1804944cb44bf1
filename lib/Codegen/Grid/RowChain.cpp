// Which ops on buffers one block can compute for its row, one after the other.
#include "RowChain.h"

#include "mopt/Support/Attributes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mopt;

/// Fewer would leave a device idle, unless they are so short that what takes
/// time is to start a kernel.
static constexpr int64_t kFewestRows = 16, kShortRow = 4096;
/// Fewer elements are less than a block's threads can share.
static constexpr int64_t kShortestRow = 32;
/// So many threads are better busy with a result each than with a part of one.
static constexpr int64_t kManyResults = 1024;

static bool onlyComputesAddresses(Operation *op) {
  return isMemoryEffectFree(op) && op->getNumRegions() == 0;
}

static bool isStatic(linalg::LinalgOp op) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  return llvm::none_of(ranges, [](int64_t size) {
    return ShapedType::isDynamic(size) || size == 0;
  });
}

linalg::LinalgOp mopt::findSumOf(linalg::FillOp fill,
                                 ArrayRef<Operation *> next) {
  Value buffer = fill.getOutputs().front();
  for (Operation *op : next) {
    auto sum = dyn_cast<linalg::LinalgOp>(op);
    if (!sum && onlyComputesAddresses(op))
      continue;
    if (!sum || sum.getNumReductionLoops() == 0 || sum.getNumDpsInits() != 1 ||
        sum.getDpsInits()[0] != buffer || !isStatic(sum) ||
        llvm::is_contained(sum.getDpsInputs(), buffer))
      return {};
    return sum;
  }
  return {};
}

Operation *mopt::findCombiner(linalg::LinalgOp op) {
  SmallVector<Operation *> combiners;
  if (op.getNumDpsInits() != 1 ||
      !matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1 || combiners[0]->getNumOperands() != 2)
    return nullptr;
  Type type = combiners[0]->getResult(0).getType();
  bool canExchange =
      type.isIntOrFloat() && (type.getIntOrFloatBitWidth() == 32 ||
                              type.getIntOrFloatBitWidth() == 64);
  return canExchange && arith::getNeutralElement(combiners[0]) ? combiners[0]
                                                               : nullptr;
}

/// Has `op` the rows as its outermost loops, and all others are of one kind?
static bool fits(linalg::LinalgOp op, ArrayRef<int64_t> rowSizes) {
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto isSum = [](utils::IteratorType kind) {
    return kind == utils::IteratorType::reduction;
  };
  size_t rows = rowSizes.size();
  if (ranges.size() < rows || ArrayRef(ranges).take_front(rows) != rowSizes ||
      llvm::any_of(ArrayRef(kinds).take_front(rows), isSum))
    return false;
  ArrayRef<utils::IteratorType> inner = ArrayRef(kinds).drop_front(rows);
  if (llvm::none_of(inner, isSum))
    return true;
  return llvm::all_of(inner, isSum) && findCombiner(op);
}

namespace {
/// A use of memory by a member.
struct Access {
  Value buffer, root;
  /// Null where anything may be read.
  AffineMap map;
  bool writes;
};
} // namespace

static Value getRoot(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

static void addAccesses(linalg::LinalgOp op, SmallVectorImpl<Access> &list) {
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      list.push_back({operand.get(), getRoot(operand.get()),
                      op.getMatchingIndexingMap(&operand),
                      op.isDpsInit(&operand)});
  op->getRegion(0).walk([&](Operation *inner) {
    for (Value value : inner->getOperands())
      if (isa<MemRefType>(value.getType()))
        list.push_back({value, getRoot(value), AffineMap(), true});
  });
}

/// Are both in the same row of their buffer at the same row of the loops?
static bool areInOneRow(const Access &a, const Access &b,
                        ArrayRef<int64_t> rowSizes) {
  if (a.buffer != b.buffer || !a.map || !b.map)
    return false;
  llvm::SmallBitVector seen(rowSizes.size());
  // There is one row of a size of 1, however it is indexed.
  for (auto [dim, size] : llvm::enumerate(rowSizes))
    seen[dim] = size == 1;
  for (auto [x, y] : llvm::zip_equal(a.map.getResults(), b.map.getResults())) {
    auto rowOf = [&](AffineExpr expr) -> int64_t {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      return dim && dim.getPosition() < rowSizes.size() &&
                     rowSizes[dim.getPosition()] != 1
                 ? dim.getPosition()
                 : -1;
    };
    if (rowOf(x) != rowOf(y))
      return false;
    if (rowOf(x) >= 0)
      seen.set(rowOf(x));
  }
  return seen.all();
}

static bool areInOneRow(ArrayRef<Access> list, ArrayRef<int64_t> rowSizes) {
  for (const Access &a : list)
    for (const Access &b : list)
      if (a.root == b.root && (a.writes || b.writes) &&
          !areInOneRow(a, b, rowSizes))
        return false;
  return true;
}

bool mopt::isWorthSharing(linalg::LinalgOp sum) {
  int64_t results = 1;
  for (auto [range, kind] :
       llvm::zip_equal(sum.getStaticLoopRanges(), sum.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel)
      results *= range;
  unsigned last = sum.getNumLoops() - 1;
  return results < kManyResults ||
         llvm::any_of(
             sum.getDpsInputOperands(),
             [&](OpOperand *input) {
               AffineMap map = sum.getMatchingIndexingMap(input);
               unsigned rank = map.getNumResults();
               return isa<MemRefType>(input->get().getType()) && rank > 0 &&
                      map.getResult(rank - 1).isFunctionOfDim(last);
             });
}

RowChain mopt::findRowChain(ArrayRef<Operation *> ops) {
  SmallVector<RowChain::Member> candidates;
  RowChain chain;
  for (size_t i = 0; i < ops.size(); ++i) {
    auto op = dyn_cast<linalg::LinalgOp>(ops[i]);
    if (!op) {
      if (onlyComputesAddresses(ops[i]))
        continue;
      break;
    }
    RowChain::Member member{op, Value(), {}};
    if (auto fill = dyn_cast<linalg::FillOp>(ops[i]))
      if (auto sum = findSumOf(fill, ops.drop_front(i + 1))) {
        member = {sum, fill.getInputs().front(), fill};
        while (ops[i] != sum)
          ++i;
      }
    if (!isStatic(member.op))
      break;
    candidates.push_back(member);
  }
  auto *first = llvm::find_if(candidates, [](RowChain::Member &member) {
    return member.op.getNumReductionLoops() > 0;
  });
  if (first == candidates.end() || !isWorthSharing(first->op))
    return {};
  SmallVector<int64_t> ranges = first->op.getStaticLoopRanges();
  chain.rowSizes.assign(ranges.begin(),
                        ranges.begin() + first->op.getNumParallelLoops());
  SmallVector<Access> accesses;
  bool hasSum = false;
  for (const RowChain::Member &member : candidates) {
    if (!fits(member.op, chain.rowSizes))
      break;
    addAccesses(member.op, accesses);
    if (!areInOneRow(accesses, chain.rowSizes))
      break;
    hasSum |= linalg::LinalgOp(member.op).getNumReductionLoops() > 0;
    chain.members.push_back(member);
  }
  int64_t rows = 1, length = 1;
  for (int64_t size : chain.rowSizes)
    rows *= size;
  for (int64_t size : ArrayRef(ranges).drop_front(chain.rowSizes.size()))
    length *= size;
  if (!hasSum || chain.members.size() < 2 ||
      (rows < kFewestRows && length > kShortRow) || length < kShortestRow)
    return {};
  return chain;
}

/// Is it memory that only its function uses?
static bool isScratch(Value root) {
  if (root.getDefiningOp<memref::AllocOp>())
    return true;
  auto argument = dyn_cast<BlockArgument>(root);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
               : func::FuncOp();
  return function &&
         function.getArgAttr(argument.getArgNumber(), kScratchAttr) != nullptr;
}

/// Does an op that is none of `inside` read what they write to `init`?
static bool isReadOutside(Value init,
                          const llvm::SmallPtrSetImpl<Operation *> &inside) {
  SmallVector<Value> aliases{getRoot(init)};
  if (!isScratch(aliases.front()))
    return true;
  for (size_t i = 0; i < aliases.size(); ++i)
    for (Operation *user : aliases[i].getUsers()) {
      if (isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1)
        aliases.push_back(user->getResult(0));
      else if (!inside.contains(user))
        return true;
    }
  return false;
}

void mopt::findStored(RowChain &chain) {
  llvm::SmallPtrSet<Operation *, 8> inside;
  for (const RowChain::Member &member : chain.members) {
    inside.insert(member.op);
    inside.insert(member.fill);
  }
  for (RowChain::Member &member : chain.members)
    member.isStored =
        llvm::any_of(linalg::LinalgOp(member.op).getDpsInits(),
                     [&](Value init) { return isReadOutside(init, inside); });
}

linalg::LinalgOp mopt::findReader(linalg::LinalgOp sum, linalg::FillOp fill,
                                  ArrayRef<Operation *> next) {
  if (sum.getNumReductionLoops() == 0 || sum.getNumDpsInits() != 1)
    return {};
  Value result = sum.getDpsInits().front();
  const auto *reader = llvm::find_if_not(next, onlyComputesAddresses);
  auto op = reader == next.end() ? linalg::LinalgOp()
                                 : dyn_cast<linalg::LinalgOp>(*reader);
  if (!op || op.getNumReductionLoops() > 0 || !isStatic(op))
    return {};
  SmallVector<int64_t> ranges;
  for (auto [range, kind] :
       llvm::zip_equal(sum.getStaticLoopRanges(), sum.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel)
      ranges.push_back(range);
  // The loops of results come first, as those of the reader.
  if (ranges != op.getStaticLoopRanges() ||
      llvm::any_of(
          ArrayRef(sum.getIteratorTypesArray()).take_front(ranges.size()),
          [](utils::IteratorType kind) {
            return kind != utils::IteratorType::parallel;
          }))
    return {};
  AffineMap written = sum.getMatchingIndexingMap(sum.getDpsInitOperand(0));
  bool reads = false;
  SmallVector<Access> ofSum, ofReader;
  addAccesses(sum, ofSum);
  addAccesses(op, ofReader);
  for (const Access &access : ofReader) {
    if (access.root == getRoot(result)) {
      if (access.buffer != result || !access.map || access.writes ||
          access.map.getResults() != written.getResults())
        return {};
      reads = true;
    }
    // Threads write at different times.
    for (const Access &other : ofSum)
      if (access.writes && access.root == other.root)
        return {};
  }
  llvm::SmallPtrSet<Operation *, 8> inside{sum, op, fill};
  return reads && !isReadOutside(result, inside) ? op : linalg::LinalgOp();
}
