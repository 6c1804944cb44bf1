// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-propagate-quantization),canonicalize)" | FileCheck %s

// Bytes move, and what was dequantized is not quantized again.
// CHECK-LABEL: func.func @between
// CHECK-NEXT: %[[T:.*]] = mopt.transpose %arg0 [1, 0] : tensor<2x3xui8> -> tensor<3x2xui8>
// CHECK-NEXT: return %[[T]]
func.func @between(%x: tensor<2x3xui8>) -> tensor<3x2xui8> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<7> : tensor<1x1xui8>
  %f = mopt.dequantize %x, %s, %z : tensor<2x3xui8>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<2x3xf32>
  %t = mopt.transpose %f [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %q = mopt.quantize %t, %s, %z : tensor<3x2xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<3x2xui8>
  return %q : tensor<3x2xui8>
}

// Another scale is another quantization.
// CHECK-LABEL: func.func @other_scale
// CHECK: mopt.dequantize
// CHECK: mopt.quantize
func.func @other_scale(%x: tensor<6xui8>) -> tensor<6xui8> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %t = arith.constant dense<0.25> : tensor<1xf32>
  %f = mopt.dequantize %x, %s : tensor<6xui8>, tensor<1xf32> -> tensor<6xf32>
  %q = mopt.quantize %f, %t : tensor<6xf32>, tensor<1xf32> -> tensor<6xui8>
  return %q : tensor<6xui8>
}

// A scale per channel follows its channel.
// CHECK-LABEL: func.func @channels
// CHECK: %[[S:.*]] = mopt.reshape %arg1 to [1, 4, 1, 1] : tensor<4x1xf32> -> tensor<1x4x1x1xf32>
// CHECK: %[[R:.*]] = mopt.reshape %arg0 to [1, 4, 2, 3] : tensor<4x6xi8> -> tensor<1x4x2x3xi8>
// CHECK: mopt.dequantize %[[R]], %[[S]]
func.func @channels(%x: tensor<4x6xi8>, %s: tensor<4x1xf32>) -> tensor<1x4x2x3xf32> {
  %f = mopt.dequantize %x, %s : tensor<4x6xi8>, tensor<4x1xf32> -> tensor<4x6xf32>
  %r = mopt.reshape %f to [1, 4, 2, 3] : tensor<4x6xf32> -> tensor<1x4x2x3xf32>
  return %r : tensor<1x4x2x3xf32>
}

// The channels are spread over two dimensions.
// CHECK-LABEL: func.func @split_channels
// CHECK: %[[F:.*]] = mopt.dequantize
// CHECK: mopt.reshape %[[F]]
func.func @split_channels(%x: tensor<4x6xi8>, %s: tensor<4x1xf32>) -> tensor<2x2x6xf32> {
  %f = mopt.dequantize %x, %s : tensor<4x6xi8>, tensor<4x1xf32> -> tensor<4x6xf32>
  %r = mopt.reshape %f to [2, 2, 6] : tensor<4x6xf32> -> tensor<2x2x6xf32>
  return %r : tensor<2x2x6xf32>
}

// CHECK-LABEL: func.func @pad
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<7> : tensor<1x1xui8>
// CHECK: %[[V:.*]] = mopt.reshape %[[Z]] to [] : tensor<1x1xui8> -> tensor<ui8>
// CHECK: %[[P:.*]] = mopt.pad <constant> %arg0, %[[V]] low [0, 1] high [0, 0]
// CHECK: mopt.dequantize %[[P]]
func.func @pad(%x: tensor<2x3xui8>) -> tensor<2x4xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<7> : tensor<1x1xui8>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %f = mopt.dequantize %x, %s, %z : tensor<2x3xui8>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<2x3xf32>
  %p = mopt.pad <constant> %f, %zero low [0, 1] high [0, 0] : tensor<2x3xf32>, tensor<f32> -> tensor<2x4xf32>
  return %p : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @max_pool
