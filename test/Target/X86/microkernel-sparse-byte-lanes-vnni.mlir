// Two panels of four vectors, four steps: a permutation of the left side and one
// instruction that multiplies and adds, without a spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=icelake-server -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=icelake-server -mtriple=x86_64-linux-gnu -o %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=PRODUCT < %t

// CHECK-LABEL: kernel:
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-32: vpshufb %zmm
// CHECK-NOT: vpshufb
// CHECK: j{{ne|b}}
// CHECK-NOT: 64-byte Spill
// CHECK: .size kernel

// PRODUCT-COUNT-32: vpdpbusd
// PRODUCT-NOT: vpdpbusd
// PRODUCT: j{{ne|b}}
func.func @kernel(%x: memref<1x768xi8>, %v: memref<12x24576xi8>, %p: memref<12x6144xi8>, %c: memref<1x768xi32>) {
  mopt.sparse_anchor <byte_lanes> sparsity <2:4>
      ins(%x, %v, %p : memref<1x768xi8>, memref<12x24576xi8>, memref<12x6144xi8>) outs(%c : memref<1x768xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 64, lanes = 16, unroll = 1, streams = 2, prefetchRows = 0, prefetchNext = false, interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx512.vpdpbusd.512">, permutation = "llvm.x86.avx512.pshuf.b.512"} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
