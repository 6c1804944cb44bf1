// As microkernel-bytes.mlir, in vectors of 512 bits: 24 accumulators and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v4 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v4 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 64-byte Spill
// CHECK: vpbroadcastd {{.*}}(%r
// CHECK-COUNT-48: vpmaddubsw {{.*}}%zmm
// CHECK-NOT: vpmaddubsw
// CHECK: jne
// CHECK-NOT: 64-byte Spill
// CHECK: .size kernel
func.func @kernel(%a: memref<8x768xi8>, %b: memref<16x192x192xi8>, %c: memref<8x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xi8>, memref<16x192x192xi8>) outs(%c : memref<8x768xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs,
        config = #mopt.config<kernel = "k", rows = 8, columns = 48, lanes = 16, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx512.pmaddubs.w.512,llvm.x86.avx512.pmaddw.d.512">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
