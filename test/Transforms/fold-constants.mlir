// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-constants),canonicalize)" | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-constants{max-bytes=16}),canonicalize)" | FileCheck %s --check-prefix=LIMIT
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-constants{dequantize}),canonicalize)" | FileCheck %s --check-prefix=DEQUANTIZE

// CHECK-LABEL: @fold
// CHECK: arith.constant dense<{{\[}}[5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]]>
// CHECK-NOT: mopt.
// CHECK: return
func.func @fold() -> tensor<2x2xf32> {
  %a = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<4.0> : tensor<1x1xf32>
  %0 = mopt.binary <add> %a, %b : tensor<2x2xf32>, tensor<1x1xf32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// A result above the limit, larger than what it is made of, stays an op.
// CHECK-LABEL: @grow
// CHECK-NOT: mopt.
// LIMIT-LABEL: @grow
// LIMIT: mopt.binary <mul>
func.func @grow() -> tensor<4x4xf32> {
  %a = arith.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %b = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %0 = mopt.binary <mul> %a, %b : tensor<4x1xf32>, tensor<1x4xf32> -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: @unknown
// CHECK: mopt.unary <exp>
func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mopt.unary <exp> %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Quantized constants stay, so that they can be computed with as they are.
// CHECK-LABEL: @dequantize
// CHECK: mopt.dequantize
// DEQUANTIZE-LABEL: @dequantize
// DEQUANTIZE: arith.constant dense<{{\[}}-1.000000e+00, 6.350000e+01]>
// DEQUANTIZE-NOT: mopt.
func.func @dequantize() -> tensor<2xf32> {
  %q = arith.constant dense<[126, 255]> : tensor<2xui8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %z = arith.constant dense<128> : tensor<1xui8>
  %0 = mopt.dequantize %q, %s, %z : tensor<2xui8>, tensor<1xf32>, tensor<1xui8> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: @quantize
// CHECK: arith.constant dense<[-128, 2, -2, 127]> : tensor<4xi8>
func.func @quantize() -> tensor<4xi8> {
  %x = arith.constant dense<[-1000.0, 1.25, -1.25, 1000.0]> : tensor<4xf32>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = mopt.quantize %x, %s : tensor<4xf32>, tensor<1xf32> -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// CHECK-LABEL: @single
// CHECK: arith.constant dense<6.250000e+01> : tensor<1xf32>
func.func @single() -> tensor<1xf32> {
  %q = arith.constant dense<125> : tensor<1xui8>
  %s = arith.constant dense<0.5> : tensor<1xf32>
  %0 = mopt.dequantize %q, %s : tensor<1xui8>, tensor<1xf32> -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// Sums of bytes, without the wide bytes.
// CHECK-LABEL: func.func @sums
// CHECK: %[[S:.*]] = arith.constant dense<{{\[}}[2, 398]]> : tensor<1x2xi32>
// CHECK-NOT: mopt.cast
// CHECK: return %[[S]]
func.func @sums() -> tensor<1x2xi32> {
  %w = arith.constant dense<[[1, 199], [1, 199]]> : tensor<2x2xui8>
  %0 = mopt.cast %w : tensor<2x2xui8> -> tensor<2x2xi32>
  %1 = mopt.reduce <sum> %0 {axes = array<i64: 0>} : tensor<2x2xi32> -> tensor<1x2xi32>
  return %1 : tensor<1x2xi32>
}
