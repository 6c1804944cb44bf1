// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-pack-block-weights{remarks}),canonicalize)" -verify-diagnostics | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-pack-block-weights{exact remarks}),canonicalize)" | FileCheck %s --check-prefix=EXACT

module attributes {mopt.target = #mopt.target<name = "t", triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avx2,+fma,+f16c", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>} {

// Two groups of 16 with scales that are exact in 16 bits. The first word has
// sixteen times 3. Rows are not known.
// CHECK-LABEL: func.func @groups
// CHECK: %[[W:.*]] = arith.constant dense{{.*}} : tensor<1x2x96xi8>
// CHECK: mopt.block_matmul %arg0, %[[W]] {layout = #mopt.block_weights<bits = 2, group = 16, columns = 16, width = 8, depth = 32, scaleBits = 16, zeroPoint = 0>, mopt.config = #mopt.config<kernel = "avx2-i16w"
// CHECK-SAME: instruction = "llvm.x86.avx2.pmadd.wd">} : tensor<?x32xf32>, tensor<1x2x96xi8> -> tensor<?x8xf32>
// EXACT-LABEL: func.func @groups
// EXACT: mopt.block_matmul {{.*}}kernel = "avx2-f32w"
func.func @groups(%x: tensor<?x32xf32>) -> tensor<?x8xf32> {
  %q = arith.constant dense<3> : tensor<8x2x16xi8>
  %s = arith.constant dense<[[[0.5], [0.25]]]> : tensor<1x2x1xf32>
  %d = mopt.dequantize %q, %s : tensor<8x2x16xi8>, tensor<1x2x1xf32> -> tensor<8x2x16xf32>
  %w = mopt.reshape %d to [8, 32] : tensor<8x2x16xf32> -> tensor<8x32xf32>
  // expected-remark@+1 {{weights of 2 bits in groups of 16 computed by micro-kernel 'avx2-i16w'}}
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<?x32xf32>, tensor<8x32xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @many_rows
// CHECK: mopt.matmul
func.func @many_rows(%x: tensor<64x32xf32>) -> tensor<64x2xf32> {
  %q = arith.constant dense<3> : tensor<2x2x16xi8>
  %s = arith.constant dense<[[[0.5], [0.25]], [[1.0], [2.0]]]> : tensor<2x2x1xf32>
  %d = mopt.dequantize %q, %s : tensor<2x2x16xi8>, tensor<2x2x1xf32> -> tensor<2x2x16xf32>
  %w = mopt.reshape %d to [2, 32] : tensor<2x2x16xf32> -> tensor<2x32xf32>
  // expected-remark@+1 {{weights are dequantized at compile time: with 64 rows, more than 8, floats are faster}}
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<64x32xf32>, tensor<2x32xf32> -> tensor<64x2xf32>
  return %y : tensor<64x2xf32>
}

// CHECK-LABEL: func.func @small_groups
// CHECK: mopt.matmul
func.func @small_groups(%x: tensor<1x16xf32>) -> tensor<1x2xf32> {
  %q = arith.constant dense<3> : tensor<2x2x8xi8>
  %s = arith.constant dense<[[[0.5], [0.25]], [[1.0], [2.0]]]> : tensor<2x2x1xf32>
  %d = mopt.dequantize %q, %s : tensor<2x2x8xi8>, tensor<2x2x1xf32> -> tensor<2x2x8xf32>
  %w = mopt.reshape %d to [2, 16] : tensor<2x2x8xf32> -> tensor<2x16xf32>
  // expected-remark@+1 {{weights are dequantized at compile time: their groups are no multiple of 16 neighbours}}
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<1x16xf32>, tensor<2x16xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
}
