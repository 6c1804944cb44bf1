// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-bind-destinations))" | FileCheck %s

// What was uninitialized is the destination now.
// CHECK-LABEL: @computed
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[D:.*]]: tensor<4xf32>
// CHECK: %[[R:.*]] = linalg.exp ins(%[[X]] : tensor<4xf32>) outs(%[[D]] : tensor<4xf32>)
// CHECK: return %[[R]]
func.func private @computed(%x: tensor<4xf32>, %d: tensor<4xf32> {mopt.destination = 0 : i64}) -> tensor<4xf32> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A result that is an argument is copied.
// CHECK-LABEL: @passed_on
// CHECK: %[[R:.*]] = linalg.copy ins(%arg0 : tensor<4xf32>) outs(%arg1 : tensor<4xf32>)
// CHECK: return %[[R]]
func.func private @passed_on(%x: tensor<4xf32>, %d: tensor<4xf32> {mopt.destination = 0 : i64}) -> tensor<4xf32> attributes {mopt.kernel} {
  return %x : tensor<4xf32>
}

// Functions that are no kernels are left alone.
// CHECK-LABEL: @entry
// CHECK: tensor.empty
func.func @entry(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// One uninitialized tensor serves two ops: the last gets the destination.
// CHECK-LABEL: @shared
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[D:.*]]: tensor<4xf32>
// CHECK: %[[E:.*]] = tensor.empty
// CHECK: %[[T:.*]] = linalg.exp ins(%[[X]] : tensor<4xf32>) outs(%[[E]] : tensor<4xf32>)
// CHECK: %[[R:.*]] = linalg.abs ins(%[[T]] : tensor<4xf32>) outs(%[[D]] : tensor<4xf32>)
// CHECK: return %[[R]]
func.func private @shared(%x: tensor<4xf32>, %d: tensor<4xf32> {mopt.destination = 0 : i64}) -> tensor<4xf32> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.abs ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// What is padded is computed between the borders.
// CHECK-LABEL: @between
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[D:.*]]: tensor<6xf32>
// CHECK: %[[S:.*]] = tensor.extract_slice %[[D]][1] [4] [1]
// CHECK: %[[Y:.*]] = linalg.exp ins(%[[X]] : tensor<4xf32>) outs(%[[S]] : tensor<4xf32>)
// CHECK: tensor.insert_slice %[[Y]] into %[[D]][1] [4] [1]
func.func private @between(%x: tensor<4xf32>, %d: tensor<6xf32> {mopt.destination = 0 : i64}) -> tensor<6xf32> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %f = tensor.empty() : tensor<6xf32>
  %1 = tensor.insert_slice %0 into %f[1] [4] [1] : tensor<4xf32> into tensor<6xf32>
  return %1 : tensor<6xf32>
}
