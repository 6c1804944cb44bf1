// RUN: mopt-opt %s --split-input-file --mopt-quantize-statically -verify-diagnostics | FileCheck %s
// RUN: not mopt-opt %s --split-input-file --mopt-quantize-statically=max-drop=0.05 2>/dev/null | FileCheck %s --check-prefix=DROP

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>

// The input's readers get what the bytes stand for, the model's output does not.
// The second layer has a large error, and stays as it is where that is too much.

// CHECK: mopt.calibrated_layers = {"a (MatMul)" = {scheme = "static-int8", sqnr_db = {{40|39.99|4.00}}{{.*}}, "b (MatMul)" = {scheme = "static-int8", sqnr_db = {{20|19.99|2.00}}
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[S:.*]] = arith.constant dense<1.000000e-01> : tensor<1x1xf32>
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<55> : tensor<1x1xui8>
// CHECK: %[[Q:.*]] = mopt.quantize %arg0, %[[S]], %[[Z]]
// CHECK: %[[D:.*]] = mopt.dequantize %[[Q]], %[[S]], %[[Z]]
// CHECK: %[[W:.*]] = mopt.dequantize %{{.*}} : tensor<64x64xi8>, tensor<1x64xf32> -> tensor<64x64xf32>
// CHECK: %[[A:.*]] = mopt.matmul %[[D]], %[[W]]
// CHECK: %[[QA:.*]] = mopt.quantize %[[A]]
// CHECK: %[[DA:.*]] = mopt.dequantize %[[QA]]
// CHECK: mopt.matmul %[[DA]]
// CHECK: %[[SUM:.*]] = mopt.binary <add> %{{.*}}, %[[D]]
// CHECK: return %[[SUM]], %[[A]]

// DROP: "b (MatMul)" = {scheme = "float"
// DROP: %[[A:.*]] = mopt.matmul %{{.*}}
// DROP: mopt.matmul %[[A]], %{{.*}} : tensor<?x64xf32>, tensor<64x64xf32>
module attributes {mopt.target = #target, mopt.calibration = {model = "1321d2f695f61f4908e55c7c145663f56f1d1ba2ddb5c4fec778025806539eee", ranges = {"a (MatMul)" = array<f64: -5.5, 20.0, 1.0e-4>, "b (MatMul)" = array<f64: 0.0, 1.0, 1.0e-2>}}} {
  func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) attributes {mopt.entry} {
    %w = arith.constant dense<1.0> : tensor<64x64xf32>
    %y = mopt.matmul %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32> loc("node 'a' (MatMul, opset 17)")
    %z = mopt.matmul %y, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32> loc("node 'b' (MatMul, opset 17)")
    %s = mopt.binary <add> %z, %x : tensor<?x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
    return %s, %y : tensor<?x64xf32>, tensor<?x64xf32>
  }
}

// -----

#target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>

// With means of the input's channels what rounding adds goes into the bias, or
// behind a product that has none.

