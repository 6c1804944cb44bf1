// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=dynamic-fp8}),canonicalize,cse)" 2>&1 | FileCheck %s
// RUN: sed 's/+ptx84,+sm_90a/+ptx80/' %s | not mopt-opt --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=dynamic-fp8}))" 2>&1 | FileCheck %s --check-prefix=NONE

// NONE: error: floats of 8 bits are not supported: the target does not multiply them

#device = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>
module attributes {mopt.target = #device} {

// CHECK: remark: not quantized: it is a convolution

// The largest number of a column of weights, 7, and of a row of the left side
// become 448.
// CHECK-LABEL: func.func @matmul
// CHECK-DAG: %[[Q:.*]] = arith.constant dense<4.480000e+02> : tensor<64x32xf8E4M3FN>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<1.562500e-02> : tensor<1x32xf32>
// CHECK-DAG: %[[W:.*]] = mopt.dequantize %[[Q]], %[[S]]
// CHECK: mopt.reduce <max> %{{.*}} {axes = array<i64: 1>} : tensor<5x64xf32> -> tensor<5x1xf32>
// CHECK: mopt.quantize %{{.*}} : tensor<5x64xf32>, tensor<1x1xf32> -> tensor<5x64xf8E4M3FN>
// CHECK: %[[X:.*]] = mopt.dequantize %{{.*}} : tensor<5x64xf8E4M3FN>, tensor<5x1xf32> -> tensor<5x64xf32>
// CHECK: mopt.matmul %[[X]], %[[W]]
func.func @matmul(%x: tensor<5x64xf32>) -> tensor<5x32xf32> {
  %w = arith.constant dense<7.0> : tensor<64x32xf32>
  %y = mopt.matmul %x, %w : tensor<5x64xf32>, tensor<64x32xf32> -> tensor<5x32xf32>
  return %y : tensor<5x32xf32>
}

// CHECK-LABEL: func.func @conv
// CHECK-NOT: f8E4M3FN
func.func @conv(%x: tensor<1x64x9xf32>) -> tensor<1x32x9xf32> {
  %w = arith.constant dense<7.0> : tensor<32x64x1xf32>
  %y = mopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : tensor<1x64x9xf32>, tensor<32x64x1xf32> -> tensor<1x32x9xf32>
  return %y : tensor<1x32x9xf32>
}
}
