// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-sparsity{sparse=always remarks}))" -verify-diagnostics | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-sparsity))" | FileCheck %s --check-prefix=AUTO
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-sparsity{sparse=never}))" | FileCheck %s --check-prefix=NEVER
// Where picking takes several instructions, caches are fast enough.
// RUN: sed 's/+avx2,+fma/+neon/; s/vectorBits = 256, vectorRegisters = 16/vectorBits = 128, vectorRegisters = 32/' %s \
// RUN:   | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-select-sparsity))" | FileCheck %s --check-prefix=SLOW
// RUN: not mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-sparsity{sparse=maybe}))" 2>&1 | FileCheck %s --check-prefix=MALFORMED

// MALFORMED: expected 'sparse' of auto, always or never, found 'maybe'
// NEVER-NOT: #mopt.sparsity

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #target} {

// Small weights are read faster as they are.
// CHECK-LABEL: func.func @one_row
// CHECK: %[[W:.*]] = arith.constant dense<{{\[\[}}0.000000e+00, 1.000000e+00], [3.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00], [0.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00]]> : tensor<5x2xf32>
// CHECK: mopt.matmul %arg0, %[[W]] {mopt.sparsity = #mopt.sparsity<2:4>}
// AUTO-LABEL: func.func @one_row
// AUTO-NOT: mopt.sparsity
// AUTO: return
func.func @one_row(%x: tensor<1x5xf32>) -> tensor<1x2xf32> {
  %v = arith.constant dense<[[0.0, 1.0], [3.0, 2.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %p = arith.constant dense<[[0, 0], [1, 3], [0, 0]]> : tensor<3x2xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0 : tensor<3x2xf32>, tensor<3x2xi8> -> tensor<5x2xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 2:4}}
  %y = mopt.matmul %x, %w : tensor<1x5xf32>, tensor<5x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// CHECK-LABEL: func.func @large
// AUTO-LABEL: func.func @large
// AUTO: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:4>
// SLOW-LABEL: func.func @large
// SLOW-NOT: mopt.sparsity
// SLOW: return
func.func @large(%x: tensor<1x4096xf32>) -> tensor<1x1024xf32> {
  %v = arith.constant dense<1.0> : tensor<1024x1024xf32>
  %p = arith.constant dense<2> : tensor<1024x1024xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<1024x1024xf32>, tensor<1024x1024xi8> -> tensor<4096x1024xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.matmul %x, %w : tensor<1x4096xf32>, tensor<4096x1024xf32> -> tensor<1x1024xf32>
  return %y : tensor<1x1024xf32>
}

// No cache holds so many.
// SLOW-LABEL: func.func @uncached
// SLOW: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:4>
func.func @uncached(%x: tensor<1x4096xf32>) -> tensor<1x2048xf32> {
  %v = arith.constant dense<1.0> : tensor<1024x2048xf32>
  %p = arith.constant dense<2> : tensor<1024x2048xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<1024x2048xf32>, tensor<1024x2048xi8> -> tensor<4096x2048xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.matmul %x, %w : tensor<1x4096xf32>, tensor<4096x2048xf32> -> tensor<1x2048xf32>
  return %y : tensor<1x2048xf32>
}

// Permutations know groups of 2, 4 and multiples of 8.
// CHECK-LABEL: func.func @group_of_3
// CHECK-NOT: mopt.sparsity
// CHECK: return
func.func @group_of_3(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %v = arith.constant dense<1.0> : tensor<1x2xf32>
  %p = arith.constant dense<2> : tensor<1x2xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:3> axis 0 : tensor<1x2xf32>, tensor<1x2xi8> -> tensor<3x2xf32>
  // expected-remark@+1 {{computed with dense weights of pattern 1:3: the target has no sparse micro-kernel for this pattern, depth and number of rows}}
  %y = mopt.matmul %x, %w : tensor<1x3xf32>, tensor<3x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// Blocks of 64 rows.
// AUTO-LABEL: func.func @many
// AUTO: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:2>}
func.func @many(%x: tensor<128x64xf32>) -> tensor<128x256xf32> {
  %v = arith.constant dense<1.0> : tensor<32x256xf32>
  %p = arith.constant dense<1> : tensor<32x256xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 0 : tensor<32x256xf32>, tensor<32x256xi8> -> tensor<64x256xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.matmul %x, %w : tensor<128x64xf32>, tensor<64x256xf32> -> tensor<128x256xf32>
  return %y : tensor<128x256xf32>
}

// Two blocks of 40 rows leave 15 empty.
// AUTO-LABEL: func.func @rest
// AUTO-NOT: mopt.sparsity
// AUTO: return
func.func @rest(%x: tensor<65x64xf32>) -> tensor<65x256xf32> {
  %v = arith.constant dense<1.0> : tensor<32x256xf32>
  %p = arith.constant dense<1> : tensor<32x256xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 0 : tensor<32x256xf32>, tensor<32x256xi8> -> tensor<64x256xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.matmul %x, %w : tensor<65x64xf32>, tensor<64x256xf32> -> tensor<65x256xf32>
  return %y : tensor<65x256xf32>
}

// No pattern: the share of zeros is said as well.
// AUTO-LABEL: func.func @unstructured
// AUTO: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:64>}
func.func @unstructured(%x: tensor<128x64xf32>) -> tensor<128x256xf32> {
  %v = arith.constant dense<1.0> : tensor<1x256xf32>
  %p = arith.constant dense<5> : tensor<1x256xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:64> axis 0 : tensor<1x256xf32>, tensor<1x256xi8> -> tensor<64x256xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:64 (unstructured, 98% zeros)}}
  %y = mopt.matmul %x, %w : tensor<128x64xf32>, tensor<64x256xf32> -> tensor<128x256xf32>
  return %y : tensor<128x256xf32>
}

