// RUN: mopt-opt %s --mopt-bufferize-tensors | FileCheck %s

// Kernels write to their destinations in place; the caller's tensor is a buffer.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: memref<4xf32>) -> memref<4xf32>
// CHECK: %[[B:.*]] = memref.alloc() {{.*}} : memref<4xf32>
// CHECK: call @kernel(%[[X]], %[[B]]) : (memref<4xf32>, memref<4xf32>)
// CHECK: func.func private @kernel(%[[X:.*]]: memref<4xf32>, %[[D:.*]]: memref<4xf32> {mopt.destination = 0 : i64})
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: linalg.exp ins(%[[X]] : memref<4xf32>) outs(%[[D]] : memref<4xf32>)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %d = bufferization.alloc_tensor() : tensor<4xf32>
  %0 = call @kernel(%x, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @kernel(%x: tensor<4xf32>, %d: tensor<4xf32> {mopt.destination = 0 : i64}) -> tensor<4xf32> attributes {mopt.kernel} {
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