// CHECK-LABEL: func.func @biases
// CHECK: mopt.matmul
// CHECK: %[[BIAS:.*]] = mopt.binary <add> %{{.*}}, %{{.*}} : tensor<1x64xf32>, tensor<1x64xf32>
// CHECK: %[[A:.*]] = mopt.binary <add> %{{.*}}, %[[BIAS]] : tensor<4x64xf32>, tensor<1x64xf32>
// CHECK: %[[C:.*]] = mopt.matmul
// CHECK-NEXT: %[[R:.*]] = mopt.binary <add> %[[C]], %{{.*}} : tensor<4x64xf32>, tensor<1x64xf32>
// CHECK: %[[D:.*]] = mopt.conv
// CHECK-NEXT: %[[S:.*]] = mopt.binary <add> %[[D]], %{{.*}} : tensor<1x32x2x2xf32>, tensor<1x32x1x1xf32>
// CHECK: return %[[R]], %[[S]]
module attributes {mopt.target = #target, mopt.calibration = {model = "aeaca137a6c2cbfeb83fd089fab1fe09b62665a19e73767217dff474aa7425da", ranges = {"a (MatMul)" = array<f64: 0.0, 1.0, 0.0>, "b (MatMul)" = array<f64: 0.0, 1.0, 0.0>, "c (Conv)" = array<f64: 0.0, 1.0, 0.0>}, means = {"a (MatMul)" = array<f64: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>, "b (MatMul)" = array<f64: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>, "c (Conv)" = array<f64: 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0>}}} {
  func.func @biases(%x: tensor<4x64xf32>, %i: tensor<1x64x2x2xf32>) -> (tensor<4x64xf32>, tensor<1x32x2x2xf32>) attributes {mopt.entry} {
    %w = arith.constant dense<1.1> : tensor<64x64xf32>
    %f = arith.constant dense<1.1> : tensor<32x32x1x1xf32>
    %bias = arith.constant dense<2.0> : tensor<1x64xf32>
    %y = mopt.matmul %x, %w : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32> loc("node 'a' (MatMul, opset 17)")
    %a = mopt.binary <add> %y, %bias : tensor<4x64xf32>, tensor<1x64xf32> -> tensor<4x64xf32>
    %z = mopt.matmul %a, %w : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32> loc("node 'b' (MatMul, opset 17)")
    %c = mopt.conv %i, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, group = 2 : i64} : tensor<1x64x2x2xf32>, tensor<32x32x1x1xf32> -> tensor<1x32x2x2xf32> loc("node 'c' (Conv, opset 17)")
    return %z, %c : tensor<4x64xf32>, tensor<1x32x2x2xf32>
  }
}

// -----

// expected-error @+1 {{the calibration is of another model}}
module attributes {mopt.calibration = {model = "0", ranges = {}}} {
  func.func @main(%x: tensor<4x64xf32>) -> tensor<4x64xf32> attributes {mopt.entry} {
    %w = arith.constant dense<1.0> : tensor<64x64xf32>
    %y = mopt.matmul %x, %w : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32> loc("node 'a' (MatMul, opset 17)")
    return %y : tensor<4x64xf32>
  }
}

// -----

// expected-error @+1 {{expected a calibration of the model, found none}}
module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mopt.entry} {
    return %x : tensor<4xf32>
  }
}

// -----

module attributes {mopt.calibration = {model = "43870584d0813702bea29a328190b4bbab442dc469a9f6a8dd66bec60299b4c8", ranges = {"a (MatMul)" = array<f64: 0.0, 1.0, 0.0>, "b (MatMul)" = array<f64: 0.0, 1.0, 0.0>}, means = {"a (MatMul)" = array<f64: 1.0>, "b (MatMul)" = array<f64: 1.0, 2.0, 3.0, 0x7FF0000000000000>}}} {
  func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {mopt.entry} {
    %w = arith.constant dense<1.0> : tensor<4x4xf32>
    // expected-error @unknown {{expected the means of 4 channels of its input in the calibration, found 1}}
    %a = mopt.matmul %x, %w : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32> loc("node 'a' (MatMul, opset 17)")
    // expected-error @unknown {{the calibration's means of its input are not finite}}
    %b = mopt.matmul %a, %w : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32> loc("node 'b' (MatMul, opset 17)")
    return %b : tensor<4x4xf32>
  }
}

// -----

// All problems at once.
module attributes {mopt.calibration = {model = "496aa37b757a8ea8694673efa71e4e45cc07730d8310c5b3c7fa7de8216231a1", ranges = {"b (MatMul)" = array<f64: 0.0, 0x7FF0000000000000, 0.0>, "c (MatMul)" = array<f64: 1.0, 2.0, 0.0>}}} {
  func.func @main(%x: tensor<4x64xf32>) -> tensor<4x64xf32> attributes {mopt.entry} {
    %w = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error @unknown {{the calibration has no range for its input}}
    %a = mopt.matmul %x, %w : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32> loc("node 'a' (MatMul, opset 17)")
    // expected-error @unknown {{the calibration's range of its input is not finite}}
    %b = mopt.matmul %a, %w : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32> loc("node 'b' (MatMul, opset 17)")
    // expected-error @unknown {{expected a range that holds 0 for its input, found 1}}
    %c = mopt.matmul %b, %w : tensor<4x64xf32>, tensor<64x64xf32> -> tensor<4x64xf32> loc("node 'c' (MatMul, opset 17)")
    return %c : tensor<4x64xf32>
  }
}
