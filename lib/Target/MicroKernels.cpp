// The micro-kernel tables: one line per architecture.
#include "mopt/Target/MicroKernels.h"

using namespace mopt;

namespace {
#define GET_X86MicroKernels_IMPL
#include "X86/X86MicroKernels.inc"
#define GET_GenericMicroKernels_IMPL
#include "GenericMicroKernels.inc"
} // namespace

llvm::SmallVector<llvm::ArrayRef<MicroKernelRow>> mopt::getMicroKernelTables() {
  return {X86MicroKernels, GenericMicroKernels};
}
