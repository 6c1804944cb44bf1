// Which rows of the micro-kernel tables multiply by sparse weights.
#include "mopt/Target/SparseKernels.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Accumulators that hide the latency of a multiply-add.
static constexpr int64_t kAccumulators = 8;

int64_t mopt::countColumnsTogether(int64_t rowBlock, int64_t lanes) {
  return std::max<int64_t>(1, kAccumulators * lanes / rowBlock);
}

SparsityAttr mopt::getLanePattern(SparsityAttr sparsity,
                                  const MicroKernelRow &row) {
  int64_t kept = sparsity.getKept(), group = sparsity.getGroup();
  int64_t lanes = row.vectorBits / 32;
  // What the fullest of these groups keeps, each smaller one would.
  if (isUnstructured(sparsity))
    return {};
  if (group == 4 || group == 8 || (group == 16 && lanes == 16))
    return sparsity;
  if (group == 2)
    return SparsityAttr::get(sparsity.getContext(), 2 * kept, 4);
  if (group % 8 == 0 && kept < 8)
    return SparsityAttr::get(sparsity.getContext(), kept, 8);
  return {};
}

static std::optional<SparseForm> getForm(const MicroKernelRow &row) {
  llvm::StringRef kind = row.kind;
  if (!kind.consume_front("sparse-"))
    return std::nullopt;
  return symbolizeSparseForm(kind);
}

std::optional<SparseKernel> mopt::findSparseKernel(TargetAttr target,
                                                   SparsityAttr sparsity,
                                                   int64_t rows, bool ofBytes) {
  std::optional<SparseKernel> best;
  if (ShapedType::isDynamic(rows))
    return best;
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table) {
      std::optional<SparseForm> form = getForm(row);
      if (!form || ofBytes != (*form == SparseForm::bytes) ||
          !canRun(target, row) || (best && best->row->rank >= row.rank))
        continue;
      // What the row's number of rows is: the most for a kernel of few, a block
      // for one of many.
      bool many = *form == SparseForm::scalars;
      if (many ? rows < int64_t(row.rows) ||
                     kSparseDepthPart % sparsity.getGroup() != 0
               : rows > int64_t(row.rows))
        continue;
      if (*form == SparseForm::lanes && !getLanePattern(sparsity, row))
        continue;
      best = SparseKernel{*form, &row};
    }
  return best;
}

int64_t mopt::chooseRowBlock(const SparseKernel &kernel, int64_t rows) {
  int64_t most = kernel.row->rows, lanes = kernel.row->vectorBits / 32;
  int64_t best = most;
  for (int64_t block = most; 2 * block > most; block -= lanes)
    if (llvm::alignTo(rows, block) < llvm::alignTo(rows, best))
      best = block;
  return best;
}
