// Signed bytes, four of the depth to a lane: 24 accumulators, and for each two
// groups 6 vectors of the right side and 8 bytes of a row, whose lanes multiply. 48
// instructions, no spill, nothing else on vectors.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts
// RUN: %{lower} | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: opt -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/Inner Loop Header/,/^\tb\./p' %t.s | FileCheck %s --implicit-check-not=sp --implicit-check-not=sdot --implicit-check-not=dup

// CHECK-COUNT-48: sdot v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.4b[{{[01]}}]
// CHECK: {{^}}	b.
func.func @product(%a: memref<8x768xi8>, %b: memref<64x192x48xi8>, %c: memref<8x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xi8>, memref<64x192x48xi8>) outs(%c : memref<8x768xi32>)
      attributes {interleave = 4 : i64, config = #mopt.config<kernel = "k", rows = 8, columns = 12, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8", lhsSteps = 2>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
