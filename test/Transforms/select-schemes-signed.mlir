// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-schemes,mopt-fold-constants,canonicalize,cse))" | FileCheck %s

// A machine that multiplies signed bytes by signed ones, and nothing else.
module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon,+dotprod", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>} {

// The zero point of 100 is -28 now.
// CHECK-LABEL: func.func @matmul
// CHECK: %[[T:.*]] = arith.constant dense<{{\[}}[-84, 84]]> : tensor<1x2xi32>
// CHECK: %[[B:.*]] = mopt.bitcast %arg0 : tensor<?x3xui8> -> tensor<?x3xi8>
// CHECK: %[[A:.*]] = mopt.binary <xor_> %[[B]]
// CHECK: %[[C:.*]] = mopt.matmul %[[A]], %{{.*}} : tensor<?x3xi8>, tensor<3x2xi8> -> tensor<?x2xi32>
// CHECK: mopt.binary <sub> %[[C]], %[[T]]
func.func @matmul(%a: tensor<?x3xui8>) -> tensor<?x2xf32> {
  %b = arith.constant dense<[[1, -1], [2, -2], [0, 0]]> : tensor<3x2xi8>
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<100> : tensor<1x1xui8>
  %c = mopt.quantized_matmul %a, %b scales(%s, %s) lhs_zero(%z) : (tensor<?x3xui8>, tensor<3x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<?x2xf32>
  return %c : tensor<?x2xf32>
}

// What was turned already is turned back.
// CHECK-LABEL: func.func @twice
// CHECK-NOT: mopt.binary <xor_>
// CHECK: mopt.matmul %arg0, %{{.*}} : tensor<2x3xi8>, tensor<3x2xi8> -> tensor<2x2xi32>
func.func @twice(%a: tensor<2x3xi8>) -> tensor<2x2xi32> {
  %b = arith.constant dense<[[1, -1], [2, -2], [0, 0]]> : tensor<3x2xi8>
  %h = arith.constant dense<128> : tensor<1x1xui8>
  %0 = mopt.bitcast %a : tensor<2x3xi8> -> tensor<2x3xui8>
  %1 = mopt.binary <xor_> %0, %h : tensor<2x3xui8>, tensor<1x1xui8> -> tensor<2x3xui8>
  %c = mopt.matmul %1, %b : tensor<2x3xui8>, tensor<3x2xi8> -> tensor<2x2xi32>
  return %c : tensor<2x2xi32>
}

// The padding moves with the elements; the sums of the filter make up for it.
// CHECK-LABEL: func.func @padding
// CHECK: %[[T:.*]] = arith.constant dense<-768> : tensor<1x1x1xi32>
// CHECK: %[[C:.*]] = mopt.conv %{{.*}} pad_value = -125 : i64
// CHECK: mopt.binary <sub> %[[C]], %[[T]]
func.func @padding(%x: tensor<1x2x5xui8>) -> tensor<1x1x5xi32> {
  %w = arith.constant dense<1> : tensor<1x2x3xi8>
  %y = mopt.conv %x, %w {group = 1 : i64, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, pad_value = 3 : i64} : tensor<1x2x5xui8>, tensor<1x2x3xi8> -> tensor<1x1x5xi32>
  return %y : tensor<1x1x5xi32>
}
}
