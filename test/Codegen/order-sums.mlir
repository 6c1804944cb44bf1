// RUN: mopt-opt %s -mopt-order-sums | FileCheck %s
// RUN: mopt-opt %s -mopt-order-sums=everywhere | FileCheck %s --check-prefix=ALL

#row = affine_map<(i, k) -> (i, k)>
#scalar = affine_map<(i, k) -> (i)>

module attributes {mopt.target = #mopt.target<name = "fusing", triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>} {

// Bytes, dequantized: vectors of eight, then halves.
// CHECK-LABEL: func.func @bytes
// CHECK: scf.for
// CHECK: %[[V:.*]] = scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (vector<8xf32>)
// CHECK: vector.load %arg0{{.*}} vector<8xi8>
// CHECK: arith.mulf {{.*}} : vector<8xf32>
// CHECK: %[[T:.*]] = arith.addf %[[S]], %{{.*}} : vector<8xf32>
// CHECK: scf.yield %[[T]]
// CHECK: vector.shuffle %[[V]], %[[V]] [0, 1, 2, 3]
// CHECK: vector.shuffle %[[V]], %[[V]] [4, 5, 6, 7]
// CHECK: arith.addf {{.*}} : vector<4xf32>
// CHECK: arith.addf {{.*}} : vector<2xf32>
// CHECK: arith.addf {{.*}} : vector<1xf32>
// CHECK: memref.store
func.func @bytes(%x: memref<?x48xi8>, %y: memref<?xf32>) {
  %scale = arith.constant 0.3 : f32
  linalg.generic {indexing_maps = [#row, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x48xi8>) outs(%y : memref<?xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.extui %in : i8 to i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.mulf %1, %scale : f32
    %3 = arith.addf %out, %2 fastmath<reassoc> : f32
    linalg.yield %3 : f32
  }
  return
}

// Squares of deviations, fused with their sum. The mean is computed once a row.
// CHECK-LABEL: func.func @deviations
// CHECK: %[[M:.*]] = arith.truncf
// CHECK: vector.broadcast
// CHECK: %[[D:.*]] = arith.subf {{.*}} : vector<8xf32>
// CHECK: math.fma %[[D]], %[[D]], %{{.*}} : vector<8xf32>
func.func @deviations(%x: memref<?x48xf32>, %sum: memref<?xf64>, %y: memref<?xf32>) {
  %count = arith.constant 48.0 : f64
  linalg.generic {indexing_maps = [#row, #scalar, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%x, %sum : memref<?x48xf32>, memref<?xf64>) outs(%y : memref<?xf32>) {
  ^bb0(%in: f32, %total: f64, %out: f32):
    %0 = arith.divf %total, %count : f64
    %1 = arith.truncf %0 : f64 to f32
    %2 = arith.subf %in, %1 : f32
    %3 = arith.mulf %2, %2 : f32
    %4 = arith.addf %out, %3 : f32
    linalg.yield %4 : f32
  }
  return
}

// Floats only where all sums are ordered.
// CHECK-LABEL: func.func @floats
// CHECK: linalg.generic
// ALL-LABEL: func.func @floats
// ALL: vector.load %arg0{{.*}} vector<8xf32>
func.func @floats(%x: memref<3x48xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [#row, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<3x48xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// No multiple of eight, of a size that run time knows, apart in memory, a maximum.
// ALL-LABEL: func.func @stays
// ALL-COUNT-4: linalg.generic
// ALL-NOT: vector.load
func.func @stays(%x: memref<3x47xf32>, %n: memref<3x?xf32>, %t: memref<3x48xf32, strided<[1, 3]>>, %z: memref<3x48xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [#row, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<3x47xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%n : memref<3x?xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%t : memref<3x48xf32, strided<[1, 3]>>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #scalar], iterator_types = ["parallel", "reduction"]}
      ins(%z : memref<3x48xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.maxnumf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}
}
