// 12 accumulators, 2 vectors of the right side, 1 of the left: one
// instruction per multiply-add, 8 steps at once, and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 32-byte Spill
// CHECK-COUNT-96: vfmadd{{[0-9]+}}ps {{.*}}%ymm
// CHECK-NOT: vfmadd
// CHECK: jne
// CHECK-NOT: 32-byte Spill
// CHECK: .size kernel
func.func @kernel(%a: memref<6x768xf32>, %b: memref<48x768x16xf32>, %c: memref<6x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<6x768xf32>, memref<48x768x16xf32>) outs(%c : memref<6x768xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 6, columns = 16, lanes = 8, unroll = 8, streams = 1, prefetchRows = 0, prefetchNext = true>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
