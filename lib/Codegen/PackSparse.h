//===- PackSparse.h - sparse weights as micro-kernels read them -*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_PACKSPARSE_H
#define MOPT_LIB_CODEGEN_PACKSPARSE_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/Sparsity.h"

#include "mlir/IR/AsmState.h"

namespace mopt {
/// Constant weights of `depth` x `width` elements, f32, i8 or of 16 bits.
struct DenseWeights {
  const char *data;
  int64_t depth, width, depthStride, widthStride;

  /// Bytes of an element.
  int64_t elementBytes;

  template <typename T> T at(int64_t k, int64_t n) const {
    return reinterpret_cast<const T *>(data)[k * depthStride + n * widthStride];
  }
  const char *getAddress(int64_t k, int64_t n) const {
    return data + (k * depthStride + n * widthStride) * elementBytes;
  }
  bool isKept(int64_t k, int64_t n) const {
    return isNonzero(getAddress(k, n), elementBytes);
  }
};

/// How `mopt.sparse_anchor` takes weights: blocks of `columns`, vectors of
/// `lanes`; for scalars parts of `depthPart` rows of `rowBlock` elements, and
/// `together` columns that are multiplied together.
struct SparseLayout {
  SparseForm form;
  SparsityAttr sparsity;
  int64_t columns, lanes, depthPart = 0, rowBlock = 0, together = 0;
};

/// A constant with as many rows as there are blocks.
struct PackedPart {
  mlir::RankedTensorType type;
  mlir::AsmResourceBlob blob;
};

struct PackedSparse {
  PackedPart values, positions;

  /// Of form byte_lanes: no products of two neighbours exceed 16 bits together.
  bool safePairs = false;
};

/// Failure if a group has more elements that are not 0 than the pattern allows.
mlir::FailureOr<PackedSparse> packSparse(const DenseWeights &weights,
                                         const SparseLayout &layout);

/// Weights of `element`, of 8 or 16 bits, for warps of a device or groups of
/// them (form lanes) in blocks of `columns`, a multiple of 64. Failure if one
/// of four neighbours has more than two that are not 0.
mlir::FailureOr<PackedSparse>
packForDevice(const DenseWeights &weights, mlir::Type element, int64_t columns);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_PACKSPARSE_H
