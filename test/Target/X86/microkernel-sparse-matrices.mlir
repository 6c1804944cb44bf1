// A part of a panel is expanded, four steps of two vectors at once, then all rows
// are multiplied by it in two by two registers of sums, and nothing is spilled.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts -o %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | opt -O3 -disable-loop-unrolling -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu | FileCheck %s

// CHECK-LABEL: fixed:
// CHECK: ldtilecfg
// CHECK-NOT: 64-byte Spill
// CHECK-COUNT-8: vpexpandb {{[0-9]*}}({{.*}}), %zmm{{[0-9]+}} {%k{{[1-7]}}} {z}
// CHECK-NOT: vpexpandb
// CHECK: j{{ne|b}}
// CHECK: tileloadd {{.*}}%tmm0
// CHECK: tileloadd {{.*}}%tmm3
// CHECK: [[LOOP:\.LBB[0-9_]+]]:
// CHECK: tileloadd {{.*}}%tmm4
// CHECK: tdpbusd %tmm6, %tmm4, %tmm0
// CHECK: tdpbusd %tmm7, %tmm4, %tmm1
// CHECK: tdpbusd %tmm6, %tmm5, %tmm2
// CHECK: tdpbusd %tmm7, %tmm5, %tmm3
// CHECK-NOT: tile
// CHECK: j{{.*}} [[LOOP]]
// CHECK: tilestored %tmm0
// CHECK: tilestored %tmm3
// CHECK: vcvtdq2ps
// CHECK-NOT: 64-byte Spill
// CHECK: vpmov{{.*}}db
// CHECK: tilerelease
func.func @fixed(%x: memref<64x4096xi8>, %v: memref<24x65600xi8>, %p: memref<24x2048xi64>, %s: memref<768xf32>, %c: memref<64x768xi8>) {
  mopt.sparse_anchor <bytes> sparsity <2:4>
      ins(%x, %v, %p : memref<64x4096xi8>, memref<24x65600xi8>, memref<24x2048xi64>) epilogue_ins(%s : memref<768xf32>) outs(%c : memref<64x768xi8>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>],
        config = #mopt.config<kernel = "k", rows = 32, columns = 32, lanes = 16, unroll = 4, streams = 1, prefetchRows = 128, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.tdpbusd", matrixUnit = "amx">, permutation = "llvm.x86.avx512.mask.expand"} {
  ^bb0(%acc: i32, %scale: f32):
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %0, %scale : f32
    %2 = arith.fptosi %1 : f32 to i32
    %3 = arith.trunci %2 : i32 to i8
    mopt.yield %3 : i8
  }
  return
}

// Where vectors differ in their number of values, each mask says where the next
// one's are.
// CHECK-LABEL: counted:
// CHECK-COUNT-8: vpexpandb
// CHECK-NOT: vpexpandb
// CHECK: j{{ne|b}}
// CHECK-COUNT-2: tdpbusd
// CHECK-NOT: tdpbusd
// CHECK: tilerelease
// CHECK-NOT: 64-byte Spill
// CHECK: .size counted
func.func @counted(%x: memref<16x4096xi8>, %v: memref<24x65600xi8>, %p: memref<24x2048xi64>, %c: memref<16x768xi32>) {
  mopt.sparse_anchor <bytes> sparsity <4:8>
      ins(%x, %v, %p : memref<16x4096xi8>, memref<24x65600xi8>, memref<24x2048xi64>) outs(%c : memref<16x768xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 32, columns = 32, lanes = 16, unroll = 4, streams = 1, prefetchRows = 128, prefetchNext = false,
        interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.tdpbusd", matrixUnit = "amx">, permutation = "llvm.x86.avx512.mask.expand"} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
