// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s

// Three parts of a buffer are one kernel, in which each has blocks of its own.
// CHECK-LABEL: gpu.func @concat_0
// CHECK: %[[B:.*]] = gpu.block_id
// CHECK: arith.cmpi ult, %[[B]], %c2
// CHECK: memref.load
// CHECK: memref.store
// CHECK: %[[NEXT:.*]] = arith.subi %[[B]], %c2
// CHECK: arith.cmpi ult, %[[NEXT]], %c1
// CHECK: memref.store
// CHECK: arith.subi %[[B]], %c3
// CHECK: memref.store
// CHECK-NOT: gpu.func @concat
// CHECK-LABEL: func.func private @concat
// CHECK: gpu.launch_func @device::@concat_0 blocks in (%c4, %c1, %c1) threads in (%c256,
// CHECK-NOT: gpu.launch_func
func.func private @concat(%x: memref<3x100xf32>, %y: memref<1x100xf32>, %z: memref<6x100xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %a = memref.subview %z[0, 0] [3, 100] [1, 1] : memref<6x100xf32> to memref<3x100xf32, strided<[100, 1]>>
  memref.copy %x, %a : memref<3x100xf32> to memref<3x100xf32, strided<[100, 1]>>
  %b = memref.subview %z[3, 0] [1, 100] [1, 1] : memref<6x100xf32> to memref<1x100xf32, strided<[100, 1], offset: 300>>
  memref.copy %y, %b : memref<1x100xf32> to memref<1x100xf32, strided<[100, 1], offset: 300>>
  %c = memref.subview %z[4, 0] [2, 100] [1, 1] : memref<6x100xf32> to memref<2x100xf32, strided<[100, 1], offset: 400>>
  linalg.fill ins(%zero : f32) outs(%c : memref<2x100xf32, strided<[100, 1], offset: 400>>)
  return
}

// What overlaps, and what reads what was written, comes later.
// CHECK-LABEL: func.func private @overlap
// CHECK-COUNT-3: gpu.launch_func
// CHECK-NOT: gpu.launch_func
func.func private @overlap(%x: memref<3x100xf32>, %z: memref<6x100xf32>, %u: memref<6x100xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%z : memref<6x100xf32>)
  %a = memref.subview %z[0, 0] [3, 100] [1, 1] : memref<6x100xf32> to memref<3x100xf32, strided<[100, 1]>>
  memref.copy %x, %a : memref<3x100xf32> to memref<3x100xf32, strided<[100, 1]>>
  memref.copy %z, %u : memref<6x100xf32> to memref<6x100xf32>
  return
}

// -----

// Large parts are copied in pieces of 16 bytes where rows of both are aligned.
// CHECK-LABEL: gpu.func @pieces_
// CHECK: vector.load %{{.*}} : memref<600x1024xf16>, vector<8xf16>
// CHECK: vector.store %{{.*}} : memref<600x1024xf16, strided<[1088, 1]>>, vector<8xf16>
// CHECK: memref.store %{{.*}} : memref<600x64xf16, strided<[1088, 1], offset: 1024>>
// CHECK-LABEL: func.func private @pieces
// CHECK: gpu.launch_func @device::@pieces_{{[0-9]+}} blocks in (%c450, %c1, %c1)
func.func private @pieces(%x: memref<600x1024xf16>, %z: memref<600x1088xf16>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f16
  %a = memref.subview %z[0, 0] [600, 1024] [1, 1] : memref<600x1088xf16> to memref<600x1024xf16, strided<[1088, 1]>>
  memref.copy %x, %a : memref<600x1024xf16> to memref<600x1024xf16, strided<[1088, 1]>>
  %b = memref.subview %z[0, 1024] [600, 64] [1, 1] : memref<600x1088xf16> to memref<600x64xf16, strided<[1088, 1], offset: 1024>>
  linalg.fill ins(%zero : f16) outs(%b : memref<600x64xf16, strided<[1088, 1], offset: 1024>>)
  return
}
