// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-normalize-signs),canonicalize)" | FileCheck %s

// Through all that moves elements; padding moves along.
// CHECK-LABEL: func.func @moved
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<125> : tensor<1x1xui8>
// CHECK-DAG: %[[H:.*]] = arith.constant dense<128> : tensor<1x1xui8>
// CHECK-DAG: %[[P:.*]] = arith.constant dense<123> : tensor<ui8>
// CHECK: %[[Q:.*]] = mopt.quantize %arg0, %{{.*}}, %[[Z]] : tensor<2x3xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<2x3xui8>
// CHECK: %[[T:.*]] = mopt.transpose %[[Q]] [1, 0] : tensor<2x3xui8> -> tensor<3x2xui8>
// CHECK: %[[A:.*]] = mopt.pad <constant> %[[T]], %[[P]]
// CHECK: mopt.dequantize %[[A]], %{{.*}}, %[[H]]
func.func @moved(%x: tensor<2x3xf32>) -> tensor<4x2xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<-3> : tensor<1x1xi8>
  %v = arith.constant dense<-5> : tensor<i8>
  %q = mopt.quantize %x, %s, %z : tensor<2x3xf32>, tensor<1x1xf32>, tensor<1x1xi8> -> tensor<2x3xi8>
  %t = mopt.transpose %q [1, 0] : tensor<2x3xi8> -> tensor<3x2xi8>
  %p = mopt.pad <constant> %t, %v low [1, 0] high [0, 0] : tensor<3x2xi8>, tensor<i8> -> tensor<4x2xi8>
  %y = mopt.dequantize %p, %s : tensor<4x2xi8>, tensor<1x1xf32> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// Both parts of what is joined turn together.
// CHECK-LABEL: func.func @joined
// CHECK: mopt.concat %{{.*}}, %{{.*}} : tensor<2xui8>, tensor<3xui8> -> tensor<5xui8>
func.func @joined(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<5xf32> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %q = mopt.quantize %x, %s : tensor<2xf32>, tensor<1xf32> -> tensor<2xi8>
  %r = mopt.quantize %y, %s : tensor<3xf32>, tensor<1xf32> -> tensor<3xi8>
  %c = mopt.concat %q, %r {axis = 0 : i64} : tensor<2xi8>, tensor<3xi8> -> tensor<5xi8>
  %f = mopt.dequantize %c, %s : tensor<5xi8>, tensor<1xf32> -> tensor<5xf32>
  return %f : tensor<5xf32>
}

// The caller gets what the file says.
// CHECK-LABEL: func.func @returned
// CHECK: mopt.quantize %{{.*}} -> tensor<2xi8>
func.func @returned(%x: tensor<2xf32>) -> (tensor<2xi8>, tensor<2xf32>) {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %q = mopt.quantize %x, %s : tensor<2xf32>, tensor<1xf32> -> tensor<2xi8>
  %f = mopt.dequantize %q, %s : tensor<2xi8>, tensor<1xf32> -> tensor<2xf32>
  return %q, %f : tensor<2xi8>, tensor<2xf32>
}

// A part that came from somewhere else stays signed, and so does the other.
// CHECK-LABEL: func.func @argument
// CHECK: mopt.concat %{{.*}} : tensor<2xi8>, tensor<3xi8> -> tensor<5xi8>
func.func @argument(%x: tensor<2xf32>, %y: tensor<3xi8>) -> tensor<5xf32> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %q = mopt.quantize %x, %s : tensor<2xf32>, tensor<1xf32> -> tensor<2xi8>
  %c = mopt.concat %q, %y {axis = 0 : i64} : tensor<2xi8>, tensor<3xi8> -> tensor<5xi8>
  %f = mopt.dequantize %c, %s : tensor<5xi8>, tensor<1xf32> -> tensor<5xf32>
  return %f : tensor<5xf32>
}

// A zero point that run time knows.
// CHECK-LABEL: func.func @dynamic_zero
// CHECK: mopt.binary <xor_> %{{.*}} : tensor<1xui8>
// CHECK: mopt.quantize %{{.*}} -> tensor<2xui8>
func.func @dynamic_zero(%x: tensor<2xf32>, %z: tensor<1xi8>) -> tensor<2xf32> {
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %q = mopt.quantize %x, %s, %z : tensor<2xf32>, tensor<1xf32>, tensor<1xi8> -> tensor<2xi8>
  %f = mopt.dequantize %q, %s, %z : tensor<2xi8>, tensor<1xf32>, tensor<1xi8> -> tensor<2xf32>
  return %f : tensor<2xf32>
}
