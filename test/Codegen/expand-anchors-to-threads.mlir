// RUN: mopt-opt %s -split-input-file -mopt-expand-anchors-to-threads -canonicalize -verify-diagnostics | FileCheck %s

// One thread per element: the sum over k, the epilogue on it, one store.
// CHECK-LABEL: @contract
// CHECK-SAME: (%[[A:.*]]: memref<?x37xf32>, %[[B:.*]]: memref<3x37x16xf32>, %[[BIAS:.*]]: memref<48xf32>, %[[C:.*]]: memref<?x48xf32>)
// CHECK: gpu.launch
// CHECK: scf.if
// CHECK: %[[SUM:[0-9]+]] = scf.for %[[K:[a-z0-9]+]] =
// CHECK-DAG: memref.load %[[A]][%[[M:[0-9]+]], %[[K]]]
// CHECK-DAG: memref.load %[[B]][%{{.*}}, %[[K]], %{{.*}}]
// CHECK: %[[ADD:[0-9]+]] = memref.load %[[BIAS]][%[[N:[0-9]+]]]
// CHECK: %[[V:[0-9]+]] = arith.addf %[[SUM]], %[[ADD]]
// CHECK: memref.store %[[V]], %[[C]][%[[M]], %[[N]]]
// CHECK-NOT: mopt.contract_anchor
func.func @contract(%a: memref<?x37xf32>, %b: memref<3x37x16xf32>, %bias: memref<48xf32>, %c: memref<?x48xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<?x37xf32>, memref<3x37x16xf32>) epilogue_ins(%bias : memref<48xf32>) outs(%c : memref<?x48xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %add: f32):
    %v = arith.addf %acc, %add : f32
    mopt.yield %v : f32
  }
  return
}

// -----

func.func @tensors(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<4x48xf32>) -> tensor<4x48xf32> {
  // expected-error @below {{expected memrefs: bufferize before this pass}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<4x48xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  return %0 : tensor<4x48xf32>
}
