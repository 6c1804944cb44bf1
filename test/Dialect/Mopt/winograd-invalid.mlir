// RUN: mopt-opt %s -split-input-file -verify-diagnostics

func.func @odd(%x: tensor<1x7x8x4xui8>) {
  // expected-error @+2 {{expected bytes or f32 of static sizes, rows and columns even and at least 4, found 'tensor<1x7x8x4xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = mopt.winograd_input %x : tensor<1x7x8x4xui8> -> tensor<16x1x2x3x4xi16>
  return
}

// -----

func.func @positions(%m: tensor<9x1x2x3x4xi32>) {
  // expected-error @+2 {{expected i32 or f32 of static sizes, the first one 16, found 'tensor<9x1x2x3x4xi32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = mopt.winograd_output %m : tensor<9x1x2x3x4xi32> -> tensor<1x4x6x4xi32>
  return
}
