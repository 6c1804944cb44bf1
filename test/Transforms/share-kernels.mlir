// RUN: mopt-opt %s --mopt-share-kernels | FileCheck %s

// Equal but for their constants: one kernel, the constants in the calls. The
// splat stays in the code.
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK: call @[[KERNEL:[a-z_0-9]+]]({{.*}}%[[A]]
// CHECK: %[[B:.*]] = arith.constant dense<[3.000000e+00, 4.000000e+00]>
// CHECK: call @[[KERNEL]]({{.*}}%[[B]]
// CHECK: func.func private @[[KERNEL]](
// CHECK: arith.constant dense<5.000000e+00>
// CHECK-NOT: func.func
func.func @main(%x: tensor<2xf32>, %d: tensor<2xf32>) -> tensor<2xf32> {
  %0 = call @first(%x, %d) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = call @second(%0, %d) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
func.func private @first(%x: tensor<2xf32>, %d: tensor<2xf32> {mopt.destination = 0 : i64}) -> tensor<2xf32> attributes {mopt.kernel} {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %s = arith.constant dense<5.0> : tensor<2xf32>
  %0 = linalg.add ins(%x, %c : tensor<2xf32>, tensor<2xf32>) outs(%d : tensor<2xf32>) -> tensor<2xf32>
  %1 = linalg.mul ins(%0, %s : tensor<2xf32>, tensor<2xf32>) outs(%d : tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
func.func private @second(%x: tensor<2xf32>, %d: tensor<2xf32> {mopt.destination = 0 : i64}) -> tensor<2xf32> attributes {mopt.kernel} {
  %c = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %s = arith.constant dense<5.0> : tensor<2xf32>
  %0 = linalg.add ins(%x, %c : tensor<2xf32>, tensor<2xf32>) outs(%d : tensor<2xf32>) -> tensor<2xf32>
  %1 = linalg.mul ins(%0, %s : tensor<2xf32>, tensor<2xf32>) outs(%d : tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
