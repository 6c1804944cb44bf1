// Values of vectors of columns, two for each group of four elements: of
// positions in a word are made the places of four bytes, which pick an element out
// of one vector, or of two for groups of 8. Groups of a word are a loop, without
// spills.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -disable-loop-unrolling -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu \
// RUN: | llc -O3 -mcpu=neoverse-n1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/^fours:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\tb\./p' > %t.fours.s
// RUN: FileCheck %s --check-prefix=FOURS --implicit-check-not=sp < %t.fours.s
// RUN: grep -c 'tbl' %t.fours.s | FileCheck %s --check-prefix=COUNT
// RUN: grep -c 'fmla' %t.fours.s | FileCheck %s --check-prefix=COUNT
// RUN: sed -n '/^eights:/,/\.size/p' %t.s | sed -n '/Inner Loop Header/,/^\tb\./p' | FileCheck %s --check-prefix=EIGHTS --implicit-check-not=sp

// FOURS: tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b }, v{{[0-9]+}}.16b
// COUNT: {{^}}16{{$}}
func.func @fours(%x: memref<1x768xf32>, %v: memref<96x3072xf32>, %p: memref<96x192xi32>, %c: memref<1x768xf32>) {
  mopt.sparse_anchor <lanes> sparsity <2:4>
      ins(%x, %v, %p : memref<1x768xf32>, memref<96x3072xf32>, memref<96x192xi32>) outs(%c : memref<1x768xf32>)
      attributes {permutation = "llvm.aarch64.neon.tbl1.v16i8",
        config = #mopt.config<kernel = "k", rows = 1, columns = 8, lanes = 4, unroll = 1, streams = 4, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// EIGHTS: tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b, v{{[0-9]+}}.16b }, v{{[0-9]+}}.16b
func.func @eights(%x: memref<4x768xf32>, %v: memref<96x3072xf32>, %p: memref<96x384xi32>, %c: memref<4x768xf32>) {
  mopt.sparse_anchor <lanes> sparsity <4:8>
      ins(%x, %v, %p : memref<4x768xf32>, memref<96x3072xf32>, memref<96x384xi32>) outs(%c : memref<4x768xf32>)
      attributes {permutation = "llvm.aarch64.neon.tbl2.v16i8",
        config = #mopt.config<kernel = "k", rows = 4, columns = 8, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
