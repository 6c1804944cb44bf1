// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-merge-scales),cse)" | FileCheck %s

// The scales of what is added and of the result become one factor for each.
// CHECK-LABEL: func.func @residual
// CHECK: %[[S:.*]] = arith.constant dense<{{\[}}[1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[X:.*]] = mopt.dequantize %arg0, %[[S]]
// CHECK: %[[B:.*]] = arith.constant dense<{{\[}}[2.000000e+00, 4.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[Y:.*]] = mopt.binary <add> %[[X]], %[[B]]
// CHECK: %[[T:.*]] = arith.constant dense<1.200000e+01> : tensor<1x1xf32>
// CHECK: %[[R:.*]] = mopt.dequantize %arg1, %[[T]]
// CHECK: %[[Z:.*]] = mopt.binary <add> %[[Y]], %[[R]]
// CHECK: %[[M:.*]] = mopt.binary <max> %[[Z]], %{{.*}}
// CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<1x1xf32>
// CHECK: mopt.quantize %[[M]], %[[ONE]]
func.func @residual(%sums: tensor<?x2xi32>, %other: tensor<?x2xui8>) -> tensor<?x2xui8> {
  %s = arith.constant dense<0.25> : tensor<1x1xf32>
  %v = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %b = arith.constant dense<[[0.5, 1.0]]> : tensor<1x2xf32>
  %t = arith.constant dense<3.0> : tensor<1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %quarter = arith.constant dense<0.25> : tensor<1x1xf32>
  %d = mopt.dequantize %sums, %s : tensor<?x2xi32>, tensor<1x1xf32> -> tensor<?x2xf32>
  %0 = mopt.binary <mul> %d, %v : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xf32>
  %1 = mopt.binary <add> %0, %b : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xf32>
  %e = mopt.dequantize %other, %t : tensor<?x2xui8>, tensor<1x1xf32> -> tensor<?x2xf32>
  %2 = mopt.binary <add> %1, %e : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  %3 = mopt.binary <max> %2, %zero : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xf32>
  %q = mopt.quantize %3, %quarter : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xui8>
  return %q : tensor<?x2xui8>
}

// A function of a byte is one product and one sum, rounded to the same steps.
// CHECK-LABEL: func.func @bytes
// CHECK-DAG: %[[A:.*]] = arith.constant dense<{{\[}}[0.4{{.*}}, -3.3{{.*}}]]> : tensor<1x2xf32>
// CHECK-DAG: %[[L:.*]] = arith.constant dense<-10.4{{.*}}> : tensor<1x1xf32>
// CHECK: %[[D:.*]] = mopt.dequantize %arg0, %[[A]], %{{.*}}
// CHECK: %[[Y:.*]] = mopt.binary <add> %[[D]], %{{.*}} : tensor<?x2xf32>, tensor<1x2xf32>
// CHECK: %[[M:.*]] = mopt.binary <max> %[[Y]], %[[L]]
// CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<1x1xf32>
// CHECK: mopt.quantize %[[M]], %[[ONE]]
func.func @bytes(%q: tensor<?x2xui8>) -> tensor<?x2xui8> {
  %s = arith.constant dense<0.0437> : tensor<1x1xf32>
  %z = arith.constant dense<113> : tensor<1x1xui8>
  %v = arith.constant dense<[[0.91, -7.3]]> : tensor<1x2xf32>
  %b = arith.constant dense<[[0.0517, 1.033]]> : tensor<1x2xf32>
  %low = arith.constant dense<-1.0> : tensor<1x1xf32>
  %t = arith.constant dense<0.0959> : tensor<1x1xf32>
  %u = arith.constant dense<31> : tensor<1x1xui8>
  %d = mopt.dequantize %q, %s, %z : tensor<?x2xui8>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x2xf32>
  %0 = mopt.binary <mul> %d, %v : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xf32>
  %1 = mopt.binary <add> %0, %b : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xf32>
  %2 = mopt.binary <max> %1, %low : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xf32>
  %r = mopt.quantize %2, %t, %u : tensor<?x2xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x2xui8>
  return %r : tensor<?x2xui8>
}

