// RUN: mopt-opt %s -split-input-file -verify-diagnostics | mopt-opt -split-input-file | FileCheck %s

#layout = #mopt.block_weights<bits = 4, group = 32, columns = 64, width = 100, depth = 70, scaleBits = 16, zeroPoint = 8>

// CHECK-LABEL: func.func @product
// CHECK: mopt.block_matmul %{{.*}} : tensor<8x?x70xf32>, tensor<2x3x1152xi8> -> tensor<8x?x100xf32>
func.func @product(%a: tensor<8x?x70xf32>, %w: tensor<2x3x1152xi8>) -> tensor<8x?x100xf32> {
  %c = mopt.block_matmul %a, %w {layout = #layout} : tensor<8x?x70xf32>, tensor<2x3x1152xi8> -> tensor<8x?x100xf32>
  return %c : tensor<8x?x100xf32>
}

// CHECK-LABEL: func.func @anchor
// CHECK: mopt.contract_anchor ins({{.*}} : tensor<?x70xf32>, tensor<2x3x1152xi8>)
func.func @anchor(%a: tensor<?x70xf32>, %w: tensor<2x3x1152xi8>, %c: tensor<?x100xf32>) -> tensor<?x100xf32> {
  %0 = mopt.contract_anchor ins(%a, %w : tensor<?x70xf32>, tensor<2x3x1152xi8>) outs(%c : tensor<?x100xf32>) attributes {weights = #layout} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x100xf32>
  return %0 : tensor<?x100xf32>
}

// -----

#layout = #mopt.block_weights<bits = 4, group = 32, columns = 64, width = 100, depth = 70, scaleBits = 16, zeroPoint = 8>

func.func @depth(%a: tensor<1x64xf32>, %w: tensor<2x3x1152xi8>) -> tensor<1x100xf32> {
  // expected-error@+2 {{expected a depth of 70, found}}
  // expected-error@+1 {{failed to infer returned types}}
  %c = mopt.block_matmul %a, %w {layout = #layout} : tensor<1x64xf32>, tensor<2x3x1152xi8> -> tensor<1x100xf32>
  return %c : tensor<1x100xf32>
}

// -----

#layout = #mopt.block_weights<bits = 4, group = 32, columns = 64, width = 100, depth = 70, scaleBits = 32, zeroPoint = -1>

func.func @bytes(%a: tensor<1x70xf32>, %w: tensor<2x3x1152xi8>) -> tensor<1x100xf32> {
  // expected-error@+1 {{expected weights of 'tensor<2x3x1344xi8>', found 'tensor<2x3x1152xi8>'}}
  %c = mopt.block_matmul %a, %w {layout = #layout} : tensor<1x70xf32>, tensor<2x3x1152xi8> -> tensor<1x100xf32>
  return %c : tensor<1x100xf32>
}

// -----

// expected-error@+1 {{expected groups of whole words of 32 bits, found 20 weights of 4 bits}}
#layout = #mopt.block_weights<bits = 4, group = 20, columns = 64, width = 100, depth = 70, scaleBits = 16, zeroPoint = 8>

// -----

// expected-error@+1 {{expected 2, 4 or 8 bits, found 3}}
#layout = #mopt.block_weights<bits = 3, group = 32, columns = 64, width = 100, depth = 70, scaleBits = 16, zeroPoint = 3>
