// RUN: mopt-opt %s -mopt-convert-anchors -mopt-fold-weight-packing -canonicalize -cse | FileCheck %s

#config = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false>
#pairs = #mopt.config<kernel = "p", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 2, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.dot">

// Batches that share the right side become rows; the constant is packed, with
// zeros behind the last column.
// CHECK-LABEL: @shared
// CHECK: %[[W:.*]] = arith.constant dense<{{\[\[}}[1.000000e+00, 4.000000e+00, 0.000000e+00, 0.000000e+00], [2.000000e+00, 5.000000e+00, 0.000000e+00, 0.000000e+00], [3.000000e+00, 6.000000e+00, 0.000000e+00, 0.000000e+00]]]>
// CHECK: %[[A:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1], [2]]
// CHECK: mopt.contract_anchor ins(%[[A]], %[[W]] : tensor<?x3xf32>, tensor<1x3x4xf32>)
// CHECK: tensor.expand_shape
func.func @shared(%a: tensor<2x?x3xf32>) -> tensor<2x?x2xf32> {
  %w = arith.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xf32>
  %0 = mopt.matmul %a, %w {transpose_rhs, mopt.config = #config} : tensor<2x?x3xf32>, tensor<1x2x3xf32> -> tensor<2x?x2xf32>
  return %0 : tensor<2x?x2xf32>
}

// CHECK-LABEL: @batched
// CHECK: mopt.pack_columns ins(%arg1 : tensor<8x5x6xf32>)
// CHECK: mopt.contract_anchor {{.*}}lhs_map = #{{.*}}, rhs_map = #
func.func @batched(%a: tensor<8x4x5xf32>, %d: tensor<8x5x6xf32>) -> tensor<8x4x6xf32> {
  %0 = mopt.matmul %a, %d {mopt.config = #config} : tensor<8x4x5xf32>, tensor<8x5x6xf32> -> tensor<8x4x6xf32>
  return %0 : tensor<8x4x6xf32>
}

// Columns of one block are packed as they are.
// CHECK-LABEL: @one_block
// CHECK-NOT: mopt.pack_columns
// CHECK: %[[B:.*]] = tensor.expand_shape %arg1 {{.*}} : tensor<?x5x4xf32> into tensor<?x1x5x4xf32>
// CHECK: mopt.contract_anchor ins(%arg0, %[[B]]
func.func @one_block(%a: tensor<?x7x5xf32>, %d: tensor<?x5x4xf32>) -> tensor<?x7x4xf32> {
  %0 = mopt.matmul %a, %d {mopt.config = #config} : tensor<?x7x5xf32>, tensor<?x5x4xf32> -> tensor<?x7x4xf32>
  return %0 : tensor<?x7x4xf32>
}

// Every position is a row.
// CHECK-LABEL: @pointwise
// CHECK: tensor.collapse_shape %arg0 {{\[\[}}0, 1, 2], [3]]
// CHECK: mopt.contract_anchor
func.func @pointwise(%x: tensor<1x8x8x4xf32>, %w: tensor<6x4x1x1xf32>) -> tensor<1x8x8x6xf32> {
  %0 = mopt.conv %x, %w {mopt.config = #config, channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x4xf32>, tensor<6x4x1x1xf32> -> tensor<1x8x8x6xf32>
  return %0 : tensor<1x8x8x6xf32>
}

// CHECK-LABEL: @padded
// CHECK: tensor.pad %arg0 low[0, 1, 1, 0] high[0, 1, 1, 0]
// CHECK: mopt.conv_anchor ins(%{{.*}}, %{{.*}} : tensor<1x10x10x4xf32>, tensor<2x1x3x3x2x4xf32>)
func.func @padded(%x: tensor<1x8x8x4xf32>, %w: tensor<6x2x3x3xf32>) -> tensor<1x8x8x6xf32> {
  %0 = mopt.conv %x, %w {mopt.config = #config, group = 2 : i64, channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x8x8x4xf32>, tensor<6x2x3x3xf32> -> tensor<1x8x8x6xf32>
  return %0 : tensor<1x8x8x6xf32>
}

// Without a configuration nothing changes.
// CHECK-LABEL: @unchanged
// CHECK: mopt.matmul
func.func @unchanged(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) -> tensor<4x6xf32> {
  %0 = mopt.matmul %a, %b : tensor<4x5xf32>, tensor<5x6xf32> -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

#dot = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.dot">
#pair = #mopt.config<kernel = "k", rows = 6, columns = 4, lanes = 4, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false, interleave = 2, lhsBits = 16, rhsBits = 16, instruction = "llvm.pair">

// Groups of four along the depth; bytes lose their sign to an attribute.
// CHECK-LABEL: @bytes
// CHECK: %[[A:.*]] = mopt.bitcast %arg0 : tensor<5x6xui8> -> tensor<5x6xi8>
// CHECK: mopt.contract_anchor ins(%[[A]], %{{.*}} : tensor<5x6xi8>, tensor<2x2x16xi8>) {{.*}}interleave = 4 : i64, unsigned_lhs}
func.func @bytes(%a: tensor<5x6xui8>, %w: tensor<6x8xi8>) -> tensor<5x8xi32> {
  %0 = mopt.matmul %a, %w {mopt.config = #dot} : tensor<5x6xui8>, tensor<6x8xi8> -> tensor<5x8xi32>
  return %0 : tensor<5x8xi32>
}

// The left side is widened once, before its elements are read again and again.
// CHECK-LABEL: @words
// CHECK: %[[A:.*]] = mopt.cast %arg0 : tensor<5x6xui8> -> tensor<5x6xi16>
// CHECK: mopt.contract_anchor ins(%[[A]], %{{.*}} : tensor<5x6xi16>, tensor<2x3x8xi8>)
// CHECK-NOT: unsigned
func.func @words(%a: tensor<5x6xui8>, %w: tensor<6x8xi8>) -> tensor<5x8xi32> {
  %0 = mopt.matmul %a, %w {mopt.config = #pair} : tensor<5x6xui8>, tensor<6x8xi8> -> tensor<5x8xi32>
  return %0 : tensor<5x8xi32>
}

// Channels become whole groups, and padding has its own value.
// CHECK-LABEL: @channels
// CHECK: %[[V:.*]] = arith.constant -128 : i8
// CHECK: tensor.pad %{{.*}} low[0, 1, 1, 0] high[0, 1, 1, 1]
// CHECK: tensor.yield %[[V]]
// CHECK: mopt.conv_anchor ins(%{{.*}} : tensor<1x10x10x4xi8>, tensor<1x2x3x3x1x16xi8>)
func.func @channels(%x: tensor<1x8x8x3xui8>, %w: tensor<6x3x3x3xi8>) -> tensor<1x8x8x6xi32> {
  %0 = mopt.conv %x, %w {mopt.config = #dot, channels_last, pad_value = 128 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x8x8x3xui8>, tensor<6x3x3x3xi8> -> tensor<1x8x8x6xi32>
  return %0 : tensor<1x8x8x6xi32>
}

// Both sides of a batch are read where they lie; what was a row of keys is a
// column of the right side.
// CHECK-LABEL: @in_place
// CHECK: %[[K:.*]] = tensor.extract_slice %arg0[0, 1, 0, 0] [7, 1, 8, 5] [1, 1, 1, 1] : tensor<7x3x8x5xf32> to tensor<7x8x5xf32>
// CHECK: %[[P:.*]] = mopt.pack_columns ins(%[[K]] : tensor<7x8x5xf32>) outs(%{{.*}} : tensor<8x2x5x4xf32>) {lanes = 4 : i64, permutation = array<i64: 1, 0, 2>, transposed}
// CHECK: %[[Q:.*]] = tensor.extract_slice %arg0[0, 0, 0, 0] [7, 1, 8, 5] [1, 1, 1, 1] : tensor<7x3x8x5xf32> to tensor<7x8x5xf32>
// CHECK: mopt.contract_anchor ins(%[[Q]], %[[P]] : tensor<7x8x5xf32>, tensor<8x2x5x4xf32>)
// CHECK-SAME: lhs_map = #[[LHS:[a-z0-9]*]],
func.func @in_place(%x: tensor<7x3x8x5xf32>) -> tensor<8x7x7xf32> {
  %0 = mopt.slice %x [0, 0, 0, 0] [7, 1, 8, 5] [1, 1, 1, 1] : tensor<7x3x8x5xf32> -> tensor<7x1x8x5xf32>
  %1 = mopt.reshape %0 to [7, 8, 5] : tensor<7x1x8x5xf32> -> tensor<7x8x5xf32>
  %2 = mopt.transpose %1 [1, 0, 2] : tensor<7x8x5xf32> -> tensor<8x7x5xf32>
  %3 = mopt.slice %x [0, 1, 0, 0] [7, 1, 8, 5] [1, 1, 1, 1] : tensor<7x3x8x5xf32> -> tensor<7x1x8x5xf32>
  %4 = mopt.reshape %3 to [7, 8, 5] : tensor<7x1x8x5xf32> -> tensor<7x8x5xf32>
  %5 = mopt.transpose %4 [1, 2, 0] : tensor<7x8x5xf32> -> tensor<8x5x7xf32>
  %6 = mopt.matmul %2, %5 {mopt.config = #config} : tensor<8x7x5xf32>, tensor<8x5x7xf32> -> tensor<8x7x7xf32>
  return %6 : tensor<8x7x7xf32>
}

// A constant of another order is transposed and packed at compile time, later.
// CHECK-LABEL: @constant_batches
// CHECK: %[[T:.*]] = mopt.transpose %{{.*}} [1, 2, 0]
// CHECK: mopt.pack_columns ins(%[[T]] : {{.*}}) {lanes = 4 : i64}
func.func @constant_batches(%a: tensor<2x7x1xf32>) -> tensor<2x7x2xf32> {
  %w = arith.constant dense<[[[1.0], [3.0]], [[2.0], [4.0]]]> : tensor<2x2x1xf32>
  %0 = mopt.transpose %w [1, 2, 0] : tensor<2x2x1xf32> -> tensor<2x1x2xf32>
  %1 = mopt.matmul %a, %0 {mopt.config = #config} : tensor<2x7x1xf32>, tensor<2x1x2xf32> -> tensor<2x7x2xf32>
  return %1 : tensor<2x7x2xf32>
}

// Rows of the left side that are not contiguous are copied.
// CHECK-LABEL: @copied
// CHECK: mopt.transpose %arg0
func.func @copied(%x: tensor<8x5x7xf32>, %k: tensor<8x5x7xf32>) -> tensor<8x7x7xf32> {
  %0 = mopt.transpose %x [0, 2, 1] : tensor<8x5x7xf32> -> tensor<8x7x5xf32>
  %1 = mopt.matmul %0, %k {mopt.config = #config} : tensor<8x7x5xf32>, tensor<8x5x7xf32> -> tensor<8x7x7xf32>
  return %1 : tensor<8x7x7xf32>
}

// Packing writes the zero behind an odd depth itself.
// CHECK-LABEL: @whole_groups
// CHECK-NOT: mopt.pad
// CHECK: mopt.pack_columns ins(%arg1 : tensor<5x8x6xbf16>) outs(%{{.*}} : tensor<8x2x3x8xbf16>) {interleave = 2 : i64, lanes = 4 : i64, permutation = array<i64: 1, 0, 2>}
func.func @whole_groups(%a: tensor<8x4x6xbf16>, %x: tensor<5x8x6xbf16>) -> tensor<8x4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<bf16>
  %0 = mopt.pad <constant> %x, %zero low [0, 0, 0] high [1, 0, 0] : tensor<5x8x6xbf16>, tensor<bf16> -> tensor<6x8x6xbf16>
  %1 = mopt.transpose %0 [1, 0, 2] : tensor<6x8x6xbf16> -> tensor<8x6x6xbf16>
  %2 = mopt.matmul %a, %1 {f32_result, mopt.config = #pairs} : tensor<8x4x6xbf16>, tensor<8x6x6xbf16> -> tensor<8x4x6xf32>
  return %2 : tensor<8x4x6xf32>
}
