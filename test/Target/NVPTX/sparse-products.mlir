// RUN: mopt-opt %s -mopt-map-to-grid | FileCheck %s
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX

#f16 = #mopt.config<kernel = "sparse-warpgroup-f16", rows = 64, columns = 128, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "wgmma.mma_async.sp.sync.aligned.m64nNk32.f32.f16.f16", matrixUnit = "warpgroup">
#u8 = #mopt.config<kernel = "sparse-warpgroup-u8s8", rows = 64, columns = 128, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                   accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "wgmma.mma_async.sp.sync.aligned.m64nNk64.s32.s8.u8", matrixUnit = "warpgroup">
module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// The weights are the left side: rows of 64 bytes of them, of 128 of the other
// side, and a turned result whose columns are rows of shared memory.
// CHECK-LABEL: func.func private @turned(
// CHECK: mopt.launch_desc = array<i64: {{[0-9]+}}, {{[01]}}, 1, 3,
// CHECK-SAME: 5, 2, 0, 2, 256, 2, 32, 2048, 512, {{64|128}}, 0,
// CHECK-SAME: 6, 2, 0, 2, 512, 2, 64, 4096, 1024, {{[0-9]+}}, 0,
// CHECK-SAME: 7, 2, 0, 2, 2048, 2, 64, 4096, 4096, 64, 0,
// PTX-LABEL: .visible .entry turned_{{[0-9]+}}(
// Positions of two stages for each thread are loaded ahead of their products.
// PTX: ld.global.v2.b32
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-2: wgmma.mma_async.sp.sync.aligned.m64n{{[0-9]+}}k32.f32.f16.f16
// PTX-NOT: wgmma.wait_group
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-2: wgmma.mma_async.sp.sync.aligned.m64n{{[0-9]+}}k32.f32.f16.f16
// PTX: wgmma.wait_group.sync.aligned{{[ \\09]*}}1;
// PTX: wgmma.wait_group.sync.aligned{{[ \\09]*}}0;
// PTX: stmatrix.sync.aligned.m8n8.x4.trans.shared.b16
func.func private @turned(%x: memref<4096x512xf16>, %v: memref<16x32768xf16>, %p: memref<16x2048xi32>, %bias: memref<2048xf32>, %y: memref<4096x2048xf16>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<4096x512xf16>, memref<16x32768xf16>, memref<16x2048xi32>)
      epilogue_ins(%bias : memref<2048xf32>) outs(%y : memref<4096x2048xf16>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>], config = #f16} {
  ^bb0(%acc: f32, %add: f32):
    %v0 = arith.addf %acc, %add : f32
    %t = arith.truncf %v0 : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Results of 32 bits are stored by the threads that have them.
// CHECK-LABEL: func.func private @floats(
// CHECK: mopt.launch_desc = array<i64: {{[0-9]+}}, {{[01]}}, 1, 2,
// PTX-LABEL: .visible .entry floats_{{[0-9]+}}(
// PTX-COUNT-2: wgmma.mma_async.sp.sync.aligned.m64n{{[0-9]+}}k32.f32.f16.f16
// PTX-NOT: stmatrix
// PTX: st.global.b32
func.func private @floats(%x: memref<300x520xf16>, %v: memref<9x40960xf16>, %p: memref<9x2560xi32>, %y: memref<300x1030xf32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<300x520xf16>, memref<9x40960xf16>, memref<9x2560xi32>)
      outs(%y : memref<300x1030xf32>) attributes {config = #f16} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// Of bytes each product has a word of positions, and none of the scales that
// floats have.
// PTX-LABEL: .visible .entry bytes_{{[0-9]+}}(
// PTX-COUNT-2: ld.global.v2.b32
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-2: wgmma.mma_async.sp.sync.aligned.m64n{{[0-9]+}}k64.s32.s8.u8
// PTX-SAME: , 0, p; }
// PTX-NOT: wgmma.wait_group
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-2: wgmma.mma_async.sp.sync.aligned.m64n{{[0-9]+}}k64.s32.s8.u8
// PTX: wgmma.wait_group.sync.aligned{{[ \\09]*}}1;
// PTX: stmatrix.sync.aligned.m8n8.x4.trans.shared.b16
func.func private @bytes(%x: memref<1000x528xi8>, %v: memref<16x49152xi8>, %p: memref<16x3072xi32>, %scale: memref<2048xf32>, %y: memref<1000x2048xf16>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<1000x528xi8>, memref<16x49152xi8>, memref<16x3072xi32>)
      epilogue_ins(%scale : memref<2048xf32>) outs(%y : memref<1000x2048xf16>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>], config = #u8} {
  ^bb0(%acc: i32, %s: f32):
    %f = arith.sitofp %acc : i32 to f32
    %m = arith.mulf %f, %s : f32
    %t = arith.truncf %m : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Rows that begin anywhere, or are few, are for warps.
// PTX-LABEL: .visible .entry unaligned_{{[0-9]+}}(
// PTX-NOT: wgmma
// PTX: mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32
// PTX-LABEL: .visible .entry few_{{[0-9]+}}(
// PTX-NOT: wgmma
// PTX: mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32
func.func private @unaligned(%x: memref<300x519xf16>, %v: memref<9x40960xf16>, %p: memref<9x2560xi32>, %y: memref<300x1030xf32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<300x519xf16>, memref<9x40960xf16>, memref<9x2560xi32>)
      outs(%y : memref<300x1030xf32>) attributes {config = #f16} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
func.func private @few(%x: memref<32x520xf16>, %v: memref<9x40960xf16>, %p: memref<9x2560xi32>, %y: memref<32x1030xf32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<32x520xf16>, memref<9x40960xf16>, memref<9x2560xi32>)
      outs(%y : memref<32x1030xf32>) attributes {config = #f16} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
}
