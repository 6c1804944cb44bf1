// RUN: mopt-opt %s --split-input-file --mopt-convert-sparse-anchors -verify-diagnostics | FileCheck %s
// RUN: sed 's/+avx2,+fma/+avx512f,+avx512bw,+avx512vl/; s/vectorBits = 256, vectorRegisters = 16/vectorBits = 512, vectorRegisters = 32/' %s \
// RUN:   | mopt-opt --split-input-file --mopt-convert-sparse-anchors -verify-diagnostics | FileCheck %s --check-prefix=WIDE
// RUN: sed 's/+avx2,+fma/+avx512f,+avx512bw,+avx512vnni,+avx512vbmi2/; s/vectorBits = 256, vectorRegisters = 16/vectorBits = 512, vectorRegisters = 32/' %s \
// RUN:   | not mopt-opt --split-input-file --mopt-convert-sparse-anchors | FileCheck %s --check-prefix=BYTES

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #target} {

// Three groups with two slots each, of which the last one is not whole. Column 1
// has its positions 2, 3, 1, 2 and 0 in 2 bits each: 0b00'10'01'11'10.
// CHECK-LABEL: func.func @rank3
// CHECK-DAG: %[[V:.*]] = arith.constant dense_resource<values{{.*}}> : tensor<1x96xf32>
// CHECK-DAG: %[[P:.*]] = arith.constant dense_resource<positions{{.*}}> : tensor<1x16xi32>
// CHECK-DAG: %[[X:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1], [2]]
// CHECK: mopt.sparse_anchor <lanes> sparsity <2:4> ins(%[[X]], %[[V]], %[[P]]
// CHECK-SAME: kernel = "avx2-f32-permute"
// CHECK: tensor.expand_shape {{.*}} into tensor<1x1x2xf32>

// WIDE-LABEL: func.func @rank3
// WIDE: mopt.sparse_anchor <lanes> {{.*}} tensor<1x192xf32>, tensor<1x32xi32>
func.func @rank3(%x: tensor<1x1x9xf32>) -> tensor<1x1x2xf32> {
  %w = arith.constant dense<[[[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [0.0, 4.0], [0.0, 0.0], [0.0, 5.0], [0.0, 6.0], [0.0, 0.0], [7.0, 8.0]]]> : tensor<1x9x2xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:4>} : tensor<1x1x9xf32>, tensor<1x9x2xf32> -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}

// 1:2 as 2:4.
// CHECK-LABEL: func.func @pairs
// CHECK: mopt.sparse_anchor <lanes> sparsity <2:4>
func.func @pairs(%x: tensor<1x4xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<[[0.0], [1.0], [2.0], [0.0]]> : tensor<4x1xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<1:2>} : tensor<1x4xf32>, tensor<4x1xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// 4:16 as 4:8, unless a vector has 16 lanes.
// CHECK-LABEL: func.func @large_groups
// CHECK: mopt.sparse_anchor <lanes> sparsity <4:8>
// WIDE-LABEL: func.func @large_groups
// WIDE: mopt.sparse_anchor <lanes> sparsity <4:16>
func.func @large_groups(%x: tensor<1x16xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<0.0> : tensor<16x1xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<4:16>} : tensor<1x16xf32>, tensor<16x1xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// No permutation has groups of 3. A mask for each depth and each of four vectors.
// CHECK-LABEL: func.func @masks
// CHECK: mopt.matmul {{[^{]*}} : tensor<1x9xf32>
// WIDE-LABEL: func.func @masks
// WIDE: mopt.sparse_anchor <masks> sparsity <1:3> {{.*}} tensor<1x192xf32>, tensor<1x36xi16>
func.func @masks(%x: tensor<1x9xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense<0.0> : tensor<9x2xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<1:3>} : tensor<1x9xf32>, tensor<9x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// Bytes, four values of each of 16 columns for each of two groups; the positions of up to four
// such vectors lie in one. 127 and 2 would saturate a word.
// CHECK-LABEL: func.func @bytes
// CHECK: %[[X:.*]] = mopt.bitcast %arg0 : tensor<1x9xui8> -> tensor<1x9xi8>
// CHECK: mopt.sparse_anchor <byte_lanes> sparsity <2:4> ins(%[[X]], {{.*}} tensor<1x128xi8>, tensor<1x64xi8>
// CHECK-SAME: instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd"
// CHECK-SAME: permutation = "llvm.x86.avx2.pshuf.b"
// CHECK-NOT: safe_pairs
// CHECK: return
// BYTES-LABEL: func.func @bytes
// BYTES: mopt.sparse_anchor <byte_lanes> sparsity <2:4> {{.*}} tensor<1x512xi8>, tensor<1x256xi8>
// BYTES-SAME: permutation = "llvm.x86.avx512.pshuf.b.512"
func.func @bytes(%x: tensor<1x9xui8>) -> tensor<1x2xi32> {
  %w = arith.constant dense<[[0, 127], [0, 0], [0, 2], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]> : tensor<9x2xi8>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:4>} : tensor<1x9xui8>, tensor<9x2xi8> -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}

// CHECK-LABEL: func.func @safe_bytes
// CHECK: mopt.sparse_anchor <byte_lanes> sparsity <4:8>
// CHECK-SAME: safe_pairs
func.func @safe_bytes(%x: tensor<1x9xui8>) -> tensor<1x2xi32> {
  %w = arith.constant dense<[[0, 127], [0, 0], [0, -2], [0, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 0]]> : tensor<9x2xi8>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<3:8>} : tensor<1x9xui8>, tensor<9x2xi8> -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}

