// RUN: mopt-opt %s -mopt-map-to-grid | FileCheck %s
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX

module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Maps of both sides and the result: an element's bytes, an offset, the rank, and
// of each dimension size, stride and box.
// CHECK-LABEL: func.func private @halves(
// CHECK: gpu.launch_func @device::@halves_0 {{.*}} args(%arg0 : memref<4096x512xf16>, %arg1 : memref<32x512x64xf16>, %arg2 : memref<2048xf32>, %arg3 : memref<4096x2048xf16>, %arg0 : memref<4096x512xf16>, %arg1 : memref<32x512x64xf16>, %arg3 : memref<4096x2048xf16>)
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 1, 1, 3,
// CHECK-SAME: 4, 2, 0, 2, 512, 2, 64, 4096, 1024, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 5, 2, 0, 3, 64, 2, 64, 512, 128, 64, 32, 65536, 4, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 6, 2, 0, 2, 2048, 2, 64, 4096, 4096, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0>
//
// One group copies, the others multiply what lies there and store through it.
// Tiles are whole: no position is limited.
// PTX-LABEL: .visible .entry halves_0(
// PTX: .param .align 64 .b8 halves_0_param_4[128]
// PTX: griddepcontrol.launch_dependents
// PTX: griddepcontrol.wait
// PTX: mbarrier.init.shared
// PTX: fence.mbarrier_init.release.cluster
// PTX: setmaxnreg.inc.sync.aligned.u32
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16
// PTX: wgmma.commit_group.sync.aligned
// PTX: wgmma.wait_group.sync.aligned
// PTX: mbarrier.arrive.shared::cta.b64
// PTX: wgmma.wait_group.sync.aligned
// PTX-NOT: min.u32
// PTX: stmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX-NOT: min.u32
// PTX: fence.proxy.async.shared::cta
// PTX: cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group
// PTX: setmaxnreg.dec.sync.aligned.u32
// PTX: mbarrier.arrive.expect_tx.shared
// PTX: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
// PTX: cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
func.func private @halves(%a: memref<4096x512xf16>, %b: memref<32x512x64xf16>, %bias: memref<2048xf32>, %c: memref<4096x2048xf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<4096x512xf16>, memref<32x512x64xf16>) epilogue_ins(%bias : memref<2048xf32>) outs(%c : memref<4096x2048xf16>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %add: f32):
    %v = arith.addf %acc, %add : f32
    %t = arith.truncf %v : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Queries and keys are read where they lie, each head's along the depth, and an
// odd number of columns is stored by the threads that have them.
// CHECK-LABEL: func.func private @keys(
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.launch_func @device::@keys_{{[0-9]+}} {{.*}}mopt.launch_desc = array<i64: {{[0-9]+}}, 1, 1, 2,
// CHECK-SAME: 3, 2, 0, 3, 64, 2, 64, 999, 1536, 128, 12, 128, 1, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 4, 2, 0, 3, 64, 2, 64, 999, 1536, 256, 12, 128, 1, 0, 0, 0, 0, 0, 0>
// CHECK-NOT: gpu.launch_func
// PTX-LABEL: .visible .entry keys_
// PTX: wgmma.mma_async.sync.aligned.m64n{{[0-9]+}}k16.f32.bf16.bf16
// PTX: st.global
// PTX-NOT: stmatrix
// PTX-LABEL: .visible .entry rows_
func.func private @keys(%q: memref<999x12x64xbf16>, %k: memref<999x12x64xbf16>, %s: memref<12x999x999xf32>, %packed: memref<12x16x64x64xbf16>) attributes {mopt.kernel} {
  mopt.pack_columns ins(%k : memref<999x12x64xbf16>) outs(%packed : memref<12x16x64x64xbf16>) {lanes = 32 : i64, transposed, permutation = array<i64: 1, 0, 2>}
  mopt.contract_anchor ins(%q, %packed : memref<999x12x64xbf16>, memref<12x16x64x64xbf16>) outs(%s : memref<12x999x999xf32>)
      attributes {lhs_map = affine_map<(h, m, k) -> (m, h, k)>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// Rows whose end is no block's have boxes of their own.
// CHECK-LABEL: func.func private @rows(
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.launch_func @device::@rows_{{[0-9]+}} {{.*}}mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 3, 3,
// CHECK-SAME: 4, 2, 0, 2, 1000, 2, 64, 128, 2000, 64, 0,
func.func private @rows(%a: memref<1024x128xf16>, %b: memref<128x1000xf16>, %c: memref<1024x1000xf16>, %packed: memref<16x128x64xf16>) attributes {mopt.kernel} {
  mopt.pack_columns ins(%b : memref<128x1000xf16>) outs(%packed : memref<16x128x64xf16>) {lanes = 32 : i64}
  mopt.contract_anchor ins(%a, %packed : memref<1024x128xf16>, memref<16x128x64xf16>) outs(%c : memref<1024x1000xf16>) {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// A pitch that is no multiple of 16 bytes.
// CHECK-LABEL: func.func private @others(
// CHECK: mopt.launch_desc = array<i64: 0, 0, 1, 0>
// CHECK: return
func.func private @others(%d: memref<1024x123xf16>, %e: memref<16x123x64xf16>, %f: memref<1024x1024xf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%d, %e : memref<1024x123xf16>, memref<16x123x64xf16>) outs(%f : memref<1024x1024xf16>) {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}
}
