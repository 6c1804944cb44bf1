// Weights of 4 bits in groups of 128, four rows: sixteen sums of the whole depth
// wait in memory, and the loop over a group has no spill. With VNNI one
// instruction multiplies pairs and adds them (LLVM splits it again for some processors).
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=znver4 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=znver4 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK: vpmov{{s?}}dw
// CHECK: vpdpwssd
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-255: vpdpwssd {{.*}}%zmm
// CHECK-NOT: 64-byte Spill
// CHECK: j{{ne|b}}
// CHECK: vcvtph2ps {{.*}}%zmm
// CHECK: .size kernel
func.func @kernel(%a: memref<4x768xf32>, %b: memref<12x6x4224xi8>, %c: memref<4x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<4x768xf32>, memref<12x6x4224xi8>) outs(%c : memref<4x768xf32>)
      attributes {weights = #mopt.block_weights<bits = 4, group = 128, columns = 64, width = 768, depth = 768, scaleBits = 16, zeroPoint = 8>,
        config = #mopt.config<kernel = "k", rows = 4, columns = 64, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 2, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.x86.avx512.vpdpwssd.512">} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
