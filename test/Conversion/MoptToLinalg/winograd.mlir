// RUN: mopt-opt %s -convert-mopt-to-linalg -canonicalize | FileCheck %s

// A position of the 16 is two loops, whose rows, columns and signs they choose;
// channels are innermost.
// CHECK-LABEL: @input
// CHECK: %[[V:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x4x2x3x5x8xi16>)
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK-COUNT-2: arith.select
// CHECK: tensor.extract %{{.*}} : tensor<2x8x12x8xi8>
// CHECK: arith.extui %{{.*}} : i8 to i16
// CHECK-COUNT-3: tensor.extract
// CHECK: linalg.yield
// CHECK: tensor.collapse_shape %[[V]] {{\[\[}}0, 1], [2], [3], [4], [5]]
func.func @input(%x: tensor<2x8x12x8xui8>) -> tensor<16x2x3x5x8xi16> {
  %y = mopt.winograd_input %x : tensor<2x8x12x8xui8> -> tensor<16x2x3x5x8xi16>
  return %y : tensor<16x2x3x5x8xi16>
}

// CHECK-LABEL: @signed
// CHECK: arith.extsi %{{.*}} : i8 to i16
func.func @signed(%x: tensor<1x4x4x8xi8>) -> tensor<16x1x1x1x8xi16> {
  %y = mopt.winograd_input %x : tensor<1x4x4x8xi8> -> tensor<16x1x1x1x8xi16>
  return %y : tensor<16x1x1x1x8xi16>
}

// Two rows and two columns for each tile, of all sixteen positions.
// CHECK-LABEL: @output
// CHECK-COUNT-16: tensor.extract_slice
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x3x2x5x2x8xi32>)
// CHECK: arith.shrsi
// CHECK: tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2], [3, 4], [5]]
func.func @output(%m: tensor<16x2x3x5x8xi32>) -> tensor<2x6x10x8xi32> {
  %y = mopt.winograd_output %m : tensor<16x2x3x5x8xi32> -> tensor<2x6x10x8xi32>
  return %y : tensor<2x6x10x8xi32>
}
