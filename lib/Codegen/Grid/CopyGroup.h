//===- CopyGroup.h - copies and fills at the same time ----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_COPYGROUP_H
#define MOPT_LIB_CODEGEN_GRID_COPYGROUP_H

#include "GridBuilder.h"
#include "LaunchShape.h"

namespace mopt {
/// The copies and fills that `ops` begins with, as long as they write apart
/// from each other in one buffer (or fill it with the same) and read others:
/// the parts of a concatenation, or a middle and its borders. Fewer than two
/// are none.
llvm::SmallVector<mlir::Operation *>
findCopies(llvm::ArrayRef<mlir::Operation *> ops);

/// Replaces such a group, which stands in a kernel, by what one thread does of
/// it: each member has blocks of its own.
LaunchShape emitCopies(llvm::ArrayRef<mlir::Operation *> members);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_COPYGROUP_H
