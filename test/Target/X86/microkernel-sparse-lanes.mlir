// A word holds the positions of 16 values: 8 groups of four elements, each in both
// halves of a vector, are permuted for 4 vectors of columns twice; the
// multiply-adds read the values from memory.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 32-byte Spill
// CHECK: vbroadcastf128
// CHECK: vpermilps
// CHECK: vfmadd{{[0-9]+}}ps {{.*}}(%
// CHECK-NOT: 32-byte Spill
// CHECK: .size kernel
func.func @kernel(%x: memref<1x768xf32>, %v: memref<48x6144xf32>, %p: memref<48x384xi32>, %c: memref<1x768xf32>) {
  mopt.sparse_anchor <lanes> sparsity <2:4>
      ins(%x, %v, %p : memref<1x768xf32>, memref<48x6144xf32>, memref<48x384xi32>) outs(%c : memref<1x768xf32>)
      attributes {permutation = "llvm.x86.avx.vpermilvar.ps.256",
        config = #mopt.config<kernel = "k", rows = 1, columns = 16, lanes = 8, unroll = 1, streams = 2, prefetchRows = 16, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
