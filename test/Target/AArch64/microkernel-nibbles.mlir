// Weights of 4 bits in groups of 32: a mask and a shift at most for 16 of them, both
// parts of 16 bits of the left side from lanes of one register, one conversion for a
// group, and no access to the stack up to there.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts
// RUN: %{lower} | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: opt -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/prfm/,/scvtf/p' %t.s | FileCheck %s --implicit-check-not=sp --implicit-check-not=sdot --implicit-check-not=dup

// CHECK-COUNT-128: sdot v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.4b[{{[0-3]}}]
// CHECK: scvtf
func.func @kernel(%a: memref<2x768xf32>, %b: memref<48x24x288xi8>, %c: memref<2x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<2x768xf32>, memref<48x24x288xi8>) outs(%c : memref<2x768xf32>)
      attributes {weights = #mopt.block_weights<bits = 4, group = 32, columns = 16, width = 768, depth = 768, scaleBits = 16, zeroPoint = 8>,
        config = #mopt.config<kernel = "k", rows = 2, columns = 16, lanes = 4, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8">} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
