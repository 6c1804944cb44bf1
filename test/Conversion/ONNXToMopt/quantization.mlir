// RUN: mopt-opt %s -convert-onnx-to-mopt -canonicalize | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  // CHECK-LABEL: func.func @quantize
  // CHECK: mopt.quantize %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<1x3xf32>, tensor<1x3xi8> -> tensor<2x3xi8>
  func.func @quantize(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<3xi8>) -> !onnx.value {
    %y = onnx.node "QuantizeLinear"(%x, %s, %z) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xi8>) -> !onnx.value
    return %y : !onnx.value
  }

  // A scale for each two rows, the last one for a single row.
  // CHECK-LABEL: func.func @blocked
  // CHECK: mopt.broadcast %{{.*}} to [2, 2, 4]
  // CHECK: mopt.slice %{{.*}} [0, 0] [3, 4] [1, 1] : tensor<4x4xf32> -> tensor<3x4xf32>
  func.func @blocked(%x: tensor<3x4xi8>, %s: tensor<2x4xf32>) -> !onnx.value {
    %y = onnx.node "DequantizeLinear"(%x, %s) {axis = 0 : si64, block_size = 2 : si64} : (tensor<3x4xi8>, tensor<2x4xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // Whole blocks are a dimension of their own.
  // CHECK-LABEL: func.func @whole_blocks
  // CHECK: mopt.reshape %{{.*}} to [2, 2, 4] : tensor<4x4xi4> -> tensor<2x2x4xi4>
  // CHECK: mopt.dequantize %{{.*}}, %{{.*}} : tensor<2x2x4xi4>, tensor<2x1x4xf32> -> tensor<2x2x4xf32>
  // CHECK: mopt.reshape %{{.*}} to [4, 4]
  func.func @whole_blocks(%x: tensor<4x4xi4>, %s: tensor<2x4xf32>) -> !onnx.value {
    %y = onnx.node "DequantizeLinear"(%x, %s) {axis = 0 : si64, block_size = 2 : si64} : (tensor<4x4xi4>, tensor<2x4xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: func.func @dynamic
  // CHECK-SAME: -> (tensor<?x3xui8>, tensor<f32>, tensor<ui8>)
  // CHECK-DAG: mopt.reduce <min>
  // CHECK-DAG: mopt.reduce <max>
  func.func @dynamic(%x: tensor<?x3xf32>) -> (!onnx.value, !onnx.value, !onnx.value) {
    %y:3 = onnx.node "DynamicQuantizeLinear"(%x) : (tensor<?x3xf32>) -> (!onnx.value, !onnx.value, !onnx.value)
    return %y#0, %y#1, %y#2 : !onnx.value, !onnx.value, !onnx.value
  }

  // Bytes are multiplied as they are; sums correct for the zero points.
  // CHECK-LABEL: func.func @matmul
  // CHECK: mopt.matmul %{{.*}}, %{{.*}} : tensor<2x4xui8>, tensor<4x3xi8> -> tensor<2x3xi32>
  // CHECK: mopt.reduce <sum> %{{.*}} {axes = array<i64: 0>} : tensor<4x3xi32> -> tensor<1x3xi32>
  // CHECK: mopt.binary <sub>
  // CHECK-NOT: mopt.reduce
  // CHECK: return
  func.func @matmul(%a: tensor<2x4xui8>, %b: tensor<4x3xi8>, %z: tensor<ui8>) -> !onnx.value {
    %zero = onnx.node "Constant"() {value = dense<0> : tensor<i8>} : () -> !onnx.value
    %y = onnx.node "MatMulInteger"(%a, %b, %z, %zero) : (tensor<2x4xui8>, tensor<4x3xi8>, tensor<ui8>, !onnx.value) -> !onnx.value
    return %y : !onnx.value
  }

  // Padding has the value of the zero point.
  // CHECK-LABEL: func.func @conv
  // CHECK: mopt.pad <constant> %{{.*}}, %{{.*}} low [0, 0, 1, 1] high [0, 0, 1, 1]
  // CHECK: mopt.conv %{{.*}} {dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, strides = array<i64: 1, 1>} : tensor<1x2x7x7xui8>, tensor<3x2x3x3xi8> -> tensor<1x3x5x5xi32>
  func.func @conv(%x: tensor<1x2x5x5xui8>, %w: tensor<3x2x3x3xi8>, %z: tensor<ui8>) -> !onnx.value {
    %y = onnx.node "ConvInteger"(%x, %w, %z) {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x5x5xui8>, tensor<3x2x3x3xi8>, tensor<ui8>) -> !onnx.value
    return %y : !onnx.value
  }
}
