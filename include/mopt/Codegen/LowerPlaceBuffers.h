//===- LowerPlaceBuffers.h - arenas as calls of the runtime -----*- C++ -*-===//

#ifndef MOPT_CODEGEN_LOWERPLACEBUFFERS_H
#define MOPT_CODEGEN_LOWERPLACEBUFFERS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir {
class LLVMTypeConverter;
class RewritePatternSet;
} // namespace mlir

namespace mopt {

/// The constant array of lifetimes, which the run and the questions before a
/// run share.
mlir::LLVM::GlobalOp getOrCreateLifetimes(mlir::ModuleOp module,
                                          llvm::ArrayRef<int32_t> lifetimes);

/// Lowers mopt.place_buffers in functions whose first argument is the run.
void populatePlaceBuffersLowering(mlir::LLVMTypeConverter &types,
                                  mlir::RewritePatternSet &patterns);

} // namespace mopt

#endif // MOPT_CODEGEN_LOWERPLACEBUFFERS_H
