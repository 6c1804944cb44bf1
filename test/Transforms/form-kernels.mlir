// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-form-kernels))" | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-form-kernels{fuse=false}))" | FileCheck %s --check-prefix=SINGLE

// What is added joins the product, what reads the softmax joins that.
// CHECK-LABEL: @chain
// CHECK: mopt.fused {
// CHECK-NEXT: mopt.matmul
// CHECK-NEXT: mopt.binary <add>
// CHECK-NEXT: mopt.yield
// CHECK: mopt.fused {
// CHECK-NEXT: mopt.softmax
// CHECK-NEXT: mopt.unary <neg>
// CHECK-NEXT: mopt.yield
// CHECK-NOT: mopt.fused
// CHECK: return
// SINGLE-LABEL: @chain
// SINGLE-COUNT-4: mopt.fused
func.func @chain(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<1x8xf32>) -> tensor<4x8xf32> {
  %0 = mopt.matmul %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = mopt.binary <add> %0, %b : tensor<4x8xf32>, tensor<1x8xf32> -> tensor<4x8xf32>
  %2 = mopt.softmax %1 {axis = 1 : i64} : tensor<4x8xf32> -> tensor<4x8xf32>
  %3 = mopt.unary <neg> %2 : tensor<4x8xf32> -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// A value with two readers is computed once, in a kernel of its own.
// CHECK-LABEL: @two_readers
// CHECK: %[[D:.*]] = tensor.dim %arg0
// CHECK: %[[V:.*]] = mopt.fused sizes(%[[D]]) {
// CHECK-NEXT: mopt.unary <exp>
// CHECK-NEXT: mopt.yield
// CHECK: mopt.fused sizes
// CHECK: mopt.unary <neg> %[[V]]
func.func @two_readers(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = mopt.unary <exp> %x : tensor<?x8xf32> -> tensor<?x8xf32>
  %1 = mopt.unary <neg> %0 : tensor<?x8xf32> -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// Nothing to compute, no kernel.
// CHECK-LABEL: @nothing
// CHECK-NOT: mopt.fused
// CHECK: return
func.func @nothing(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  return %x : tensor<4x8xf32>
}

// What reads the count of results stays behind the kernel that makes it.
// CHECK-LABEL: @two_results
// CHECK: %[[K:.*]]:2 = mopt.fused
// CHECK: mopt.nms
// CHECK: tensor.extract %[[K]]#1
// CHECK: mopt.fused
// CHECK: mopt.slice %[[K]]#0
func.func @two_results(%b: tensor<1x4x4xf32>, %s: tensor<1x1x4xf32>, %t: tensor<f32>, %n: index) -> tensor<?x3xi64> {
  %c0 = arith.constant 0 : index
  %selected, %count = mopt.nms %b, %s, %t, %t limit %n : tensor<1x4x4xf32>, tensor<1x1x4xf32>, tensor<f32>, tensor<f32> -> tensor<?x3xi64>, tensor<1xi64>
  %i = tensor.extract %count[%c0] : tensor<1xi64>
  %size = arith.index_cast %i : i64 to index
  %y = mopt.slice %selected [0, 0] [%size, 3] [1, 1] : tensor<?x3xi64> -> tensor<?x3xi64>
  return %y : tensor<?x3xi64>
}

// A value whose readers all end in one kernel is computed in it.
// CHECK-LABEL: @diamond
// CHECK: mopt.fused {
// CHECK-NEXT: mopt.matmul
// CHECK-NEXT: mopt.unary <erf>
// CHECK-NEXT: mopt.binary <mul>
// CHECK-NEXT: mopt.yield
// CHECK-NOT: mopt.fused
// CHECK: return
func.func @diamond(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %0 = mopt.matmul %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = mopt.unary <erf> %0 : tensor<4x8xf32> -> tensor<4x8xf32>
  %2 = mopt.binary <mul> %0, %1 : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// Each reader of a residual dequantizes by itself.
// CHECK-LABEL: func.func @residual
// CHECK: mopt.fused
// CHECK-NEXT: mopt.dequantize %arg0
// CHECK-NEXT: mopt.unary <exp>
// CHECK: mopt.fused
// CHECK-NEXT: mopt.dequantize %arg0
// CHECK-NEXT: mopt.unary <tanh>
func.func @residual(%x: tensor<8xui8>, %s: tensor<1xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = mopt.dequantize %x, %s : tensor<8xui8>, tensor<1xf32> -> tensor<8xf32>
  %1 = mopt.unary <exp> %0 : tensor<8xf32> -> tensor<8xf32>
  %2 = mopt.unary <tanh> %0 : tensor<8xf32> -> tensor<8xf32>
  return %1, %2 : tensor<8xf32>, tensor<8xf32>
}

// Attention reads queries, keys and values from the product that made them, and
// writes where the next one reads.
// CHECK-LABEL: @attention
// CHECK: %[[S:.*]] = mopt.fused {
// CHECK-NEXT: mopt.slice %arg0
// CHECK-NEXT: mopt.reshape
// CHECK-NEXT: mopt.transpose
// CHECK-NEXT: mopt.slice %arg0
// CHECK-NEXT: mopt.reshape
// CHECK-NEXT: mopt.transpose
// CHECK-NEXT: mopt.matmul {{.*}}transpose_rhs
// CHECK-NEXT: mopt.yield
// CHECK: %[[P:.*]] = mopt.fused {
// CHECK-NEXT: mopt.softmax %[[S]]
// CHECK-NEXT: mopt.pad
// CHECK: mopt.fused {
// CHECK-NEXT: mopt.slice %arg0
// CHECK-NEXT: mopt.reshape
// CHECK-NOT: mopt.fused
// CHECK: mopt.matmul %[[P]]
// CHECK-NEXT: mopt.transpose
// CHECK-NEXT: mopt.yield
// CHECK-NOT: mopt.fused
// CHECK: return
func.func @attention(%x: tensor<7x3x4x8xf32>) -> tensor<7x4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %0 = mopt.slice %x [0, 0, 0, 0] [7, 1, 4, 8] [1, 1, 1, 1] : tensor<7x3x4x8xf32> -> tensor<7x1x4x8xf32>
  %1 = mopt.reshape %0 to [7, 4, 8] : tensor<7x1x4x8xf32> -> tensor<7x4x8xf32>
  %q = mopt.transpose %1 [1, 0, 2] : tensor<7x4x8xf32> -> tensor<4x7x8xf32>
  %2 = mopt.slice %x [0, 1, 0, 0] [7, 1, 4, 8] [1, 1, 1, 1] : tensor<7x3x4x8xf32> -> tensor<7x1x4x8xf32>
  %3 = mopt.reshape %2 to [7, 4, 8] : tensor<7x1x4x8xf32> -> tensor<7x4x8xf32>
  %k = mopt.transpose %3 [1, 0, 2] : tensor<7x4x8xf32> -> tensor<4x7x8xf32>
  %4 = mopt.slice %x [0, 2, 0, 0] [7, 1, 4, 8] [1, 1, 1, 1] : tensor<7x3x4x8xf32> -> tensor<7x1x4x8xf32>
  %5 = mopt.reshape %4 to [7, 4, 8] : tensor<7x1x4x8xf32> -> tensor<7x4x8xf32>
  %6 = mopt.pad <constant> %5, %zero low [0, 0, 0] high [1, 0, 0] : tensor<7x4x8xf32>, tensor<f32> -> tensor<8x4x8xf32>
  %v = mopt.transpose %6 [1, 0, 2] : tensor<8x4x8xf32> -> tensor<4x8x8xf32>
  %s = mopt.matmul %q, %k {transpose_rhs} : tensor<4x7x8xf32>, tensor<4x7x8xf32> -> tensor<4x7x7xf32>
  %7 = mopt.softmax %s {axis = 2 : i64} : tensor<4x7x7xf32> -> tensor<4x7x7xf32>
  %p = mopt.pad <constant> %7, %zero low [0, 0, 0] high [0, 0, 1] : tensor<4x7x7xf32>, tensor<f32> -> tensor<4x7x8xf32>
  %8 = mopt.matmul %p, %v : tensor<4x7x8xf32>, tensor<4x8x8xf32> -> tensor<4x7x8xf32>
  %y = mopt.transpose %8 [1, 0, 2] : tensor<4x7x8xf32> -> tensor<7x4x8xf32>
  return %y : tensor<7x4x8xf32>
}

// Rows that are not contiguous, weights that batches share, more zeros than a
// group has, and products with another reader: kernels of their own.
// CHECK-LABEL: @moved
// CHECK-COUNT-8: mopt.fused
func.func @moved(%x: tensor<4x8x7xf32>, %k: tensor<4x8x7xf32>, %w: tensor<1x8x7xf32>) -> (tensor<4x7x7xf32>, tensor<4x7x7xf32>, tensor<4x7x7xf32>, tensor<7x4x7xf32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %0 = mopt.transpose %x [0, 2, 1] : tensor<4x8x7xf32> -> tensor<4x7x8xf32>
  %1 = mopt.matmul %0, %k : tensor<4x7x8xf32>, tensor<4x8x7xf32> -> tensor<4x7x7xf32>
  %2 = mopt.transpose %x [0, 2, 1] : tensor<4x8x7xf32> -> tensor<4x7x8xf32>
  %3 = mopt.matmul %2, %w : tensor<4x7x8xf32>, tensor<1x8x7xf32> -> tensor<4x7x7xf32>
  %4 = mopt.pad <constant> %k, %zero low [0, 0, 0] high [0, 8, 0] : tensor<4x8x7xf32>, tensor<f32> -> tensor<4x16x7xf32>
  %5 = mopt.pad <constant> %x, %zero low [0, 0, 0] high [0, 8, 0] : tensor<4x8x7xf32>, tensor<f32> -> tensor<4x16x7xf32>
  %6 = mopt.matmul %5, %4 {transpose_lhs} : tensor<4x16x7xf32>, tensor<4x16x7xf32> -> tensor<4x7x7xf32>
  %7 = mopt.transpose %6 [1, 0, 2] : tensor<4x7x7xf32> -> tensor<7x4x7xf32>
  return %1, %3, %6, %7 : tensor<4x7x7xf32>, tensor<4x7x7xf32>, tensor<4x7x7xf32>, tensor<7x4x7xf32>
}

// Where elements are removed, or borders repeat what is inside, what is padded is
// made first.
// CHECK-LABEL: @cut
// CHECK-COUNT-4: mopt.fused
func.func @cut(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x10xf32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %0 = mopt.unary <exp> %x : tensor<4x8xf32> -> tensor<4x8xf32>
  %1 = mopt.pad <constant> %0, %zero low [0, 1] high [0, -1] : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %2 = mopt.unary <tanh> %x : tensor<4x8xf32> -> tensor<4x8xf32>
  %3 = mopt.pad <edge> %2, %zero low [0, 1] high [0, 1] : tensor<4x8xf32>, tensor<f32> -> tensor<4x10xf32>
  return %1, %3 : tensor<4x8xf32>, tensor<4x10xf32>
}
