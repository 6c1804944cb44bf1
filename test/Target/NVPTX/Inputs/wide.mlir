// y = x w, with enough results for products of warpgroups.
#file = loc("wide.onnx":0:0)
module attributes {onnx.ir_version = 10 : i64, onnx.opsets = {ai.onnx = 20 : i64}} {
  func.func @graph(%x: tensor<1000x200xf16> {onnx.name = "x"}) -> (tensor<1000x1000xf16> {onnx.name = "y"})
      attributes {mopt.entry} {
    %w = arith.constant dense<0.5> : tensor<200x1000xf16>
    %y = onnx.node "MatMul"(%x, %w) : (tensor<1000x200xf16>, tensor<200x1000xf16>) -> tensor<1000x1000xf16>
      loc("node 'mm' (MatMul, opset 20)"("wide.onnx":1:0))
    return %y : tensor<1000x1000xf16>
  } loc(#file)
} loc(#file)
