// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-schemes{integers=always},mopt-fold-constants,canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,INT
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-select-schemes{integers=never},mopt-fold-constants,canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,FLOAT

// The zero point of the left side costs sums of the weights, which are constant.
// CHECK-LABEL: func.func @matmul
// INT-DAG: %[[T:.*]] = arith.constant dense<{{\[}}[300, -300]]> : tensor<1x2xi32>
// INT-DAG: %[[S:.*]] = arith.constant dense<2.500000e-01> : tensor<1x1xf32>
// INT: %[[C:.*]] = mopt.matmul %arg0, %{{.*}} : tensor<?x3xui8>, tensor<3x2xi8> -> tensor<?x2xi32>
// INT: %[[D:.*]] = mopt.binary <sub> %[[C]], %[[T]]
// INT: mopt.dequantize %[[D]], %[[S]] : tensor<?x2xi32>, tensor<1x1xf32> -> tensor<?x2xf32>
// FLOAT-DAG: %[[W:.*]] = arith.constant dense<{{\[}}[5.000000e-01, -5.000000e-01], [1.000000e+00, -1.000000e+00], [0.000000e+00, 0.000000e+00]]>
// FLOAT: %[[X:.*]] = mopt.dequantize %arg0
// FLOAT: mopt.matmul %[[X]], %[[W]] : tensor<?x3xf32>, tensor<3x2xf32> -> tensor<?x2xf32>
func.func @matmul(%a: tensor<?x3xui8>) -> tensor<?x2xf32> {
  %b = arith.constant dense<[[1, -1], [2, -2], [0, 0]]> : tensor<3x2xi8>
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<100> : tensor<1x1xui8>
  %c = mopt.quantized_matmul %a, %b scales(%s, %s) lhs_zero(%z) : (tensor<?x3xui8>, tensor<3x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<?x2xf32>
  return %c : tensor<?x2xf32>
}

// Signs are turned: the left side at run time, constants at compile time.
// CHECK-LABEL: func.func @signs
// INT-DAG: %[[W:.*]] = arith.constant dense<{{\[}}[-128, 127], [0, -1]]> : tensor<2x2xi8>
// INT: %[[B:.*]] = mopt.bitcast %arg0 : tensor<2x2xi8> -> tensor<2x2xui8>
// INT: %[[A:.*]] = mopt.binary <xor_> %[[B]]
// INT: mopt.matmul %[[A]], %[[W]] : tensor<2x2xui8>, tensor<2x2xi8> -> tensor<2x2xi32>
// The weights' zero point of 128 is 0 now.
// INT-NOT: mopt.reduce
// INT: return
func.func @signs(%a: tensor<2x2xi8>) -> tensor<2x2xf32> {
  %b = arith.constant dense<[[0, 255], [128, 127]]> : tensor<2x2xui8>
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<128> : tensor<1x1xui8>
  %c = mopt.quantized_matmul %a, %b scales(%s, %s) rhs_zero(%z) : (tensor<2x2xi8>, tensor<2x2xui8>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<2x2xf32>
  return %c : tensor<2x2xf32>
}

// Both zero points are known at run time only.
// CHECK-LABEL: func.func @dynamic_zeros
// INT: mopt.matmul
// INT-DAG: mopt.reduce <sum> %{{.*}} {axes = array<i64: 0>} : tensor<3x2xi32> -> tensor<1x2xi32>
// INT-DAG: mopt.reduce <sum> %{{.*}} {axes = array<i64: 1>} : tensor<4x3xi32> -> tensor<4x1xi32>
func.func @dynamic_zeros(%a: tensor<4x3xui8>, %b: tensor<3x2xi8>, %za: tensor<1x1xui8>, %zb: tensor<1x2xi8>) -> tensor<4x2xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %c = mopt.quantized_matmul %a, %b scales(%s, %s) lhs_zero(%za) rhs_zero(%zb) : (tensor<4x3xui8>, tensor<3x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xui8>, tensor<1x2xi8>) -> tensor<4x2xf32>
  return %c : tensor<4x2xf32>
}

// Padding has the value of the zero point.
// CHECK-LABEL: func.func @conv
// INT-DAG: %[[T:.*]] = arith.constant dense<{{\[}}{{\[}}[0], [18]]]> : tensor<1x2x1xi32>
// INT: %[[Y:.*]] = mopt.conv %arg0, %{{.*}} pad_value = 3 : i64, pads_begin = array<i64: 1>, pads_end = array<i64: 1>
// INT: mopt.binary <sub> %[[Y]], %[[T]]
// FLOAT: mopt.conv %{{.*}} pads_begin = array<i64: 1>, pads_end = array<i64: 1>
func.func @conv(%x: tensor<1x2x5xui8>) -> tensor<1x2x5xf32> {
  %w = arith.constant dense<[[[1, 2, 3], [-1, -2, -3]], [[1, 1, 1], [1, 1, 1]]]> : tensor<2x2x3xi8>
  %sx = arith.constant dense<0.5> : tensor<1x1x1xf32>
  %sw = arith.constant dense<[[[0.5]], [[0.25]]]> : tensor<2x1x1xf32>
  %z = arith.constant dense<3> : tensor<1x1x1xui8>
  %y = mopt.quantized_conv %x, %w scales(%sx, %sw) input_zero(%z) {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>} : (tensor<1x2x5xui8>, tensor<2x2x3xi8>, tensor<1x1x1xf32>, tensor<2x1x1xf32>, tensor<1x1x1xui8>) -> tensor<1x2x5xf32>
  return %y : tensor<1x2x5xf32>
}

// A value that only run time knows is padded by before.
// CHECK-LABEL: func.func @conv_dynamic_zero
// INT: mopt.pad <constant> %arg0, %{{.*}} low [0, 0, 1] high [0, 0, 1]
// INT: mopt.conv %{{.*}} pads_begin = array<i64: 0>, pads_end = array<i64: 0>
func.func @conv_dynamic_zero(%x: tensor<1x2x5xui8>, %z: tensor<1x1x1xui8>) -> tensor<1x1x5xf32> {
  %w = arith.constant dense<[[[1, 2, 3], [-1, -2, -3]]]> : tensor<1x2x3xi8>
  %s = arith.constant dense<0.5> : tensor<1x1x1xf32>
  %y = mopt.quantized_conv %x, %w scales(%s, %s) input_zero(%z) {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>} : (tensor<1x2x5xui8>, tensor<1x2x3xi8>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xui8>) -> tensor<1x1x5xf32>
  return %y : tensor<1x1x5xf32>
}

// A product that the file has in integers gets the signs of micro-kernels, too.
// CHECK-LABEL: func.func @integers
// CHECK-DAG: %[[T:.*]] = arith.constant dense<{{\[}}[384, -384]]> : tensor<1x2xi32>
// CHECK: %[[C:.*]] = mopt.matmul %{{.*}} : tensor<4x2xui8>, tensor<2x2xi8> -> tensor<4x2xi32>
// CHECK: mopt.binary <sub> %[[C]], %[[T]]
func.func @integers(%a: tensor<4x2xi8>) -> tensor<4x2xi32> {
  %b = arith.constant dense<[[1, -1], [2, -2]]> : tensor<2x2xi8>
  %c = mopt.matmul %a, %b : tensor<4x2xi8>, tensor<2x2xi8> -> tensor<4x2xi32>
  return %c : tensor<4x2xi32>
}

// One row reads the weights once: as bytes. The scale multiplies the sums.
// CHECK-LABEL: func.func @weights
// CHECK: %[[Y:.*]] = mopt.matmul %arg0, %{{.*}} : tensor<1x3xf32>, tensor<3x2xi8> -> tensor<1x2xf32>
// CHECK: mopt.binary <mul> %[[Y]], %{{.*}} : tensor<1x2xf32>, tensor<1x2xf32>
func.func @weights(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %q = arith.constant dense<[[1, -1], [2, -2], [0, 127]]> : tensor<3x2xi8>
  %s = arith.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %w = mopt.dequantize %q, %s : tensor<3x2xi8>, tensor<1x2xf32> -> tensor<3x2xf32>
  %y = mopt.matmul %x, %w : tensor<1x3xf32>, tensor<3x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// Many rows multiply floats.
// CHECK-LABEL: func.func @weights_of_many_rows
// CHECK: mopt.matmul %arg0, %{{.*}} : tensor<9x3xf32>, tensor<3x2xf32> -> tensor<9x2xf32>
func.func @weights_of_many_rows(%x: tensor<9x3xf32>) -> tensor<9x2xf32> {
  %q = arith.constant dense<[[1, -1], [2, -2], [0, 127]]> : tensor<3x2xi8>
  %s = arith.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %w = mopt.dequantize %q, %s : tensor<3x2xi8>, tensor<1x2xf32> -> tensor<3x2xf32>
  %y = mopt.matmul %x, %w : tensor<9x3xf32>, tensor<3x2xf32> -> tensor<9x2xf32>
  return %y : tensor<9x2xf32>
}

// A scale for each step of the depth cannot wait for the sum.
// CHECK-LABEL: func.func @weights_with_depth_scales
// CHECK: mopt.matmul %arg0, %{{.*}} : tensor<1x3xf32>, tensor<3x2xf32> -> tensor<1x2xf32>
func.func @weights_with_depth_scales(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %q = arith.constant dense<[[1, -1], [2, -2], [0, 127]]> : tensor<3x2xi8>
  %s = arith.constant dense<[[0.5], [0.25], [1.0]]> : tensor<3x1xf32>
  %w = mopt.dequantize %q, %s : tensor<3x2xi8>, tensor<3x1xf32> -> tensor<3x2xf32>
  %y = mopt.matmul %x, %w : tensor<1x3xf32>, tensor<3x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// So many products may exceed 32 bits, and so may an unknown number.
// CHECK-LABEL: func.func @long_sums
// CHECK: mopt.matmul %{{.*}} : tensor<2x33026xf32>, tensor<33026x2xf32> -> tensor<2x2xf32>
// CHECK: mopt.matmul %{{.*}} : tensor<2x?xf32>, tensor<?x2xf32> -> tensor<2x2xf32>
func.func @long_sums(%a: tensor<2x33026xui8>, %b: tensor<33026x2xi8>, %c: tensor<2x?xui8>, %d: tensor<?x2xi8>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %0 = mopt.quantized_matmul %a, %b scales(%s, %s) : (tensor<2x33026xui8>, tensor<33026x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<2x2xf32>
  %1 = mopt.quantized_matmul %c, %d scales(%s, %s) : (tensor<2x?xui8>, tensor<?x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<2x2xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
}

// What was measured comes before every rule.
// CHECK-LABEL: func.func @measured
// CHECK: mopt.matmul %{{.*}} -> tensor<2x2xf32>
// CHECK: mopt.matmul %{{.*}} -> tensor<2x2xi32>
func.func @measured(%a: tensor<2x4xui8>, %b: tensor<4x2xi8>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %0 = mopt.quantized_matmul %a, %b scales(%s, %s) {mopt.arithmetic = "floats"} : (tensor<2x4xui8>, tensor<4x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<2x2xf32>
  %1 = mopt.quantized_matmul %a, %b scales(%s, %s) {mopt.arithmetic = "integers"} : (tensor<2x4xui8>, tensor<4x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<2x2xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf32>
}
