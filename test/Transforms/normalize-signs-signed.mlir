// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-normalize-signs),canonicalize)" | FileCheck %s

// A machine that multiplies signed bytes by signed ones, and nothing else.
module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon,+dotprod", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>} {

// CHECK-LABEL: func.func @moved
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<-28> : tensor<1x1xi8>
// CHECK-DAG: %[[H:.*]] = arith.constant dense<-128> : tensor<1x1xi8>
// CHECK-DAG: %[[P:.*]] = arith.constant dense<-123> : tensor<i8>
// CHECK: %[[Q:.*]] = mopt.quantize %arg0, %{{.*}}, %[[Z]] : tensor<2x3xf32>, tensor<1x1xf32>, tensor<1x1xi8> -> tensor<2x3xi8>
// CHECK: %[[T:.*]] = mopt.transpose %[[Q]] [1, 0] : tensor<2x3xi8> -> tensor<3x2xi8>
// CHECK: %[[A:.*]] = mopt.pad <constant> %[[T]], %[[P]]
// CHECK: mopt.dequantize %[[A]], %{{.*}}, %[[H]]
func.func @moved(%x: tensor<2x3xf32>) -> tensor<4x2xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<100> : tensor<1x1xui8>
  %v = arith.constant dense<5> : tensor<ui8>
  %q = mopt.quantize %x, %s, %z : tensor<2x3xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<2x3xui8>
  %t = mopt.transpose %q [1, 0] : tensor<2x3xui8> -> tensor<3x2xui8>
  %p = mopt.pad <constant> %t, %v low [1, 0] high [0, 0] : tensor<3x2xui8>, tensor<ui8> -> tensor<4x2xui8>
  %y = mopt.dequantize %p, %s : tensor<4x2xui8>, tensor<1x1xf32> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// A zero point that run time knows.
// CHECK-LABEL: func.func @dynamic_zero
// CHECK: mopt.binary <xor_> %{{.*}} : tensor<1xi8>
// CHECK: mopt.quantize %{{.*}} -> tensor<2xi8>
func.func @dynamic_zero(%x: tensor<2xf32>, %z: tensor<1xui8>) -> tensor<2xf32> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %q = mopt.quantize %x, %s, %z : tensor<2xf32>, tensor<1xf32>, tensor<1xui8> -> tensor<2xui8>
  %y = mopt.dequantize %q, %s, %z : tensor<2xui8>, tensor<1xf32>, tensor<1xui8> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// Signed bytes stay.
// CHECK-LABEL: func.func @signed
// CHECK: mopt.quantize %{{.*}} -> tensor<2xi8>
func.func @signed(%x: tensor<2xf32>) -> tensor<2xf32> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %q = mopt.quantize %x, %s : tensor<2xf32>, tensor<1xf32> -> tensor<2xi8>
  %y = mopt.dequantize %q, %s : tensor<2xi8>, tensor<1xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
}
