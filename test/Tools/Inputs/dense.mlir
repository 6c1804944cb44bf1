// y = relu(x w): two named dimensions' worth of freedom, one of them used.
#file = loc("dense.onnx":0:0)
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 17 : i64}} {
  func.func @graph(%x: tensor<?x2xf32> {onnx.dims = ["batch", 2], onnx.name = "x"})
      -> (tensor<?x3xf32> {onnx.dims = ["batch", 3], onnx.name = "y"})
      attributes {mopt.entry} {
    %w = arith.constant dense_resource<w> : tensor<2x3xf32>
    %0 = onnx.node "MatMul"(%x, %w) : (tensor<?x2xf32>, tensor<2x3xf32>) -> !onnx.value
      loc("node 'mm' (MatMul, opset 17)"("dense.onnx":1:0))
    %y = onnx.node "Relu"(%0) : (!onnx.value) -> tensor<?x3xf32>
      loc("node 'act' (Relu, opset 17)"("dense.onnx":2:0))
    return %y : tensor<?x3xf32>
  } loc(#file)
} loc(#file)

{-# dialect_resources: { builtin: {
  w: "0x040000000000803F0000004000004040000080400000A0400000C040"
} } #-}
