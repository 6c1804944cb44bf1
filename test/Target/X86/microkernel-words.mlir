// Bytes of the right side are widened when they are loaded, pairs of words of
// the left side come from memory; 10 accumulators and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 32-byte Spill
// CHECK: vpmovsxbw {{.*}}(%r
// CHECK: vpbroadcastd {{.*}}(%r
// CHECK-COUNT-20: vpmaddwd {{.*}}%ymm
// CHECK-NOT: vpmaddwd
// CHECK: jne
// CHECK-NOT: 32-byte Spill
// CHECK: .size kernel
func.func @kernel(%a: memref<5x768xi16>, %b: memref<48x384x32xi8>, %c: memref<5x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<5x768xi16>, memref<48x384x32xi8>) outs(%c : memref<5x768xi32>)
      attributes {interleave = 2 : i64,
        config = #mopt.config<kernel = "k", rows = 5, columns = 16, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 2, lhsBits = 16, rhsBits = 16, instruction = "llvm.x86.avx2.pmadd.wd">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
