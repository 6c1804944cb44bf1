// RUN: mopt-opt %s | mopt-opt | FileCheck %s

// CHECK-LABEL: func.func @quantize
func.func @quantize(%x: tensor<?x8xf32>, %s: tensor<1x8xf32>, %z: tensor<1x1xui8>) -> tensor<?x8xui8> {
  // CHECK: mopt.quantize %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<1x8xf32>, tensor<1x1xui8> -> tensor<?x8xui8>
  %q = mopt.quantize %x, %s, %z : tensor<?x8xf32>, tensor<1x8xf32>, tensor<1x1xui8> -> tensor<?x8xui8>
  return %q : tensor<?x8xui8>
}

// CHECK-LABEL: func.func @dequantize
func.func @dequantize(%x: tensor<?x8xi4>, %s: tensor<1x1xf16>) -> tensor<?x8xf32> {
  // CHECK: mopt.dequantize %{{.*}}, %{{.*}} : tensor<?x8xi4>, tensor<1x1xf16> -> tensor<?x8xf32>
  %q = mopt.dequantize %x, %s : tensor<?x8xi4>, tensor<1x1xf16> -> tensor<?x8xf32>
  return %q : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @matmul
func.func @matmul(%a: tensor<?x64xui8>, %b: tensor<32x64xi8>, %sa: tensor<1x1xf32>, %sb: tensor<32x1xf32>, %za: tensor<1x1xui8>) -> tensor<?x32xf32> {
  // CHECK: mopt.quantized_matmul %{{.*}}, %{{.*}} scales(%{{.*}}, %{{.*}}) lhs_zero(%{{.*}}) {transpose_rhs} : (tensor<?x64xui8>, tensor<32x64xi8>, tensor<1x1xf32>, tensor<32x1xf32>, tensor<1x1xui8>) -> tensor<?x32xf32>
  %c = mopt.quantized_matmul %a, %b scales(%sa, %sb) lhs_zero(%za) {transpose_rhs} : (tensor<?x64xui8>, tensor<32x64xi8>, tensor<1x1xf32>, tensor<32x1xf32>, tensor<1x1xui8>) -> tensor<?x32xf32>
  return %c : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @conv
func.func @conv(%x: tensor<1x4x9xui8>, %w: tensor<8x4x3xi8>, %sx: tensor<1x1x1xf32>, %sw: tensor<8x1x1xf32>) -> tensor<1x8x9xf32> {
  // CHECK: mopt.quantized_conv
  // CHECK-SAME: -> tensor<1x8x9xf32>
  %y = mopt.quantized_conv %x, %w scales(%sx, %sw) {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>} : (tensor<1x4x9xui8>, tensor<8x4x3xi8>, tensor<1x1x1xf32>, tensor<8x1x1xf32>) -> tensor<1x8x9xf32>
  return %y : tensor<1x8x9xf32>
}
