func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mopt.unary <tanh> %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @wanted(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mopt.unary <exp> %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @another(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mopt.binary <add> %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
