// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-sparsity{sparse=always remarks}))" -verify-diagnostics | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-sparsity))" | FileCheck %s --check-prefix=AUTO

// RUN: sed 's/,+avx512bw//' %s \
// RUN:   | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-select-sparsity{sparse=always remarks}))" | FileCheck %s --check-prefix=NONE
// RUN: sed 's/+avx512f,+avx512bw,+avx512vnni,+avx512vbmi2/+avx2/; s/vectorBits = 512, vectorRegisters = 32/vectorBits = 256, vectorRegisters = 16/' %s \
// RUN:   | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-select-sparsity))" | FileCheck %s --check-prefix=WORDS

// RUN: sed 's/+avx512vbmi2/+avx512vbmi2,+amx-tile,+amx-int8/' %s \
// RUN:   | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-select-sparsity))" | FileCheck %s --check-prefix=MATRIX

// NONE-NOT: #mopt.sparsity

// Elements of the left side are picked wherever the weights lie, with words only where the function's
// weights fit no cache.
#wide = #mopt.target<name = "w", triple = "t", cpu = "c", features = "+avx512f,+avx512bw,+avx512vnni,+avx512vbmi2", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #wide} {

// CHECK-LABEL: func.func @few_bytes
// CHECK: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
// AUTO-LABEL: func.func @few_bytes
// AUTO: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
// WORDS-LABEL: func.func @few_bytes
// WORDS-NOT: mopt.sparsity
// WORDS: return
func.func @few_bytes(%x: tensor<1x4096xui8>, %s: tensor<1x1xf32>) -> tensor<1x4096xf32> {
  %v = arith.constant dense<1> : tensor<2048x4096xi8>
  %p = arith.constant dense<0> : tensor<2048x4096xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 0 : tensor<2048x4096xi8>, tensor<2048x4096xi8> -> tensor<4096x4096xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<1x4096xui8>, tensor<4096x4096xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x4096xf32>
  return %y : tensor<1x4096xf32>
}

// CHECK-LABEL: func.func @many_bytes
// CHECK: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
// AUTO-LABEL: func.func @many_bytes
// AUTO: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
// WORDS-LABEL: func.func @many_bytes
// WORDS: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
func.func @many_bytes(%x: tensor<1x8192xui8>, %s: tensor<1x1xf32>) -> tensor<1x4096xf32> {
  %v = arith.constant dense<1> : tensor<4096x4096xi8>
  %p = arith.constant dense<0> : tensor<4096x4096xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 0 : tensor<4096x4096xi8>, tensor<4096x4096xi8> -> tensor<8192x4096xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<1x8192xui8>, tensor<8192x4096xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x4096xf32>
  return %y : tensor<1x4096xf32>
}

// A quarter of the values gains with words, too, and for more rows; half of them does not.
// CHECK-LABEL: func.func @quarter
// CHECK: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:4>
// AUTO-LABEL: func.func @quarter
// AUTO: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:4>
// Registers of matrices multiply many rows faster than any vectors; what a cache holds is dense.
// MATRIX-LABEL: func.func @few_bytes
// MATRIX: mopt.sparsity
// MATRIX-LABEL: func.func @quarter
// MATRIX-NOT: mopt.sparsity
// MATRIX: return
// WORDS-LABEL: func.func @quarter
// WORDS: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:4>
func.func @quarter(%x: tensor<20x256xui8>, %s: tensor<1x1xf32>) -> tensor<20x512xf32> {
  %v = arith.constant dense<1> : tensor<64x512xi8>
  %p = arith.constant dense<0> : tensor<64x512xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<64x512xi8>, tensor<64x512xi8> -> tensor<256x512xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<20x256xui8>, tensor<256x512xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<20x512xf32>
  return %y : tensor<20x512xf32>
}

// CHECK-LABEL: func.func @half
// CHECK: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:2>
// AUTO-LABEL: func.func @half
// AUTO-NOT: mopt.sparsity
// AUTO: return
func.func @half(%x: tensor<20x256xui8>, %s: tensor<1x1xf32>) -> tensor<20x512xf32> {
  %v = arith.constant dense<1> : tensor<128x512xi8>
  %p = arith.constant dense<0> : tensor<128x512xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 0 : tensor<128x512xi8>, tensor<128x512xi8> -> tensor<256x512xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<20x256xui8>, tensor<256x512xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<20x512xf32>
  return %y : tensor<20x512xf32>
}

// Weights that fit no cache are expanded for registers of matrices, unless there are so many rows that
// multiplying takes the time, or the depth would leave these registers nearly empty.
// MATRIX-LABEL: func.func @uncached
// MATRIX: mopt.quantized_matmul {{.*}}mopt.sparsity = #mopt.sparsity<1:4>
func.func @uncached(%x: tensor<20x8192xui8>, %s: tensor<1x1xf32>) -> tensor<20x4096xf32> {
  %v = arith.constant dense<1> : tensor<2048x4096xi8>
  %p = arith.constant dense<0> : tensor<2048x4096xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<2048x4096xi8>, tensor<2048x4096xi8> -> tensor<8192x4096xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<20x8192xui8>, tensor<8192x4096xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<20x4096xf32>
  return %y : tensor<20x4096xf32>
}

// Half of the values do not pay for expanding them.
// MATRIX-LABEL: func.func @uncached_half
// MATRIX-NOT: mopt.sparsity
// MATRIX: return
func.func @uncached_half(%x: tensor<20x8192xui8>, %s: tensor<1x1xf32>) -> tensor<20x4096xf32> {
  %v = arith.constant dense<1> : tensor<4096x4096xi8>
  %p = arith.constant dense<0> : tensor<4096x4096xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:2> axis 0 : tensor<4096x4096xi8>, tensor<4096x4096xi8> -> tensor<8192x4096xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:2}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<20x8192xui8>, tensor<8192x4096xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<20x4096xf32>
  return %y : tensor<20x4096xf32>
}

// MATRIX-LABEL: func.func @uncached_many
// MATRIX-NOT: mopt.sparsity
// MATRIX: return
func.func @uncached_many(%x: tensor<200x8192xui8>, %s: tensor<1x1xf32>) -> tensor<200x4096xf32> {
  %v = arith.constant dense<1> : tensor<2048x4096xi8>
  %p = arith.constant dense<0> : tensor<2048x4096xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<2048x4096xi8>, tensor<2048x4096xi8> -> tensor<8192x4096xi8>
  // expected-remark@+1 {{computed with dense weights of pattern 1:4: the target has no sparse micro-kernel for this pattern, depth and number of rows}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<200x8192xui8>, tensor<8192x4096xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<200x4096xf32>
  return %y : tensor<200x4096xf32>
}

// MATRIX-LABEL: func.func @uncached_ragged
// MATRIX-NOT: mopt.sparsity
// MATRIX: return
func.func @uncached_ragged(%x: tensor<20x8200xui8>, %s: tensor<1x1xf32>) -> tensor<20x4096xf32> {
  %v = arith.constant dense<1> : tensor<2050x4096xi8>
  %p = arith.constant dense<0> : tensor<2050x4096xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <1:4> axis 0 : tensor<2050x4096xi8>, tensor<2050x4096xi8> -> tensor<8200x4096xi8>
  // expected-remark@+1 {{computed with sparse weights of pattern 1:4}}
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<20x8200xui8>, tensor<8200x4096xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<20x4096xf32>
  return %y : tensor<20x4096xf32>
}
}
