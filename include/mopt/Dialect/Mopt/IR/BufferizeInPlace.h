//===- BufferizeInPlace.h - ops that write their destination ----*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_BUFFERIZEINPLACE_H
#define MOPT_DIALECT_MOPT_IR_BUFFERIZEINPLACE_H

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace mopt {
/// Replaces `op`, of one destination, by itself on the buffers of its tensors;
/// what reads its result reads the destination's buffer. Fails where one has no
/// buffer.
llvm::LogicalResult
bufferizeInPlace(mlir::DestinationStyleOpInterface op,
                 mlir::RewriterBase &rewriter,
                 const mlir::bufferization::BufferizationOptions &options,
                 mlir::bufferization::BufferizationState &state);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_BUFFERIZEINPLACE_H
