// Floats of 16 bits. Those of bf16 in squares of two rows by two columns: 24
// instructions for four of the depth. Sums of f16 have eight columns and stay in
// registers for 32 steps, while those of f32 wait in memory: 48 instructions for two
// of the depth, and no access to the stack between them.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts
// RUN: %{lower} | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: opt -O3 -disable-loop-unrolling -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/^squares:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=SQUARES --implicit-check-not=sp --implicit-check-not=bfmmla
// RUN: sed -n '/^halves:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\t\(b\.\|cbn*z\)/p' | FileCheck %s --check-prefix=HALVES --implicit-check-not=sp --implicit-check-not=fmla --implicit-check-not=dup

// SQUARES-COUNT-24: bfmmla v{{[0-9]+}}.4s, v{{[0-9]+}}.8h, v{{[0-9]+}}.8h
// SQUARES: {{^}}	b.
func.func @squares(%a: memref<8x768xbf16>, %b: memref<64x192x48xbf16>, %c: memref<8x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xbf16>, memref<64x192x48xbf16>) outs(%c : memref<8x768xf32>)
      attributes {interleave = 4 : i64, config = #mopt.config<kernel = "k", rows = 8, columns = 12, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.aarch64.neon.bfmmla">} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// HALVES-COUNT-48: fmla v{{[0-9]+}}.8h, v{{[0-9]+}}.8h, v{{[0-9]+}}.h[{{[01]}}]
// HALVES: {{^}}	{{b\.|cbn?z}}
func.func @halves(%a: memref<8x768xf16>, %b: memref<32x768x24xf16>, %c: memref<8x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xf16>, memref<32x768x24xf16>) outs(%c : memref<8x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 8, columns = 24, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
        lhsBits = 16, rhsBits = 16, wordGroups = 32, lhsSteps = 2>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
