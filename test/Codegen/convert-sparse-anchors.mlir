// RUN: mopt-opt %s --split-input-file --mopt-convert-sparse-anchors -verify-diagnostics | FileCheck %s
// RUN: sed 's/+avx2,+fma/+avx512f,+avx512bw,+avx512vl/; s/vectorBits = 256, vectorRegisters = 16/vectorBits = 512, vectorRegisters = 32/' %s \
// RUN:   | mopt-opt --split-input-file --mopt-convert-sparse-anchors -verify-diagnostics | FileCheck %s --check-prefix=MASKS

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

// A mask for each of nine depths and four vectors.
// MASKS-LABEL: func.func @rank3
// MASKS: mopt.sparse_anchor <masks> {{.*}} tensor<1x320xf32>, tensor<1x36xi16>
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

// No kernel for so many rows: mopt-convert-anchors takes it.
// CHECK-LABEL: func.func @rows
// CHECK: mopt.matmul {{[^{]*}} : tensor<5x4xf32>
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
  // expected-error@+1 {{on a product with one matrix of constant f32 weights}}
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<2:4>} : tensor<1x4xf32>, tensor<4x1xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
}
