// Weights that cannot saturate words, and groups of such that are multiplied twice: three instructions for four products, groups of
// the left side and whole vectors of the right one come from memory; 10 accumulators
// and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 32-byte Spill
// CHECK: vpbroadcastd {{.*}}(%r
// CHECK-COUNT-20: vpmaddubsw {{.*}}%ymm
// CHECK-NOT: vpmaddubsw
// CHECK: jne
// CHECK-NOT: 32-byte Spill
// CHECK: .size kernel

// Behind the same loop, the groups that stand in rows of 96 bytes.
// CHECK-LABEL: twice:
// CHECK-NOT: 32-byte Spill
// CHECK-COUNT-20: vpmaddubsw {{.*}}%ymm
// CHECK-NOT: vpmaddubsw
// CHECK: movslq 68(
// CHECK-COUNT-10: vpmaddubsw {{.*}}%ymm
// CHECK-NOT: vpmaddubsw
// CHECK: addq $96,
// CHECK-NOT: 32-byte Spill
// CHECK: .size twice
// Sums of four products fit words: five instructions for eight.
// CHECK-LABEL: quads:
// CHECK-NOT: 32-byte Spill
// CHECK-COUNT-12: vpmaddubsw {{.*}}%ymm
// CHECK-NOT: vpmaddubsw
// CHECK: jne
// CHECK-NOT: 32-byte Spill
// CHECK: .size quads
func.func @kernel(%a: memref<5x768xi8>, %b: memref<48x192x64xi8>, %c: memref<5x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<5x768xi8>, memref<48x192x64xi8>) outs(%c : memref<5x768xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs,
        config = #mopt.config<kernel = "k", rows = 5, columns = 16, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

func.func @twice(%a: memref<5x768xi8>, %b: memref<48x192x64xi8>, %e: memref<48x4x96xi8>, %c: memref<5x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<5x768xi8>, memref<48x192x64xi8>) excess(%e : memref<48x4x96xi8>)
      outs(%c : memref<5x768xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs,
        config = #mopt.config<kernel = "k", rows = 5, columns = 16, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

func.func @quads(%a: memref<3x768xi8>, %b: memref<48x192x64xi8>, %c: memref<3x768xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<3x768xi8>, memref<48x192x64xi8>) outs(%c : memref<3x768xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs,
        config = #mopt.config<kernel = "k", rows = 3, columns = 16, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd", wordGroups = 2>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

