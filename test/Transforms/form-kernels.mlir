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
