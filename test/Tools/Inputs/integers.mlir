// y = x w in integers.
#file = loc("integers.onnx":0:0)
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 17 : i64}} {
  func.func @graph(%x: tensor<4x2xui8> {onnx.dims = [4, 2], onnx.name = "x"})
      -> (tensor<4x3xi32> {onnx.dims = [4, 3], onnx.name = "y"}) attributes {mopt.entry} {
    %w = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
    %y = onnx.node "MatMulInteger"(%x, %w) : (tensor<4x2xui8>, tensor<2x3xi8>) -> tensor<4x3xi32>
      loc("node 'mm' (MatMulInteger, opset 10)"("integers.onnx":1:0))
    return %y : tensor<4x3xi32>
  } loc(#file)
} loc(#file)
