// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s
// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid="reassociate=false" -canonicalize -cse -mlir-print-local-scope | FileCheck %s --check-prefix=STRICT

// A block for each row: its sum by lanes and warps, and then its elements.
// CHECK-LABEL: gpu.func @scale_0
// CHECK-SAME: workgroup(%{{.*}} : memref<4xf32, #gpu.address_space<workgroup>>)
// CHECK: scf.for
// CHECK: math.exp
// CHECK: gpu.barrier
// CHECK: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: arith.divf
// CHECK: memref.store
// CHECK: gpu.launch_func @device::@scale_0 blocks in (%c51, %c1, %c1) threads in (%c128,
// CHECK-NOT: gpu.launch_func
// STRICT-COUNT-3: gpu.launch_func
func.func private @scale(%x: memref<3x17x197xf32>, %e: memref<3x17x197xf32>, %sum: memref<3x17xf32>, %y: memref<3x17x197xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<3x17x197xf32>) outs(%e : memref<3x17x197xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = math.exp %a : f32
    linalg.yield %s : f32
  }
  linalg.fill ins(%zero : f32) outs(%sum : memref<3x17xf32>)
  linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%e : memref<3x17x197xf32>) outs(%sum : memref<3x17xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e, %sum : memref<3x17x197xf32>, memref<3x17xf32>) outs(%y : memref<3x17x197xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// The second op reads what other rows wrote.
// CHECK-LABEL: func.func private @columns
// CHECK-COUNT-2: gpu.launch_func
func.func private @columns(%x: memref<64x64xf32>, %sum: memref<64xf32>, %y: memref<64x64xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%sum : memref<64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x64xf32>) outs(%sum : memref<64xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : memref<64x64xf32>, memref<64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}
