// RUN: mopt-opt %s -mopt-map-to-grid | FileCheck %s
// RUN: not mopt-opt %s -mopt-map-to-grid=reassociate=false 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX

#u8 = #mopt.config<kernel = "groups-u8s8", rows = 64, columns = 64, lanes = 32, unroll = 16, streams = 4, prefetchRows = 0, prefetchNext = true, interleave = 16,
                   accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.nvvm.mma.m16n8k32.row.col.u8.s8", matrixUnit = "warp", lhsSteps = 16>
#e4m3 = #mopt.config<kernel = "groups-e4m3", rows = 64, columns = 64, lanes = 32, unroll = 16, streams = 4, prefetchRows = 0, prefetchNext = true, interleave = 16,
                     accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", matrixUnit = "warp", lhsSteps = 16>
module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// The right side is words, of which a block of columns has 256 for 16 steps.
// Bytes of the result leave in boxes of 128 columns.
// CHECK-LABEL: func.func private @bytes(
// CHECK: mopt.launch_desc = array<i64: {{[0-9]+}}, 1, 1, 3,
// CHECK-SAME: 4, 1, 0, 2, 1024, 1, 128, 4096, 1024, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 5, 4, 0, 3, 256, 4, 256, 32, 65536, 4, 64, 1024, 8, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 6, 1, 0, 2, 2048, 1, 128, 4096, 2048, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0>
// PTX-LABEL: .visible .entry bytes_{{[0-9]+}}(
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n256k32.s32.u8.s8
// PTX: st.shared.v2.b8
// PTX: cp.async.bulk.tensor.2d.global.shared::cta
// PTX: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [
// PTX: cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [
func.func private @bytes(%a: memref<4096x1024xi8>, %b: memref<32x64x1024xi8>, %scale: memref<2048xf32>, %c: memref<4096x2048xi8>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<4096x1024xi8>, memref<32x64x1024xi8>) epilogue_ins(%scale : memref<2048xf32>) outs(%c : memref<4096x2048xi8>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>], interleave = 16 : i64, unsigned_lhs, config = #u8} {
  ^bb0(%acc: i32, %s: f32):
    %f = arith.sitofp %acc : i32 to f32
    %v = arith.mulf %f, %s : f32
    %r = arith.fptosi %v : f32 to i8
    mopt.yield %r : i8
  }
  return
}

// Floats of 8 bits, and what is 1 behind whole tiles. Their sums have no strict
// order.
// STRICT: error: multiplies floats of 8 bits, which is not supported for sides in such an order, or in strict order
// CHECK-LABEL: func.func private @floats(
// CHECK: mopt.launch_desc = array<i64: {{[0-9]+}}, {{[01]}}, 1, 3,
// PTX-LABEL: .visible .entry floats_{{[0-9]+}}(
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n{{[0-9]+}}k32.f32.e4m3.e4m3
// PTX: stmatrix.sync.aligned.m8n8.x4.shared.b16
func.func private @floats(%a: memref<1025x1040xi8>, %b: memref<17x65x1024xi8>, %c: memref<1025x1032xf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<1025x1040xi8>, memref<17x65x1024xi8>) outs(%c : memref<1025x1032xf16>)
      attributes {interleave = 16 : i64, config = #e4m3, mopt.small_float = f8E4M3FN} {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Keys of bytes are read where they lie.
// CHECK-LABEL: func.func private @keys(
// CHECK-NOT: gpu.launch_func
// CHECK: gpu.launch_func @device::@keys_{{[0-9]+}} {{.*}}mopt.launch_desc = array<i64: {{[0-9]+}}, 1, 1, 2,
// CHECK-SAME: 3, 1, 0, 3, 64, 1, 128, 999, 768, 128, 12, 64, 1,
// CHECK-SAME: 4, 1, 0, 3, 64, 1, 128, 999, 768, {{[0-9]+}}, 12, 64, 1,
// CHECK-NOT: gpu.launch_func
// PTX-LABEL: .visible .entry keys_
// PTX: wgmma.mma_async.sync.aligned.m64n{{[0-9]+}}k32.s32.s8.s8
func.func private @keys(%q: memref<999x12x64xi8>, %k: memref<999x12x64xi8>, %s: memref<12x999x999xi32>, %packed: memref<12x16x16x256xi8>) attributes {mopt.kernel} {
  mopt.pack_columns ins(%k : memref<999x12x64xi8>) outs(%packed : memref<12x16x16x256xi8>) {interleave = 4 : i64, lanes = 32 : i64, transposed, permutation = array<i64: 1, 0, 2>}
  mopt.contract_anchor ins(%q, %packed : memref<999x12x64xi8>, memref<12x16x16x256xi8>) outs(%s : memref<12x999x999xi32>)
      attributes {interleave = 4 : i64, lhs_map = affine_map<(h, m, k) -> (m, h, k)>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// What warps multiply instead: rows do not begin at multiples of 16 bytes. Each
// column's 16 neighbours are four words.
// CHECK-LABEL: func.func private @warps(
// CHECK: mopt.launch_desc = array<i64: 0, 0, 1, 0>
// PTX-LABEL: .visible .entry warps_{{[0-9]+}}(
// PTX: mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32
func.func private @warps(%a: memref<1024x1041xi8>, %b: memref<16x66x1024xi8>, %c: memref<1024x1024xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<1024x1041xi8>, memref<16x66x1024xi8>) outs(%c : memref<1024x1024xf32>)
      attributes {interleave = 16 : i64, config = #e4m3, mopt.small_float = f8E4M3FN} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
}
