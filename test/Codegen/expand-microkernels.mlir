// RUN: mopt-opt %s -split-input-file -mopt-expand-microkernels -canonicalize -cse -verify-diagnostics | FileCheck %s

#config = #mopt.config<kernel = "k", rows = 6, columns = 16, lanes = 8, unroll = 2, streams = 4, prefetchRows = 0, prefetchNext = true>

// 13 rows are blocks of 5, 4 and 4; accumulators are carried by the loop, whose
// prefetches are affine in its counter.
// CHECK-LABEL: @balanced
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1
// CHECK: %[[K:.*]]:10 = scf.for
// CHECK: memref.prefetch
// CHECK-COUNT-20: vector.fma {{.*}} : vector<8xf32>
// CHECK: scf.yield
// CHECK: %[[BIAS:.*]] = vector.load {{.*}} : memref<48xf32{{.*}}>, vector<8xf32>
// CHECK: arith.maximumf {{.*}} : vector<8xf32>
// CHECK: vector.store
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-NOT: mopt.contract_anchor
func.func @balanced(%a: memref<13x64xf32>, %b: memref<3x64x16xf32>, %bias: memref<48xf32>, %c: memref<13x48xf32>) {
  %zero = arith.constant 0.0 : f32
  mopt.contract_anchor ins(%a, %b : memref<13x64xf32>, memref<3x64x16xf32>) epilogue_ins(%bias : memref<48xf32>) outs(%c : memref<13x48xf32>)
      attributes {config = #config, epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %x: f32):
    %s = arith.addf %acc, %x : f32
    %v = arith.maximumf %s, %zero : f32
    mopt.yield %v : f32
  }
  return
}

// -----

#config = #mopt.config<kernel = "k", rows = 6, columns = 16, lanes = 8, unroll = 2, streams = 4, prefetchRows = 0, prefetchNext = true>

// One row: four blocks advance together, the fifth follows alone, and the last
// column stands in one masked vector.
// CHECK-LABEL: @row
// CHECK: scf.for {{.*}} step %c2 iter_args
// CHECK-COUNT-16: vector.fma
// CHECK: scf.for {{.*}} step %c2 iter_args
// CHECK-COUNT-4: vector.fma
// CHECK: vector.maskedstore
func.func @row(%a: memref<1x64xf32>, %b: memref<6x64x16xf32>, %c: memref<1x81xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<1x64xf32>, memref<6x64x16xf32>) outs(%c : memref<1x81xf32>) attributes {config = #config} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

func.func @tensors(%a: tensor<1x64xf32>, %b: tensor<6x64x16xf32>, %c: tensor<1x96xf32>) {
  // expected-error @+1 {{expected memrefs: bufferize before this pass}}
  %0 = mopt.contract_anchor ins(%a, %b : tensor<1x64xf32>, tensor<6x64x16xf32>) outs(%c : tensor<1x96xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x96xf32>
  return
}

// -----

func.func @no_config(%a: memref<1x64xf32>, %b: memref<6x64x16xf32>, %c: memref<1x96xf32>) {
  // expected-error @+1 {{expected a 'config' that says which micro-kernel computes it}}
  mopt.contract_anchor ins(%a, %b : memref<1x64xf32>, memref<6x64x16xf32>) outs(%c : memref<1x96xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
