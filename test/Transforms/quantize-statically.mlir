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
