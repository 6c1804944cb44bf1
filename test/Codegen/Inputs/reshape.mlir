// A constant of indices.
func.func @reshape(%x: tensor<?x12xf32>) -> tensor<1x?x12xf32> attributes {mopt.entry} {
  %shape = arith.constant dense<[1, 2, 12]> : tensor<3xindex>
  %0 = tensor.reshape %x(%shape) : (tensor<?x12xf32>, tensor<3xindex>) -> tensor<1x?x12xf32>
  return %0 : tensor<1x?x12xf32>
}
