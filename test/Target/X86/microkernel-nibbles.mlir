// Weights of 4 bits in groups of 32: a mask and a shift at most for each pair of
// 16 bits, pairs of the left side from memory, one conversion for a group, and no
// spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK: vcvttps2dq
// CHECK-NOT: 32-byte Spill
// CHECK: prefetcht0
// CHECK: vpbroadcastd {{.*}}(%r
// CHECK-COUNT-32: vpmaddwd {{.*}}%ymm
// CHECK-NOT: vpmaddwd
// CHECK: vcvtph2ps
// CHECK: vfmadd
// CHECK: j{{ne|b}}
// CHECK-NOT: 32-byte Spill
// CHECK: .size kernel
func.func @kernel(%a: memref<1x768xf32>, %b: memref<48x24x288xi8>, %c: memref<1x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<1x768xf32>, memref<48x24x288xi8>) outs(%c : memref<1x768xf32>)
      attributes {weights = #mopt.block_weights<bits = 4, group = 32, columns = 16, width = 768, depth = 768, scaleBits = 16, zeroPoint = 8>,
        config = #mopt.config<kernel = "k", rows = 4, columns = 16, lanes = 8, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 2, lhsBits = 16, rhsBits = 16, instruction = "llvm.x86.avx2.pmadd.wd">} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
