// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-parallelize-copies),canonicalize)" | FileCheck %s

// CHECK-LABEL: @large
// CHECK: scf.forall
// CHECK: linalg.copy ins(%{{.*}} : memref<{{.*}}x256xf32
func.func @large(%a: memref<512x256xf32>, %b: memref<512x256xf32>) {
  linalg.copy ins(%a : memref<512x256xf32>) outs(%b : memref<512x256xf32>)
  return
}

// Small ones, and those that run in parallel already.
// CHECK-LABEL: @kept
// CHECK-NOT: scf.forall
// CHECK: linalg.copy
// CHECK: scf.forall
// CHECK-NOT: scf.forall
// CHECK: linalg.fill
func.func @kept(%a: memref<4x256xf32>, %b: memref<4x256xf32>, %c: memref<8x512x256xf32>, %v: f32) {
  linalg.copy ins(%a : memref<4x256xf32>) outs(%b : memref<4x256xf32>)
  scf.forall (%i) in (8) {
    %s = memref.subview %c[%i, 0, 0] [1, 512, 256] [1, 1, 1] : memref<8x512x256xf32> to memref<1x512x256xf32, strided<[131072, 256, 1], offset: ?>>
    linalg.fill ins(%v : f32) outs(%s : memref<1x512x256xf32, strided<[131072, 256, 1], offset: ?>>)
  }
  return
}

// No divisor of 197 is near: the last tile is smaller.
// CHECK-LABEL: @prime
// CHECK: scf.forall (%[[I:.*]]) = (0) to (197) step (86)
// CHECK: %[[ROWS:.*]] = affine.min
// CHECK: memref.subview %{{.*}}[%[[I]], 0] [%[[ROWS]], 192]
// CHECK: linalg.copy
func.func @prime(%x: memref<197x192xf32>, %y: memref<197x192xf32>) {
  linalg.copy ins(%x : memref<197x192xf32>) outs(%y : memref<197x192xf32>)
  return
}
