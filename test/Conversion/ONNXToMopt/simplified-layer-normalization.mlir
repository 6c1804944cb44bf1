// RUN: mopt-opt %s --convert-onnx-to-mopt | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64, "com.microsoft" = 1 : i64}} {
  // ONNX Runtime's name of RMSNormalization, which it also writes without its domain.
  // CHECK-LABEL: @own
  // CHECK: %[[Y:.*]] = mopt.normalize %arg0 {axis = 1 : i64, epsilon = {{.*}} : f64, rms}
  // CHECK: mopt.binary <mul> %[[Y]]
  func.func @own(%x: tensor<?x8xf32>, %scale: tensor<8xf32>) -> !onnx.value {
    %y = onnx.node "SimplifiedLayerNormalization"(%x, %scale) : (tensor<?x8xf32>, tensor<8xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @contrib
  // CHECK: mopt.normalize %arg0 {axis = 1 : i64, epsilon = {{.*}} : f64, rms}
  func.func @contrib(%x: tensor<?x8xf32>, %scale: tensor<8xf32>) -> !onnx.value {
    %y = onnx.node "SimplifiedLayerNormalization" domain "com.microsoft"(%x, %scale) {axis = -1 : si64} : (tensor<?x8xf32>, tensor<8xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}
