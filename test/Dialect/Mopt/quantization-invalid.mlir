// RUN: mopt-opt %s -split-input-file -verify-diagnostics

func.func @wide(%x: tensor<8xf32>, %s: tensor<1xf32>) -> tensor<8xi32> {
  // expected-error @+1 {{expected integers of at most 16 bits, found 'tensor<8xi32>'}}
  %q = mopt.quantize %x, %s : tensor<8xf32>, tensor<1xf32> -> tensor<8xi32>
  return %q : tensor<8xi32>
}

// -----

func.func @scale_size(%x: tensor<8xi8>, %s: tensor<4xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{expected a scale with the rank of 'tensor<8xi8>' and sizes that are 1 or its own, found 'tensor<4xf32>'}}
  %q = mopt.dequantize %x, %s : tensor<8xi8>, tensor<4xf32> -> tensor<8xf32>
  return %q : tensor<8xf32>
}

// -----

func.func @zero_point_type(%x: tensor<8xi8>, %s: tensor<1xf32>, %z: tensor<1xui8>) -> tensor<8xf32> {
  // expected-error @+1 {{expected a zero point of 'i8', found 'tensor<1xui8>'}}
  %q = mopt.dequantize %x, %s, %z : tensor<8xi8>, tensor<1xf32>, tensor<1xui8> -> tensor<8xf32>
  return %q : tensor<8xf32>
}

// -----

func.func @depth(%a: tensor<4x8xui8>, %b: tensor<8x2xi8>, %sa: tensor<1x8xf32>, %sb: tensor<1x1xf32>) -> tensor<4x2xf32> {
  // expected-error @+1 {{expected scales and zero points that are the same along the contracted dimension}}
  %c = mopt.quantized_matmul %a, %b scales(%sa, %sb) : (tensor<4x8xui8>, tensor<8x2xi8>, tensor<1x8xf32>, tensor<1x1xf32>) -> tensor<4x2xf32>
  return %c : tensor<4x2xf32>
}

// -----

func.func @channels(%x: tensor<1x4x9xui8>, %w: tensor<8x4x3xi8>, %sx: tensor<1x4x1xf32>, %sw: tensor<8x1x1xf32>) -> tensor<1x8x7xf32> {
  // expected-error @+1 {{expected one scale and zero point of the input, and one of the filter or one for each output channel}}
  %y = mopt.quantized_conv %x, %w scales(%sx, %sw) {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : (tensor<1x4x9xui8>, tensor<8x4x3xi8>, tensor<1x4x1xf32>, tensor<8x1x1xf32>) -> tensor<1x8x7xf32>
  return %y : tensor<1x8x7xf32>
}

// -----

func.func @table(%x: tensor<8xui8>, %t: tensor<128xui8>) -> tensor<8xui8> {
  // expected-error @+1 {{expected a table of 256 elements, found 'tensor<128xui8>'}}
  %y = mopt.lookup %x, %t : tensor<8xui8>, tensor<128xui8> -> tensor<8xui8>
  return %y : tensor<8xui8>
}
