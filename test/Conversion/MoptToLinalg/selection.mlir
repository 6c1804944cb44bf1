// RUN: mopt-opt %s --convert-mopt-to-linalg | FileCheck %s

// Never more columns than there is room for.
// CHECK-LABEL: @nonzero
// CHECK: linalg.fill
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[N:.*]] = %{{.*}})
// CHECK: arith.cmpi slt, %[[N]], %arg1
// CHECK: scf.if
func.func @nonzero(%x: tensor<2x?xi1>, %n: index) -> tensor<2x?xi64> {
  %y = mopt.nonzero %x count %n : tensor<2x?xi1> -> tensor<2x?xi64>
  return %y : tensor<2x?xi64>
}

// CHECK-LABEL: @topk
// CHECK: scf.for
// CHECK: scf.while
// CHECK: scf.if
// CHECK: return
func.func @topk(%x: tensor<2x?xf32>, %k: index) -> (tensor<2x?xf32>, tensor<2x?xi64>) {
  %v, %i = mopt.topk %x k [%k] {axis = 1 : i64, largest} : tensor<2x?xf32> -> tensor<2x?xf32>, tensor<2x?xi64>
  return %v, %i : tensor<2x?xf32>, tensor<2x?xi64>
}

// CHECK-LABEL: @unique
// CHECK-COUNT-3: linalg.generic
// CHECK: return
func.func @unique(%x: tensor<?x4xi32>) -> (tensor<?xi64>, tensor<1xi64>) {
  %i, %n = mopt.unique_ids %x {sorted} : tensor<?x4xi32> -> tensor<?xi64>, tensor<1xi64>
  return %i, %n : tensor<?xi64>, tensor<1xi64>
}

// CHECK-LABEL: @nms
// CHECK: scf.for
// CHECK: scf.while
// CHECK: arith.divf
func.func @nms(%b: tensor<1x?x4xf32>, %s: tensor<1x2x?xf32>, %t: tensor<f32>, %u: tensor<f32>, %n: index) -> (tensor<?x3xi64>, tensor<1xi64>) {
  %r, %c = mopt.nms %b, %s, %t, %u limit %n : tensor<1x?x4xf32>, tensor<1x2x?xf32>, tensor<f32>, tensor<f32> -> tensor<?x3xi64>, tensor<1xi64>
  return %r, %c : tensor<?x3xi64>, tensor<1xi64>
}

// CHECK-LABEL: @pool_argmax
// CHECK: linalg.generic
// CHECK: scf.for
// CHECK: arith.cmpi ult
func.func @pool_argmax(%x: tensor<1x2x8xf32>) -> tensor<1x2x7xi64> {
  %i = mopt.pool_argmax %x {kernel = array<i64: 2>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : tensor<1x2x8xf32> -> tensor<1x2x7xi64>
  return %i : tensor<1x2x7xi64>
}

// CHECK-LABEL: @roi_align
// CHECK: linalg.generic
// CHECK: scf.for
func.func @roi_align(%x: tensor<1x3x8x8xf32>, %r: tensor<?x4xf32>, %b: tensor<?xi64>) -> tensor<?x3x2x2xf32> {
  %y = mopt.roi_align %x, %r, %b {output_height = 2 : i64, output_width = 2 : i64, sampling_ratio = 0 : i64, spatial_scale = 1.0 : f64, half_pixel} : tensor<1x3x8x8xf32>, tensor<?x4xf32>, tensor<?xi64> -> tensor<?x3x2x2xf32>
  return %y : tensor<?x3x2x2xf32>
}

// CHECK-LABEL: @determinant
// CHECK: math.absf
// CHECK: arith.divf
func.func @determinant(%x: tensor<?x3x3xf16>) -> tensor<?xf16> {
  %y = mopt.determinant %x : tensor<?x3x3xf16> -> tensor<?xf16>
  return %y : tensor<?xf16>
}
