// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-legalize-quantization))" | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-legalize-quantization{remarks}))" -verify-diagnostics -o /dev/null

// CHECK-LABEL: func.func @matmul
// CHECK-NEXT: mopt.quantized_matmul %arg0, %arg1 scales(%arg2, %arg3) lhs_zero(%arg4) {transpose_rhs}
// CHECK-SAME: (tensor<?x8xui8>, tensor<3x8xi8>, tensor<1x1xf32>, tensor<3x1xf32>, tensor<1x1xui8>) -> tensor<?x3xf32>
func.func @matmul(%a: tensor<?x8xui8>, %b: tensor<3x8xi8>, %sa: tensor<1x1xf32>, %sb: tensor<3x1xf32>, %za: tensor<1x1xui8>) -> tensor<?x3xf32> {
  %x = mopt.dequantize %a, %sa, %za : tensor<?x8xui8>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x8xf32>
  %y = mopt.dequantize %b, %sb : tensor<3x8xi8>, tensor<3x1xf32> -> tensor<3x8xf32>
  %c = mopt.matmul %x, %y {transpose_rhs} : tensor<?x8xf32>, tensor<3x8xf32> -> tensor<?x3xf32>
  return %c : tensor<?x3xf32>
}

// CHECK-LABEL: func.func @conv
// CHECK-NEXT: mopt.quantized_conv %arg0, %arg1 scales(%arg2, %arg3)
// CHECK-SAME: group = 2 : i64, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, strides = array<i64: 2>
func.func @conv(%x: tensor<1x4x9xi8>, %w: tensor<6x2x3xi8>, %sx: tensor<1x1x1xf32>, %sw: tensor<6x1x1xf32>) -> tensor<1x6x5xf32> {
  %a = mopt.dequantize %x, %sx : tensor<1x4x9xi8>, tensor<1x1x1xf32> -> tensor<1x4x9xf32>
  %b = mopt.dequantize %w, %sw : tensor<6x2x3xi8>, tensor<6x1x1xf32> -> tensor<6x2x3xf32>
  %y = mopt.conv %a, %b {strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, group = 2 : i64} : tensor<1x4x9xf32>, tensor<6x2x3xf32> -> tensor<1x6x5xf32>
  return %y : tensor<1x6x5xf32>
}

// CHECK-LABEL: func.func @depth_scales
// CHECK: mopt.matmul
func.func @depth_scales(%a: tensor<4x8xui8>, %b: tensor<8x3xi8>, %sa: tensor<1x1xf32>, %sb: tensor<8x1xf32>) -> tensor<4x3xf32> {
  %x = mopt.dequantize %a, %sa : tensor<4x8xui8>, tensor<1x1xf32> -> tensor<4x8xf32>
  %y = mopt.dequantize %b, %sb : tensor<8x3xi8>, tensor<8x1xf32> -> tensor<8x3xf32>
  // expected-remark @+1 {{computed in floats: scales differ along what is summed}}
  %c = mopt.matmul %x, %y : tensor<4x8xf32>, tensor<8x3xf32> -> tensor<4x3xf32>
  return %c : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @one_side
// CHECK: mopt.matmul
func.func @one_side(%x: tensor<4x8xf32>, %b: tensor<8x3xi8>, %sb: tensor<1x3xf32>) -> tensor<4x3xf32> {
  %y = mopt.dequantize %b, %sb : tensor<8x3xi8>, tensor<1x3xf32> -> tensor<8x3xf32>
  // expected-remark @+1 {{computed in floats: one operand is not quantized in 8 bits}}
  %c = mopt.matmul %x, %y : tensor<4x8xf32>, tensor<8x3xf32> -> tensor<4x3xf32>
  return %c : tensor<4x3xf32>
}

// Plain floats are nothing to remark on.
// CHECK-LABEL: func.func @floats
// CHECK: mopt.matmul
func.func @floats(%x: tensor<4x8xf32>, %y: tensor<8x3xf32>) -> tensor<4x3xf32> {
  %c = mopt.matmul %x, %y : tensor<4x8xf32>, tensor<8x3xf32> -> tensor<4x3xf32>
  return %c : tensor<4x3xf32>
}
