// RUN: mopt-opt %s --mopt-outline-kernels | FileCheck %s

// A destination per result; constants are copied into the kernel.
// CHECK-LABEL: func.func @main
// CHECK: %[[D:.*]] = bufferization.alloc_tensor() : tensor<4x8xf32>
// CHECK: %[[R:.*]] = call @kernel_mul(%arg0, %[[D]])
// CHECK: return %[[R]]
// Without a kernel nothing changes.
// CHECK-LABEL: func.func @plain
// CHECK-NEXT: return %arg0
// CHECK-LABEL: func.func private
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>, %{{.*}}: tensor<4x8xf32> {mopt.destination = 0 : i64}) -> tensor<4x8xf32> attributes {mopt.kernel}
// CHECK: %[[C:.*]] = arith.constant dense<2.000000e+00>
// CHECK: mopt.binary <mul> %[[X]], %[[C]]
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = arith.constant dense<2.0> : tensor<1x1xf32>
  %0 = mopt.fused {
    %1 = mopt.binary <mul> %x, %c : tensor<4x8xf32>, tensor<1x1xf32> -> tensor<4x8xf32>
    mopt.yield %1 : tensor<4x8xf32>
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

func.func @plain(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  return %x : tensor<4x8xf32>
}
