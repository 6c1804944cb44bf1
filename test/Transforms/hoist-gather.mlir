// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-hoist-gather))" | FileCheck %s

// An embedding in 8 bits with a scale per row, and one per column.
// CHECK-LABEL: @embedding
// CHECK-SAME: (%[[W:.*]]: tensor<2000x8xi8>, %[[S:.*]]: tensor<2000x1xf32>, %[[C:.*]]: tensor<1x8xf32>, %[[I:.*]]: tensor<?x3xi64>)
// CHECK: %[[X:.*]] = mopt.gather %[[W]], %[[I]] {{.*}} -> tensor<?x3x8xi8>
// CHECK: %[[F:.*]] = mopt.cast %[[X]]
// CHECK: %[[ROWS:.*]] = mopt.gather %[[S]], %[[I]] {{.*}} -> tensor<?x3x1xf32>
// CHECK: %[[Y:.*]] = mopt.binary <mul> %[[F]], %[[ROWS]]
// CHECK: %[[COLUMNS:.*]] = mopt.reshape %[[C]] to [1, 1, 8]
// CHECK: %[[Z:.*]] = mopt.binary <mul> %[[Y]], %[[COLUMNS]]
// CHECK: return %[[Z]]
func.func @embedding(%w: tensor<2000x8xi8>, %s: tensor<2000x1xf32>, %c: tensor<1x8xf32>, %i: tensor<?x3xi64>) -> tensor<?x3x8xf32> {
  %0 = mopt.cast %w : tensor<2000x8xi8> -> tensor<2000x8xf32>
  %1 = mopt.binary <mul> %0, %s : tensor<2000x8xf32>, tensor<2000x1xf32> -> tensor<2000x8xf32>
  %2 = mopt.binary <mul> %1, %c : tensor<2000x8xf32>, tensor<1x8xf32> -> tensor<2000x8xf32>
  %3 = mopt.gather %2, %i {axis = 0 : i64} : tensor<2000x8xf32>, tensor<?x3xi64> -> tensor<?x3x8xf32>
  return %3 : tensor<?x3x8xf32>
}

// As many picked as there are, or another reader: no gain.
// CHECK-LABEL: @kept
// CHECK: mopt.cast
// CHECK: mopt.gather
// CHECK: mopt.unary
// CHECK: mopt.gather
func.func @kept(%w: tensor<4x8xi8>, %x: tensor<9xf32>, %i: tensor<4xi64>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<9xf32>) {
  %0 = mopt.cast %w : tensor<4x8xi8> -> tensor<4x8xf32>
  %1 = mopt.gather %0, %i {axis = 0 : i64} : tensor<4x8xf32>, tensor<4xi64> -> tensor<4x8xf32>
  %2 = mopt.unary <exp> %x : tensor<9xf32> -> tensor<9xf32>
  %3 = mopt.gather %2, %i {axis = 0 : i64} : tensor<9xf32>, tensor<4xi64> -> tensor<4xf32>
  return %1, %3, %2 : tensor<4x8xf32>, tensor<4xf32>, tensor<9xf32>
}
