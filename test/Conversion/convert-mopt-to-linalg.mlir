// RUN: mopt-opt %s --convert-mopt-to-linalg | FileCheck %s

// CHECK-LABEL: @elementwise
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK-NOT: mopt.
// CHECK: return
func.func @elementwise(%x: tensor<?x8xf32>, %b: tensor<1x8xf32>) -> tensor<?x8xf32> {
  %0 = mopt.binary <add> %x, %b : tensor<?x8xf32>, tensor<1x8xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// The signedness moves from the type into the operation.
// CHECK-LABEL: @unsigned
// CHECK-SAME: (%{{.*}}: tensor<4xi8>, %{{.*}}: tensor<4xi8>) -> tensor<4xi8>
// CHECK: arith.maxui
func.func @unsigned(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> {
  %0 = mopt.binary <max> %x, %y : tensor<4xui8>, tensor<4xui8> -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// A boolean is a byte.
// CHECK-LABEL: @boolean
// CHECK-SAME: -> tensor<4xi8>
// CHECK: arith.cmpf olt
// CHECK: arith.extui {{.*}} : i1 to i8
func.func @boolean(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xi1> {
  %0 = mopt.compare <lt> %x, %y : tensor<4xf32>, tensor<4xf32> -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// Anchors are left alone.
// CHECK-LABEL: @anchor
// CHECK: mopt.contract_anchor
func.func @anchor(%a: tensor<8x8xf32>, %b: tensor<1x8x16xf32>, %c: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %0 = mopt.contract_anchor ins(%a, %b : tensor<8x8xf32>, tensor<1x8x16xf32>) outs(%c : tensor<8x16xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<8x16xf32>
  return %0 : tensor<8x16xf32>
}
