// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-tile-kernels),canonicalize)" | FileCheck %s

// Enough work: rows run in parallel, the producer inside of the tile.
// CHECK-LABEL: @large
// CHECK: scf.forall
// CHECK: linalg.exp
// CHECK: linalg.sqrt
// CHECK: tensor.parallel_insert_slice
func.func private @large(%x: tensor<512x4096xf32>, %d: tensor<512x4096xf32> {mopt.destination = 0 : i64}) -> tensor<512x4096xf32> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<512x4096xf32>
  %0 = linalg.exp ins(%x : tensor<512x4096xf32>) outs(%e : tensor<512x4096xf32>) -> tensor<512x4096xf32>
  %1 = linalg.sqrt ins(%0 : tensor<512x4096xf32>) outs(%d : tensor<512x4096xf32>) -> tensor<512x4096xf32>
  return %1 : tensor<512x4096xf32>
}

// Handing this to a thread would take longer than doing it.
// CHECK-LABEL: @small
// CHECK-NOT: scf.forall
// CHECK: return
func.func private @small(%x: tensor<4xf32>, %d: tensor<4xf32> {mopt.destination = 0 : i64}) -> tensor<4xf32> attributes {mopt.kernel} {
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A tile has eight rows of sums that have an order, though eight does not divide 197.
// CHECK-LABEL: @ordered
// CHECK: scf.forall (%[[T:.*]]) = (0) to (197) step (8)
// CHECK: %[[ROWS:.*]] = affine.min
// CHECK: tensor.extract_slice %{{.*}}[%[[T]], 0] [%[[ROWS]], 250]
// CHECK: mopt.in_order
func.func private @ordered(%x: tensor<197x250xf32>, %d: tensor<197x250xf32> {mopt.destination = 0 : i64}) -> tensor<197x250xf32> attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<197xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<197xf32>) -> tensor<197xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<197x250xf32>) outs(%f : tensor<197xf32>) attrs = {mopt.in_order} {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<197xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<197x250xf32>, tensor<197xf32>) outs(%d : tensor<197x250xf32>) {
  ^bb0(%in: f32, %sum: f32, %out: f32):
    %0 = arith.divf %in, %sum : f32
    linalg.yield %0 : f32
  } -> tensor<197x250xf32>
  return %y : tensor<197x250xf32>
}

// What is computed between borders is tiled; they are filled once.
// CHECK-LABEL: @bordered
// CHECK: scf.forall
// CHECK: linalg.exp
// CHECK: tensor.parallel_insert_slice
// CHECK: linalg.fill
// CHECK-NOT: scf.forall
func.func private @bordered(%x: tensor<512x4096xf32>, %d: tensor<512x4097xf32> {mopt.destination = 0 : i64}) -> tensor<512x4097xf32> attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %s = tensor.extract_slice %d[0, 0] [512, 4096] [1, 1] : tensor<512x4097xf32> to tensor<512x4096xf32>
  %0 = linalg.exp ins(%x : tensor<512x4096xf32>) outs(%s : tensor<512x4096xf32>) -> tensor<512x4096xf32>
  %1 = tensor.insert_slice %0 into %d[0, 0] [512, 4096] [1, 1] : tensor<512x4096xf32> into tensor<512x4097xf32>
  %b = tensor.extract_slice %1[0, 4096] [512, 1] [1, 1] : tensor<512x4097xf32> to tensor<512x1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%b : tensor<512x1xf32>) -> tensor<512x1xf32>
  %2 = tensor.insert_slice %f into %1[0, 4096] [512, 1] [1, 1] : tensor<512x1xf32> into tensor<512x4097xf32>
  return %2 : tensor<512x4097xf32>
}

// Sums of nothing are not cut along with what reads them.
// CHECK-LABEL: @empty_sums
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<?x0xi32>)
// CHECK: scf.forall
func.func private @empty_sums(%x: tensor<?x0xi32>, %d: tensor<?x5xi32> {mopt.destination = 0 : i64}) -> tensor<?x5xi32> attributes {mopt.kernel} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %n = tensor.dim %x, %c0 : tensor<?x0xi32>
  %e = tensor.empty(%n) : tensor<?xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<?xi32>) -> tensor<?xi32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x0xi32>) outs(%f : tensor<?xi32>) {
  ^bb0(%in: i32, %out: i32):
    %0 = arith.addi %out, %in : i32
    linalg.yield %0 : i32
  } -> tensor<?xi32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<?xi32>) outs(%d : tensor<?x5xi32>) {
  ^bb0(%sum: i32, %out: i32):
    linalg.yield %sum : i32
  } -> tensor<?x5xi32>
  return %y : tensor<?x5xi32>
}
