// Where variants will share weights, the module keeps how a constant was packed, by the name of
// its resource; what a pass takes out of it later leaves a note of the whole one.
// RUN: mopt-opt %s --mopt-fold-weight-packing --mopt-split-weight-pairs --split-input-file | FileCheck %s

// CHECK: mopt.packings = {packed = {columns = 4 : i64, depth = 3 : i64, interleave = 2 : i64, width = 6 : i64}}
module attributes {mopt.packings = {}} {
  // CHECK: dense_resource<packed> : tensor<2x2x8xi8>
  func.func @interleaved() -> tensor<2x2x8xi8> {
    %w = arith.constant dense<[[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18]]> : tensor<3x6xi8>
    %e = tensor.empty() : tensor<2x2x8xi8>
    %0 = mopt.pack_columns ins(%w : tensor<3x6xi8>) outs(%e : tensor<2x2x8xi8>) {lanes = 4 : i64, interleave = 2 : i64} -> tensor<2x2x8xi8>
    return %0 : tensor<2x2x8xi8>
  }

  // Small ones are no resources.
  func.func @small() -> tensor<2x2x2xf32> {
    %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
    %e = tensor.empty() : tensor<2x2x2xf32>
    %0 = mopt.pack_columns ins(%w : tensor<2x3xf32>) outs(%e : tensor<2x2x2xf32>) {lanes = 2 : i64} -> tensor<2x2x2xf32>
    return %0 : tensor<2x2x2xf32>
  }
}

// -----

#bytes = #mopt.config<kernel = "bytes", rows = 5, columns = 8, lanes = 8, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false,
  interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "products,sums">

// CHECK: base = {columns = 8 : i64, depth = 8 : i64, interleave = 4 : i64, origin = dense_resource<packed{{.*}}> : tensor<1x2x32xi8>, width = 3 : i64}
module attributes {mopt.packings = {}} {
  // CHECK: dense_resource<base> : tensor<1x2x32xi8>
  func.func @split(%a: tensor<5x8xi8>, %c: tensor<5x3xi32>) -> tensor<5x3xi32> {
    %w = arith.constant dense<[[127, 1, 2], [127, 3, 4], [0, 0, 0], [5, 6, 7], [8, 9, 10], [0, 0, 0], [0, 0, 0], [0, 0, 0]]> : tensor<8x3xi8>
    %e = tensor.empty() : tensor<1x2x32xi8>
    %p = mopt.pack_columns ins(%w : tensor<8x3xi8>) outs(%e : tensor<1x2x32xi8>) {lanes = 8 : i64, interleave = 4 : i64} -> tensor<1x2x32xi8>
    %0 = mopt.contract_anchor ins(%a, %p : tensor<5x8xi8>, tensor<1x2x32xi8>) outs(%c : tensor<5x3xi32>)
        attributes {interleave = 4 : i64, unsigned_lhs, config = #bytes} {
    ^bb0(%acc: i32):
      mopt.yield %acc : i32
    } -> tensor<5x3xi32>
    return %0 : tensor<5x3xi32>
  }
}
