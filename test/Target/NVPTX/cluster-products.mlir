// RUN: mopt-opt %s -mopt-map-to-grid | FileCheck %s
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX

module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx80,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Both calls have weights on the right of the first product.
func.func @entry(%a: memref<128x3072xf16>, %d: memref<128x768xf32>, %weights: memref<?xi8> {mopt.weights = 9437184 : i64}) attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %half = arith.constant 4718592 : index
  %b = memref.view %weights[%c0][] : memref<?xi8> to memref<12x3072x64xf16>
  %c = memref.view %weights[%half][] : memref<?xi8> to memref<12x3072x64xf16>
  %bias = memref.get_global @bias : memref<768xf32>
  call @weights(%a, %b, %bias, %d) : (memref<128x3072xf16>, memref<12x3072x64xf16>, memref<768xf32>, memref<128x768xf32>) -> ()
  call @weights(%a, %c, %bias, %d) : (memref<128x3072xf16>, memref<12x3072x64xf16>, memref<768xf32>, memref<128x768xf32>) -> ()
  return
}
memref.global "private" constant @bias : memref<768xf32> = dense<1.0>

// Few results and a large depth: blocks of a cluster share it. Weights are on
// their way before the wait for the kernel in front, the left side behind it.
// Sums of all blocks are added in order.
// CHECK-LABEL: func.func private @weights(
// CHECK: gpu.launch_func @device::@weights_0 blocks in (%c144{{.*}} threads in (%c160
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 2,
// CHECK-SAME: 4, 2, 0, 2, 3072, 2, 64, 128, 6144, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 5, 2, 0, 3, 64, 2, 64, 3072, 128, 64, 12, 393216, 1, 0, 0, 0, 0, 0, 0>
// PTX-LABEL: .visible .entry weights_0(
// PTX: .reqnctapercluster 6, 1, 1
// PTX: griddepcontrol.launch_dependents
// PTX-NOT: griddepcontrol.wait
// PTX: mbarrier.init.shared
// PTX: prefetch.tensormap
// PTX: wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
// PTX-COUNT-6: cp.async.bulk.tensor.3d.shared::cluster.global.tile
// PTX: griddepcontrol.wait
// PTX-COUNT-6: cp.async.bulk.tensor.2d.shared::cluster.global.tile
// PTX: bar.sync \091, 128
// PTX: st.shared.v2
// PTX: griddepcontrol.wait
// PTX: barrier.cluster.arrive
// PTX: barrier.cluster.wait
// PTX-COUNT-6: ld.shared::cluster.v4
// PTX: st.global.v4
// PTX: barrier.cluster.arrive
// PTX: barrier.cluster.wait
// PTX: ret;
func.func private @weights(%a: memref<128x3072xf16>, %b: memref<12x3072x64xf16>, %bias: memref<768xf32>, %d: memref<128x768xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<128x3072xf16>, memref<12x3072x64xf16>) epilogue_ins(%bias : memref<768xf32>) outs(%d : memref<128x768xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %add: f32):
    %v = arith.addf %acc, %add : f32
    mopt.yield %v : f32
  }
  return
}

// The right side may come from the kernel in front. One block is enough of a
// small depth. Rows, columns and batches need not fill tiles.
// CHECK-LABEL: func.func private @computed(
// CHECK: gpu.launch_func @device::@computed_{{[0-9]+}} blocks in (%c12,
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 2,
// CHECK-SAME: 3, 2, 0, 3, 72, 2, 64, 100, 144, 64, 3, 14400, 1,
// CHECK-SAME: 4, 2, 0, 4, 64, 2, 64, 72, 128, 64, 2, 9216, 1, 3, 18432, 1, 0, 0, 0>
// PTX-LABEL: .visible .entry computed_
// PTX-NOT: .reqnctapercluster
// PTX: griddepcontrol.wait
// PTX: cp.async.bulk.tensor.4d.shared::cluster.global.tile
// PTX-NOT: barrier.cluster
// PTX: st.global
// PTX: ret;
func.func private @computed(%a: memref<3x100x72xbf16>, %b: memref<3x2x72x64xbf16>, %c: memref<3x100x101xbf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<3x100x72xbf16>, memref<3x2x72x64xbf16>) outs(%c : memref<3x100x101xbf16>) {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to bf16
    mopt.yield %t : bf16
  }
  return
}

// Windows of a convolution: sizes, strides and steps of the input's dimensions
// without its borders, where windows begin and end, and offsets in them.
// CHECK-LABEL: func.func private @windows(
// CHECK: gpu.launch_func @device::@windows_
// CHECK-SAME: 3, 2, 0, -4, 128, 2, 64, 28, 256, 1, 28, 7168, 1, 2, 200704, 64, 0, 0, 0,
// CHECK-SAME: 4, 2, 0, 3, 64, 2, 64, 1152, 128, 64, 3, 147456, 1, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: -1, -2, 2, -1, -2, 2, 0, 0, 0>
// PTX-LABEL: .visible .entry windows_
// PTX-DAG: cp.async.bulk.tensor.4d.shared::cluster.global.im2col
// PTX-DAG: wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
func.func private @windows(%x: memref<2x28x28x128xf16>, %w: memref<1x3x3x3x128x64xf16>, %y: memref<2x14x14x192xf16>) attributes {mopt.kernel} {
  %p = memref.reinterpret_cast %x to offset: [0], sizes: [2, 30, 30, 128], strides: [100352, 3584, 128, 1] : memref<2x28x28x128xf16> to memref<2x30x30x128xf16, strided<[100352, 3584, 128, 1]>>
  mopt.conv_anchor ins(%p, %w : memref<2x30x30x128xf16, strided<[100352, 3584, 128, 1]>>, memref<1x3x3x3x128x64xf16>) outs(%y : memref<2x14x14x192xf16>)
      attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, mopt.pads = array<i64: 0, 1, 1, 0, 2, 28, 28, 128>} {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Many results of a small depth are clusters' where they have 32 bits, and
// warpgroups' where the copy engine can store them.
// CHECK-LABEL: func.func private @shallow(
// CHECK: gpu.launch_func @device::@shallow_{{[0-9]+}} {{.*}}mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 2,
// CHECK: gpu.launch_func @device::@shallow_{{[0-9]+}} {{.*}}mopt.launch_desc = array<i64: {{[0-9]+}}, {{[01]}}, 1, 3,
func.func private @shallow(%a: memref<16384x64xf16>, %b: memref<2x64x64xf16>, %c: memref<16384x128xf32>, %d: memref<16384x128xf16>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<16384x64xf16>, memref<2x64x64xf16>) outs(%c : memref<16384x128xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  mopt.contract_anchor ins(%a, %b : memref<16384x64xf16>, memref<2x64x64xf16>) outs(%d : memref<16384x128xf16>) {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Channels that no stage divides stay with warps.
// CHECK-LABEL: func.func private @channels(
// CHECK: mopt.launch_desc = array<i64: 0, 0, 1, 0>
func.func private @channels(%x: memref<1x30x30x72xf16>, %w: memref<1x1x3x3x72x64xf16>, %y: memref<1x28x28x64xf16>) attributes {mopt.kernel} {
  mopt.conv_anchor ins(%x, %w : memref<1x30x30x72xf16>, memref<1x1x3x3x72x64xf16>) outs(%y : memref<1x28x28x64xf16>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    %t = arith.truncf %acc : f32 to f16
    mopt.yield %t : f16
  }
  return
}
}
