// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-propagate-layout),canonicalize,cse)" | FileCheck %s

// Two convolutions and what is between them: transposed once on each side.
// CHECK-LABEL: @chain
// CHECK: mopt.transpose
// CHECK: mopt.conv {{.*}}channels_last
// CHECK-NOT: tensor<1x16x8x8xf32>
// CHECK: mopt.binary <max>
// CHECK-NOT: tensor<1x16x8x8xf32>
// CHECK: mopt.conv {{.*}}channels_last
// CHECK: mopt.transpose
// CHECK: return
func.func @chain(%x: tensor<1x3x8x8xf32>, %f: tensor<16x3x1x1xf32>, %g: tensor<4x16x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x1x1x1xf32>
  %0 = mopt.conv %x, %f {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x3x8x8xf32>, tensor<16x3x1x1xf32> -> tensor<1x16x8x8xf32>
  %1 = mopt.binary <max> %0, %zero : tensor<1x16x8x8xf32>, tensor<1x1x1x1xf32> -> tensor<1x16x8x8xf32>
  %2 = mopt.conv %1, %g {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x8x8xf32>, tensor<4x16x1x1xf32> -> tensor<1x4x8x8xf32>
  return %2 : tensor<1x4x8x8xf32>
}

// Without a convolution or pooling nothing is transposed.
// CHECK-LABEL: @none
// CHECK-NOT: mopt.transpose
// CHECK: return
func.func @none(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %0 = mopt.unary <exp> %x : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32>
  return %0 : tensor<1x3x8x8xf32>
}

// Through a table, which stays, and past an operand that a transpose would only
// reshape.
// CHECK-LABEL: func.func @lookup
// CHECK: %[[L:.*]] = mopt.lookup %{{.*}}, %arg1 : tensor<1x5x5x8xui8>, tensor<256xui8> -> tensor<1x5x5x8xui8>
// CHECK: mopt.binary <add> %[[L]], %{{.*}} : tensor<1x5x5x8xui8>, tensor<1x5x5x1xui8> -> tensor<1x5x5x8xui8>
func.func @lookup(%x: tensor<1x5x5x8xui8>, %t: tensor<256xui8>, %y: tensor<1x1x5x5xui8>) -> tensor<1x8x5x5xui8> {
  %0 = mopt.transpose %x [0, 3, 1, 2] : tensor<1x5x5x8xui8> -> tensor<1x8x5x5xui8>
  %1 = mopt.lookup %0, %t : tensor<1x8x5x5xui8>, tensor<256xui8> -> tensor<1x8x5x5xui8>
  %2 = mopt.binary <add> %1, %y : tensor<1x8x5x5xui8>, tensor<1x1x5x5xui8> -> tensor<1x8x5x5xui8>
  return %2 : tensor<1x8x5x5xui8>
}

// Sizes of one position, as squeeze-and-excitation has them, transpose freely:
// neither operand sends its transpose through the other's, which would not end.
// CHECK-LABEL: func.func @free_on_both_sides
// CHECK-NOT: mopt.transpose
// CHECK: mopt.reshape %arg0
// CHECK: mopt.select
// CHECK-NOT: mopt.transpose
// CHECK: return
func.func @free_on_both_sides(%x: tensor<?x1x1x8xf32>, %y: tensor<?x8x1x1xf32>, %c: tensor<1x1x1x1xi1>) -> tensor<?x8x1x1xf32> {
  %0 = mopt.transpose %x [0, 3, 1, 2] : tensor<?x1x1x8xf32> -> tensor<?x8x1x1xf32>
  %1 = mopt.select %c, %0, %y : tensor<1x1x1x1xi1>, tensor<?x8x1x1xf32>, tensor<?x8x1x1xf32> -> tensor<?x8x1x1xf32>
  return %1 : tensor<?x8x1x1xf32>
}

// The same with convolutions of floats and of what is dequantized behind a mean,
// one of which is taken.
// CHECK-LABEL: func.func @switch
// CHECK-COUNT-2: mopt.conv {{.*}}channels_last
// CHECK: mopt.select
// CHECK: mopt.binary <mul> {{.*}} : tensor<?x?x?x8xf32>, tensor<?x1x1x8xf32>
// CHECK: return
func.func @switch(%x: tensor<?x8x?x?xf32>, %f: tensor<8x8x1x1xf32>, %g: tensor<8x8x1x1xf32>, %s: tensor<1x1x1x1xf32>, %c: tensor<1x1x1x1xi1>) -> tensor<?x8x?x?xf32> {
  %x0 = mopt.pool <max> %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<?x8x?x?xf32> -> tensor<?x8x?x?xf32>
  %0 = mopt.reduce <sum> %x0 {axes = array<i64: 2, 3>} : tensor<?x8x?x?xf32> -> tensor<?x8x1x1xf32>
  %1 = mopt.conv %0, %f {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<?x8x1x1xf32>, tensor<8x8x1x1xf32> -> tensor<?x8x1x1xf32>
  %2 = mopt.quantize %0, %s : tensor<?x8x1x1xf32>, tensor<1x1x1x1xf32> -> tensor<?x8x1x1xui8>
  %3 = mopt.dequantize %2, %s : tensor<?x8x1x1xui8>, tensor<1x1x1x1xf32> -> tensor<?x8x1x1xf32>
  %4 = mopt.conv %3, %g {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<?x8x1x1xf32>, tensor<8x8x1x1xf32> -> tensor<?x8x1x1xf32>
  %5 = mopt.select %c, %4, %1 : tensor<1x1x1x1xi1>, tensor<?x8x1x1xf32>, tensor<?x8x1x1xf32> -> tensor<?x8x1x1xf32>
  %6 = mopt.binary <sub> %4, %1 : tensor<?x8x1x1xf32>, tensor<?x8x1x1xf32> -> tensor<?x8x1x1xf32>
  %7 = mopt.binary <add> %5, %6 : tensor<?x8x1x1xf32>, tensor<?x8x1x1xf32> -> tensor<?x8x1x1xf32>
  %8 = mopt.binary <mul> %x0, %7 : tensor<?x8x?x?xf32>, tensor<?x8x1x1xf32> -> tensor<?x8x?x?xf32>
  return %8 : tensor<?x8x?x?xf32>
}

// A transpose that is a view goes down as well, and cancels: a change of shape
// would keep what is behind a convolution out of its kernel.
// CHECK-LABEL: func.func @views
// CHECK: mopt.conv
// CHECK-NOT: mopt.reshape
// CHECK: mopt.binary <max> {{.*}} -> tensor<?x1x1x8xf32>
// CHECK-NOT: mopt.reshape
// CHECK: mopt.conv
func.func @views(%x: tensor<?x8x1x1xf32>, %f: tensor<8x8x1x1xf32>, %g: tensor<8x8x1x1xf32>) -> tensor<?x8x1x1xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x1x1x1xf32>
  %0 = mopt.conv %x, %f {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<?x8x1x1xf32>, tensor<8x8x1x1xf32> -> tensor<?x8x1x1xf32>
  %1 = mopt.binary <max> %0, %zero : tensor<?x8x1x1xf32>, tensor<1x1x1x1xf32> -> tensor<?x8x1x1xf32>
  %2 = mopt.conv %1, %g {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<?x8x1x1xf32>, tensor<8x8x1x1xf32> -> tensor<?x8x1x1xf32>
  return %2 : tensor<?x8x1x1xf32>
}

// Channels that are shuffled stay last: of three transposes, one is left.
// CHECK-LABEL: func.func @shuffle
// CHECK: %[[X:.*]] = mopt.conv {{.*}} -> tensor<?x5x7x12xf32>
// CHECK: %[[S:.*]] = mopt.reshape %[[X]] to [%{{.*}}, 5, 7, 4, 3]
// CHECK: %[[T:.*]] = mopt.transpose %[[S]] [0, 1, 2, 4, 3]
// CHECK: %[[M:.*]] = mopt.reshape %[[T]] to [%{{.*}}, 5, 7, 12]
// CHECK: mopt.conv %[[M]], {{.*}}channels_last
func.func @shuffle(%x: tensor<?x12x5x7xf32>, %f: tensor<12x3x1x1xf32>, %g: tensor<12x1x3x3xf32>) -> tensor<?x12x5x7xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x12x5x7xf32>
  %0 = mopt.conv %x, %f {group = 4, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<?x12x5x7xf32>, tensor<12x3x1x1xf32> -> tensor<?x12x5x7xf32>
  %1 = mopt.reshape %0 to [%n, 4, 3, 5, 7] : tensor<?x12x5x7xf32> -> tensor<?x4x3x5x7xf32>
  %2 = mopt.transpose %1 [0, 2, 1, 3, 4] : tensor<?x4x3x5x7xf32> -> tensor<?x3x4x5x7xf32>
  %3 = mopt.reshape %2 to [%n, 12, 5, 7] : tensor<?x3x4x5x7xf32> -> tensor<?x12x5x7xf32>
  %4 = mopt.conv %3, %g {group = 12, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<?x12x5x7xf32>, tensor<12x1x3x3xf32> -> tensor<?x12x5x7xf32>
  return %4 : tensor<?x12x5x7xf32>
}

// Positions that become rows of a sequence, as a transformer has patches: none.
// CHECK-LABEL: func.func @patches
// CHECK: %[[X:.*]] = mopt.conv
// CHECK: %[[R:.*]] = mopt.reshape %[[X]] to [1, 35, 12]
// CHECK: return %[[R]]
func.func @patches(%x: tensor<1x3x5x7xf32>, %f: tensor<12x3x1x1xf32>) -> tensor<1x35x12xf32> {
  %0 = mopt.conv %x, %f {group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x3x5x7xf32>, tensor<12x3x1x1xf32> -> tensor<1x12x5x7xf32>
  %1 = mopt.reshape %0 to [1, 12, 35] : tensor<1x12x5x7xf32> -> tensor<1x12x35xf32>
  %2 = mopt.transpose %1 [0, 2, 1] : tensor<1x12x35xf32> -> tensor<1x35x12xf32>
  return %2 : tensor<1x35x12xf32>
}

// With two unknown sizes it is not sure which is which.
// CHECK-LABEL: func.func @open
// CHECK-COUNT-2: mopt.transpose
func.func @open(%x: tensor<?x?x12xf32>, %n: index, %m: index) -> tensor<3x?x?x4xf32> {
  %0 = mopt.transpose %x [0, 2, 1] : tensor<?x?x12xf32> -> tensor<?x12x?xf32>
  %1 = mopt.reshape %0 to [%n, 4, 3, %m] : tensor<?x12x?xf32> -> tensor<?x4x3x?xf32>
  %2 = mopt.transpose %1 [2, 3, 0, 1] : tensor<?x4x3x?xf32> -> tensor<3x?x?x4xf32>
  return %2 : tensor<3x?x?x4xf32>
}
