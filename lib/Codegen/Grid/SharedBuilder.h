//===- SharedBuilder.h - the shared memory of a block -----------*- C++ -*-===//
//
// Arithmetic of 32 bits, which places in shared memory have, and addresses
// there and in the device's memory.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_SHAREDBUILDER_H
#define MOPT_LIB_CODEGEN_GRID_SHAREDBUILDER_H

#include "GridBuilder.h"
#include "WordBuilder.h"

namespace mopt {
class SharedBuilder : public WordBuilder {
public:
  /// Memory of `bytes` bytes for each block of the kernel `function`.
  SharedBuilder(GridBuilder &g, mlir::gpu::GPUFuncOp function, int64_t bytes);
  /// Memory that begins at `address`, a word.
  SharedBuilder(GridBuilder &g, mlir::Value address);

  mlir::Value toWord(mlir::Value index);
  mlir::Value toIndex(mlir::Value word);

  /// The address of byte `place` plus `offset` of the shared memory.
  mlir::Value getShared(mlir::Value place, int64_t offset = 0);
  /// Where `buffer` begins, an index.
  mlir::Value getStart(mlir::Value buffer);
  /// The address of element `place`, an index, of a buffer of elements of
  /// `bytes` bytes in the device's memory that begins at `start`.
  mlir::Value getGlobal(mlir::Value start, mlir::Value place, int64_t bytes);

private:
  mlir::Value toPointer(mlir::Value address, unsigned space);

  GridBuilder &g;
  mlir::Value shared;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_SHAREDBUILDER_H
