// RUN: mopt-opt %s --split-input-file --mopt-plan-memory | FileCheck %s

// Of three buffers the first and the last are never alive together: 2 x 64
// bytes do.
// CHECK: func.func @main(%{{.*}}, %[[Y:.*]]: memref<16xf32> {mopt.output = 0 : i64}, %[[ARENA:.*]]: memref<?xi8> {mopt.arena = 128 : i64})
// CHECK-NOT: memref.alloc()
// CHECK: %[[C:.*]] = memref.view %[[ARENA]]
// CHECK: %[[C:.*]] = memref.view %[[ARENA]]
// CHECK: %[[C:.*]] = memref.view %[[ARENA]]
// CHECK-NOT: memref.alloc()
// CHECK: call @k(%[[C]], %[[Y]])
// CHECK-NEXT: return{{$}}
func.func @main(%x: memref<16xf32>, %d: memref<16xf32> {mopt.output = 0 : i64}) attributes {mopt.entry} {
  %a = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  %b = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%a, %b) : (memref<16xf32>, memref<16xf32>) -> ()
  %c = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%b, %c) : (memref<16xf32>, memref<16xf32>) -> ()
  call @k(%c, %d) : (memref<16xf32>, memref<16xf32>) -> ()
  return
}

// A kernel's small buffer lives on the stack.
// CHECK-LABEL: func.func private @k
// CHECK: memref.alloca() {{.*}} : memref<8xf32>
func.func private @k(%x: memref<16xf32>, %d: memref<16xf32> {mopt.destination = 0 : i64}) attributes {mopt.kernel} {
  %t = memref.alloc() {alignment = 64 : i64} : memref<8xf32>
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%t : memref<8xf32>)
  memref.copy %x, %d : memref<16xf32> to memref<16xf32>
  return
}

// -----

// Sizes that follow from the input's are the run's to place, static ones among
// them: 24 n, 8 and 24 n bytes, of which the first and the last may share.
// CHECK-LABEL: func.func private @dynamic_buffer_bytes(
// CHECK-SAME: attributes {mopt.buffer_bytes = array<i32: [[LIVES:.*]]>}
// CHECK: memref.load
// CHECK-COUNT-3: memref.store
// CHECK-LABEL: func.func @dynamic(
// CHECK-NOT: mopt.arena
// CHECK: %[[ARENA:.*]], %[[AT:.*]]:3 = mopt.place_buffers %[[A:.*]], %{{.*}}, %{{.*}} lifetimes {{\[}}[[LIVES]]{{\]}}
// CHECK: memref.view %[[ARENA]][%[[AT]]#0][%{{.*}}] : memref<?xi8> to memref<?x6xf32>
// CHECK: memref.view %[[ARENA]][%[[AT]]#1][] : memref<?xi8> to memref<2xf32>
// CHECK: memref.view %[[ARENA]][%[[AT]]#2][%{{.*}}] : memref<?xi8> to memref<?x6xf32>
// CHECK-NOT: memref.alloc
func.func @dynamic(%x: memref<?x6xf32>) attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x6xf32>
  %a = memref.alloc(%n) : memref<?x6xf32>
  call @k(%x, %a) : (memref<?x6xf32>, memref<?x6xf32>) -> ()
  %b = memref.alloc() : memref<2xf32>
  call @l(%a, %b) : (memref<?x6xf32>, memref<2xf32>) -> ()
  %c = memref.alloc(%n) : memref<?x6xf32>
  call @m(%b, %c) : (memref<2xf32>, memref<?x6xf32>) -> ()
  return
}
func.func private @k(memref<?x6xf32>, memref<?x6xf32>)
func.func private @l(memref<?x6xf32>, memref<2xf32>)
func.func private @m(memref<2xf32>, memref<?x6xf32>)

// -----

// What depends on values is allocated in the run, and nobody can tell before.
// CHECK-NOT: mopt.buffer_bytes
// CHECK-LABEL: func.func @values(
// CHECK: mopt.place_buffers
// CHECK: memref.alloc(%
func.func @values(%x: memref<?xf32>, %n: memref<index>) attributes {mopt.entry} {
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?xf32>
  %a = memref.alloc(%m) : memref<?xf32>
  call @k(%x, %a) : (memref<?xf32>, memref<?xf32>) -> ()
  %size = memref.load %n[] : memref<index>
  %b = memref.alloc(%size) : memref<?xf32>
  call @k(%a, %b) : (memref<?xf32>, memref<?xf32>) -> ()
  return
}
func.func private @k(memref<?xf32>, memref<?xf32>)

// -----

// A kernel's scratch of a size that has a bound has a place for the largest.
// CHECK-LABEL: func.func private @bounded(
// CHECK: %[[SLOT:.*]] = memref.alloca() {alignment = 64 : i64} : memref<6272xi8>
// CHECK: memref.view %[[SLOT]][%{{.*}}][%{{.*}}] : memref<6272xi8> to memref<?x196xf32>
// CHECK: memref.alloc(
func.func private @bounded(%i: index, %n: index) attributes {mopt.kernel} {
  %rows = affine.min affine_map<(d0) -> (-d0 + 197, 8)>(%i)
  %a = memref.alloc(%rows) : memref<?x196xf32>
  %b = memref.alloc(%n) : memref<?x196xf32>
  call @use(%a, %b) : (memref<?x196xf32>, memref<?x196xf32>) -> ()
  return
}
func.func private @use(memref<?x196xf32>, memref<?x196xf32>)