// CHECK-LABEL: func.func @unstructured_row
// CHECK: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:64>}
// AUTO-LABEL: func.func @unstructured_row
// AUTO: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:64>}
func.func @unstructured_row(%x: tensor<1x64xf32>) -> tensor<1x256xf32> {
  %v = arith.constant dense<1.0> : tensor<1x256xf32>
  %p = arith.constant dense<5> : tensor<1x256xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:64> axis 0 : tensor<1x256xf32>, tensor<1x256xi8> -> tensor<64x256xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:64 (unstructured, 98% zeros)}}
  %y = mopt.matmul %x, %w : tensor<1x64xf32>, tensor<64x256xf32> -> tensor<1x256xf32>
  return %y : tensor<1x256xf32>
}

// Half of the values cost one row of a cache more than all.
// CHECK-LABEL: func.func @half_row
// CHECK: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<32:64>, transpose_rhs}
// AUTO-LABEL: func.func @half_row
// AUTO-NOT: mopt.sparsity
// AUTO: return
func.func @half_row(%x: tensor<1x64xf32>) -> tensor<1x2xf32> {
  %v = arith.constant dense<1.0> : tensor<2x32xf32>
  %p = arith.constant dense<[[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62],
                             [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62]]> : tensor<2x32xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <32:64> axis 1 : tensor<2x32xf32>, tensor<2x32xi8> -> tensor<2x64xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 32:64 (unstructured, 50% zeros)}}
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<1x64xf32>, tensor<2x64xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// Eight rows are a block, five leave three of it empty.
// AUTO-LABEL: func.func @eight
// AUTO: mopt.matmul {{.*}} {mopt.sparsity = #mopt.sparsity<1:4>}
func.func @eight(%x: tensor<8x64xf32>) -> tensor<8x256xf32> {
  %v = arith.constant dense<1.0> : tensor<16x256xf32>
  %p = arith.constant dense<1> : tensor<16x256xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<16x256xf32>, tensor<16x256xi8> -> tensor<64x256xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.matmul %x, %w : tensor<8x64xf32>, tensor<64x256xf32> -> tensor<8x256xf32>
  return %y : tensor<8x256xf32>
}

// AUTO-LABEL: func.func @five
// AUTO-NOT: mopt.sparsity
// AUTO: return
func.func @five(%x: tensor<5x64xf32>) -> tensor<5x256xf32> {
  %v = arith.constant dense<1.0> : tensor<16x256xf32>
  %p = arith.constant dense<1> : tensor<16x256xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<16x256xf32>, tensor<16x256xi8> -> tensor<64x256xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.matmul %x, %w : tensor<5x64xf32>, tensor<64x256xf32> -> tensor<5x256xf32>
  return %y : tensor<5x256xf32>
}

// CHECK-LABEL: func.func @pointwise
// CHECK: mopt.conv {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
func.func @pointwise(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %v = arith.constant dense<1.0> : tensor<3x1x1x1xf32>
  %p = arith.constant dense<1> : tensor<3x1x1x1xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 1 : tensor<3x1x1x1xf32>, tensor<3x1x1x1xi8> -> tensor<3x2x1x1xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>}
      : tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32> -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// CHECK-LABEL: func.func @dynamic
// CHECK-NOT: mopt.sparsity
// CHECK: return
func.func @dynamic(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %v = arith.constant dense<1.0> : tensor<1x2xf32>
  %p = arith.constant dense<3> : tensor<1x2xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<1x2xf32>, tensor<1x2xi8> -> tensor<4x2xf32>
  // expected-remark@+1 {{computed with dense weights of pattern 1:4: only run time knows its rows}}
  %y = mopt.matmul %x, %w : tensor<?x4xf32>, tensor<4x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @transposed
// CHECK-NOT: mopt.sparsity
// CHECK: return
func.func @transposed(%x: tensor<4x1xf32>) -> tensor<1x2xf32> {
  %v = arith.constant dense<1.0> : tensor<1x2xf32>
  %p = arith.constant dense<3> : tensor<1x2xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<1x2xf32>, tensor<1x2xi8> -> tensor<4x2xf32>
  // expected-remark@+1 {{computed with dense weights of pattern 1:4: no sparse micro-kernel has this form}}
  %y = mopt.matmul %x, %w {transpose_lhs} : tensor<4x1xf32>, tensor<4x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// What was measured comes before every rule.
// CHECK-LABEL: func.func @measured
// CHECK: mopt.matmul {{.*}}mopt.sparsity
// CHECK-NOT: mopt.sparsity
// CHECK: return
// AUTO-LABEL: func.func @measured
// AUTO: mopt.matmul {{.*}}mopt.sparsity
// AUTO-NOT: mopt.sparsity
// AUTO: return
func.func @measured(%x: tensor<1x4xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %v = arith.constant dense<1.0> : tensor<1x2xf32>
  %p = arith.constant dense<3> : tensor<1x2xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<1x2xf32>, tensor<1x2xi8> -> tensor<4x2xf32>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.matmul %x, %w {mopt.arithmetic = "sparse"} : tensor<1x4xf32>, tensor<4x2xf32> -> tensor<1x2xf32>
  // expected-remark@+1 {{computed with dense weights of pattern 1:4: it was measured to be faster}}
  %z = mopt.matmul %x, %w {mopt.arithmetic = "dense"} : tensor<1x4xf32>, tensor<4x2xf32> -> tensor<1x2xf32>
  return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
}
}
