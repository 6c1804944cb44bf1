// RUN: mopt-opt %s --mopt-convert-sparse-anchors | FileCheck %s

// Two blocks of 32 columns, 16 masks of 64 bits for each, and bytes that a mask's
// last read may go beyond.

#amx = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx512f,+avx512bw,+avx512vnni,+avx512vbmi2,+amx-tile,+amx-int8", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #amx} {
// CHECK-LABEL: func.func @rows
// CHECK: mopt.sparse_anchor <bytes> sparsity <1:4> ins(%{{.*}} tensor<5x32xi8>, tensor<2x320xi8>, tensor<2x16xi64>
// CHECK-SAME: kernel = "amx-u8s8-expand", rows = 5, columns = 32, lanes = 16
// CHECK-SAME: instruction = "llvm.x86.tdpbusd", matrixUnit = "amx">
// CHECK-SAME: permutation = "llvm.x86.avx512.mask.expand"
func.func @rows(%x: tensor<5x32xui8>) -> tensor<5x33xi32> {
  %w = arith.constant dense<0> : tensor<32x33xi8>
  %y = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<1:4>} : tensor<5x32xui8>, tensor<32x33xi8> -> tensor<5x33xi32>
  return %y : tensor<5x33xi32>
}

// Few rows are those of vectors; a depth that fills no register, and more rows than
// sums have memory for, are dense.
// CHECK-LABEL: func.func @others
// CHECK: mopt.sparse_anchor <byte_lanes>
// CHECK: mopt.matmul {{[^{]*}} : tensor<5x36xui8>
// CHECK: mopt.matmul {{[^{]*}} : tensor<257x32xui8>
func.func @others(%x: tensor<4x32xui8>, %y: tensor<5x36xui8>, %z: tensor<257x32xui8>) -> (tensor<4x33xi32>, tensor<5x33xi32>, tensor<257x33xi32>) {
  %w = arith.constant dense<0> : tensor<32x33xi8>
  %v = arith.constant dense<0> : tensor<36x33xi8>
  %a = mopt.matmul %x, %w {mopt.sparsity = #mopt.sparsity<1:4>} : tensor<4x32xui8>, tensor<32x33xi8> -> tensor<4x33xi32>
  %b = mopt.matmul %y, %v {mopt.sparsity = #mopt.sparsity<1:4>} : tensor<5x36xui8>, tensor<36x33xi8> -> tensor<5x33xi32>
  %c = mopt.matmul %z, %w {mopt.sparsity = #mopt.sparsity<1:4>} : tensor<257x32xui8>, tensor<32x33xi8> -> tensor<257x33xi32>
  return %a, %b, %c : tensor<4x33xi32>, tensor<5x33xi32>, tensor<257x33xi32>
}
}
