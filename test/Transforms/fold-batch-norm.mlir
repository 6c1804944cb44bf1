// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-batch-norm))" | FileCheck %s

// The filter is scaled: 1 x 3 and 2 x 5.
// CHECK-LABEL: @scale
// CHECK: %[[F:.*]] = arith.constant dense<{{\[\[\[}}[3.000000e+00]]], {{\[\[}}[1.000000e+01]]]]>
// CHECK: mopt.conv %arg0, %[[F]]
// CHECK-NOT: mopt.binary
// CHECK: return
func.func @scale(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %f = arith.constant dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %s = arith.constant dense<[[[[3.0]], [[5.0]]]]> : tensor<1x2x1x1xf32>
  %0 = mopt.conv %x, %f {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32> -> tensor<1x2x4x4xf32>
  %1 = mopt.binary <mul> %0, %s : tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32> -> tensor<1x2x4x4xf32>
  return %1 : tensor<1x2x4x4xf32>
}

// A factor per row is no factor per channel.
// CHECK-LABEL: @rows
// CHECK: mopt.binary <mul>
func.func @rows(%x: tensor<1x1x2x4xf32>) -> tensor<1x1x2x4xf32> {
  %f = arith.constant dense<2.0> : tensor<1x1x1x1xf32>
  %s = arith.constant dense<[[[[3.0], [5.0]]]]> : tensor<1x1x2x1xf32>
  %0 = mopt.conv %x, %f {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x1x2x4xf32>, tensor<1x1x1x1xf32> -> tensor<1x1x2x4xf32>
  %1 = mopt.binary <mul> %0, %s : tensor<1x1x2x4xf32>, tensor<1x1x2x1xf32> -> tensor<1x1x2x4xf32>
  return %1 : tensor<1x1x2x4xf32>
}
