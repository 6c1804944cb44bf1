//===- InitAll.h - every dialect, pass, pipeline and target -----*- C++ -*-===//
//
// The only list of them.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_INITALL_H
#define MOPT_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mopt {
/// Registers mopt's dialects, the upstream dialects that its levels use, and
/// their extensions.
void registerAllDialects(mlir::DialectRegistry &registry);
/// Registers mopt's passes and pipelines and the upstream passes.
void registerAllPasses();
} // namespace mopt

#endif // MOPT_INITALL_H
