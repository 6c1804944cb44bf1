// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-pack-block-weights),canonicalize)" | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-pack-block-weights{exact}),canonicalize)" | FileCheck %s --check-prefix=FLOATS
// RUN: sed s/,+dotprod// %s | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-pack-block-weights),canonicalize)" | FileCheck %s --check-prefix=FLOATS

// An instruction of bytes takes both parts of a left side of 16 bits. Without it floats
// are multiplied.
// CHECK: mopt.block_matmul {{.*}}columns = 16, {{.*}}kernel = "neon-i16b", {{.*}}interleave = 4, {{.*}}instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8"
// FLOATS: mopt.block_matmul {{.*}}columns = 16, {{.*}}kernel = "neon-f32w"
module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon,+dotprod", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>} {
func.func @groups(%x: tensor<?x32xf32>) -> tensor<?x8xf32> {
  %q = arith.constant dense<3> : tensor<8x2x16xi8>
  %s = arith.constant dense<[[[0.5], [0.25]]]> : tensor<1x2x1xf32>
  %d = mopt.dequantize %q, %s : tensor<8x2x16xi8>, tensor<1x2x1xf32> -> tensor<8x2x16xf32>
  %w = mopt.reshape %d to [8, 32] : tensor<8x2x16xf32> -> tensor<8x32xf32>
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<?x32xf32>, tensor<8x32xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
}
