// RUN: mopt-opt %s --split-input-file --mopt-equalize-channels --canonicalize | FileCheck %s

// Largest weights of 16 and 1/4 in the first channel: the square root of 64 is
// moved. In the second the ratio is 2, whose root is rounded to 1 or 2, and in
// the third one side has only zeros.

// CHECK: mopt.equalized_layers = [{channels = 2 : i64, first = "a (MatMul)", second = "b (Gemm)"}]
// CHECK-LABEL: func.func @products
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[\[}}5.000000e-01, 2.000000e+00, 3.000000e+00], [-2.000000e+00, 1.000000e+00, -1.000000e+00]]> : tensor<2x3xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<{{\[\[}}2.500000e-01, 1.000000e+00, 5.000000e+00]]> : tensor<1x3xf32>
// CHECK-DAG: %[[V:.*]] = arith.constant dense<{{\[\[}}2.000000e+00, 2.000000e+00, 0.000000e+00], [-1.000000e+00, 1.000000e+00, 0.000000e+00]]> : tensor<2x3xf32>
// CHECK-DAG: %[[C:.*]] = arith.constant dense<{{\[\[}}7.000000e+00, 9.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[Y:.*]] = mopt.matmul %arg0, %[[W]]
// CHECK: %[[S:.*]] = mopt.binary <add> %[[Y]], %[[B]]
// CHECK: %[[M:.*]] = mopt.binary <max> %[[S]]
// CHECK: %[[Z:.*]] = mopt.matmul %[[M]], %[[V]] {transpose_rhs}
// CHECK: mopt.binary <add> %[[Z]], %[[C]]
module {
  func.func @products(%x: tensor<?x2xf32>) -> tensor<?x2xf32> attributes {mopt.entry} {
    %zero = arith.constant dense<0.0> : tensor<1x1xf32>
    %w = arith.constant dense<[[4.0, 4.0, 3.0], [-16.0, 2.0, -1.0]]> : tensor<2x3xf32>
    %b = arith.constant dense<[[2.0, 2.0, 5.0]]> : tensor<1x3xf32>
    %v = arith.constant dense<[[0.25, 1.0, 0.0], [-0.125, 0.5, 0.0]]> : tensor<2x3xf32>
    %c = arith.constant dense<[[7.0, 9.0]]> : tensor<1x2xf32>
    %y = mopt.matmul %x, %w : tensor<?x2xf32>, tensor<2x3xf32> -> tensor<?x3xf32> loc("node 'a' (MatMul, opset 17)")
    %s = mopt.binary <add> %y, %b : tensor<?x3xf32>, tensor<1x3xf32> -> tensor<?x3xf32>
    %m = mopt.binary <max> %s, %zero : tensor<?x3xf32>, tensor<1x1xf32> -> tensor<?x3xf32>
    %z = mopt.matmul %m, %v {transpose_rhs} : tensor<?x3xf32>, tensor<2x3xf32> -> tensor<?x2xf32> loc("node 'b' (Gemm, opset 17)")
    %t = mopt.binary <add> %z, %c : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xf32>
    return %t : tensor<?x2xf32>
  }
}

// -----

// Through LeakyRelu, a depthwise filter, which is equalized with both its
// neighbours, pooling, and into a filter of two groups. An addend of one
// element becomes one for each channel.

