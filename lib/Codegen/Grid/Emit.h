//===- Emit.h - ops as code of threads --------------------------*- C++ -*-===//
//
// Each function takes an op on memrefs of static shape that stands in a kernel
// of a grid, and replaces it by what one thread does of it. All fail with a
// diagnostic at the op where they have no code for it.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_EMIT_H
#define MOPT_LIB_CODEGEN_GRID_EMIT_H

#include "GridBuilder.h"
#include "LaunchShape.h"
#include "mopt/Dialect/Mopt/IR/Attention.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mopt {
class ProductAccess;
class PackedAccess;
struct RowChain;

struct EmitOptions {
  /// Sums may be taken in another order, of several threads.
  bool reassociate = true;
  /// The device multiplies 16-bit floats and bytes by groups of warps.
  bool hasWarpgroupProducts = false;
  /// No kernel writes the right side of the product that is emitted.
  bool hasConstantRhs = false;
};

/// A thread for each result, or a warp for each result that sums along the
/// innermost dimension. `initial`, if given, is what every result starts from,
/// instead of what the destination holds. `reader`, if given, stands behind it
/// and is computed from its results, which are not stored (see findReader).
llvm::FailureOr<LaunchShape> emitLinalg(mlir::linalg::LinalgOp op,
                                        mlir::Value initial,
                                        const EmitOptions &options,
                                        mlir::linalg::LinalgOp reader = {});

/// A block for each row, which computes the members one after the other; they
/// stand in the kernel one after the other, without fills.
LaunchShape emitRows(const RowChain &chain);

/// The same with rows in registers: what members pass to each other goes
/// through memory only where others read it. Nothing, and no code, where a row
/// has no such form or is too long.
std::optional<LaunchShape> emitRegisterRows(const RowChain &chain);

llvm::FailureOr<LaunchShape> emitPack(PackColumnsOp op);

/// The product of two sides of 16-bit floats or of bytes that the device's copy
/// engine can bring as tiles, by groups of warps; nothing, and no code, where
/// it is none, or so small that warps are faster, unless that `sparesPacking`.
/// Leaves `op`.
std::optional<LaunchShape> emitWarpgroupProduct(AnchorOpInterface op,
                                                ProductAccess &access,
                                                bool sparesPacking);

/// The product with weights that keep two of four neighbours, by groups of
/// warps too; leaves `op`. Nothing, and no code, where rows of the left side do
/// not begin at multiples of 16 bytes, or are few.
std::optional<LaunchShape> emitSparseProduct(SparseAnchorOp op);

/// The same by warps, through `instruction`, an LLVM intrinsic; rows of the
/// left side, whose places in memory are `access`, begin anywhere.
LaunchShape emitSparseWarpProduct(SparseAnchorOp op, PackedAccess &access,
                                  llvm::StringRef instruction);

/// The same for few results, by blocks that share the depth. What no kernel
/// writes is read before the kernel in front of this one ends.
std::optional<LaunchShape> emitClusterProduct(AnchorOpInterface op,
                                              ProductAccess &access,
                                              bool hasConstantRhs);

/// Attention whose sides the copy engine can bring as tiles, by groups of
/// warps; nothing, and no code, where it cannot. Leaves `op`.
std::optional<LaunchShape> emitWarpgroupAttention(AttentionOp op);

/// By groups of warps where that suits and devices have it, else by warps.
llvm::FailureOr<LaunchShape> emitAttention(AttentionOp op,
                                           const EmitOptions &options);

/// Products of groups of warps or of warps where they suit, strips of columns
/// for few rows, else tiles in shared memory for products of floats, else a
/// thread for each result.
llvm::FailureOr<LaunchShape> emitAnchor(AnchorOpInterface op,
                                        const EmitOptions &options);

/// Tiles that warps multiply in their registers; leaves `op`, whose places in
/// memory are `access`. Nothing where the anchor's micro-kernel is another one,
/// or sums must not be taken in another order.
std::optional<LaunchShape> emitWarpProduct(AnchorOpInterface op,
                                           PackedAccess &access,
                                           const EmitOptions &options);

/// The same for a few rows, whose right side is packed without neighbours along
/// the depth side by side.
std::optional<LaunchShape> emitFewRows(AnchorOpInterface op,
                                       PackedAccess &access,
                                       const EmitOptions &options);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_EMIT_H
