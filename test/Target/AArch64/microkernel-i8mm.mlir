// Unsigned by signed bytes, with lanes of the unsigned side, and in squares of two
// rows by two columns: of those 24 accumulators, for each eight of the depth 6
// vectors of the right side and 4 of two rows each. No spill.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts
// RUN: %{lower} | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: opt -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/^lanes:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=LANES --implicit-check-not=sp --implicit-check-not=sudot --implicit-check-not=dup
// RUN: sed -n '/^squares:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=SQUARES --implicit-check-not=sp --implicit-check-not=usmmla

// LANES-COUNT-48: sudot v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.4b[{{[01]}}]
// LANES: {{^}}	b.
func.func @lanes(%a: memref<8x768xi8>, %b: memref<64x192x48xi8>, %c: memref<8x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xi8>, memref<64x192x48xi8>) outs(%c : memref<8x768xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #mopt.config<kernel = "k", rows = 8, columns = 12, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.aarch64.neon.usdot.v4i32.v16i8", lhsSteps = 2>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// SQUARES-COUNT-24: usmmla v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b
// SQUARES: {{^}}	b.
func.func @squares(%a: memref<8x768xi8>, %b: memref<64x96x96xi8>, %c: memref<8x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xi8>, memref<64x96x96xi8>) outs(%c : memref<8x768xi32>)
      attributes {interleave = 8 : i64, unsigned_lhs, config = #mopt.config<kernel = "k", rows = 8, columns = 12, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 8, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.aarch64.neon.usmmla.v4i32.v16i8">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
