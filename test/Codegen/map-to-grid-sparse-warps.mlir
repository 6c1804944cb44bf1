// RUN: mopt-opt %s --split-input-file --verify-diagnostics -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s

#f16 = #mopt.config<kernel = "s", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.i.f16", matrixUnit = "warp">

// Tiles of 128 x 128: a stage has 64 steps, of which the weights keep 32. What
// a thread copies of it are pieces of columns, words of positions, and pieces of
// rows.
// CHECK: llvm.mlir.global external @mopt_shared
// CHECK-LABEL: gpu.func @large_0
// CHECK-COUNT-4: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg :
// CHECK-COUNT-2: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca :
// CHECK-COUNT-8: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg :
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group 1
// CHECK: gpu.barrier
// CHECK: scf.if
// CHECK: nvvm.cp.async.commit.group
// Eight tiles of rows, and for each of four tiles of columns their values and a
// word of positions.
// CHECK-COUNT-9: nvvm.ldmatrix {{.*}}#nvvm.mma_layout<row>
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> i32
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.i.f16"
// CHECK: nvvm.ldmatrix
// CHECK: scf.yield
// The sums are turned, in two passes of 64 rows.
// CHECK: gpu.barrier
// CHECK-COUNT-64: llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<3>
// CHECK: gpu.barrier
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: vector.store %{{.*}} : memref<2048x2048xf16>, vector<4xf16>
// CHECK: gpu.launch_func @device::@large_0 blocks in (%c256, %c1, %c1) threads in (%c128,
func.func private @large(%x: memref<2048x512xf16>, %v: memref<32x16384xf16>, %p: memref<32x1024xi32>, %y: memref<2048x2048xf16>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<2048x512xf16>, memref<32x16384xf16>, memref<32x1024xi32>)
      outs(%y : memref<2048x2048xf16>) attributes {config = #f16} {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// -----

#u8 = #mopt.config<kernel = "s", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                   accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.i.u8", matrixUnit = "warp">

// Of bytes both words of positions are a stage's; elements of rows that begin
// anywhere pass through registers.
// CHECK-LABEL: gpu.func @few_0
// CHECK-SAME: workgroup(%{{.*}} : memref<43008xi8,
// CHECK-COUNT-2: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg :
// CHECK: scf.if
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg :
// CHECK-COUNT-16: llvm.load %{{.*}} {alignment = 1 : i64} : !llvm.ptr<1> -> i8
// CHECK: llvm.call_intrinsic "llvm.i.u8"
// CHECK: gpu.launch_func @device::@few_0 blocks in (%c2, %c1, %c1) threads in (%c128,
func.func private @few(%x: memref<13x203xi8>, %v: memref<2x8192xi8>, %p: memref<2x512xi32>, %y: memref<13x70xi32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<13x203xi8>, memref<2x8192xi8>, memref<2x512xi32>)
      outs(%y : memref<13x70xi32>) attributes {config = #u8} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

#group = #mopt.config<kernel = "s", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                      accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "i", matrixUnit = "warpgroup">

func.func private @none(%x: memref<13x200xf16>, %v: memref<2x8192xf16>, %p: memref<2x512xi32>, %y: memref<13x70xf32>) attributes {mopt.kernel} {
  // expected-error@+1 {{multiplies sparse weights by rows that warps do not reach, which is not supported}}
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<13x200xf16>, memref<2x8192xf16>, memref<2x512xi32>)
      outs(%y : memref<13x70xf32>) attributes {config = #group} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
