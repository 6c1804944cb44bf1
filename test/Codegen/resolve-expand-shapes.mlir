// RUN: mopt-opt %s -mopt-resolve-expand-shapes | FileCheck %s

// CHECK-LABEL: @two
// CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %arg0
// CHECK: %[[STRIDE:.*]] = arith.muli
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%arg1, %arg2, 70], strides: [%[[STRIDE]], 70, 1] : memref<f32> to memref<?x?x70xf32>
func.func @two(%x: memref<?x70xf32>, %m: index, %n: index) -> memref<?x?x70xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [%m, %n, 70] : memref<?x70xf32> into memref<?x?x70xf32>
  return %0 : memref<?x?x70xf32>
}

// CHECK-LABEL: @one
// CHECK: memref.expand_shape
func.func @one(%x: memref<?x70xf32>, %n: index) -> memref<2x?x70xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [2, %n, 70] : memref<?x70xf32> into memref<2x?x70xf32>
  return %0 : memref<2x?x70xf32>
}
