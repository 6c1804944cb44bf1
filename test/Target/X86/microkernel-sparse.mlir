// 16 accumulators of 4 panels: a mask and an expanding load for each vector, two
// steps at once, and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v4 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v4 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-32: vexpandps (%{{.*}}), %zmm{{[0-9]+}} {%k{{[0-7]}}} {z}
// CHECK-NOT: vexpandps
// CHECK: j{{ne|b}}
// CHECK-NOT: 64-byte Spill
// CHECK: .size kernel
func.func @kernel(%x: memref<1x768xf32>, %v: memref<12x24576xf32>, %p: memref<12x3072xi16>, %c: memref<1x768xf32>) {
  mopt.sparse_anchor <masks> sparsity <2:4>
      ins(%x, %v, %p : memref<1x768xf32>, memref<12x24576xf32>, memref<12x3072xi16>) outs(%c : memref<1x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 4, columns = 64, lanes = 16, unroll = 2, streams = 4, prefetchRows = 16, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
