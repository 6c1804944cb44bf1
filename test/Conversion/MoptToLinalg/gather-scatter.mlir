// RUN: mopt-opt %s --convert-mopt-to-linalg | FileCheck %s

// Indices are brought inside; other dimensions too where they may be wrong.
// CHECK-LABEL: @elements
// CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<?x2xi64>)
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: tensor.extract %arg0
func.func @elements(%x: tensor<?x3xf32>, %i: tensor<?x2xi64>) -> tensor<?x2xf32> {
  %y = mopt.gather_elements %x, %i {axis = 1 : i64} : tensor<?x3xf32>, tensor<?x2xi64> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: @tuples
// CHECK: linalg.generic
// CHECK-COUNT-2: tensor.extract %arg1
// CHECK: tensor.extract %arg0
func.func @tuples(%x: tensor<2x3x4xf32>, %i: tensor<?x2xi64>) -> tensor<?x4xf32> {
  %y = mopt.gather_nd %x, %i : tensor<2x3x4xf32>, tensor<?x2xi64> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: @scatter
// CHECK: %[[COPY:.*]] = linalg.generic
// CHECK: scf.for {{.*}} iter_args({{.*}} = %[[COPY]])
// CHECK: scf.for
// CHECK: %[[OLD:.*]] = tensor.extract %{{.*}}[%{{.*}}, %{{.*}}] : tensor<2x3xf32>
// CHECK: arith.addf
// CHECK: tensor.insert
func.func @scatter(%x: tensor<2x3xf32>, %i: tensor<2x1xi64>, %u: tensor<2x1xf32>) -> tensor<2x3xf32> {
  %y = mopt.scatter_elements <add> %x, %i, %u {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x1xi64>, tensor<2x1xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// Into a tensor without an element nothing is written.
// CHECK-LABEL: @scatter_rows
// CHECK: %[[NONE:.*]] = arith.cmpi eq
// CHECK: %[[BOUND:.*]] = arith.select %[[NONE]], %c0
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[BOUND]]
func.func @scatter_rows(%x: tensor<?x8xui8>, %i: tensor<?x1xi64>, %u: tensor<?x8xui8>) -> tensor<?x8xui8> {
  %y = mopt.scatter_nd <none> %x, %i, %u : tensor<?x8xui8>, tensor<?x1xi64>, tensor<?x8xui8> -> tensor<?x8xui8>
  return %y : tensor<?x8xui8>
}