// Patterns that no permutation has: masks, for each four along the depth one of 64 bits, and one
// vector of values more.
// CHECK-LABEL: func.func @masked_bytes
// CHECK: mopt.matmul {{[^{]*}} : tensor<1x9xui8>
// BYTES-LABEL: func.func @masked_bytes
// BYTES: %[[X:.*]] = mopt.bitcast %arg0 : tensor<1x9xui8> -> tensor<1x9xi8>
// BYTES: mopt.sparse_anchor <bytes> sparsity <3:4> ins(%[[X]], {{.*}} tensor<1x512xi8>, tensor<1x12xi64>
// BYTES-SAME: permutation = "llvm.x86.avx512.mask.expand"
func.func @masked_bytes(%x: tensor<1x9xui8>) -> tensor<1x2xi32> {
  %w = arith.constant dense<0> : tensor<9x2xi8>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<3:4>} : tensor<1x9xui8>, tensor<9x2xi8> -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}

// Three blocks of 56 rows leave less empty than three of 64; two parts of 64 with 32 values
// for each column, and one of 9 with 5.
// CHECK-LABEL: func.func @many
// CHECK: %[[A:.*]] = mopt.pack_columns ins(%arg0 : tensor<165x137xf32>) {{.*}} -> tensor<3x137x56xf32>
// CHECK: mopt.sparse_anchor <scalars> sparsity <2:4> ins(%[[A]], {{.*}} tensor<1x4416xf32>, tensor<1x4416xi16>)
// CHECK-SAME: depth_part = 64
func.func @many(%x: tensor<165x137xf32>) -> tensor<165x2xf32> {
  %w = arith.constant dense<0.0> : tensor<137x2xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:4>} : tensor<165x137xf32>, tensor<137x2xf32> -> tensor<165x2xf32>
  return %y : tensor<165x2xf32>
}

// Two parts of 64 columns, whose numbers of values stand before the positions: one
// value each; a pair of columns of the wider target has as many as the longer one.
// CHECK-LABEL: func.func @unstructured
// CHECK: mopt.sparse_anchor <scalars> sparsity <1:64> {{.*}} tensor<1x2xf32>, tensor<1x130xi16>)
// WIDE-LABEL: func.func @unstructured
// WIDE: mopt.sparse_anchor <scalars> sparsity <1:64> {{.*}} tensor<1x4xf32>, tensor<1x68xi16>)
func.func @unstructured(%x: tensor<64x65xf32>) -> tensor<64x2xf32> {
  %w = arith.constant dense<[[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0]]> : tensor<65x2xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<1:64>} : tensor<64x65xf32>, tensor<65x2xf32> -> tensor<64x2xf32>
  return %y : tensor<64x2xf32>
}

// One row is not packed; it is shorter than a part. Seven of eight columns have no value, but
// zeros to fill up.
// CHECK-LABEL: func.func @unstructured_row
// CHECK: %[[X:.*]] = tensor.expand_shape %arg0 {{.*}} into tensor<1x64x1xf32>
// CHECK: mopt.sparse_anchor <scalars> sparsity <2:64> ins(%[[X]], {{.*}} tensor<1x16xf32>, tensor<1x24xi16>)
// CHECK-SAME: lanes = 8
// CHECK-SAME: depth_part = 4096
func.func @unstructured_row(%x: tensor<1x64xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<"0x0000803F000000400000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"> : tensor<64x1xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:64>} : tensor<1x64xf32>, tensor<64x1xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// CHECK-LABEL: func.func @pointwise
// CHECK: mopt.sparse_anchor <scalars> sparsity <1:2>
// CHECK: tensor.expand_shape {{.*}} into tensor<1x8x8x3xf32>
func.func @pointwise(%x: tensor<1x8x8x2xf32>) -> tensor<1x8x8x3xf32> {
  %w = arith.constant dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[0.0]], [[0.0]]]]> : tensor<3x2x1x1xf32>
  %y = mopt.conv %x, %w {mopt.sparsity = #mopt.sparsity<1:2>, channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>}
      : tensor<1x8x8x2xf32>, tensor<3x2x1x1xf32> -> tensor<1x8x8x3xf32>
  return %y : tensor<1x8x8x3xf32>
}

// A block of 8 rows, three of which are empty; parts of 512.
// CHECK-LABEL: func.func @rows
// CHECK: mopt.pack_columns ins(%arg0 : tensor<5x4xf32>) {{.*}} -> tensor<1x4x8xf32>
// CHECK: mopt.sparse_anchor <scalars> sparsity <1:2>
// CHECK-SAME: depth_part = 512
func.func @rows(%x: tensor<5x4xf32>) -> tensor<5x1xf32> {
  %w = arith.constant dense<[[0.0], [1.0], [2.0], [0.0]]> : tensor<4x1xf32>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<1:2>} : tensor<5x4xf32>, tensor<4x1xf32> -> tensor<5x1xf32>
  return %y : tensor<5x1xf32>
}
}

// -----

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #target} {
func.func @dense(%x: tensor<1x4xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  // expected-error@+1 {{expected weights with at most 2 of 4 neighbours along the depth that are not 0}}
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:4>} : tensor<1x4xf32>, tensor<4x1xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
}

// -----

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #target} {
func.func @computed(%x: tensor<1x4xf32>, %w: tensor<4x1xf32>) -> tensor<1x1xf32> {
  // expected-error@+1 {{on a product with one matrix of constant weights, f32, or i8 under an unsigned left side}}
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:4>} : tensor<1x4xf32>, tensor<4x1xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
}
