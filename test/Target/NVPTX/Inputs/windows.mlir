// A convolution with a border and distances, whose windows the copy engine
// brings.
#file = loc("windows.onnx":0:0)
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 17 : i64}} {
  func.func @graph(%x: tensor<2x64x15x13xf32> {onnx.name = "x"}) -> (tensor<2x96x8x13xf32> {onnx.name = "y"})
      attributes {mopt.entry} {
    %w = arith.constant dense<0.5> : tensor<96x64x3x3xf32>
    %y = onnx.node "Conv"(%x, %w) {pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 1>} : (tensor<2x64x15x13xf32>, tensor<96x64x3x3xf32>) -> tensor<2x96x8x13xf32>
      loc("node 'conv' (Conv, opset 17)"("windows.onnx":1:0))
    return %y : tensor<2x96x8x13xf32>
  } loc(#file)
} loc(#file)
