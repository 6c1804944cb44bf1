// A column of 16 vectors of rows: one multiply-add by a lane for each, two vectors
// of the left side to a load, and no spill in the loop over values.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu \
// RUN: | llc -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/ldrh/,/^\tb\./p' %t.s | FileCheck %s --implicit-check-not=sp

// CHECK: ldrh
// CHECK-COUNT-16: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v{{[0-9]+}}.s[0]
// CHECK-NEXT: {{^}}	b.
func.func @kernel(%x: memref<2x768x64xf32>, %v: memref<12x24576xf32>, %p: memref<12x24576xi16>, %c: memref<128x768xf32>) {
  mopt.sparse_anchor <scalars> sparsity <2:4>
      ins(%x, %v, %p : memref<2x768x64xf32>, memref<12x24576xf32>, memref<12x24576xi16>) outs(%c : memref<128x768xf32>)
      attributes {depth_part = 64 : i64,
        config = #mopt.config<kernel = "k", rows = 64, columns = 64, lanes = 4, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
