// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s
// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid="reassociate=false" -canonicalize -cse -mlir-print-local-scope | FileCheck %s --check-prefix=STRICT

// A block for each row, which is read once and stays in registers: the sum of
// a warp's lanes, and the elements. Others than the kernel may read both.
// CHECK-LABEL: gpu.func @scale_0
// CHECK-NOT: workgroup
// CHECK-COUNT-7: memref.load %arg0
// CHECK-NOT: memref.load
// CHECK-COUNT-7: math.exp
// CHECK: memref.store
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: memref.store
// CHECK-COUNT-7: arith.divf
// CHECK: memref.store
// CHECK: gpu.launch_func @device::@scale_0 blocks in (%c51, %c1, %c1) threads in (%c32,
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

// -----

// A normalization. Vectors of 16 bytes, warps that add their sums, what is the
// same for all elements computed once, and scratch that is not written. Rows
// with a rest, and rows that are too long for registers.
// CHECK-LABEL: gpu.func @normalize_0
// CHECK-SAME: workgroup(%{{.*}} : memref<2xf32, #gpu.address_space<workgroup>>)
// CHECK-COUNT-8: vector.load %{{.*}} : memref<40x2048xf32>, vector<4xf32>
// CHECK-NOT: vector.load
// CHECK: gpu.barrier
// CHECK-NOT: memref.store
// CHECK: arith.divf %{{.*}}, %{{.*}} : f32
// CHECK-NOT: arith.divf
// CHECK-COUNT-8: vector.store %{{.*}} : memref<40x2048xf16>, vector<4xf16>
// CHECK-LABEL: gpu.func @long_1
// CHECK: scf.for
// CHECK-LABEL: func.func private @normalize(
// CHECK: gpu.launch_func @device::@normalize_0 blocks in (%c40, %c1, %c1) threads in (%c64,
// CHECK-LABEL: func.func private @long(
// CHECK: gpu.launch_func @device::@long_1 blocks in (%c40, %c1, %c1) threads in (%c128,
func.func private @normalize(%x: memref<40x2048xf32>, %y: memref<40x2048xf16>, %sum: memref<40xf32> {mopt.scratch}) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 2048.0 : f32
  linalg.fill ins(%zero : f32) outs(%sum : memref<40xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<40x2048xf32>) outs(%sum : memref<40xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : memref<40x2048xf32>, memref<40xf32>) outs(%y : memref<40x2048xf16>) {
  ^bb0(%a: f32, %b: f32, %out: f16):
    %m = arith.divf %b, %count : f32
    %s = arith.subf %a, %m : f32
    %t = arith.truncf %s : f32 to f16
    linalg.yield %t : f16
  }
  return
}
func.func private @long(%x: memref<40x65536xf32>, %y: memref<40x65536xf32>, %sum: memref<40xf32> {mopt.scratch}) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%sum : memref<40xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<40x65536xf32>) outs(%sum : memref<40xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : memref<40x65536xf32>, memref<40xf32>) outs(%y : memref<40x65536xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Sums of elements that are not neighbours are a thread each, with what alone
// reads them.
// CHECK-LABEL: gpu.func @mean_0
// CHECK: scf.for
// CHECK-NOT: memref.store
// CHECK: arith.divf
// CHECK-NEXT: memref.store %{{.*}}, %{{.*}} : memref<16x100xf32>
// CHECK: gpu.launch_func @device::@mean_0 blocks in (%c7, %c1, %c1) threads in (%c256,
// CHECK-NOT: gpu.launch_func
func.func private @mean(%x: memref<16x49x100xf32>, %y: memref<16x100xf32>, %sum: memref<16x100xf32> {mopt.scratch}) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 49.0 : f32
  linalg.fill ins(%zero : f32) outs(%sum : memref<16x100xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, c, j) -> (i, j, c)>, affine_map<(i, c, j) -> (i, c)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : memref<16x49x100xf32>) outs(%sum : memref<16x100xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, c) -> (i, c)>, affine_map<(i, c) -> (i, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%sum : memref<16x100xf32>) outs(%y : memref<16x100xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.divf %a, %count : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// One short row is worth one kernel; one long row is not worth one block.
// CHECK-LABEL: func.func private @one(
// CHECK-COUNT-1: gpu.launch_func @device::@one_{{.*}} blocks in (%c1, %c1, %c1) threads in (%c32,
// CHECK-NOT: gpu.launch_func
// CHECK-LABEL: func.func private @one_long(
// CHECK-COUNT-2: gpu.launch_func @device::@one_long_
func.func private @one(%x: memref<1x1000xf32>, %y: memref<1x1000xf32>, %sum: memref<1xf32> {mopt.scratch}) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%sum : memref<1xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<1x1000xf32>) outs(%sum : memref<1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : memref<1x1000xf32>, memref<1xf32>) outs(%y : memref<1x1000xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}
func.func private @one_long(%x: memref<1x5000xf32>, %y: memref<1x5000xf32>, %sum: memref<1xf32> {mopt.scratch}) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%sum : memref<1xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<1x5000xf32>) outs(%sum : memref<1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : memref<1x5000xf32>, memref<1xf32>) outs(%y : memref<1x5000xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}
