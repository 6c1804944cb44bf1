// RUN: mopt-opt %s --mopt-plan-memory | FileCheck %s

// Of three buffers the first and the last are never alive together: 2 x 64
// bytes do. The result of the entry is an argument.
// CHECK: func.func @main(%{{.*}}, %[[Y:.*]]: memref<16xf32> {mopt.output = 0 : i64}, %[[ARENA:.*]]: memref<?xi8> {mopt.arena = 128 : i64})
// CHECK-NOT: memref.alloc()
// CHECK: %[[C:.*]] = memref.view %[[ARENA]]
// CHECK: %[[C:.*]] = memref.view %[[ARENA]]
// CHECK: %[[C:.*]] = memref.view %[[ARENA]]
// CHECK-NOT: memref.alloc()
// CHECK: call @k(%[[C]], %[[Y]])
// CHECK-NEXT: return{{$}}
func.func @main(%x: memref<16xf32>) -> memref<16xf32> attributes {mopt.entry} {
  %a = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  %b = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%a, %b) : (memref<16xf32>, memref<16xf32>) -> ()
  %c = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%b, %c) : (memref<16xf32>, memref<16xf32>) -> ()
  %d = memref.alloc() {alignment = 64 : i64} : memref<16xf32>
  call @k(%c, %d) : (memref<16xf32>, memref<16xf32>) -> ()
  return %d : memref<16xf32>
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
