// RUN: mopt-opt %s --split-input-file --mopt-hoist-shapes --canonicalize --cse | FileCheck %s

// Sizes of buffers follow from the input's; none is asked of a buffer, and all
// stand before the first call.
// CHECK-LABEL: func.func @sizes(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x4xf32>
// CHECK-DAG: %[[N:.*]] = memref.dim %[[X]]
// CHECK-DAG: %[[TWICE:.*]] = arith.muli %[[N]]
// CHECK: memref.alloc(%[[N]])
// CHECK-NEXT: call @k
// CHECK-NOT: memref.dim
// CHECK: memref.alloc(%[[TWICE]]) : memref<?x2xf32>
// CHECK: call @use
func.func @sizes(%x: memref<?x4xf32>) attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %a = memref.alloc(%n) : memref<?x4xf32>
  call @k(%x, %a) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
  %asked = memref.dim %a, %c0 : memref<?x4xf32>
  %twice = arith.muli %asked, %c2 : index
  %shape = memref.alloc() : memref<2xindex>
  memref.store %twice, %shape[%c0] : memref<2xindex>
  memref.store %c2, %shape[%c1] : memref<2xindex>
  %wide = memref.reshape %a(%shape) : (memref<?x4xf32>, memref<2xindex>) -> memref<?x2xf32>
  %rows = memref.dim %wide, %c0 : memref<?x2xf32>
  %b = memref.alloc(%rows) : memref<?x2xf32>
  call @use(%wide, %b) : (memref<?x2xf32>, memref<?x2xf32>) -> ()
  return
}
func.func private @k(memref<?x4xf32>, memref<?x4xf32>)
func.func private @use(memref<?x2xf32>, memref<?x2xf32>)

// -----

// A division that moves in front of its condition does not trap.
// CHECK-LABEL: func.func @divides(
// CHECK: %[[ZERO:.*]] = arith.cmpi eq, %[[M:.*]], %
// CHECK: %[[SAFE:.*]] = arith.select %[[ZERO]], %{{.*}}, %[[M]]
// CHECK: %[[Q:.*]] = arith.divsi %{{.*}}, %[[SAFE]]
// CHECK: scf.if
// CHECK: memref.alloc(%[[Q]])
func.func @divides(%x: memref<?x?xf32>, %c: memref<i1>) attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?x?xf32>
  %m = memref.dim %x, %c1 : memref<?x?xf32>
  %on = memref.load %c[] : memref<i1>
  scf.if %on {
    %q = arith.divsi %n, %m : index
    %a = memref.alloc(%q) : memref<?xf32>
    func.call @fill(%a) : (memref<?xf32>) -> ()
  }
  return
}
func.func private @fill(memref<?xf32>)

// -----

// A size that is a value stays behind what computes it.
// CHECK-LABEL: func.func @depends(
// CHECK: call @count
// CHECK: %[[N:.*]] = memref.load
// CHECK: memref.alloc(%[[N]])
func.func @depends(%n: memref<index>) attributes {mopt.entry} {
  call @count(%n) : (memref<index>) -> ()
  %size = memref.load %n[] : memref<index>
  %a = memref.alloc(%size) : memref<?xf32>
  call @fill(%a) : (memref<?xf32>) -> ()
  return
}
func.func private @count(memref<index>)
func.func private @fill(memref<?xf32>)

// -----

// Elements of constant shapes are constants.
// CHECK-LABEL: func.func @constants(
// CHECK: %[[C3:.*]] = arith.constant 3 : index
// CHECK-NOT: memref.load
// CHECK: memref.alloc() : memref<3x3xf32>
memref.global "private" constant @shape : memref<2xindex> = dense<[3, 2]>
func.func @constants(%x: memref<6xf32>) attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %shape = memref.get_global @shape : memref<2xindex>
  %y = memref.reshape %x(%shape) : (memref<6xf32>, memref<2xindex>) -> memref<?x2xf32>
  %asked = memref.dim %y, %c0 : memref<?x2xf32>
  %element = memref.load %shape[%c0] : memref<2xindex>
  %a = memref.alloc(%asked, %element) : memref<?x?xf32>
  call @use(%y, %a, %element) : (memref<?x2xf32>, memref<?x?xf32>, index) -> ()
  return
}
func.func private @use(memref<?x2xf32>, memref<?x?xf32>, index)
