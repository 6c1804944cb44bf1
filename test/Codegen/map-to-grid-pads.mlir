// RUN: mopt-opt %s -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s

// What is outside is 0, whatever lies there.
// CHECK-LABEL: gpu.func @conv_0
// CHECK: arith.cmpi ult, %{{.*}}, %c8
// CHECK: arith.select
// CHECK: memref.load
// CHECK: arith.select %{{.*}}, %{{.*}}, %cst
func.func private @conv(%x: memref<1x8x9x16xf32>, %w: memref<1x1x3x3x16x64xf32>, %y: memref<1x8x9x20xf32>) attributes {mopt.kernel} {
  %p = memref.reinterpret_cast %x to offset: [0], sizes: [1, 10, 11, 16], strides: [1152, 144, 16, 1] : memref<1x8x9x16xf32> to memref<1x10x11x16xf32, strided<[1152, 144, 16, 1]>>
  mopt.conv_anchor ins(%p, %w : memref<1x10x11x16xf32, strided<[1152, 144, 16, 1]>>, memref<1x1x3x3x16x64xf32>) outs(%y : memref<1x8x9x20xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, mopt.pads = array<i64: 0, 1, 1, 0, 1, 8, 9, 16>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// Warps copy what is inside.
// CHECK-LABEL: gpu.func @halves_1
// CHECK: %[[IN:.*]] = arith.andi
// CHECK: %[[SIZE:.*]] = arith.select %[[IN]], %c16_i32, %c0_i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %[[SIZE]]
func.func private @halves(%x: memref<1x8x9x64xf16>, %w: memref<1x1x3x3x64x64xf16>, %y: memref<1x8x9x20xf32>) attributes {mopt.kernel} {
  %p = memref.reinterpret_cast %x to offset: [0], sizes: [1, 10, 11, 64], strides: [4608, 576, 64, 1] : memref<1x8x9x64xf16> to memref<1x10x11x64xf16, strided<[4608, 576, 64, 1]>>
  mopt.conv_anchor ins(%p, %w : memref<1x10x11x64xf16, strided<[4608, 576, 64, 1]>>, memref<1x1x3x3x64x64xf16>) outs(%y : memref<1x8x9x20xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, mopt.pads = array<i64: 0, 1, 1, 0, 1, 8, 9, 64>,
                  config = #mopt.config<kernel = "w", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.i.f16", matrixUnit = "warp", lhsSteps = 8>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