// Floats that others read keep each bit: only powers of two can be moved.
// CHECK-LABEL: func.func @floats_of_bytes
// CHECK: mopt.dequantize %arg0, %{{.*}} : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
// CHECK: mopt.binary <mul>
// CHECK: mopt.dequantize %arg1, %{{.*}} : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
// CHECK-NOT: mopt.binary
func.func @floats_of_bytes(%p: tensor<4xui8>, %q: tensor<4xui8>) -> (tensor<4xf32>, tensor<4xf32>) {
  %s = arith.constant dense<0.0437> : tensor<1xf32>
  %v = arith.constant dense<0.91> : tensor<1xf32>
  %eighth = arith.constant dense<0.125> : tensor<1xf32>
  %d = mopt.dequantize %p, %s : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %0 = mopt.binary <mul> %d, %v : tensor<4xf32>, tensor<1xf32> -> tensor<4xf32>
  %e = mopt.dequantize %q, %s : tensor<4xui8>, tensor<1xf32> -> tensor<4xf32>
  %1 = mopt.binary <mul> %e, %eighth : tensor<4xf32>, tensor<1xf32> -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// What others read, and what no constant is part of, keeps its scale.
// CHECK-LABEL: func.func @stays
// CHECK: %[[D:.*]] = mopt.dequantize %arg0
// CHECK: %[[A:.*]] = mopt.binary <add> %[[D]], %arg1
// CHECK: mopt.quantize %[[A]], %{{.*}} : tensor<?x2xf32>, tensor<1x1xf32>
func.func @stays(%q: tensor<?x2xui8>, %x: tensor<?x2xf32>) -> (tensor<?x2xui8>, tensor<?x2xf32>) {
  %t = arith.constant dense<3.0> : tensor<1x1xf32>
  %quarter = arith.constant dense<0.25> : tensor<1x1xf32>
  %d = mopt.dequantize %q, %t : tensor<?x2xui8>, tensor<1x1xf32> -> tensor<?x2xf32>
  %a = mopt.binary <add> %d, %x : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  %r = mopt.quantize %a, %quarter : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xui8>
  return %r, %d : tensor<?x2xui8>, tensor<?x2xf32>
}

// A scale for each column.
// CHECK-LABEL: func.func @columns
// CHECK: %[[F:.*]] = arith.constant dense<{{\[}}[4.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[M:.*]] = mopt.binary <mul> %arg0, %[[F]]
// CHECK: mopt.quantize %[[M]]
func.func @columns(%x: tensor<?x2xf32>) -> tensor<?x2xui8> {
  %s = arith.constant dense<[[0.25, 0.5]]> : tensor<1x2xf32>
  %r = mopt.quantize %x, %s : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xui8>
  return %r : tensor<?x2xui8>
}

// A product beyond the range of floats would lose a number.
// CHECK-LABEL: func.func @factors
// CHECK: mopt.binary <mul>
func.func @factors(%q: tensor<2xui8>) -> tensor<2xf32> {
  %tiny = arith.constant dense<1.0e-30> : tensor<1xf32>
  %e = mopt.dequantize %q, %tiny : tensor<2xui8>, tensor<1xf32> -> tensor<2xf32>
  %y = mopt.binary <mul> %e, %tiny : tensor<2xf32>, tensor<1xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// Where the last bit does not matter, multiplication is faster.
// CHECK-LABEL: func.func @smooth
// CHECK: %[[C:.*]] = arith.constant dense<0.707106769> : tensor<1x1xf32>
// CHECK: %[[X:.*]] = mopt.binary <mul> %arg0, %[[C]]
// CHECK: mopt.unary <erf> %[[X]]
func.func @smooth(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = arith.constant dense<1.41421354> : tensor<1x1xf32>
  %0 = mopt.binary <div> %x, %c : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xf32>
  %1 = mopt.unary <erf> %0 : tensor<?x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// 41 * (1 / 41) is less than 1.
// CHECK-LABEL: func.func @steps
// CHECK: mopt.binary <div>
// CHECK: mopt.unary <floor>
func.func @steps(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = arith.constant dense<41.0> : tensor<1x1xf32>
  %0 = mopt.binary <div> %x, %c : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xf32>
  %1 = mopt.unary <floor> %0 : tensor<?x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// The reciprocal of what is smaller than a normal number is none.
// CHECK-LABEL: func.func @no_reciprocal
// CHECK: mopt.binary <div>
func.func @no_reciprocal(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = arith.constant dense<1.0e-40> : tensor<1x1xf32>
  %0 = mopt.binary <div> %x, %c : tensor<?x2xf32>, tensor<1x1xf32> -> tensor<?x2xf32>
  %1 = mopt.unary <tanh> %0 : tensor<?x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// A weight of layer normalization is no scale: merged, the last bit of what is
// rounded would differ.
// CHECK-LABEL: func.func @weight
// CHECK: %[[W:.*]] = mopt.binary <mul> %{{.*}}, %[[C:.*]] :
// CHECK: mopt.quantize
func.func @weight(%x: tensor<?x4xf32>) -> tensor<?x4xui8> {
  %w = arith.constant dense<[[0.5, 0.7, 0.9, 1.1]]> : tensor<1x4xf32>
  %s = arith.constant dense<0.3> : tensor<1x1xf32>
  %n = mopt.normalize %x {axis = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x4xf32> -> tensor<?x4xf32>
  %y = mopt.binary <mul> %n, %w : tensor<?x4xf32>, tensor<1x4xf32> -> tensor<?x4xf32>
  %q = mopt.quantize %y, %s : tensor<?x4xf32>, tensor<1x1xf32> -> tensor<?x4xui8>
  return %q : tensor<?x4xui8>
}
