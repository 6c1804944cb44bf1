// Tiles with few instructions beside the products: 20 accumulators, and for each
// four steps 8 vectors of the right side and one of each of ten rows, whose lanes
// multiply. 80 instructions, 18 loads, no spill; on a processor that executes in
// order too. Halves have as many instructions for twice the columns.
// DEFINE: %{lower} = mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// DEFINE:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// DEFINE:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// DEFINE:   -canonicalize -cse -reconcile-unrealized-casts
// RUN: %{lower} | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: opt -O3 -disable-loop-unrolling -mcpu=cortex-a55 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=cortex-a55 -mtriple=aarch64-linux-gnu -o %t.a55.s
// RUN: sed -n '/^product:/,/\.size/p' %t.a55.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=FLOATS --implicit-check-not=sp --implicit-check-not=fmla --implicit-check-not=ld1
// RUN: sed -n '/^bytes:/,/\.size/p' %t.a55.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=BYTES --implicit-check-not=sp --implicit-check-not=sdot --implicit-check-not=ld1
// RUN: sed -n '/^halves:/,/\.size/p' %t.a55.s | sed -n '/Inner Loop Header/,/^\t\(b\.\|cbn*z\)/p' | FileCheck %s --check-prefix=HALVES --implicit-check-not=sp --implicit-check-not=fmla --implicit-check-not=ld1
// RUN: opt -O3 -disable-loop-unrolling -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu %t.ll | llc -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu -o %t.n1.s
// RUN: sed -n '/^product:/,/\.size/p' %t.n1.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=FLOATS --implicit-check-not=sp --implicit-check-not=fmla --implicit-check-not=ld1
// RUN: sed -n '/^bytes:/,/\.size/p' %t.n1.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=BYTES --implicit-check-not=sp --implicit-check-not=sdot --implicit-check-not=ld1
// RUN: sed -n '/^halves:/,/\.size/p' %t.n1.s | sed -n '/Inner Loop Header/,/^\t\(b\.\|cbn*z\)/p' | FileCheck %s --check-prefix=HALVES --implicit-check-not=sp --implicit-check-not=fmla --implicit-check-not=ld1

// FLOATS-COUNT-80: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v{{[0-9]+}}.s[{{[0-3]}}]
// FLOATS: {{^}}	b.
func.func @product(%a: memref<10x768xf32>, %b: memref<96x768x8xf32>, %c: memref<10x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<10x768xf32>, memref<96x768x8xf32>) outs(%c : memref<10x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 10, columns = 8, lanes = 4, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false, lhsSteps = 4>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// BYTES-COUNT-80: sdot v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.4b[{{[0-3]}}]
// BYTES: {{^}}	b.
func.func @bytes(%a: memref<10x768xi8>, %b: memref<96x192x32xi8>, %c: memref<10x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<10x768xi8>, memref<96x192x32xi8>) outs(%c : memref<10x768xi32>)
      attributes {interleave = 4 : i64, config = #mopt.config<kernel = "k", rows = 10, columns = 8, lanes = 4, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8", lhsSteps = 4>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// HALVES-COUNT-80: fmla v{{[0-9]+}}.8h, v{{[0-9]+}}.8h, v{{[0-9]+}}.h[{{[0-3]}}]
// HALVES: {{^}}	{{b\.|cbn?z}}
func.func @halves(%a: memref<10x768xf16>, %b: memref<48x768x16xf16>, %c: memref<10x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<10x768xf16>, memref<48x768x16xf16>) outs(%c : memref<10x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 10, columns = 16, lanes = 4, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
        lhsBits = 16, rhsBits = 16, wordGroups = 32, lhsSteps = 4>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
