// y = x
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 17 : i64}} {
  func.func @graph(%x: tensor<4xf32> {onnx.dims = [4], onnx.name = "x"})
      -> (tensor<4xf32> {onnx.dims = [4], onnx.name = "y"}) attributes {mopt.entry} {
    return %x : tensor<4xf32>
  }
}
