// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --canonicalize --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  // Ends are brought inside, negative ones count from the end.
  // CHECK-LABEL: @slice_constant
  // CHECK: mopt.slice %{{.*}} [1, 9] [2, 5] [1, -2] : tensor<4x10xf32> -> tensor<2x5xf32>
  func.func @slice_constant(%x: tensor<4x10xf32>) -> !onnx.value {
    %starts = arith.constant dense<[1, -1]> : tensor<2xi64>
    %ends = arith.constant dense<[-1, -9223372036854775808]> : tensor<2xi64>
    %axes = arith.constant dense<[0, 1]> : tensor<2xi64>
    %steps = arith.constant dense<[1, -2]> : tensor<2xi64>
    %y = onnx.node "Slice"(%x, %starts, %ends, %axes, %steps) {}
        : (tensor<4x10xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  // "To the end" of a dynamic dimension needs no comparison.
  // CHECK-LABEL: @slice_to_end
  // CHECK-NOT: arith.minsi
  // CHECK: mopt.slice %{{.*}} [0, 0] [%{{.*}}, 3] [1, 1] : tensor<?x10xf32> -> tensor<?x3xf32>
  func.func @slice_to_end(%x: tensor<?x10xf32>) -> !onnx.value {
    %starts = arith.constant dense<0> : tensor<2xi64>
    %ends = arith.constant dense<[9223372036854775807, 3]> : tensor<2xi64>
    %none = onnx.none
    %y = onnx.node "Slice"(%x, %starts, %ends) {}
        : (tensor<?x10xf32>, tensor<2xi64>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 9 : i64}} {
  // CHECK-LABEL: @slice_attributes
  // CHECK: mopt.slice %{{.*}} [0, 2] [4, 8] [1, 1]
  func.func @slice_attributes(%x: tensor<4x10xi8>) -> !onnx.value {
    %y = onnx.node "Slice"(%x) {starts = array<i64: 2>, ends = array<i64: 1000>, axes = array<i64: 1>}
        : (tensor<4x10xi8>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  // Run time may decide on everything, even on the axis.
  // CHECK-LABEL: @slice_runtime
  // CHECK: tensor.extract
  // CHECK: mopt.slice %{{.*}} [%{{.*}}, %{{.*}}] [%{{.*}}, %{{.*}}] [%{{.*}}, %{{.*}}]
  func.func @slice_runtime(%x: tensor<?x?xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>, %a: tensor<1xi64>, %t: tensor<1xi64>) -> !onnx.value {
    %y = onnx.node "Slice"(%x, %s, %e, %a, %t) {}
        : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  func.func @slice_zero_step(%x: tensor<4xf32>) -> !onnx.value {
    %zero = arith.constant dense<0> : tensor<1xi64>
    // expected-error @+1 {{expected steps other than 0}}
    %y = onnx.node "Slice"(%x, %zero, %zero, %zero, %zero) {}
        : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  // The last part takes what is left.
  // CHECK-LABEL: @split_uneven
  // CHECK: mopt.slice %{{.*}} [0] [3] [1]
  // CHECK: mopt.slice %{{.*}} [3] [3] [1]
  // CHECK: mopt.slice %{{.*}} [6] [1] [1]
  func.func @split_uneven(%x: tensor<7xf32>) -> (!onnx.value, !onnx.value, !onnx.value) {
    %y:3 = onnx.node "Split"(%x) {num_outputs = 3 : i64}
        : (tensor<7xf32>) -> (!onnx.value, !onnx.value, !onnx.value)
    return %y#0, %y#1, %y#2 : !onnx.value, !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 11 : i64}} {
  func.func @split_misfit(%x: tensor<7xf32>) -> !onnx.value {
    // expected-error @+1 {{cannot split 7 elements into 6}}
    %y:2 = onnx.node "Split"(%x) {split = array<i64: 3, 3>}
        : (tensor<7xf32>) -> (!onnx.value, !onnx.value)
    return %y#0 : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  // CHECK-LABEL: @pad_axes
  // CHECK: mopt.pad <reflect> %{{.*}}, %{{.*}} low [0, 1] high [0, -1] : tensor<2x?xf32>, tensor<f32> -> tensor<2x?xf32>
  func.func @pad_axes(%x: tensor<2x?xf32>) -> !onnx.value {
    %pads = arith.constant dense<[1, -1]> : tensor<2xi64>
    %axes = arith.constant dense<-1> : tensor<1xi64>
    %none = onnx.none
    %y = onnx.node "Pad"(%x, %pads, %none, %axes) {mode = "reflect"}
        : (tensor<2x?xf32>, tensor<2xi64>, !onnx.absent, tensor<1xi64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @crop_and_pad
  // CHECK: mopt.pad <constant> %{{.*}}, %{{.*}} low [-1, 0] high [-2, 1]
  func.func @crop_and_pad(%x: tensor<7x4xf32>) -> !onnx.value {
    %shape = arith.constant dense<[4, 5]> : tensor<2xi64>
    %y = onnx.node "CenterCropPad"(%x, %shape) {} : (tensor<7x4xf32>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @pad_mode(%x: tensor<2xf32>, %pads: tensor<2xi64>) -> !onnx.value {
    // expected-error @+1 {{expected mode 'constant', 'reflect', 'edge' or 'wrap', found 'mirror'}}
    %y = onnx.node "Pad"(%x, %pads) {mode = "mirror"} : (tensor<2xf32>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}
