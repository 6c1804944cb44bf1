// A constant of equal elements is written in full.
// RUN: mopt-compile %s --pipeline=reference -o %t.so
// RUN: mopt-run %t.so --random --output=%t.out --quiet
// RUN: tail -c 16 %t.out/y.npy | od -An -t f4 | FileCheck %s

// CHECK: 2.5 {{ *}}2.5 {{ *}}2.5 {{ *}}2.5
module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  func.func @main(%x: tensor<3xf32> {onnx.dims = [3], onnx.name = "x"})
      -> (tensor<7xf32> {onnx.dims = [7], onnx.name = "y"})
      attributes {mopt.entry} {
    %c = arith.constant dense<2.5> : tensor<4xf32>
    %y = onnx.node "Concat"(%x, %c) {axis = 0 : i64} : (tensor<3xf32>, tensor<4xf32>) -> tensor<7xf32>
    return %y : tensor<7xf32>
  }
}
