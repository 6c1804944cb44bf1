// RUN: mopt-opt %s -mopt-fuse-epilogue -canonicalize -cse | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>
#m = affine_map<(m, n) -> (m)>
#t = affine_map<(m, n) -> (n, m)>

// CHECK-LABEL: @chain
// CHECK: mopt.contract_anchor {{.*}} epilogue_ins(%arg2, %arg3 : tensor<48xf32>, tensor<4x48xf32>)
// CHECK: ^bb0(%[[ACC:.*]]: f32, %[[BIAS:.*]]: f32, %[[R:.*]]: f32):
// CHECK: %[[S:.*]] = arith.addf %[[ACC]], %[[BIAS]]
// CHECK: %[[P:.*]] = arith.mulf %[[S]], %[[S]]
// CHECK: %[[Q:.*]] = arith.addf %[[P]], %[[R]]
// CHECK: mopt.yield %[[Q]]
// CHECK-NOT: linalg.generic
func.func @chain(%a: tensor<4x8xf32>, %b: tensor<3x8x16xf32>, %bias: tensor<48xf32>, %r: tensor<4x48xf32>) -> tensor<4x48xf32> {
  %e = tensor.empty() : tensor<4x48xf32>
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x8xf32>, tensor<3x8x16xf32>) outs(%e : tensor<4x48xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  %1 = linalg.generic {indexing_maps = [#id, #n, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %bias : tensor<4x48xf32>, tensor<48xf32>) outs(%e : tensor<4x48xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    %p = arith.mulf %s, %s : f32
    linalg.yield %p : f32
  } -> tensor<4x48xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%1, %r : tensor<4x48xf32>, tensor<4x48xf32>) outs(%e : tensor<4x48xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> tensor<4x48xf32>
  return %2 : tensor<4x48xf32>
}

// The anchor has a second user, a reduction, and an operand in the wrong order:
// none of them fuses.
// CHECK-LABEL: @unchanged
// CHECK: mopt.contract_anchor
// CHECK: mopt.yield %{{.*}} : f32
// CHECK: linalg.generic
func.func @unchanged(%a: tensor<4x8xf32>, %b: tensor<3x8x16xf32>, %t: tensor<48x4xf32>) -> tensor<4x48xf32> {
  %e = tensor.empty() : tensor<4x48xf32>
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x8xf32>, tensor<3x8x16xf32>) outs(%e : tensor<4x48xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  %1 = linalg.generic {indexing_maps = [#id, #t, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %t : tensor<4x48xf32>, tensor<48x4xf32>) outs(%e : tensor<4x48xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> tensor<4x48xf32>
  return %1 : tensor<4x48xf32>
}

// CHECK-LABEL: @transposed_store
// CHECK: mopt.contract_anchor {{.*}} outs(%{{.*}} : tensor<5x2x16xf32>) attributes {init_map = #
// CHECK-NOT: linalg
func.func @transposed_store(%a: tensor<2x5x8xf32>, %b: tensor<2x1x8x16xf32>) -> tensor<5x2x16xf32> {
  %e = tensor.empty() : tensor<2x5x16xf32>
  %f = tensor.empty() : tensor<5x2x16xf32>
  %0 = mopt.contract_anchor ins(%a, %b : tensor<2x5x8xf32>, tensor<2x1x8x16xf32>) outs(%e : tensor<2x5x16xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<2x5x16xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x5x16xf32>) outs(%f : tensor<5x2x16xf32>) permutation = [1, 0, 2]
  return %1 : tensor<5x2x16xf32>
}

// A batch of one: its loop runs once, so that the sizes of 1 which follow it
// are no reason against the collapse.
// CHECK-LABEL: @one_batch
// CHECK: mopt.contract_anchor {{.*}} epilogue_ins(%{{.*}}, %{{.*}} : tensor<48xf32>, tensor<4x48xf32>)
// CHECK-NOT: linalg.generic
func.func @one_batch(%a: tensor<4x8xf32>, %b: tensor<3x8x16xf32>, %bias: tensor<1x1x48xf32>, %r: tensor<1x4x48xf32>) -> tensor<1x4x48xf32> {
  %e = tensor.empty() : tensor<4x48xf32>
  %f = tensor.empty() : tensor<1x4x48xf32>
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x8xf32>, tensor<3x8x16xf32>) outs(%e : tensor<4x48xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [1, 4, 48] : tensor<4x48xf32> into tensor<1x4x48xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, 0, n)>, affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%1, %bias, %r : tensor<1x4x48xf32>, tensor<1x1x48xf32>, tensor<1x4x48xf32>) outs(%f : tensor<1x4x48xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    %t = arith.addf %s, %z : f32
    linalg.yield %t : f32
  } -> tensor<1x4x48xf32>
  return %2 : tensor<1x4x48xf32>
}
