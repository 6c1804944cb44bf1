// y = sum of x^2 over the last axis; z = e^(x + 1).
#file = loc("sums.onnx":0:0)
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 13 : i64}} {
  func.func @graph(%x: tensor<16x512xf32> {onnx.dims = [16, 512], onnx.name = "x"})
      -> (tensor<16xf32> {onnx.dims = [16], onnx.name = "y"},
          tensor<16x512xf32> {onnx.dims = [16, 512], onnx.name = "z"})
      attributes {mopt.entry} {
    %one = arith.constant dense<1.0> : tensor<f32>
    %y = onnx.node "ReduceSumSquare"(%x) {axes = [1], keepdims = 0 : i64}
        : (tensor<16x512xf32>) -> tensor<16xf32> loc("node 'sum' (ReduceSumSquare, opset 13)"("sums.onnx":1:0))
    %0 = onnx.node "Add"(%x, %one)
        : (tensor<16x512xf32>, tensor<f32>) -> !onnx.value loc("node 'add' (Add, opset 13)"("sums.onnx":2:0))
    %z = onnx.node "Exp"(%0)
        : (!onnx.value) -> tensor<16x512xf32> loc("node 'exp' (Exp, opset 13)"("sums.onnx":3:0))
    return %y, %z : tensor<16xf32>, tensor<16x512xf32>
  } loc(#file)
} loc(#file)
