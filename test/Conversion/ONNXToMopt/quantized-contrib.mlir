// RUN: mopt-opt %s -convert-onnx-to-mopt -canonicalize | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64, "com.microsoft" = 1 : i64}} {
  // CHECK-LABEL: func.func @add
  // The zero points are one addend, the scales one factor for each side.
  // CHECK-DAG: %[[SA:.*]] = mopt.binary <div> %arg1, %arg6
  // CHECK-DAG: %[[SB:.*]] = mopt.binary <div> %arg4, %arg6
  // CHECK: %[[F:.*]] = mopt.binary <sub>
  // CHECK: mopt.reshape %[[SA]]
  // CHECK: %[[A:.*]] = mopt.dequantize %arg0, %{{[0-9]+}} :
  // CHECK: mopt.reshape %[[SB]]
  // CHECK: %[[B:.*]] = mopt.dequantize %arg3, %{{[0-9]+}} :
  // CHECK: mopt.reshape %[[F]]
  // CHECK: %[[R:.*]] = mopt.binary <add> %[[B]],
  // CHECK: %[[C:.*]] = mopt.reshape %[[R]] to [1, 3]
  // CHECK: %[[Y:.*]] = mopt.binary <add> %[[C]], %[[A]]
  // CHECK: mopt.quantize %[[Y]], %{{[a-z0-9_]+}} : {{.*}} -> tensor<2x3xui8>
  func.func @add(%a: tensor<2x3xui8>, %sa: tensor<f32>, %za: tensor<ui8>, %b: tensor<3xui8>, %sb: tensor<f32>, %zb: tensor<ui8>, %sc: tensor<f32>, %zc: tensor<ui8>) -> !onnx.value {
    %y = onnx.node "QLinearAdd" domain "com.microsoft"(%a, %sa, %za, %b, %sb, %zb, %sc, %zc) : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> !onnx.value
    return %y : !onnx.value
  }

  // One factor for the product of the integers.
  // CHECK-LABEL: func.func @mul
  // CHECK: %[[S:.*]] = mopt.binary <mul> %arg1, %arg4
  // CHECK: %[[R:.*]] = mopt.binary <div> %[[S]], %arg6
  // CHECK: %[[P:.*]] = mopt.binary <mul> %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<2x3xf32>
  // CHECK: %[[F:.*]] = mopt.reshape %[[R]]
  // CHECK: %[[X:.*]] = mopt.binary <mul> %[[P]], %[[F]]
  // CHECK: %[[Y:.*]] = mopt.binary <add> %[[X]],
  // CHECK: mopt.quantize %[[Y]], %{{[a-z0-9_]+}} : {{.*}} -> tensor<2x3xui8>
  func.func @mul(%a: tensor<2x3xui8>, %sa: tensor<f32>, %za: tensor<ui8>, %b: tensor<2x3xui8>, %sb: tensor<f32>, %zb: tensor<ui8>, %sc: tensor<f32>, %zc: tensor<ui8>) -> !onnx.value {
    %y = onnx.node "QLinearMul" domain "com.microsoft"(%a, %sa, %za, %b, %sb, %zb, %sc, %zc) : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> !onnx.value
    return %y : !onnx.value
  }

  // The result has no scale: it is of floats. The bias is in steps of both.
  // CHECK-LABEL: func.func @gemm
  // CHECK: mopt.matmul %{{.*}}, %{{.*}} {transpose_rhs} : tensor<2x4xf32>, tensor<3x4xf32> -> tensor<2x3xf32>
  // CHECK-NOT: mopt.quantize
  // CHECK: return %{{.*}} : tensor<2x3xf32>
  func.func @gemm(%a: tensor<2x4xui8>, %sa: tensor<f32>, %za: tensor<ui8>, %b: tensor<3x4xi8>, %sb: tensor<3xf32>, %zb: tensor<3xi8>, %c: tensor<3xi32>) -> !onnx.value {
    %y = onnx.node "QGemm" domain "com.microsoft"(%a, %sa, %za, %b, %sb, %zb, %c) {transB = 1 : si64} : (tensor<2x4xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<3xf32>, tensor<3xi8>, tensor<3xi32>) -> !onnx.value
    return %y : !onnx.value
  }

  // Constant weights become a byte each, the low half first, with blocks as a
  // dimension.
  // CHECK-LABEL: func.func @nbits
  // CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[}}{{\[}}[1, 2, 3, 4], [5, 6, 7, 8]]]> : tensor<1x2x4xui8>
  // CHECK-DAG: %[[Z:.*]] = arith.constant dense<8> : tensor<1x1x1xui8>
  // CHECK: %[[D:.*]] = mopt.dequantize %[[W]], %{{.*}}, %[[Z]] : tensor<1x2x4xui8>, tensor<1x2x1xf32>, tensor<1x1x1xui8> -> tensor<1x2x4xf32>
  // CHECK: %[[R:.*]] = mopt.reshape %[[D]] to [1, 8]
  // The last block is not whole.
  // CHECK: mopt.slice %[[R]] [0, 0] [1, 7] [1, 1]
  // CHECK: mopt.matmul %arg0, %{{.*}} {transpose_rhs} : tensor<?x7xf32>, tensor<1x7xf32> -> tensor<?x1xf32>
  func.func @nbits(%a: tensor<?x7xf32>, %s: tensor<2xf32>) -> !onnx.value {
    %b = onnx.node "Constant"() {value = dense<[[[33, 67], [101, 135]]]> : tensor<1x2x2xui8>} : () -> !onnx.value
    %y = onnx.node "MatMulNBits" domain "com.microsoft"(%a, %b, %s) {K = 7 : si64, N = 1 : si64, bits = 4 : si64, block_size = 4 : si64} : (tensor<?x7xf32>, !onnx.value, tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}
