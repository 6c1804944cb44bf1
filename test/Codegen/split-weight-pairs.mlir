// RUN: mopt-opt %s --mopt-split-weight-pairs --split-input-file --verify-diagnostics | FileCheck %s

#bytes = #mopt.config<kernel = "bytes", rows = 5, columns = 8, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
  interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "products,sums">
#quads = #mopt.config<kernel = "quads", rows = 5, columns = 8, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
  interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "products,sums", wordGroups = 2>
#words = #mopt.config<kernel = "words", rows = 5, columns = 8, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
  interleave = 2, lhsBits = 16, rhsBits = 16, instruction = "sums">

// 127 and 2 are too large for a sum in 16 bits, 127 and -2 are not. What is too much of
// the former is multiplied apart.
// CHECK-LABEL: @contract
// CHECK-DAG: %[[BASE:.*]] = arith.constant dense_resource<base> : tensor<1x2x32xi8>
// CHECK-DAG: %[[EXCESS:.*]] = arith.constant dense_resource<excess> : tensor<1x1x64xi8>
// CHECK: mopt.contract_anchor ins(%{{.*}}, %[[BASE]] : {{.*}}) excess(%[[EXCESS]] : tensor<1x1x64xi8>) outs
func.func @contract(%a: tensor<5x8xi8>, %c: tensor<5x8xi32>) -> tensor<5x8xi32> {
  %w = arith.constant dense<[[[127, -2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                              [127, 2, -127, -128, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]]> : tensor<1x2x32xi8>
  %0 = mopt.contract_anchor ins(%a, %w : tensor<5x8xi8>, tensor<1x2x32xi8>) outs(%c : tensor<5x8xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #bytes} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<5x8xi32>
  return %0 : tensor<5x8xi32>
}

// Nothing is split without need.
// CHECK-LABEL: @safe
// CHECK-NOT: excess
func.func @safe(%a: tensor<5x8xi8>, %v: tensor<5x4xi16>, %c: tensor<5x8xi32>) -> (tensor<5x8xi32>, tensor<5x8xi32>) {
  %w = arith.constant dense<64> : tensor<1x2x32xi8>
  %0 = mopt.contract_anchor ins(%a, %w : tensor<5x8xi8>, tensor<1x2x32xi8>) outs(%c : tensor<5x8xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #bytes} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<5x8xi32>
  %x = arith.constant dense<127> : tensor<1x2x16xi8>
  %1 = mopt.contract_anchor ins(%v, %x : tensor<5x4xi16>, tensor<1x2x16xi8>) outs(%c : tensor<5x8xi32>)
      attributes {interleave = 2 : i64, config = #words} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<5x8xi32>
  return %0, %1 : tensor<5x8xi32>, tensor<5x8xi32>
}

// A filter that was reshaped: 2 groups of channels, a window of 1x2.
// CHECK-LABEL: @conv
// CHECK: arith.constant dense_resource<base{{.*}}> : tensor<2x1x1x2x1x32xi8>
// CHECK: mopt.conv_anchor {{.*}} excess(%{{.*}} : tensor<2x1x2x64xi8>) epilogue_ins
func.func @conv(%a: tensor<1x1x3x8xi8>, %b: tensor<16xi32>, %c: tensor<1x1x2x16xi32>) -> tensor<1x1x2x16xi32> {
  %w = arith.constant dense<127> : tensor<2x1x2x32xi8>
  %f = tensor.expand_shape %w [[0], [1], [2, 3, 4], [5]] output_shape [2, 1, 1, 2, 1, 32] : tensor<2x1x2x32xi8> into tensor<2x1x1x2x1x32xi8>
  %0 = mopt.conv_anchor ins(%a, %f : tensor<1x1x3x8xi8>, tensor<2x1x1x2x1x32xi8>) epilogue_ins(%b : tensor<16xi32>) outs(%c : tensor<1x1x2x16xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #bytes, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
        epilogue_maps = [affine_map<(n, h, w, c) -> (c)>]} {
  ^bb0(%acc: i32, %bias: i32):
    %sum = arith.addi %acc, %bias : i32
    mopt.yield %sum : i32
  } -> tensor<1x1x2x16xi32>
  return %0 : tensor<1x1x2x16xi32>
}

// CHECK-LABEL: @quads
// CHECK: mopt.contract_anchor {{.*}} excess(%{{.*}} : tensor<1x1x64xi8>) outs
func.func @quads(%a: tensor<5x8xi8>, %c: tensor<5x8xi32>) -> tensor<5x8xi32> {
  %w = arith.constant dense<[[[100, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                              [30, -9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]]> : tensor<1x2x32xi8>
  %0 = mopt.contract_anchor ins(%a, %w : tensor<5x8xi8>, tensor<1x2x32xi8>) outs(%c : tensor<5x8xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #quads} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<5x8xi32>
  return %0 : tensor<5x8xi32>
}

// Behind the weights of a row stand the number of rows (1 for @contract, 2 for @conv) and
// which group each is: the second; both, by their indices in the window and in the channels.
// CHECK-DAG: base: "0x400000007FFE0000000000000000000000000000000000000000000000000000000000007F0181FF40400000000000000000000000000000000000000000000000000000"
// CHECK-DAG: excess: "0x4000000000010081000000000000000000000000000000000000000000000000000000000100000001000000000000000000000000000000000000000000000000000000"
// CHECK-DAG: excess_{{[0-9]}}: "0x40000000007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E0200000000000000000000000000000000000000000000000000000000000000007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E0000000000000000010000000000000000000000000000000000000000000000007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E0200000000000000000000000000000000000000000000000000000000000000007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E007E0000000000000000010000000000000000000000000000000000000000000000"
// Of sums of four in words: what is too much is taken from the first group.
// CHECK-DAG: excess_{{[0-9]}}: "0x4000000002140000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000000000000000000000000000000000000"

// -----

func.func @unknown(%a: tensor<5x8xi8>, %w: tensor<1x2x32xi8>, %c: tensor<5x8xi32>) -> tensor<5x8xi32> {
  // expected-error @+1 {{'mopt.contract_anchor' op expected constant weights, because 'bytes' sums products in words}}
  %0 = mopt.contract_anchor ins(%a, %w : tensor<5x8xi8>, tensor<1x2x32xi8>) outs(%c : tensor<5x8xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #mopt.config<kernel = "bytes", rows = 5, columns = 8, lanes = 8, unroll = 2, streams = 1,
        prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "products,sums">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<5x8xi32>
  return %0 : tensor<5x8xi32>
}
