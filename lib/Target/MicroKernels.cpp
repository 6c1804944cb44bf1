// The micro-kernel tables: one line per architecture.
#include "mopt/Target/MicroKernels.h"

#include "X86/TileRegisters.h"

#include "llvm/TargetParser/Triple.h"

using namespace mopt;

namespace {
#define GET_X86MicroKernels_IMPL
#include "X86/X86MicroKernels.inc"
#define GET_AArch64MicroKernels_IMPL
#include "AArch64/AArch64MicroKernels.inc"
#define GET_NVPTXMicroKernels_IMPL
#include "NVPTX/NVPTXMicroKernels.inc"
#define GET_GenericMicroKernels_IMPL
#include "GenericMicroKernels.inc"
} // namespace

llvm::SmallVector<llvm::ArrayRef<MicroKernelRow>> mopt::getMicroKernelTables() {
  return {X86MicroKernels, AArch64MicroKernels, NVPTXMicroKernels,
          GenericMicroKernels};
}

bool mopt::canRun(TargetAttr target, const MicroKernelRow &row) {
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(row.features).split(features, ',', -1, /*KeepEmpty=*/false);
  llvm::SmallVector<llvm::StringRef> tunes;
  llvm::StringRef(row.tunes).split(tunes, ',', -1, /*KeepEmpty=*/false);
  if (!tunes.empty() && !llvm::is_contained(tunes, target.getTune()))
    return false;
  return target.getVectorRegisters() >= row.registers &&
         target.getVectorBits() >= row.vectorBits &&
         llvm::all_of(features, [&](llvm::StringRef feature) {
           return target.hasFeature(feature);
         });
}

/// Does one of its rows multiply several elements of `types` at once?
static bool multiplies(TargetAttr target, llvm::StringRef types) {
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (row.interleave > 1 && types == row.types && canRun(target, row))
        return true;
  return false;
}

bool mopt::multipliesBytes(TargetAttr target) {
  return llvm::any_of(
      llvm::ArrayRef<llvm::StringRef>{"u8s8", "s8s8", "x8s8", "u8p8"},
      [&](llvm::StringRef types) { return multiplies(target, types); });
}

bool mopt::multipliesSignedBytes(TargetAttr target) {
  return multiplies(target, "s8s8") && !multiplies(target, "u8s8");
}

bool mopt::multipliesWords(TargetAttr target) {
  bool ofWords = false;
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      ofWords |= llvm::StringRef(row.types) == "s16" && canRun(target, row) &&
                 row.vectorBits == target.getVectorBits();
  return ofWords && !multiplies(target, "u8s8") && !multiplies(target, "s8s8");
}

bool mopt::fusesProducts(TargetAttr target) {
  llvm::Triple triple(target.getTriple());
  return target.hasFeature("fma") || triple.isAArch64() || triple.isNVPTX();
}

bool mopt::convertsHalves(TargetAttr target) {
  return target.hasFeature("f16c") ||
         llvm::Triple(target.getTriple()).isAArch64();
}

bool mopt::roundsToBrainFloats(TargetAttr target) {
  return target.hasFeature("avx512bf16") ||
         (target.hasFeature("neon") && target.hasFeature("bf16"));
}

/// Is it a row that multiplies elements of `types` in matrices?
static bool isOfMatrices(const MicroKernelRow &row, llvm::StringRef types) {
  return (*row.matrixUnit || row.getBlockRows() > 1) && types == row.types;
}

bool mopt::multipliesInMatrices(TargetAttr target, llvm::StringRef types) {
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (isOfMatrices(row, types) && canRun(target, row))
        return true;
  return false;
}

bool mopt::multipliesInWarpgroups(TargetAttr target) {
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (row.kind == llvm::StringRef("warpgroup") && canRun(target, row))
        return true;
  return false;
}

int64_t mopt::countMatrixSteps(TargetAttr target, llvm::StringRef types) {
  int64_t most = 1;
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (isOfMatrices(row, types) && canRun(target, row))
        most = std::max<int64_t>(most, row.lhsSteps);
  return most;
}

bool mopt::overlapsKernels(TargetAttr target) {
  return target.hasFeature("sm_90a") || target.hasFeature("sm_100a");
}

int64_t mopt::countNarrowSums(TargetAttr target, llvm::StringRef types) {
  int64_t most = 0;
  for (llvm::ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (row.sumsNarrow() && types == row.types && canRun(target, row))
        most = std::max<int64_t>(most, row.interleave * row.wordGroups);
  return most;
}

const MatrixUnit *mopt::getMatrixUnit(llvm::StringRef name) {
  return name == "amx" ? &getTileRegisters() : nullptr;
}
