// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s

module attributes {mopt.target = #mopt.target<name = "sm_80", triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "+ptx80", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Copies go on while the stage before is multiplied; rows of the right side are
// turned when they are loaded.
// CHECK-LABEL: .visible .entry halves_0(
// CHECK: cp.async.cg.shared.global
// CHECK: cp.async.commit_group
// CHECK: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK: cp.async.wait_group
// CHECK: bar.sync
// CHECK: st.shared.v2.b32
// CHECK: ld.shared.v4.b32
// CHECK: st.global.v{{[24]}}
func.func private @halves(%a: memref<1000x512xf16>, %b: memref<16x512x64xf16>, %bias: memref<1024xf32>, %c: memref<1000x1024xf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<1000x512xf16>, memref<16x512x64xf16>) epilogue_ins(%bias : memref<1024xf32>) outs(%c : memref<1000x1024xf16>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>],
                  config = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", matrixUnit = "warp", lhsSteps = 8>} {
  ^bb0(%acc: f32, %add: f32):
    %v = arith.addf %acc, %add : f32
    %t = arith.truncf %v : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// CHECK-LABEL: .visible .entry brain_1(
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
func.func private @brain(%a: memref<100x72xbf16>, %b: memref<2x72x64xbf16>, %c: memref<100x100xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<100x72xbf16>, memref<2x72x64xbf16>) outs(%c : memref<100x100xf32>)
      attributes {config = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.m16n8k16.row.col.bf16", matrixUnit = "warp", lhsSteps = 8>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// CHECK-LABEL: .visible .entry unsigned_2(
// CHECK: mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32
func.func private @unsigned(%x: memref<1x30x30x4xi8>, %w: memref<1x1x3x3x1x256xi8>, %y: memref<1x28x28x40xi32>) attributes {mopt.kernel} {
  mopt.conv_anchor ins(%x, %w : memref<1x30x30x4xi8>, memref<1x1x3x3x1x256xi8>) outs(%y : memref<1x28x28x40xi32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, interleave = 4 : i64, unsigned_lhs,
                  config = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 16, streams = 4, prefetchRows = 0, prefetchNext = true, interleave = 4,
                    accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.nvvm.mma.m16n8k32.row.col.u8.s8", matrixUnit = "warp", lhsSteps = 16>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// CHECK-LABEL: .visible .entry signed_3(
// CHECK: mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32
func.func private @signed(%a: memref<50x37xi8>, %b: memref<1x10x256xi8>, %c: memref<50x33xi32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<50x37xi8>, memref<1x10x256xi8>) outs(%c : memref<50x33xi32>)
      attributes {interleave = 4 : i64,
                  config = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 16, streams = 4, prefetchRows = 0, prefetchNext = true, interleave = 4,
                    accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.nvvm.mma.m16n8k32.row.col.s8", matrixUnit = "warp", lhsSteps = 16>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
}
