// 24 accumulators, and for each two steps 6 vectors of the right side and half a
// vector of the left one, whose lanes multiply: 48 instructions, 6 + 8 loads, no
// spill. A depth that is odd has one step more.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts
// RUN: %{lower} | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: opt -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/^product:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=LOOP --implicit-check-not=sp --implicit-check-not=fmla --implicit-check-not=ld1
// RUN: FileCheck %s < %t.s

// LOOP-COUNT-48: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v{{[0-9]+}}.s[{{[01]}}]
// LOOP: {{^}}	b.

// CHECK-LABEL: product:
// CHECK-COUNT-48: fmla
// CHECK-NOT: fmla
// CHECK: .size product
func.func @product(%a: memref<8x768xf32>, %b: memref<64x768x12xf32>, %c: memref<8x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xf32>, memref<64x768x12xf32>) outs(%c : memref<8x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 8, columns = 12, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false, lhsSteps = 2>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// CHECK-LABEL: odd_depth:
// CHECK-COUNT-72: fmla
// CHECK-NOT: fmla
// CHECK: .size odd_depth
func.func @odd_depth(%a: memref<8x767xf32>, %b: memref<64x767x12xf32>, %c: memref<8x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x767xf32>, memref<64x767x12xf32>) outs(%c : memref<8x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 8, columns = 12, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false, lhsSteps = 2>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
