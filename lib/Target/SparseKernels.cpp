// Which rows of the micro-kernel tables multiply by sparse weights.
#include "mopt/Target/SparseKernels.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Accumulators that hide the latency of a multiply-add.
static constexpr int64_t kAccumulators = 8;

/// Floats of the left side that meet a block of columns at a time.
static constexpr int64_t kPartFloats = 4096;
/// Fewer values than that are collected faster, one by one, than a mask for
/// every vector, full or not, is expanded.
static constexpr double kLeastMaskedShare = 0.15;
/// Blocks of a few rows read packed bytes up to here.
static constexpr int64_t kMostRowsOfBytes = 63;
/// Up to here vectors multiply few rows, and from there on the sums of a panel
/// have memory on the stack.
static constexpr int64_t kFewRows = 4, kMostRowsOfMatrices = 256;
/// Groups of neighbours along the depth that a register of a matrix takes at
/// least: with fewer, loading them takes the time.
static constexpr int64_t kLeastGroupsOfMatrix = 8;
/// The shortest vector, for which fewer rows are filled up.
static constexpr int64_t kLeastLanes = 4;

int64_t mopt::getSparseDepthPart(int64_t rowBlock) {
  // Groups of weights without a pattern must not be cut.
  return llvm::alignDown(kPartFloats / rowBlock, kUnstructuredGroup);
}

int64_t mopt::countColumnsTogether(int64_t rowBlock, int64_t lanes) {
  if (rowBlock == 1)
    return lanes;
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

SparsityAttr mopt::getByteLanePattern(SparsityAttr sparsity) {
  int64_t kept = sparsity.getKept(), group = sparsity.getGroup();
  if (group == 2)
    kept *= 2, group *= 2;
  if (group != 4 && group != 8 && group != 16)
    return {};
  // Four values stand for as many elements as a permutation reaches.
  kept = std::max<int64_t>(llvm::PowerOf2Ceil(kept), group / 4);
  return kept <= 4 && kept < group
             ? SparsityAttr::get(sparsity.getContext(), kept, group)
             : SparsityAttr();
}

static std::optional<SparseForm> getForm(const MicroKernelRow &row) {
  llvm::StringRef kind = row.kind;
  if (!kind.consume_front("sparse-"))
    return std::nullopt;
  return symbolizeSparseForm(kind);
}

/// Does `target` multiply bytes in registers of matrices, which more than a few
/// rows fill?
static bool hasByteMatrices(TargetAttr target) {
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (*row.matrixUnit && llvm::StringRef(row.types) == "u8s8" &&
          canRun(target, row))
        return true;
  return false;
}

/// Do registers of matrices take `rows` rows, and several groups of the depth
/// at a time? Nothing behind it may be read.
static bool fitsMatrices(const MicroKernelRow &row, int64_t rows,
                         int64_t depth) {
  int64_t together = kLeastGroupsOfMatrix * row.interleave;
  return rows > kFewRows && rows <= kMostRowsOfMatrices && depth > 0 &&
         depth % together == 0;
}

std::optional<SparseKernel> mopt::findSparseKernel(TargetAttr target,
                                                   SparsityAttr sparsity,
                                                   int64_t rows, int64_t depth,
                                                   bool ofBytes, double kept) {
  std::optional<SparseKernel> best;
  if (ShapedType::isDynamic(rows))
    return best;
  bool inBlocks = ofBytes && !hasByteMatrices(target);
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table) {
      std::optional<SparseForm> form = getForm(row);
      bool takesBytes =
          form == SparseForm::bytes || form == SparseForm::byte_lanes;
      if (!form || ofBytes != takesBytes || !canRun(target, row) ||
          (best && best->row->rank >= row.rank))
        continue;
      if (*row.matrixUnit ? !fitsMatrices(row, rows, depth)
          : *form == SparseForm::scalars
              ? kUnstructuredGroup % sparsity.getGroup() != 0
              : rows > (inBlocks ? kMostRowsOfBytes : int64_t(row.rows)))
        continue;
      if (*form == SparseForm::masks && isUnstructured(sparsity) &&
          kept < kLeastMaskedShare)
        continue;
      if (*form == SparseForm::lanes && !getLanePattern(sparsity, row))
        continue;
      if (*form == SparseForm::byte_lanes && !getByteLanePattern(sparsity))
        continue;
      best = SparseKernel{*form, &row};
    }
  return best;
}

/// As rows say it of weights of `element`; empty for what no device multiplies.
static llvm::StringRef getDeviceTypes(Type element, bool isUnsigned) {
  if (element.isSignlessInteger(8))
    return isUnsigned ? "u8s8" : "s8s8";
  return element.isF16() ? "f16" : element.isBF16() ? "bf16" : "";
}

const MicroKernelRow *mopt::findDeviceSparseRow(TargetAttr target, Type element,
                                                bool isUnsigned,
                                                llvm::StringRef matrixUnit) {
  llvm::StringRef types = getDeviceTypes(element, isUnsigned);
  const MicroKernelRow *best = nullptr;
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (row.kind == llvm::StringRef("sparse-device") && types == row.types &&
          (matrixUnit.empty() || matrixUnit == row.matrixUnit) &&
          canRun(target, row) && (!best || row.rank > best->rank))
        best = &row;
  return best;
}

int64_t mopt::chooseRowBlock(const SparseKernel &kernel, int64_t rows) {
  int64_t most = kernel.row->rows, lanes = kernel.row->vectorBits / 32;
  if (rows <= 1)
    return 1;
  if (rows <= lanes)
    return std::max<int64_t>(kLeastLanes, llvm::PowerOf2Ceil(rows));
  if (rows <= most)
    return llvm::alignTo(rows, lanes);
  int64_t best = most;
  for (int64_t block = most; 2 * block > most; block -= lanes)
    if (llvm::alignTo(rows, block) < llvm::alignTo(rows, best))
      best = block;
  return best;
}

int64_t mopt::getRowLanes(const SparseKernel &kernel, int64_t rowBlock) {
  int64_t lanes = kernel.row->vectorBits / 32;
  return rowBlock == 1 ? lanes : std::min(lanes, rowBlock);
}
