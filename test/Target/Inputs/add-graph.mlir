// The model of add.mlir at level graph.
func.func @add(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mopt.entry} {
  %w = arith.constant dense<[10.0, 20.0, 30.0, 40.0]> : tensor<4xf32>
  %0 = mopt.binary <add> %x, %w : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