// CHECK: mopt.equalized_layers = [{channels = 1 : i64, first = "a (Conv)", second = "d (Conv)"}, {channels = 1 : i64, first = "d (Conv)", second = "g (Conv)"}]
// CHECK-LABEL: func.func @depthwise
// CHECK-DAG: %[[A:.*]] = arith.constant dense<{{.*}}4.000000e+00{{.*}}, {{.*}}1.000000e+00{{.*}}> : tensor<2x1x1x1xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<{{.*}}2.000000e+00{{.*}}, {{.*}}5.000000e-01{{.*}}> : tensor<1x2x1x1xf32>
// CHECK-DAG: %[[D:.*]] = arith.constant dense<{{.*}}8.000000e+00{{.*}}, {{.*}}1.000000e+00{{.*}}> : tensor<2x1x1x1xf32>
// CHECK: %[[Y:.*]] = mopt.conv %arg0, %[[A]]
// CHECK: %[[S:.*]] = mopt.binary <add> %[[Y]], %[[B]]
// CHECK: mopt.select
// CHECK: mopt.conv %{{.*}}, %[[D]]
// CHECK: mopt.pool
// CHECK: mopt.conv %{{.*}}, %[[D]]
module {
  func.func @depthwise(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x2x2xf32> attributes {mopt.entry} {
    %zero = arith.constant dense<0.0> : tensor<1x1x1x1xf32>
    %slope = arith.constant dense<0.1> : tensor<1x1x1x1xf32>
    %b = arith.constant dense<0.5> : tensor<1x1x1x1xf32>
    %a = arith.constant dense<1.0> : tensor<2x1x1x1xf32>
    %d = arith.constant dense<[[[[256.0]]], [[[1.0]]]]> : tensor<2x1x1x1xf32>
    %g = arith.constant dense<1.0> : tensor<2x1x1x1xf32>
    %y = mopt.conv %x, %a {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32> -> tensor<1x2x4x4xf32> loc("node 'a' (Conv, opset 17)")
    %s = mopt.binary <add> %y, %b : tensor<1x2x4x4xf32>, tensor<1x1x1x1xf32> -> tensor<1x2x4x4xf32>
    %n = mopt.binary <mul> %s, %slope : tensor<1x2x4x4xf32>, tensor<1x1x1x1xf32> -> tensor<1x2x4x4xf32>
    %lt = mopt.compare <lt> %s, %zero : tensor<1x2x4x4xf32>, tensor<1x1x1x1xf32> -> tensor<1x2x4x4xi1>
    %r = mopt.select %lt, %n, %s : tensor<1x2x4x4xi1>, tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32> -> tensor<1x2x4x4xf32>
    %z = mopt.conv %r, %d {group = 2 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x2x4x4xf32>, tensor<2x1x1x1xf32> -> tensor<1x2x4x4xf32> loc("node 'd' (Conv, opset 17)")
    %p = mopt.pool <max> %z {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x2x4x4xf32> -> tensor<1x2x2x2xf32>
    %o = mopt.conv %p, %g {group = 2 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32> -> tensor<1x2x2x2xf32> loc("node 'g' (Conv, opset 17)")
    return %o : tensor<1x2x2x2xf32>
  }
}

// -----

// An upper bound, a function that is not homogeneous, and a second reader, which
// may be the caller, are in the way.

// CHECK: mopt.equalized_layers = []
// CHECK-LABEL: func.func @blocked
// CHECK-DAG: %[[W:.*]] = arith.constant dense<1.600000e+01> : tensor<2x2xf32>
// CHECK-DAG: %[[V:.*]] = arith.constant dense<2.500000e-01> : tensor<2x2xf32>
// CHECK: %[[Y:.*]] = mopt.matmul %arg0, %[[W]]
// CHECK: mopt.matmul %{{.*}}, %[[V]]
// CHECK: mopt.matmul %{{.*}}, %[[V]]
// CHECK: mopt.matmul %{{.*}}, %[[W]]
// CHECK: mopt.matmul %{{.*}}, %[[V]]
module {
  func.func @blocked(%x: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) attributes {mopt.entry} {
    %w = arith.constant dense<16.0> : tensor<2x2xf32>
    %v = arith.constant dense<0.25> : tensor<2x2xf32>
    %six = arith.constant dense<6.0> : tensor<1x1xf32>
    %y = mopt.matmul %x, %w : tensor<4x2xf32>, tensor<2x2xf32> -> tensor<4x2xf32>
    %c = mopt.binary <min> %y, %six : tensor<4x2xf32>, tensor<1x1xf32> -> tensor<4x2xf32>
    %z = mopt.matmul %c, %v : tensor<4x2xf32>, tensor<2x2xf32> -> tensor<4x2xf32>
    %t = mopt.unary <tanh> %z : tensor<4x2xf32> -> tensor<4x2xf32>
    %s = mopt.matmul %t, %v : tensor<4x2xf32>, tensor<2x2xf32> -> tensor<4x2xf32>
    %r = mopt.matmul %x, %w : tensor<4x2xf32>, tensor<2x2xf32> -> tensor<4x2xf32>
    %q = mopt.matmul %r, %v : tensor<4x2xf32>, tensor<2x2xf32> -> tensor<4x2xf32>
    return %s, %q, %r : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
  }
}

// -----

// A weight that would be rounded, one below the range of normal numbers, keeps
// its channel as it is.

// CHECK: mopt.equalized_layers = [{channels = 1 : i64, first = "matmul", second = "matmul #2"}]
// CHECK-LABEL: func.func @small
// CHECK-DAG: arith.constant dense<{{\[\[}}1.600000e+01, 2.000000e+00], [1.401300e-45, 2.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: arith.constant dense<{{\[\[}}2.500000e-01], [2.000000e+00]]> : tensor<2x1xf32>
module {
  func.func @small(%x: tensor<4x2xf32>) -> tensor<4x1xf32> attributes {mopt.entry} {
    %w = arith.constant dense<[[16.0, 16.0], [1.40129846E-45, 16.0]]> : tensor<2x2xf32>
    %v = arith.constant dense<0.25> : tensor<2x1xf32>
    %y = mopt.matmul %x, %w : tensor<4x2xf32>, tensor<2x2xf32> -> tensor<4x2xf32>
    %z = mopt.matmul %y, %v : tensor<4x2xf32>, tensor<2x1xf32> -> tensor<4x1xf32>
    return %z : tensor<4x1xf32>
  }
}
