// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-tabulate-functions),canonicalize)" | FileCheck %s

// x * sigmoid(x) in steps of 1 around 128: 0 at 0, and for large x nearly x.
// CHECK-LABEL: func.func @silu
// CHECK: %[[T:.*]] = arith.constant dense{{.*}} : tensor<256xui8>
// CHECK-NEXT: %[[Y:.*]] = mopt.lookup %arg0, %[[T]] : tensor<2x?xui8>, tensor<256xui8> -> tensor<2x?xui8>
// CHECK-NEXT: return %[[Y]]
func.func @silu(%q: tensor<2x?xui8>) -> tensor<2x?xui8> {
  %s = arith.constant dense<1.0> : tensor<1x1xf32>
  %z = arith.constant dense<128> : tensor<1x1xui8>
  %x = mopt.dequantize %q, %s, %z : tensor<2x?xui8>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<2x?xf32>
  %g = mopt.unary <sigmoid> %x : tensor<2x?xf32> -> tensor<2x?xf32>
  // Quantized in between, as exporters do.
  %t = arith.constant dense<0.00390625> : tensor<1x1xf32>
  %h = mopt.quantize %g, %t : tensor<2x?xf32>, tensor<1x1xf32> -> tensor<2x?xui8>
  %i = mopt.dequantize %h, %t : tensor<2x?xui8>, tensor<1x1xf32> -> tensor<2x?xf32>
  %y = mopt.binary <mul> %x, %i : tensor<2x?xf32>, tensor<2x?xf32> -> tensor<2x?xf32>
  %r = mopt.quantize %y, %s, %z : tensor<2x?xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<2x?xui8>
  return %r : tensor<2x?xui8>
}

// CHECK-LABEL: func.func @signed
// CHECK: mopt.lookup %arg0, %{{.*}} : tensor<4xi8>, tensor<256xi8> -> tensor<4xi8>
func.func @signed(%q: tensor<4xi8>) -> tensor<4xi8> {
  %s = arith.constant dense<1.0> : tensor<1xf32>
  %x = mopt.dequantize %q, %s : tensor<4xi8>, tensor<1xf32> -> tensor<4xf32>
  %e = mopt.unary <exp> %x : tensor<4xf32> -> tensor<4xf32>
  %r = mopt.quantize %e, %s : tensor<4xf32>, tensor<1xf32> -> tensor<4xi8>
  return %r : tensor<4xi8>
}

// The bias differs from column to column; behind it there is a function again.
// CHECK-LABEL: func.func @bias
// CHECK: mopt.binary <add>
// CHECK: mopt.quantize
// CHECK: mopt.lookup
// CHECK-NOT: mopt.unary
func.func @bias(%q: tensor<4x3xui8>, %b: tensor<1x3xf32>) -> tensor<4x3xui8> {
  %s = arith.constant dense<0.1> : tensor<1x1xf32>
  %x = mopt.dequantize %q, %s : tensor<4x3xui8>, tensor<1x1xf32> -> tensor<4x3xf32>
  %a = mopt.binary <add> %x, %b : tensor<4x3xf32>, tensor<1x3xf32> -> tensor<4x3xf32>
  %p = mopt.quantize %a, %s : tensor<4x3xf32>, tensor<1x1xf32> -> tensor<4x3xui8>
  %y = mopt.dequantize %p, %s : tensor<4x3xui8>, tensor<1x1xf32> -> tensor<4x3xf32>
  %t = mopt.unary <tanh> %y : tensor<4x3xf32> -> tensor<4x3xf32>
  %r = mopt.quantize %t, %s : tensor<4x3xf32>, tensor<1x1xf32> -> tensor<4x3xui8>
  return %r : tensor<4x3xui8>
}

// As cheap as a load.
// CHECK-LABEL: func.func @cheap
// CHECK-NOT: mopt.lookup
func.func @cheap(%q: tensor<4xui8>) -> tensor<4xui8> {
  %s = arith.constant dense<0.1> : tensor<1xf32>
  %t = arith.constant dense<0.2> : tensor<1xf32>
  %x = mopt.dequantize %q, %s : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %r = mopt.quantize %x, %t : tensor<4xf32>, tensor<1xf32> -> tensor<4xui8>
  return %r : tensor<4xui8>
}

// Of two tensors.
// CHECK-LABEL: func.func @two
// CHECK-NOT: mopt.lookup
func.func @two(%p: tensor<4xui8>, %q: tensor<4xui8>) -> tensor<4xui8> {
  %s = arith.constant dense<0.1> : tensor<1xf32>
  %x = mopt.dequantize %p, %s : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %y = mopt.dequantize %q, %s : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %a = mopt.binary <add> %x, %y : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %t = mopt.unary <tanh> %a : tensor<4xf32> -> tensor<4xf32>
  %r = mopt.quantize %t, %s : tensor<4xf32>, tensor<1xf32> -> tensor<4xui8>
  return %r : tensor<4xui8>
}

// A function of bytes of which the floats are read.
// CHECK-LABEL: func.func @floats
// CHECK: %[[T:.*]] = arith.constant dense_resource<{{.*}}> : tensor<256xf32>
// CHECK: mopt.lookup %arg0, %[[T]] : tensor<?x3xui8>, tensor<256xf32> -> tensor<?x3xf32>
// CHECK-NOT: mopt.unary
func.func @floats(%q: tensor<?x3xui8>) -> tensor<?x3xf32> {
  %s = arith.constant dense<0.03> : tensor<1x1xf32>
  %x = mopt.dequantize %q, %s : tensor<?x3xui8>, tensor<1x1xf32> -> tensor<?x3xf32>
  %0 = mopt.unary <tanh> %x : tensor<?x3xf32> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// 25 times 0.1 is a little more than 2.5. Fused with the sum, as in QLinearAdd, it is above the
// middle between the steps 0 and 1, of which the sigmoids are 128 and 187 of 256; rounded before,
// it is in the middle.
// CHECK-LABEL: func.func @fused
// CHECK: mopt.lookup
func.func @fused(%q: tensor<4xui8>) -> tensor<4xui8> {
  %s = arith.constant dense<0.1> : tensor<1xf32>
  %c = arith.constant dense<-2.0> : tensor<1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %t = arith.constant dense<0.00390625> : tensor<1xf32>
  %x = mopt.dequantize %q, %s : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %a = mopt.binary <add> %x, %c : tensor<4xf32>, tensor<1xf32> -> tensor<4xf32>
  %p = mopt.quantize %a, %one : tensor<4xf32>, tensor<1xf32> -> tensor<4xui8>
  %y = mopt.dequantize %p, %one : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %g = mopt.unary <sigmoid> %y : tensor<4xf32> -> tensor<4xf32>
  %r = mopt.quantize %g, %t : tensor<4xf32>, tensor<1xf32> -> tensor<4xui8>
  return %r : tensor<4xui8>
}
// CHECK: dialect_resources
// CHECK: "0x4000000080808080808080808080808080808080808080808080808080BB
