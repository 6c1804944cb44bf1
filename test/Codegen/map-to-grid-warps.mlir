// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s
// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid="reassociate=false" -canonicalize -cse -mlir-print-local-scope | FileCheck %s --check-prefix=STRICT

#f16 = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.i.f16", matrixUnit = "warp", lhsSteps = 8>

// Tiles of 128 x 128 in stages of 32 steps: two under way before the loop, one
// more in it. Both sides are copied without registers. Of each stage a warp
// multiplies 64 rows by 32 columns, twice 16 steps.
// CHECK-LABEL: gpu.func @large_0
// CHECK-SAME: workgroup(%{{.*}} : memref<49152xi8, #gpu.address_space<workgroup>> {llvm.align = 128 : i64}) kernel
// CHECK-COUNT-8: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg :
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group 1
// CHECK: gpu.barrier
// CHECK: scf.if
// CHECK-COUNT-4: nvvm.cp.async.shared.global
// CHECK-NOT: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-4: nvvm.ldmatrix {{.*}}#nvvm.mma_layout<row>
// CHECK-COUNT-2: nvvm.ldmatrix {{.*}}#nvvm.mma_layout<col>
// CHECK-COUNT-32: llvm.call_intrinsic "llvm.i.f16"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: scf.yield
// CHECK: gpu.barrier
// CHECK-COUNT-16: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xf32>
// CHECK: gpu.barrier
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// The epilogue reads and writes neighbours together.
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<1024xf32>, vector<4xf32>
// CHECK-COUNT-4: arith.addf
// CHECK: vector.store %{{.*}} {alignment = 8 : i64} : memref<4096x1024xf16>, vector<4xf16>
// CHECK: gpu.launch_func @device::@large_0 blocks in (%c256, %c1, %c1) threads in (%c256,

// Sums in the order of the depth are those of a thread.
// STRICT-LABEL: gpu.func @large_0
// STRICT-NOT: nvvm
func.func private @large(%a: memref<4096x512xf16>, %b: memref<16x512x64xf16>, %bias: memref<1024xf32>, %c: memref<4096x1024xf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<4096x512xf16>, memref<16x512x64xf16>) epilogue_ins(%bias : memref<1024xf32>) outs(%c : memref<4096x1024xf16>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>], config = #f16} {
  ^bb0(%acc: f32, %add: f32):
    %v = arith.addf %acc, %add : f32
    %t = arith.truncf %v : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// -----

#f16 = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.i.f16", matrixUnit = "warp", lhsSteps = 8>

// Few tiles: four warps divide each stage of 64 steps, and their sums are added
// in order. Rows that begin at odd places pass through registers; what is behind
// the depth is 0.
// CHECK-LABEL: gpu.func @odd_0
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}} :
// CHECK: llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<1> -> i16
// CHECK: arith.select
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xi16>, !llvm.ptr<3>
// CHECK: scf.for
// CHECK-NOT: cache = ca
// CHECK: llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<1> -> i16
// CHECK: llvm.call_intrinsic "llvm.i.f16"
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xi16>, !llvm.ptr<3>
// CHECK: scf.yield
// CHECK: scf.if
// CHECK-COUNT-3: arith.addf %{{.*}} : vector<4xf32>
// CHECK-NOT: arith.addf
// Columns that are no multiple of four are stored one by one.
// CHECK-COUNT-4: memref.store
// CHECK: gpu.launch_func @device::@odd_0 blocks in (%c54, %c1, %c1) threads in (%c128,
func.func private @odd(%a: memref<3x90x337xf16>, %b: memref<3x2x337x64xf16>, %c: memref<3x90x65xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<3x90x337xf16>, memref<3x2x337x64xf16>) outs(%c : memref<3x90x65xf32>) attributes {config = #f16} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

#u8 = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 16, streams = 4, prefetchRows = 0, prefetchNext = true, interleave = 4,
                   accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.i.u8", matrixUnit = "warp", lhsSteps = 16>

// Groups of four neighbours along the depth are words of the right side; of
// 44 channels the input is copied word by word. Integers are exact in any
// order.
// CHECK-LABEL: gpu.func @bytes_0
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}} :
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca, %{{.*}} :
// CHECK: scf.for
// CHECK: nvvm.ldmatrix
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> i32
// CHECK: llvm.call_intrinsic "llvm.i.u8"(%{{.*}}) : (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
// CHECK: arith.addi %{{.*}} : vector<4xi32>
// STRICT-LABEL: gpu.func @bytes_0
// STRICT: llvm.call_intrinsic "llvm.i.u8"
func.func private @bytes(%x: memref<1x12x12x44xi8>, %w: memref<1x1x3x3x11x256xi8>, %y: memref<1x10x10x40xi32>) attributes {mopt.kernel} {
  mopt.conv_anchor ins(%x, %w : memref<1x12x12x44xi8>, memref<1x1x3x3x11x256xi8>) outs(%y : memref<1x10x10x40xi32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, interleave = 4 : i64, unsigned_lhs, config = #u8} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

// Packing puts groups side by side, 0 behind the depth.
// CHECK-LABEL: gpu.func @groups_0
// CHECK: arith.divui %{{.*}}, %c4_i32
// CHECK: arith.remui %{{.*}}, %c4_i32
// CHECK: arith.select
// CHECK: memref.store
func.func private @groups(%x: memref<7x64xi8>, %y: memref<1x2x256xi8>) attributes {mopt.kernel} {
  mopt.pack_columns ins(%x : memref<7x64xi8>) outs(%y : memref<1x2x256xi8>) {lanes = 32 : i64, interleave = 4 : i64}
  return
}
