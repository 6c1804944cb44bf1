// RUN: mopt-opt %s -mopt-interleave-sums | FileCheck %s

#element = affine_map<(i, j, k) -> (i, j, k)>
#sum = affine_map<(i, j, k) -> (i, j)>
#column = affine_map<(i, j, k) -> (i, k, j)>

// Squares of eight rows and columns, transposed, and what is left column by column.
// The last rows are taken again where eight do not divide them.
// CHECK-LABEL: func.func @rows
// CHECK: scf.for %{{.*}} = %{{.*}} to %c3
// CHECK: scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step %c8
// CHECK-COUNT-8: arith.minui
// CHECK: %[[S:.*]] = scf.for %[[K:.*]] = {{.*}} iter_args(%[[V:.*]] = %{{.*}}) -> (vector<8xf32>)
// CHECK-COUNT-8: vector.load {{.*}} vector<8xf32>
// CHECK-COUNT-24: vector.shuffle
// CHECK: arith.addf %[[V]], %{{.*}} : vector<8xf32>
// CHECK-COUNT-7: arith.addf
// CHECK: scf.for {{.*}} iter_args(%[[W:.*]] = %[[S]])
// CHECK: arith.addf %[[W]], %{{.*}} : vector<8xf32>
// CHECK-COUNT-8: memref.store
func.func @rows(%x: memref<3x?x197xf32>, %y: memref<3x?xf32>) {
  linalg.generic {indexing_maps = [#element, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<3x?x197xf32>) outs(%y : memref<3x?xf32>) attrs = {mopt.in_order} {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// Eight divide 16.
// CHECK-LABEL: func.func @whole
// CHECK-NOT: arith.minui
// CHECK: return
func.func @whole(%x: memref<1x16x128xf32>, %y: memref<1x16xf32>) {
  linalg.generic {indexing_maps = [#element, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<1x16x128xf32>) outs(%y : memref<1x16xf32>) attrs = {mopt.in_order} {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// Sums without an order, of one row, and across memory.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-3: linalg.generic
func.func @others(%x: memref<3x4x5xf32>, %one: memref<1x1x5xf32>, %z: memref<3x5x4xf32>, %y: memref<3x4xf32>, %w: memref<1x1xf32>) {
  linalg.generic {indexing_maps = [#element, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<3x4x5xf32>) outs(%y : memref<3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#element, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%one : memref<1x1x5xf32>) outs(%w : memref<1x1xf32>) attrs = {mopt.in_order} {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#column, #sum], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%z : memref<3x5x4xf32>) outs(%y : memref<3x4xf32>) attrs = {mopt.in_order} {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}
