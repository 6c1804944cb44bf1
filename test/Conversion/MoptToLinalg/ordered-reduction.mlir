// RUN: mopt-opt %s --convert-mopt-to-linalg | FileCheck %s

// CHECK-LABEL: @arg_max
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.cmpf ogt
// CHECK: linalg.index 1
// CHECK: linalg.yield %{{.*}}, %{{.*}} : f32, i64
// CHECK: tensor.expand_shape
func.func @arg_max(%x: tensor<2x?xf32>) -> tensor<2x1xi64> {
  %y = mopt.arg_reduce <max> %x {axis = 1 : i64} : tensor<2x?xf32> -> tensor<2x1xi64>
  return %y : tensor<2x1xi64>
}

// CHECK-LABEL: @arg_min_last
// CHECK: arith.cmpi ule
func.func @arg_min_last(%x: tensor<4xui8>) -> tensor<1xi64> {
  %y = mopt.arg_reduce <min> %x {axis = 0 : i64, select_last} : tensor<4xui8> -> tensor<1xi64>
  return %y : tensor<1xi64>
}

// The running value is a scalar; what is stored is the one before.
// CHECK-LABEL: @scan
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args(%[[T:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}})
// CHECK: %[[NEXT:.*]] = arith.addi %[[SUM]]
// CHECK: %[[R:.*]] = tensor.insert %[[SUM]] into %[[T]]
// CHECK: scf.yield %[[R]], %[[NEXT]]
func.func @scan(%x: tensor<2x3xi32>) -> tensor<2x3xi32> {
  %y = mopt.cumulative <sum> %x {axis = 1 : i64, exclusive} : tensor<2x3xi32> -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}
