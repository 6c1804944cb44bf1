// RUN: mopt-opt %s -split-input-file -mopt-read-pads -mlir-print-local-scope | FileCheck %s

// The borders are not written, nor the middle.
// CHECK-LABEL: func.func private @conv
// CHECK-SAME: (%[[X:.*]]: memref<1x8x9x16xf32>
// CHECK-NOT: memref.alloc
// CHECK-NOT: linalg.fill
// CHECK-NOT: linalg.copy
// CHECK: %[[P:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [1, 10, 11, 16], strides: [1152, 144, 16, 1]
// CHECK: mopt.conv_anchor ins(%[[P]], %{{.*}} : memref<1x10x11x16xf32, strided<[1152, 144, 16, 1]>>
// CHECK-SAME: mopt.pads = array<i64: 0, 1, 1, 0, 1, 8, 9, 16>
func.func private @conv(%x: memref<1x8x9x16xf32>, %w: memref<1x1x3x3x16x64xf32>, %y: memref<1x8x9x20xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x10x11x16xf32>
  %top = memref.subview %p[0, 0, 0, 0] [1, 1, 11, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x1x11x16xf32, strided<[1760, 176, 16, 1]>>
  linalg.fill ins(%zero : f32) outs(%top : memref<1x1x11x16xf32, strided<[1760, 176, 16, 1]>>)
  %left = memref.subview %p[0, 0, 0, 0] [1, 10, 1, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x10x1x16xf32, strided<[1760, 176, 16, 1]>>
  linalg.fill ins(%zero : f32) outs(%left : memref<1x10x1x16xf32, strided<[1760, 176, 16, 1]>>)
  %middle = memref.subview %p[0, 1, 1, 0] [1, 8, 9, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  linalg.copy ins(%x : memref<1x8x9x16xf32>) outs(%middle : memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>)
  mopt.conv_anchor ins(%p, %w : memref<1x10x11x16xf32>, memref<1x1x3x3x16x64xf32>) outs(%y : memref<1x8x9x20xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// Not borders of something else than 0, ...
// CHECK-LABEL: func.func private @ones
// CHECK: linalg.fill
// CHECK: memref.copy
// CHECK-NOT: mopt.pads
func.func private @ones(%x: memref<1x8x9x16xf32>, %w: memref<3x3x16xf32>, %y: memref<1x8x9x16xf32>) attributes {mopt.kernel} {
  %one = arith.constant 1.0 : f32
  %p = memref.alloc() : memref<1x10x11x16xf32>
  linalg.fill ins(%one : f32) outs(%p : memref<1x10x11x16xf32>)
  %middle = memref.subview %p[0, 1, 1, 0] [1, 8, 9, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  memref.copy %x, %middle : memref<1x8x9x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  mopt.depthwise_anchor ins(%p, %w : memref<1x10x11x16xf32>, memref<3x3x16xf32>) outs(%y : memref<1x8x9x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// ... nor what changes between the copy and the anchor, nor what is read besides.
// CHECK-LABEL: func.func private @changed
// CHECK: memref.copy
// CHECK-NOT: mopt.pads
func.func private @changed(%x: memref<1x8x9x16xf32>, %w: memref<3x3x16xf32>, %y: memref<1x8x9x16xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x10x11x16xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<1x10x11x16xf32>)
  %middle = memref.subview %p[0, 1, 1, 0] [1, 8, 9, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  memref.copy %x, %middle : memref<1x8x9x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  linalg.fill ins(%zero : f32) outs(%x : memref<1x8x9x16xf32>)
  mopt.depthwise_anchor ins(%p, %w : memref<1x10x11x16xf32>, memref<3x3x16xf32>) outs(%y : memref<1x8x9x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
// CHECK-LABEL: func.func private @shared
// CHECK: memref.copy
// CHECK-NOT: mopt.pads
func.func private @shared(%x: memref<1x8x9x16xf32>, %w: memref<3x3x16xf32>, %y: memref<1x8x9x16xf32>, %z: memref<1x10x11x16xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x10x11x16xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<1x10x11x16xf32>)
  %middle = memref.subview %p[0, 1, 1, 0] [1, 8, 9, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  memref.copy %x, %middle : memref<1x8x9x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  mopt.depthwise_anchor ins(%p, %w : memref<1x10x11x16xf32>, memref<3x3x16xf32>) outs(%y : memref<1x8x9x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  memref.copy %p, %z : memref<1x10x11x16xf32> to memref<1x10x11x16xf32>
  return
}

// -----

// A sum over windows reads the source by its loops' indices, and outside of it
// what the borders hold.
// CHECK-LABEL: func.func private @largest
// CHECK-SAME: (%[[X:.*]]: memref<1x8x9x16xf32>
// CHECK-NOT: linalg.copy
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}} : memref<3x3xf32>)
// CHECK: %[[IN:.*]] = memref.load %[[X]][
// CHECK: %[[LOWEST:.*]] = arith.constant 0xFF800000 : f32
// CHECK: arith.select %{{.*}}, %[[IN]], %[[LOWEST]]
func.func private @largest(%x: memref<1x8x9x16xf32>, %y: memref<1x4x5x16xf32>) attributes {mopt.kernel} {
  %lowest = arith.constant 0xFF800000 : f32
  %p = memref.alloc() : memref<1x10x11x16xf32>
  %window = memref.alloc() : memref<3x3xf32>
  linalg.fill ins(%lowest : f32) outs(%p : memref<1x10x11x16xf32>)
  %middle = memref.subview %p[0, 1, 1, 0] [1, 8, 9, 16] [1, 1, 1, 1] : memref<1x10x11x16xf32> to memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>
  linalg.copy ins(%x : memref<1x8x9x16xf32>) outs(%middle : memref<1x8x9x16xf32, strided<[1760, 176, 16, 1], offset: 192>>)
  linalg.generic {indexing_maps = [affine_map<(n, h, w, c, r, s) -> (n, h * 2 + r, w * 2 + s, c)>, affine_map<(n, h, w, c, r, s) -> (r, s)>, affine_map<(n, h, w, c, r, s) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%p, %window : memref<1x10x11x16xf32>, memref<3x3xf32>) outs(%y : memref<1x4x5x16xf32>) {
  ^bb0(%in: f32, %unused: f32, %out: f32):
    %m = arith.maximumf %out, %in : f32
    linalg.yield %m : f32
  }
  return
}
