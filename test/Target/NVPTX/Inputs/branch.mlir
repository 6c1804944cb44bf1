// y = condition ? -x : x x, where the condition is computed from x.
#file = loc("branch.onnx":0:0)
module attributes {onnx.ir_version = 8 : i64, onnx.opsets = {ai.onnx = 17 : i64}} {
  func.func @graph(%x: tensor<64xf32> {onnx.name = "x"})
      -> (tensor<64xf32> {onnx.name = "y"}) attributes {mopt.entry} {
    %zero = arith.constant dense<0.0> : tensor<1xf32>
    %sum = onnx.node "ReduceSum"(%x) {keepdims = 1 : si64} : (tensor<64xf32>) -> !onnx.value
      loc("node 'sum' (ReduceSum, opset 17)"("branch.onnx":1:0))
    %c = onnx.node "Greater"(%sum, %zero) : (!onnx.value, tensor<1xf32>) -> !onnx.value
      loc("node 'test' (Greater, opset 17)"("branch.onnx":2:0))
    %y = onnx.node "If"(%c)
      "then_branch" () {
        %n = onnx.node "Neg"(%x) : (tensor<64xf32>) -> !onnx.value
          loc("node 'neg' (Neg, opset 17)"("branch.onnx":3:0))
        onnx.yield %n : !onnx.value
      }
      "else_branch" () {
        %s = onnx.node "Mul"(%x, %x) : (tensor<64xf32>, tensor<64xf32>) -> !onnx.value
          loc("node 'mul' (Mul, opset 17)"("branch.onnx":4:0))
        onnx.yield %s : !onnx.value
      } : (!onnx.value) -> tensor<64xf32>
      loc("node 'if' (If, opset 17)"("branch.onnx":5:0))
    return %y : tensor<64xf32>
  } loc(#file)
} loc(#file)