// CHECK: mopt.pool <max> %arg0
// CHECK-SAME: tensor<1x2x6xui8> -> tensor<1x2x3xui8>
func.func @max_pool(%x: tensor<1x2x6xui8>) -> tensor<1x2x3xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1x1xf32>
  %f = mopt.dequantize %x, %s : tensor<1x2x6xui8>, tensor<1x1x1xf32> -> tensor<1x2x6xf32>
  %p = mopt.pool <max> %f {kernel = array<i64: 2>, strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : tensor<1x2x6xf32> -> tensor<1x2x3xf32>
  return %p : tensor<1x2x3xf32>
}

// The largest float is the largest byte.
// CHECK-LABEL: func.func @quantized_pool
// CHECK: %[[Q:.*]] = mopt.quantize %arg0
// CHECK: mopt.pool <max> %[[Q]]
// CHECK-SAME: tensor<1x2x6xui8> -> tensor<1x2x3xui8>
func.func @quantized_pool(%x: tensor<1x2x6xf32>) -> tensor<1x2x3xui8> {
  %s = arith.constant dense<0.5> : tensor<1x1x1xf32>
  %p = mopt.pool <max> %x {kernel = array<i64: 2>, strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : tensor<1x2x6xf32> -> tensor<1x2x3xf32>
  %q = mopt.quantize %p, %s : tensor<1x2x3xf32>, tensor<1x1x1xf32> -> tensor<1x2x3xui8>
  return %q : tensor<1x2x3xui8>
}

// Parts are joined as bytes if they have one scale.
// CHECK-LABEL: func.func @concat
// CHECK: %[[C:.*]] = mopt.concat %arg0, %arg1 {axis = 0 : i64} : tensor<2xui8>, tensor<3xui8> -> tensor<5xui8>
// CHECK: mopt.dequantize %[[C]]
func.func @concat(%x: tensor<2xui8>, %y: tensor<3xui8>) -> tensor<5xf32> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %f = mopt.dequantize %x, %s : tensor<2xui8>, tensor<1xf32> -> tensor<2xf32>
  %g = mopt.dequantize %y, %s : tensor<3xui8>, tensor<1xf32> -> tensor<3xf32>
  %c = mopt.concat %f, %g {axis = 0 : i64} : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>
  return %c : tensor<5xf32>
}

// Quantization goes up to where floats are made.
// CHECK-LABEL: func.func @hoist
// CHECK: %[[E:.*]] = mopt.unary <exp>
// CHECK: %[[Q:.*]] = mopt.quantize %[[E]]
// CHECK: mopt.transpose %[[Q]] [1, 0] : tensor<2x3xui8>
func.func @hoist(%x: tensor<2x3xf32>) -> tensor<3x2xui8> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %e = mopt.unary <exp> %x : tensor<2x3xf32> -> tensor<2x3xf32>
  %t = mopt.transpose %e [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %q = mopt.quantize %t, %s : tensor<3x2xf32>, tensor<1x1xf32> -> tensor<3x2xui8>
  return %q : tensor<3x2xui8>
}

// CHECK-LABEL: func.func @rectifier
// CHECK-NOT: mopt.binary
// CHECK: mopt.quantize %arg0
func.func @rectifier(%x: tensor<6xf32>) -> tensor<6xi8> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %z = arith.constant dense<-128> : tensor<1xi8>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %m = mopt.binary <max> %x, %zero : tensor<6xf32>, tensor<1xf32> -> tensor<6xf32>
  %q = mopt.quantize %m, %s, %z : tensor<6xf32>, tensor<1xf32>, tensor<1xi8> -> tensor<6xi8>
  return %q : tensor<6xi8>
}

// Negative numbers have steps here.
// CHECK-LABEL: func.func @signed_rectifier
// CHECK: mopt.binary <max>
func.func @signed_rectifier(%x: tensor<6xf32>) -> tensor<6xi8> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %m = mopt.binary <max> %x, %zero : tensor<6xf32>, tensor<1xf32> -> tensor<6xf32>
  %q = mopt.quantize %m, %s : tensor<6xf32>, tensor<1xf32> -> tensor<6xi8>
  return %q : tensor<6xi8>
}
