// RUN: mopt-opt %s --split-input-file --mopt-bind-outputs | FileCheck %s

// A static result is an argument, and nobody has to ask for its size.
// CHECK-NOT: mopt.output_sizes
// CHECK-LABEL: func.func @static(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<16xf32>, %[[Y:[a-z0-9]+]]: memref<16xf32> {mopt.output = 0 : i64}) attributes {mopt.entry, mopt.returned = array<i64>}
// CHECK: call @k(%[[X]], %[[Y]])
// CHECK-NEXT: return{{$}}
func.func @static(%x: memref<16xf32>) -> memref<16xf32> attributes {mopt.entry} {
  %y = memref.alloc() : memref<16xf32>
  call @k(%x, %y) : (memref<16xf32>, memref<16xf32>) -> ()
  return %y : memref<16xf32>
}
func.func private @k(memref<16xf32>, memref<16xf32>)

// -----

// So is a view of one of dynamic size; the function says how large it is from
// the sizes of the inputs, 2 and 1 of them.
// CHECK-LABEL: func.func private @dynamic_output_sizes(
// CHECK-SAME: %[[IN:.*]]: memref<?xindex>, %[[OUT:.*]]: memref<?xindex>) attributes {mopt.output_sizes}
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[N:.*]] = memref.load %[[IN]][%[[C2]]]
// CHECK: memref.store %[[N]], %[[OUT]]
// CHECK: memref.store %{{.*}}, %[[OUT]]
// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME: memref<3x4xf32>, %[[X:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?x1xf32> {mopt.output = 0 : i64})
// CHECK-SAME: mopt.returned = array<i64>, mopt.sized = array<i64: 0>
// CHECK: %[[FLAT:.*]] = memref.reinterpret_cast %[[Y]]
// CHECK: call @k(%[[X]], %[[FLAT]])
// CHECK: return{{$}}
func.func @dynamic(%w: memref<3x4xf32>, %x: memref<?xf32>) -> memref<?x1xf32> attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %y = memref.alloc(%n) : memref<?xf32>
  call @k(%x, %y) : (memref<?xf32>, memref<?xf32>) -> ()
  %column = memref.expand_shape %y [[0, 1]] output_shape [%n, 1] : memref<?xf32> into memref<?x1xf32>
  return %column : memref<?x1xf32>
}
func.func private @k(memref<?xf32>, memref<?xf32>)

// -----

// What depends on values stays a result, of size -1; an input that is returned
// has a size, but no memory of its own.
// CHECK-LABEL: func.func private @values_output_sizes(
// CHECK: %[[NONE:.*]] = arith.constant -1 : index
// CHECK: memref.store %[[NONE]]
// CHECK-LABEL: func.func @values(
// CHECK-SAME: mopt.returned = array<i64: 0, 1>, mopt.sized = array<i64: 1>
// CHECK: return %{{.*}}, %{{.*}} : memref<?xf32>, memref<?xf32>
func.func @values(%x: memref<?xf32>, %n: memref<index>) -> (memref<?xf32>, memref<?xf32>) attributes {mopt.entry} {
  %size = memref.load %n[] : memref<index>
  %y = memref.alloc(%size) : memref<?xf32>
  call @k(%x, %y) : (memref<?xf32>, memref<?xf32>) -> ()
  return %y, %x : memref<?xf32>, memref<?xf32>
}
func.func private @k(memref<?xf32>, memref<?xf32>)

// -----

// The caller is told a size that the file leaves open.
// CHECK-LABEL: func.func private @open_output_sizes(
// CHECK: %[[C4:.*]] = arith.constant 4 : index
// CHECK: memref.store %[[C4]]
// CHECK-LABEL: func.func @open(
// CHECK-SAME: mopt.sized = array<i64: 0>
func.func @open(%x: memref<4xf32>) -> memref<4xf32> attributes {mopt.entry,
    mopt.signature = {inputs = [{name = "x", type = tensor<4xf32>}],
                      outputs = [{name = "y", type = tensor<?xf32>}]}} {
  %y = memref.alloc() : memref<4xf32>
  call @k(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
  return %y : memref<4xf32>
}
func.func private @k(memref<4xf32>, memref<4xf32>)
