// RUN: mopt-opt %s --convert-mopt-to-linalg | FileCheck %s

// CHECK-LABEL: @concat
// CHECK: %[[EMPTY:.*]] = tensor.empty({{.*}}) : tensor<2x?xi8>
// CHECK: %[[A:.*]] = tensor.insert_slice %arg0 into %[[EMPTY]][0, 0]
// CHECK: tensor.insert_slice %arg1 into %[[A]][0, %{{.*}}] [2, 3] [1, 1]
func.func @concat(%a: tensor<2x?xi1>, %b: tensor<2x3xi1>, %c: tensor<2x0xi1>) -> tensor<2x?xi1> {
  %y = mopt.concat %a, %b, %c {axis = 1 : i64} : tensor<2x?xi1>, tensor<2x3xi1>, tensor<2x0xi1> -> tensor<2x?xi1>
  return %y : tensor<2x?xi1>
}

// CHECK-LABEL: @forward
// CHECK: %[[PART:.*]] = tensor.extract_slice %arg0[1] [3] [2]
// CHECK: linalg.generic {{.*}} ins(%[[PART]] : tensor<3xf32>)
func.func @forward(%x: tensor<8xf32>) -> tensor<3xf32> {
  %y = mopt.slice %x [1] [3] [2] : tensor<8xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// CHECK-LABEL: @backward
// CHECK: linalg.generic
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: arith.muli %[[I]], %c-1
// CHECK: tensor.extract %arg0
func.func @backward(%x: tensor<?xf32>, %n: index, %o: index) -> tensor<?xf32> {
  %y = mopt.slice %x [%o] [%n] [-1] : tensor<?xf32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// A slice of nothing may start behind the end.
// CHECK-LABEL: @nothing
// CHECK-NOT: extract_slice
// CHECK: return
func.func @nothing(%x: tensor<8xf32>) -> tensor<0xf32> {
  %y = mopt.slice %x [8] [0] [1] : tensor<8xf32> -> tensor<0xf32>
  return %y : tensor<0xf32>
}

// The borders are filled, not what is copied.
// CHECK-LABEL: @constant
// CHECK: %[[V:.*]] = tensor.extract %arg1[]
// CHECK: %[[PART:.*]] = tensor.extract_slice %arg0[0, 1] [2, 2] [1, 1]
// CHECK: %[[EMPTY:.*]] = tensor.empty
// CHECK: %[[INNER:.*]] = tensor.insert_slice %[[PART]] into %[[EMPTY]][1, 0] [2, 2] [1, 1]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[INNER]][0, 0] [1, 4] [1, 1]
// CHECK: %[[FILLED:.*]] = linalg.fill ins(%[[V]] : f32) outs(%[[ROW]]
// CHECK: %[[ROWS:.*]] = tensor.insert_slice %[[FILLED]] into %[[INNER]][0, 0] [1, 4] [1, 1]
// CHECK: tensor.extract_slice %[[ROWS]][0, 2] [3, 2] [1, 1]
// CHECK-NOT: tensor.extract_slice
// CHECK: return
func.func @constant(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<3x4xf32> {
  %y = mopt.pad <constant> %x, %v low [1, -1] high [0, 2] : tensor<2x3xf32>, tensor<f32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// CHECK-LABEL: @reflect
// CHECK: linalg.generic
// CHECK: arith.remsi
// CHECK: arith.minsi
// CHECK: tensor.extract %arg0
func.func @reflect(%x: tensor<3xf32>, %v: tensor<f32>) -> tensor<13xf32> {
  %y = mopt.pad <reflect> %x, %v low [7] high [3] : tensor<3xf32>, tensor<f32> -> tensor<13xf32>
  return %y : tensor<13xf32>
}
