// RUN: mopt-opt %s --split-input-file --mopt-hoist-scratch | FileCheck %s

// The padded copy that a kernel makes is allocated where it is called.
// CHECK-LABEL: func.func @main(
// CHECK: %[[PADDED:.*]] = memref.alloc(%{{.*}}) : memref<?x6xf32>
// CHECK: call @k(%{{.*}}, %{{.*}}, %[[PADDED]])
// CHECK-LABEL: func.func private @k(
// CHECK-SAME: %[[P:[a-z0-9]+]]: memref<?x6xf32> {mopt.scratch}) attributes
// CHECK-NOT: memref.alloc(%
// CHECK: linalg.fill ins(%{{.*}}) outs(%[[P]]
func.func @main(%x: memref<?x4xf32>, %y: memref<?x4xf32>) attributes {mopt.entry} {
  call @k(%x, %y) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
  return
}
func.func private @k(%x: memref<?x4xf32>, %d: memref<?x4xf32> {mopt.destination = 0 : i64}) attributes {mopt.kernel} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %rows = arith.addi %n, %c2 : index
  %padded = memref.alloc(%rows) : memref<?x6xf32>
  linalg.fill ins(%zero : f32) outs(%padded : memref<?x6xf32>)
  return
}

// -----

// What is small, depends on values or is returned stays.
// CHECK-LABEL: func.func @stays(
// CHECK-NOT: memref.alloc
// CHECK-LABEL: func.func private @l(
// CHECK-COUNT-3: memref.alloc
func.func @stays(%n: memref<index>) attributes {mopt.entry} {
  %r = call @l(%n) : (memref<index>) -> memref<90000xf32>
  return
}
func.func private @l(%n: memref<index>) -> memref<90000xf32> attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %small = memref.alloc() : memref<8xf32>
  linalg.fill ins(%zero : f32) outs(%small : memref<8xf32>)
  %size = memref.load %n[] : memref<index>
  %values = memref.alloc(%size) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%values : memref<?xf32>)
  %returned = memref.alloc() : memref<90000xf32>
  linalg.fill ins(%zero : f32) outs(%returned : memref<90000xf32>)
  return %returned : memref<90000xf32>
}
