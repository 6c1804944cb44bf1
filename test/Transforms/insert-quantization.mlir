// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=dynamic-int8}),cse)" | FileCheck %s --check-prefix=DYNAMIC
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=weight-int8}),cse)" | FileCheck %s --check-prefix=WEIGHT
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=weight-int4 group=16 symmetric=false}),cse)" | FileCheck %s --check-prefix=GROUP
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-insert-quantization))" | FileCheck %s --check-prefix=NONE
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=weight-int8}))" -verify-diagnostics -o /dev/null

// RUN: sed 's/+avx2/+sse/' %s | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-insert-quantization{mode=dynamic-int8}))" | FileCheck %s --check-prefix=NONE

// NONE-NOT: mopt.dequantize

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #target} {

// One scale for each column.
// DYNAMIC-LABEL: func.func @matmul
// DYNAMIC-DAG: %[[W:.*]] = arith.constant dense<127> : tensor<64x32xi8>
// DYNAMIC-DAG: %[[S:.*]] = arith.constant dense<0.00787401571> : tensor<1x32xf32>
// DYNAMIC: %[[D:.*]] = mopt.dequantize %[[W]], %[[S]] : tensor<64x32xi8>, tensor<1x32xf32> -> tensor<64x32xf32>
// DYNAMIC: %[[A:.*]] = mopt.unary <abs> %arg0
// DYNAMIC: mopt.reduce <max> %[[A]] {axes = array<i64: 1>} : tensor<?x64xf32> -> tensor<?x1xf32>
// DYNAMIC: %[[Q:.*]] = mopt.quantize %{{.*}} : tensor<?x64xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x64xui8>
// DYNAMIC: %[[X:.*]] = mopt.dequantize %[[Q]], %{{.*}} : tensor<?x64xui8>, tensor<?x1xf32>, tensor<1x1xui8> -> tensor<?x64xf32>
// DYNAMIC: mopt.matmul %[[X]], %[[D]]

// WEIGHT-LABEL: func.func @matmul
// WEIGHT: %[[D:.*]] = mopt.dequantize %{{.*}} : tensor<64x32xi8>, tensor<1x32xf32> -> tensor<64x32xf32>
// WEIGHT: mopt.matmul %arg0, %[[D]]

// GROUP-LABEL: func.func @matmul
// GROUP-DAG: arith.constant dense<15> : tensor<4x16x32xui8>
// GROUP-DAG: arith.constant dense<0> : tensor<4x1x32xui8>
// GROUP: %[[D:.*]] = mopt.dequantize %{{.*}} : tensor<4x16x32xui8>, tensor<4x1x32xf32>, tensor<4x1x32xui8> -> tensor<4x16x32xf32>
// GROUP: mopt.reshape %[[D]] to [64, 32]
func.func @matmul(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = arith.constant dense<1.0> : tensor<64x32xf32>
  %y = mopt.matmul %x, %w : tensor<?x64xf32>, tensor<64x32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// A convolution has a scale for each output, and one for its input.
// DYNAMIC-LABEL: func.func @conv
// DYNAMIC: mopt.dequantize %{{.*}} : tensor<16x16x3x3xi8>, tensor<16x1x1x1xf32> -> tensor<16x16x3x3xf32>
// DYNAMIC: mopt.reduce <max> %{{.*}} -> tensor<1x1x1x1xf32>
// DYNAMIC: mopt.conv
func.func @conv(%x: tensor<1x16x8x8xf32>) -> tensor<1x16x6x6xf32> {
  %w = arith.constant dense<-0.5> : tensor<16x16x3x3xf32>
  %y = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32> -> tensor<1x16x6x6xf32>
  return %y : tensor<1x16x6x6xf32>
}

// DYNAMIC-LABEL: func.func @left_alone
// DYNAMIC-NOT: mopt.dequantize
func.func @left_alone(%x: tensor<4x64xf32>, %y: tensor<64x64xf32>, %z: tensor<4x8xf32>) -> (tensor<4x64xf32>, tensor<4x2xf32>) {
  %w = arith.constant dense<1.0> : tensor<8x2xf32>
  // expected-remark @+1 {{not quantized: its weights are no f32 constant}}
  %0 = mopt.matmul %x, %y : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32>
  // expected-remark @+1 {{not quantized: it is too small to gain}}
  %1 = mopt.matmul %z, %w : tensor<4x8xf32>, tensor<8x2xf32> -> tensor<4x2xf32>
  return %0, %1 : tensor<4x64xf32>, tensor<4x2xf32>
}
}
