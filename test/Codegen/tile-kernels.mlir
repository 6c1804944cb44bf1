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
