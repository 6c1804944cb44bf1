// Two columns of 4 vectors of rows: one multiply-add with the left side in memory
// for each, and no spill. The squares of results are turned in registers.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v4 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v4 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-8: vfmadd{{[0-9]+}}ps {{.*}}(%{{.*}}), %zmm
// CHECK-NOT: 64-byte Spill
// CHECK: .size kernel
func.func @kernel(%x: memref<2x768x64xf32>, %v: memref<12x24576xf32>, %p: memref<12x24576xi16>, %c: memref<128x768xf32>) {
  mopt.sparse_anchor <scalars> sparsity <2:4>
      ins(%x, %v, %p : memref<2x768x64xf32>, memref<12x24576xf32>, memref<12x24576xi16>) outs(%c : memref<128x768xf32>)
      attributes {depth_part = 64 : i64,
        config = #mopt.config<kernel = "k", rows = 64, columns = 64, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// Numbers of values that are read: the same multiply-adds.
// CHECK-LABEL: counted:
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-8: vfmadd{{[0-9]+}}ps {{.*}}(%{{.*}}), %zmm
// CHECK-NOT: 64-byte Spill
// CHECK: .size counted
func.func @counted(%x: memref<2x768x64xf32>, %v: memref<12x4576xf32>, %p: memref<12x4960xi16>, %c: memref<128x768xf32>) {
  mopt.sparse_anchor <scalars> sparsity <20:64>
      ins(%x, %v, %p : memref<2x768x64xf32>, memref<12x4576xf32>, memref<12x4960xi16>) outs(%c : memref<128x768xf32>)
      attributes {depth_part = 64 : i64,
        config = #mopt.config<kernel = "k", rows = 64, columns = 64, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// Eight rows: vectors of eight, and eight columns together.
// CHECK-LABEL: eight:
// CHECK-NOT: 32-byte Spill
// CHECK-COUNT-8: vfmadd{{[0-9]+}}ps (%{{.*}}), %ymm
// CHECK-NOT: 32-byte Spill
// CHECK: .size eight
func.func @eight(%x: memref<1x768x8xf32>, %v: memref<12x4576xf32>, %p: memref<12x4592xi16>, %c: memref<8x768xf32>) {
  mopt.sparse_anchor <scalars> sparsity <20:64>
      ins(%x, %v, %p : memref<1x768x8xf32>, memref<12x4576xf32>, memref<12x4592xi16>) outs(%c : memref<8x768xf32>)
      attributes {depth_part = 512 : i64,
        config = #mopt.config<kernel = "k", rows = 8, columns = 64, lanes = 8, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// One row: its elements are collected for a vector of values.
// CHECK-LABEL: one:
// CHECK: vmovss
// CHECK: vinsertps
// CHECK: vfmadd{{[0-9]+}}ps {{.*}}, %ymm
// CHECK: .size one
func.func @one(%x: memref<1x768x1xf32>, %v: memref<12x4576xf32>, %p: memref<12x4584xi16>, %c: memref<1x768xf32>) {
  mopt.sparse_anchor <scalars> sparsity <20:64>
      ins(%x, %v, %p : memref<1x768x1xf32>, memref<12x4576xf32>, memref<12x4584xi16>) outs(%c : memref<1x768xf32>)
      attributes {depth_part = 4096 : i64,
        config = #mopt.config<kernel = "k", rows = 1, columns = 64, lanes = 8, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
