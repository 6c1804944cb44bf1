// RUN: mopt-opt %s -mopt-reassociate-reductions | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// The running sum, not the product that goes into it.
// CHECK-LABEL: @sum
// CHECK: arith.mulf %{{[a-z0-9_]+}}, %{{[a-z0-9_]+}} : f32
// CHECK: arith.addf %{{.*}} fastmath<reassoc> : f32
func.func @sum(%x: tensor<4x8xf32>, %init: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%a: f32, %total: f32):
    %1 = arith.mulf %a, %a : f32
    %2 = arith.addf %total, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Maxima don't depend on the order but for the sign of 0; elementwise sums have
// none.
// CHECK-LABEL: @other
// CHECK: arith.maximumf %{{.*}} fastmath<nsz> : f32
// CHECK-NOT: fastmath
// CHECK: return
func.func @other(%x: tensor<4x8xf32>, %init: tensor<4xf32>, %e: tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4x8xf32>) {
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%a: f32, %total: f32):
    %1 = arith.maximumf %total, %a : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %3 = arith.addf %out, %a : f32
    linalg.yield %3 : f32
  } -> tensor<4x8xf32>
  return %0, %2 : tensor<4xf32>, tensor<4x8xf32>
}
