// RUN: mopt-opt %s --pass-pipeline="builtin.module(mopt-select-microkernels,mopt-convert-anchors)" | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(mopt-select-microkernels{shortened=true},mopt-convert-anchors)" | FileCheck %s --check-prefix=SHORT

module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Sixteen bytes of a column side by side where groups of warps multiply them.
// CHECK-LABEL: func.func @large
// CHECK: tensor.empty() : tensor<16x32x1024xi8>
// CHECK: interleave = 16 : i64, lanes = 32 : i64
// CHECK: kernel = "groups-u8s8"
// CHECK-SAME: unsigned_lhs
func.func @large(%x: tensor<1024x512xui8>, %w: tensor<512x1024xi8>) -> tensor<1024x1024xi32> {
  %y = mopt.matmul %x, %w : tensor<1024x512xui8>, tensor<512x1024xi8> -> tensor<1024x1024xi32>
  return %y : tensor<1024x1024xi32>
}

// Few results, or rows of no whole pieces.
// CHECK-LABEL: func.func @small
// CHECK: kernel = "warp-s8s8"
// CHECK: kernel = "warp-s8s8"
func.func @small(%x: tensor<128x512xi8>, %w: tensor<512x128xi8>, %a: tensor<1024x516xi8>, %b: tensor<516x1024xi8>) -> (tensor<128x128xi32>, tensor<1024x1024xi32>) {
  %y = mopt.matmul %x, %w : tensor<128x512xi8>, tensor<512x128xi8> -> tensor<128x128xi32>
  %z = mopt.matmul %a, %b : tensor<1024x516xi8>, tensor<516x1024xi8> -> tensor<1024x1024xi32>
  return %y, %z : tensor<128x128xi32>, tensor<1024x1024xi32>
}

// Floats of 8 bits are bytes that the anchor knows the type of; few rows are no
// other kernel's.
// CHECK-LABEL: func.func @floats
// CHECK: mopt.bitcast %{{.*}} : tensor<1x512xf8E4M3FN> -> tensor<1x512xi8>
// CHECK: mopt.contract_anchor ins(%{{.*}}, %{{.*}} : tensor<1x512xi8>, tensor<2x128x256xi8>)
// CHECK-SAME: kernel = "warp-e4m3"
// CHECK-SAME: instruction = "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32"
// CHECK-SAME: mopt.small_float = f8E4M3FN
func.func @floats(%x: tensor<1x512xf8E4M3FN>, %w: tensor<512x128xf8E4M3FN>) -> tensor<1x128xf32> {
  %y = mopt.matmul %x, %w {f32_result} : tensor<1x512xf8E4M3FN>, tensor<512x128xf8E4M3FN> -> tensor<1x128xf32>
  return %y : tensor<1x128xf32>
}

// f32 stays exact unless it may be shortened.
// CHECK-LABEL: func.func @exact
// CHECK: kernel = "grid-64x64"
// SHORT-LABEL: func.func @exact
// SHORT: tensor.empty() : tensor<2x128x256xf32>
// SHORT: kernel = "warp-tf32"
// SHORT-SAME: instruction = "llvm.nvvm.mma.m16n8k8.row.col.tf32"
func.func @exact(%x: tensor<100x512xf32>, %w: tensor<512x128xf32>) -> tensor<100x128xf32> {
  %y = mopt.matmul %x, %w : tensor<100x512xf32>, tensor<512x128xf32> -> tensor<100x128xf32>
  return %y : tensor<100x128xf32>
}
}
