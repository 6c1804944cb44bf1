// 24 accumulators, 3 vectors of the right side, 1 of the left: one instruction
// for four products in each lane, 4 steps at once, and no spill. The requantizing
// epilogue is vector code up to the bytes that are stored.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=icelake-server -mtriple=x86_64-linux-gnu \
// RUN: | llc -O3 -mcpu=icelake-server -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: kernel:
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-96: vpdpbusd {{.*}}%zmm
// CHECK-NOT: vpdpbusd
// CHECK: j{{ne|b}}
// CHECK-NOT: 64-byte Spill
// CHECK: vcvtdq2ps
// CHECK: vrndscaleps
// CHECK: vpmov{{.*}}db
// CHECK: .size kernel
func.func @kernel(%a: memref<8x768xi8>, %b: memref<16x192x192xi8>, %s: memref<768xf32>, %c: memref<8x768xi8>) {
  mopt.contract_anchor ins(%a, %b : memref<8x768xi8>, memref<16x192x192xi8>) epilogue_ins(%s : memref<768xf32>) outs(%c : memref<8x768xi8>)
      attributes {interleave = 4 : i64, unsigned_lhs, epilogue_maps = [affine_map<(m, n) -> (n)>],
        config = #mopt.config<kernel = "k", rows = 8, columns = 48, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx512.vpdpbusd.512">} {
  ^bb0(%acc: i32, %scale: f32):
    %low = arith.constant 0.0 : f32
    %high = arith.constant 255.0 : f32
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %0, %scale : f32
    %2 = math.roundeven %1 : f32
    %3 = arith.maxnumf %2, %low : f32
    %4 = arith.minnumf %3, %high : f32
    %5 = arith.fptosi %4 : f32 to i32
    %6 = arith.trunci %5 : i32 to i8
    mopt.yield %6 : i8
  }
  return
}
