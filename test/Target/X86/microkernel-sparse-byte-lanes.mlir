// Positions of 2 bits, four vectors of values for a vector of them: a permutation of
// the left side, and the instructions of dense bytes. Without a proof for pairs each
// of two neighbours is multiplied by itself.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts | mlir-translate --mlir-to-llvmir
// RUN: %{lower} | opt -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu | llc -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu -o %t
// RUN: FileCheck %s < %t

// Two panels of two vectors, four steps.
// CHECK-LABEL: safe:
// CHECK-NOT: Spill
// CHECK: vpbroadcastq
// CHECK-COUNT-16: vpshufb %ymm
// CHECK-NOT: vpshufb
// CHECK: j{{ne|b}}
// CHECK: .size safe
func.func @safe(%x: memref<1x768xi8>, %v: memref<48x6144xi8>, %p: memref<48x1536xi8>, %c: memref<1x768xi32>) {
  mopt.sparse_anchor <byte_lanes> sparsity <2:4>
      ins(%x, %v, %p : memref<1x768xi8>, memref<48x6144xi8>, memref<48x1536xi8>) outs(%c : memref<1x768xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 16, lanes = 8, unroll = 1, streams = 2, prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd">, permutation = "llvm.x86.avx2.pshuf.b", safe_pairs} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// CHECK-LABEL: unsafe:
// CHECK-COUNT-32: vpmaddubsw
// CHECK-NOT: vpmaddubsw
// CHECK: j{{ne|b}}
// CHECK: .size unsafe
func.func @unsafe(%x: memref<1x768xi8>, %v: memref<48x6144xi8>, %p: memref<48x1536xi8>, %c: memref<1x768xi32>) {
  mopt.sparse_anchor <byte_lanes> sparsity <2:4>
      ins(%x, %v, %p : memref<1x768xi8>, memref<48x6144xi8>, memref<48x1536xi8>) outs(%c : memref<1x768xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 16, lanes = 8, unroll = 1, streams = 2, prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd">, permutation = "llvm.x86.avx2.pshuf.b"} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// Groups of 16, positions of 4 bits; five rows are blocks of three and two.
// CHECK-LABEL: rows:
// CHECK: vbroadcasti128
// CHECK-COUNT-12: vpshufb %ymm
// CHECK-NOT: vpshufb
// CHECK: j{{ne|b}}
// CHECK-COUNT-8: vpshufb %ymm
// CHECK-NOT: vpshufb
// CHECK: j{{ne|b}}
// CHECK: .size rows
func.func @rows(%x: memref<5x768xi8>, %v: memref<48x3072xi8>, %p: memref<48x1536xi8>, %c: memref<5x768xi32>) {
  mopt.sparse_anchor <byte_lanes> sparsity <4:16>
      ins(%x, %v, %p : memref<5x768xi8>, memref<48x3072xi8>, memref<48x1536xi8>) outs(%c : memref<5x768xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 4, columns = 16, lanes = 8, unroll = 1, streams = 2, prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd">, permutation = "llvm.x86.avx2.pshuf.b", safe_pairs} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
