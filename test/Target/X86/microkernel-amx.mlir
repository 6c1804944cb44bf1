// Two by two registers of sums: four products for four loads in the inner loop,
// the epilogue on vectors behind it, and nothing of either is spilled.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts -o %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | opt -O3 -disable-loop-unrolling -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: bytes:
// CHECK: ldtilecfg
// CHECK-NOT: 64-byte Spill
// CHECK: tilezero %tmm3
// CHECK: [[LOOP:\.LBB[0-9_]+]]:
// CHECK: tileloadd {{.*}}%tmm4
// CHECK: tileloadd {{.*}}%tmm6
// CHECK: tdpbusd %tmm6, %tmm4, %tmm0
// CHECK: tileloadd {{.*}}%tmm7
// CHECK: tdpbusd %tmm7, %tmm4, %tmm1
// CHECK: tileloadd {{.*}}%tmm5
// CHECK: tdpbusd %tmm6, %tmm5, %tmm2
// CHECK: tdpbusd %tmm7, %tmm5, %tmm3
// CHECK-NOT: tile
// CHECK: j{{.*}} [[LOOP]]
// CHECK: tilestored %tmm0
// CHECK: vcvtdq2ps
// CHECK-NOT: 64-byte Spill
// CHECK: vpmov{{.*}}db
// CHECK: tilerelease
func.func @bytes(%a: memref<128x768xi8>, %b: memref<24x192x128xi8>, %s: memref<768xf32>, %c: memref<128x768xi8>) {
  mopt.contract_anchor ins(%a, %b : memref<128x768xi8>, memref<24x192x128xi8>) epilogue_ins(%s : memref<768xf32>) outs(%c : memref<128x768xi8>)
      attributes {interleave = 4 : i64, unsigned_lhs, epilogue_maps = [affine_map<(m, n) -> (n)>],
        config = #mopt.config<kernel = "k", rows = 32, columns = 32, lanes = 16, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.tdpbusd", matrixUnit = "amx">} {
  ^bb0(%acc: i32, %scale: f32):
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %0, %scale : f32
    %2 = arith.fptosi %1 : f32 to i32
    %3 = arith.trunci %2 : i32 to i8
    mopt.yield %3 : i8
  }
  return
}

// CHECK-LABEL: halves:
// CHECK: tdpbf16ps
// CHECK-NOT: 64-byte Spill
// CHECK: .size halves
func.func @halves(%a: memref<128x768xbf16>, %b: memref<24x384x64xbf16>, %c: memref<128x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<128x768xbf16>, memref<24x384x64xbf16>) outs(%c : memref<128x768xf32>)
      attributes {interleave = 2 : i64,
        config = #mopt.config<kernel = "k", rows = 32, columns = 32, lanes = 16, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = true,
        interleave = 2, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.x86.tdpbf16ps", matrixUnit = "amx">} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
