// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-expand-pads))" | FileCheck %s

// Two borders of the second dimension, one of dynamic size of the first.
// CHECK-LABEL: @pad
// CHECK: %[[E:.*]] = tensor.empty(%{{.*}}) : tensor<?x6xf32>
// CHECK-COUNT-3: linalg.fill
// CHECK-NOT: linalg.fill
// CHECK: %[[R:.*]] = tensor.insert_slice %arg0 into %{{.*}}[0, 1] [%{{.*}}, 4] [1, 1]
// CHECK-NOT: tensor.pad
// CHECK: return %[[R]]
func.func @pad(%x: tensor<?x4xf32>, %n: index) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.pad %x low[0, 1] high[%n, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x4xf32> to tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// What depends on the position is left.
// CHECK-LABEL: @computed
// CHECK: tensor.pad
func.func @computed(%x: tensor<4xindex>) -> tensor<6xindex> {
  %0 = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %i : index
  } : tensor<4xindex> to tensor<6xindex>
  return %0 : tensor<6xindex>
}
