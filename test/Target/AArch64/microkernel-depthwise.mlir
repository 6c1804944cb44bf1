// Three rows of four outputs: 12 accumulators, the products of nine weights and of
// five rows of six inputs, each of which is loaded once, and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu \
// RUN: | llc -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/Inner Loop Header/,/^\tb\./p' %t.s | FileCheck %s --implicit-check-not=sp --implicit-check-not=fmla
// RUN: sed -n '/Inner Loop Header/,/^\tb\./p' %t.s | FileCheck %s --check-prefix=LOADS --implicit-check-not="ldr	q" --implicit-check-not="ldp	q"

// CHECK-COUNT-108: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v{{[0-9]+}}.4s
// CHECK: {{^}}	b.
// LOADS-COUNT-39: ldr	q
// LOADS: {{^}}	b.
func.func @kernel(%x: memref<1x38x34x64xf32>, %w: memref<3x3x64xf32>, %y: memref<1x36x32x64xf32>) {
  mopt.depthwise_anchor ins(%x, %w : memref<1x38x34x64xf32>, memref<3x3x64xf32>) outs(%y : memref<1x36x32x64xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
        config = #mopt.config<kernel = "k", rows = 3, columns = 4, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
