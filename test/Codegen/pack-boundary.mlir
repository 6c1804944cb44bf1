// RUN: mopt-opt %s --split-input-file --mopt-pack-boundary --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @both
// CHECK-SAME: (%[[X:.*]]: tensor<3xi8>) -> tensor<2xi8>
// CHECK: %[[UNPACKED:.*]] = linalg.generic
// CHECK: tensor.extract %[[X]]
// CHECK: arith.shrsi
// CHECK: %[[SHAPED:.*]] = tensor.reshape %{{.*}} : (tensor<5xi8>, tensor<2xindex>) -> tensor<1x5xi8>
// CHECK: call @kernel(%[[SHAPED]])
// CHECK: %[[PACKED:.*]] = linalg.generic
// CHECK-COUNT-4: tensor.extract
// CHECK: return %[[PACKED]] : tensor<2xi8>
func.func @both(%x: tensor<1x5xi8>) -> tensor<1x5xi8> attributes {mopt.entry, mopt.signature = {
    inputs = [{name = "x", type = tensor<1x5xi4>}],
    outputs = [{name = "y", type = tensor<1x5xui2>}]}} {
  %y = call @kernel(%x) : (tensor<1x5xi8>) -> tensor<1x5xi8>
  return %y : tensor<1x5xi8>
}
func.func private @kernel(%x: tensor<1x5xi8>) -> tensor<1x5xi8>

// CHECK-LABEL: @bytes
// CHECK-NEXT: return %arg0 : tensor<?xi8>
func.func @bytes(%x: tensor<?xi8>) -> tensor<?xi8> attributes {mopt.entry, mopt.signature = {
    inputs = [{name = "x", type = tensor<?xi8>}],
    outputs = [{name = "y", type = tensor<?xi8>}]}} {
  return %x : tensor<?xi8>
}

// -----

// expected-error @below {{'x' of type 'tensor<?xi4>' is not supported: elements of less than a byte need static sizes}}
func.func @dynamic(%x: tensor<?xi8>) -> tensor<?xi8> attributes {mopt.entry, mopt.signature = {
    inputs = [{name = "x", type = tensor<?xi4>}],
    outputs = [{name = "y", type = tensor<?xi8>}]}} {
  return %x : tensor<?xi8>
}
