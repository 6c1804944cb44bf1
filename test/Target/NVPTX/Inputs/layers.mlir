// y = relu(x w) v, wide enough for products of warps.
#file = loc("layers.onnx":0:0)
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 17 : i64}} {
  func.func @graph(%x: tensor<100x200xf32> {onnx.name = "x"}, %v: tensor<1000x70xf32> {onnx.name = "v"})
      -> (tensor<100x70xf32> {onnx.name = "y"})
      attributes {mopt.entry} {
    %w = arith.constant dense<0.5> : tensor<200x1000xf32>
    %0 = onnx.node "MatMul"(%x, %w) : (tensor<100x200xf32>, tensor<200x1000xf32>) -> !onnx.value
      loc("node 'mm' (MatMul, opset 17)"("layers.onnx":1:0))
    %1 = onnx.node "Relu"(%0) : (!onnx.value) -> !onnx.value
      loc("node 'act' (Relu, opset 17)"("layers.onnx":2:0))
    %y = onnx.node "MatMul"(%1, %v) : (!onnx.value, tensor<1000x70xf32>) -> tensor<100x70xf32>
      loc("node 'out' (MatMul, opset 17)"("layers.onnx":3:0))
    return %y : tensor<100x70xf32>
  } loc(#file)
} loc(#file)
