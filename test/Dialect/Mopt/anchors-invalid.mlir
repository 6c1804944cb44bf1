// RUN: mopt-opt %s -split-input-file -verify-diagnostics

func.func @depth(%a: tensor<?x36xf32>, %b: tensor<3x37x16xf32>, %c: tensor<?x48xf32>) {
  // expected-error @+1 {{expected equal contracted sizes, found 36 and 37}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<?x36xf32>, tensor<3x37x16xf32>) outs(%c : tensor<?x48xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x48xf32>
  return
}

// -----

func.func @columns(%a: tensor<?x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<?x50xf32>) {
  // expected-error @+1 {{expected 4 blocks of 16 columns for 50 columns, found 3}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<?x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<?x50xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x50xf32>
  return
}

// -----

func.func @mixed(%a: memref<?x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<?x48xf32>) {
  // expected-error @+1 {{expected all shaped operands to be tensors, or all memrefs}}
  %0 = mopt.contract_anchor ins(%a, %b : memref<?x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<?x48xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x48xf32>
  return
}

// -----

func.func @stride(%a: memref<?x37xf32>, %b: memref<3x37x16xf32>, %c: memref<?x48xf32, strided<[?, ?]>>) {
  // expected-error @+1 {{expected a unit innermost stride}}
  mopt.contract_anchor ins(%a, %b : memref<?x37xf32>, memref<3x37x16xf32>) outs(%c : memref<?x48xf32, strided<[?, ?]>>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

func.func @epilogue(%a: tensor<?x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<?x48xf32>, %m: memref<f32>) {
  %0 = mopt.contract_anchor ins(%a, %b : tensor<?x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<?x48xf32>) {
  ^bb0(%acc: f32):
    // expected-error @+1 {{is not elementwise, so it cannot stand in an epilogue}}
    %v = memref.load %m[] : memref<f32>
    mopt.yield %v : f32
  } -> tensor<?x48xf32>
  return
}

// -----

func.func @accumulator(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<4x48xi32>) {
  // expected-error @+1 {{cannot contract 'f32' with 'f32' in an accumulator of type 'i32'}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<4x48xi32>) {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<4x48xi32>
  return
}

// -----

func.func @maps(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %bias: tensor<48xf32>, %c: tensor<4x48xf32>) {
  // expected-error @+1 {{expected 1 epilogue maps, found 0}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) epilogue_ins(%bias : tensor<48xf32>) outs(%c : tensor<4x48xf32>) {
  ^bb0(%acc: f32, %x: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  return
}

// -----

func.func @bias(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %bias: tensor<47xf32>, %c: tensor<4x48xf32>) {
  // expected-error @+1 {{expected epilogue input 0 to have size 48 in dimension 0, found 47}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) epilogue_ins(%bias : tensor<47xf32>) outs(%c : tensor<4x48xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %x: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  return
}

// -----

func.func @transposed(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %r: tensor<48x4xf32>, %c: tensor<4x48xf32>) {
  // expected-error @+1 {{expected the last dimension to be the last result of epilogue map 0}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) epilogue_ins(%r : tensor<48x4xf32>) outs(%c : tensor<4x48xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n, m)>]} {
  ^bb0(%acc: f32, %x: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  return
}

// -----

func.func @init_map(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<48x4xf32>) {
  // expected-error @+1 {{expected 'init_map' to be a permutation that keeps the last dimension}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<48x4xf32>)
      attributes {init_map = affine_map<(m, n) -> (n, m)>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<48x4xf32>
  return
}

// -----

func.func @config(%a: tensor<4x37xf32>, %b: tensor<3x37x16xf32>, %c: tensor<4x48xf32>) {
  // expected-error @+1 {{expected a configuration for blocks of 16 columns}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x37xf32>, tensor<3x37x16xf32>) outs(%c : tensor<4x48xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 6, columns = 64, lanes = 16, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<4x48xf32>
  return
}

// -----

func.func @window(%x: tensor<1x9x9x8xf32>, %w: tensor<1x1x3x3x8x16xf32>, %c: tensor<1x8x8x16xf32>) {
  // expected-error @+1 {{expected an input of size at least 10 in spatial dimension 0, found 9}}
  %0 = mopt.conv_anchor ins(%x, %w : tensor<1x9x9x8xf32>, tensor<1x1x3x3x8x16xf32>) outs(%c : tensor<1x8x8x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x8x8x16xf32>
  return
}

// -----

func.func @channels(%x: tensor<1x10x10x8xf32>, %w: tensor<3x3x9xf32>, %c: tensor<1x8x8x9xf32>) {
  // expected-error @+1 {{expected 9 channels, found 8}}
  %0 = mopt.depthwise_anchor ins(%x, %w : tensor<1x10x10x8xf32>, tensor<3x3x9xf32>) outs(%c : tensor<1x8x8x9xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x8x8x9xf32>
  return
}

// -----

func.func @pack_columns_apart(%b: tensor<5x7x37xf32>, %e: tensor<5x1x37x16xf32>) {
  // expected-error @+1 {{expected a 'permutation' of 3 dimensions that keeps the last one last}}
  %0 = mopt.pack_columns ins(%b : tensor<5x7x37xf32>) outs(%e : tensor<5x1x37x16xf32>) {lanes = 8 : i64, permutation = array<i64: 0, 2, 1>} -> tensor<5x1x37x16xf32>
  return
}

// -----

func.func @pack(%b: tensor<37x40xf32>, %e: tensor<2x37x16xf32>) {
  // expected-error @+1 {{expected 3 blocks of 16 columns for 40 columns, found 2}}
  %0 = mopt.pack_columns ins(%b : tensor<37x40xf32>) outs(%e : tensor<2x37x16xf32>) {lanes = 8 : i64} -> tensor<2x37x16xf32>
  return
}

// -----

func.func @groups(%a: tensor<4x8xi8>, %b: tensor<2x2x18xi8>, %c: tensor<4x8xi32>) {
  // expected-error @+1 {{expected blocks of a multiple of 'interleave', found 'tensor<2x2x18xi8>' and 4}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x8xi8>, tensor<2x2x18xi8>) outs(%c : tensor<4x8xi32>) attributes {interleave = 4 : i64} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<4x8xi32>
  return
}

// -----

func.func @rows_side_by_side(%a: tensor<8x4xi8>, %b: tensor<2x2x16xi8>, %c: tensor<4x8xi32>) {
  // expected-error @+1 {{expected neighbours along the depth side by side in 'lhs', found affine_map<(d0, d1) -> (d1, d0)> and 'tensor<8x4xi8>'}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<8x4xi8>, tensor<2x2x16xi8>) outs(%c : tensor<4x8xi32>) attributes {interleave = 4 : i64, lhs_map = affine_map<(m, k) -> (k, m)>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<4x8xi32>
  return
}

// -----

// expected-error @+1 {{expected groups of 32 bits on both sides, of 64 where an instruction adds products of two rows and columns to 4 lanes, or of 128 for warps, found 4 elements of 16 and 16 bits}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 16, rhsBits = 16, instruction = "llvm.dot">

// -----

// expected-error @+1 {{expected an 'instruction' that takes the 'interleave' of more than 1, found '' for 4}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 8, rhsBits = 8>

// -----

// expected-error @+1 {{of 64 where an instruction adds products of two rows and columns to 4 lanes, or of 128 for warps, found 8 elements of 8 and 8 bits}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 16, lanes = 8, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 8, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.dot">

// -----

// expected-error @+1 {{expected 'wordGroups' without an 'instruction' to be for an 'interleave' of 2, or of 1 and pairs of vectors, and a multiple of 'unroll', found 6}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 2, lhsBits = 16, rhsBits = 16, wordGroups = 6>

// -----

// expected-error @+1 {{expected 'lhsSteps' to divide 'unroll', found 3}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, lhsSteps = 3>

// -----

// expected-error @+1 {{expected one instruction, or two that sum four neighbours and do not accumulate, found 'llvm.products,llvm.sums' for 4}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.products,llvm.sums">

// -----

// expected-error @+1 {{expected one instruction, or two that sum four neighbours and do not accumulate, found 'llvm.products,llvm.sums' for 2}}
#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 2, lhsBits = 16, rhsBits = 16, instruction = "llvm.products,llvm.sums">
