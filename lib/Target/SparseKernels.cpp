// Which rows of the micro-kernel tables multiply by sparse weights.
#include "mopt/Target/SparseKernels.h"

using namespace mlir;
using namespace mopt;

SparsityAttr mopt::getLanePattern(SparsityAttr sparsity) {
  int64_t kept = sparsity.getKept(), group = sparsity.getGroup();
  if (group == 4 || group == 8)
    return sparsity;
  return group == 2 ? SparsityAttr::get(sparsity.getContext(), 2 * kept, 4)
                    : SparsityAttr();
}

static std::optional<SparseForm> getForm(const MicroKernelRow &row) {
  llvm::StringRef kind = row.kind;
  if (!kind.consume_front("sparse-"))
    return std::nullopt;
  return symbolizeSparseForm(kind);
}

std::optional<SparseKernel>
mopt::findSparseKernel(TargetAttr target, SparsityAttr sparsity, int64_t rows) {
  std::optional<SparseKernel> best;
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table) {
      std::optional<SparseForm> form = getForm(row);
      if (!form || !canRun(target, row) ||
          (best && best->row->rank >= row.rank))
        continue;
      // Only the kernel of many rows takes any number of them.
      bool few = ShapedType::isStatic(rows) && rows <= int64_t(row.rows);
      if (*form == SparseForm::scalars ? few : !few)
        continue;
      if (*form == SparseForm::lanes && !getLanePattern(sparsity))
        continue;
      best = SparseKernel{*form, &row};
    }
  return best;
}
