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

// A group of the left side is one word in all lanes. The last group has three
// elements, behind which nothing is read.
// CHECK-LABEL: @groups
// CHECK: %[[G:.*]] = vector.load %{{.*}} : memref<22xi8{{.*}}>, vector<4xi8>
// CHECK: %[[W:.*]] = vector.bitcast %[[G]] : vector<4xi8> to vector<1xi32>
// CHECK: %[[E:.*]] = vector.extract %[[W]][0] : i32 from vector<1xi32>
// CHECK: %[[S:.*]] = vector.broadcast %[[E]] : i32 to vector<4xi32>
// CHECK: %[[B:.*]] = vector.bitcast %[[S]] : vector<4xi32> to vector<16xi8>
// CHECK: llvm.call_intrinsic "llvm.dot"(%{{.*}}, %[[B]], %{{.*}}) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
// CHECK-COUNT-3: memref.load %{{.*}} : memref<22xi8
func.func @groups(%a: memref<2x11xi8>, %b: memref<1x3x16xi8>, %c: memref<2x4xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<2x11xi8>, memref<1x3x16xi8>) outs(%c : memref<2x4xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #mopt.config<kernel = "k", rows = 2, columns = 4, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false, interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.dot">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

// Only run time knows whether there is a last group: its elements are read one by
// one, the last of them again in the place of those that are missing.
// CHECK-LABEL: @some_depth
// CHECK: %[[REST:.*]] = arith.remui %{{.*}}, %c4
// CHECK: %[[ANY:.*]] = arith.minui %[[REST]], %c1
// CHECK: scf.for %{{.*}} = %c0 to %[[ANY]] step %c1
// CHECK: %[[LAST:.*]] = arith.subi %[[REST]], %c1
// CHECK: arith.minui %[[LAST]], %c2
// CHECK-NOT: vector.load %{{.*}}, vector<4xi8>
// CHECK: llvm.call_intrinsic "llvm.dot"
func.func @some_depth(%a: memref<2x?xi8>, %b: memref<1x?x16xi8>, %c: memref<2x4xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<2x?xi8>, memref<1x?x16xi8>) outs(%c : memref<2x4xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #mopt.config<kernel = "k", rows = 2, columns = 4, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false, interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.dot">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

// Groups of two steps are one load, each group in all lanes. The third step is one
// by itself.
// CHECK-LABEL: @group_lanes
// CHECK: %[[G:.*]] = vector.load %{{.*}} : memref<24xi8{{.*}}>, vector<8xi8>
// CHECK: %[[W:.*]] = vector.bitcast %[[G]] : vector<8xi8> to vector<2xi32>
// CHECK: %[[S0:.*]] = vector.shuffle %[[W]], %[[W]] [0, 0, 0, 0] : vector<2xi32>, vector<2xi32>
// CHECK: %[[B0:.*]] = vector.bitcast %[[S0]] : vector<4xi32> to vector<16xi8>
// CHECK: %[[S1:.*]] = vector.shuffle %[[W]], %[[W]] [1, 1, 1, 1]
// CHECK: %[[B1:.*]] = vector.bitcast %[[S1]]
// Of the same signs, what is in all lanes comes last.
// CHECK: %[[SUM:.*]] = llvm.call_intrinsic "llvm.dot"(%{{.*}}, %{{.*}}, %[[B0]])
// CHECK: llvm.call_intrinsic "llvm.dot"(%[[SUM]], %{{.*}}, %[[B1]])
// CHECK: vector.load {{.*}}, vector<4xi8>
func.func @group_lanes(%a: memref<2x12xi8>, %b: memref<1x3x16xi8>, %c: memref<2x4xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<2x12xi8>, memref<1x3x16xi8>) outs(%c : memref<2x4xi32>)
      attributes {interleave = 4 : i64, config = #mopt.config<kernel = "k", rows = 2, columns = 4, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false, interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.dot", lhsSteps = 2>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

// Elements of a column are no neighbours.
// CHECK-LABEL: @strided
// CHECK-NOT: vector.load {{.*}}, vector<2xf32>
// CHECK: return
func.func @strided(%a: memref<8x2xf32>, %b: memref<1x8x4xf32>, %c: memref<2x4xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<8x2xf32>, memref<1x8x4xf32>) outs(%c : memref<2x4xf32>)
      attributes {lhs_map = affine_map<(m, k) -> (k, m)>, config = #mopt.config<kernel = "k", rows = 2, columns = 4, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false, lhsSteps = 2>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// Two rows by two columns at once: the third row has itself beside it. Halves of
// two squares are a row.
// CHECK-LABEL: @squares
// CHECK: scf.for {{.*}} -> (vector<4xi32>, vector<4xi32>, vector<4xi32>, vector<4xi32>) {
// CHECK: %[[B0:.*]] = vector.load {{.*}}, vector<16xi8>
// CHECK: %[[B1:.*]] = vector.load {{.*}}, vector<16xi8>
// CHECK: %[[R0:.*]] = vector.load {{.*}}, vector<8xi8>
// CHECK: %[[R1:.*]] = vector.load {{.*}}, vector<8xi8>
// CHECK: %[[P:.*]] = vector.shuffle %[[R0]], %[[R1]] [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
// CHECK: llvm.call_intrinsic "llvm.squares"(%{{.*}}, %[[P]], %[[B0]]) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
// CHECK: llvm.call_intrinsic "llvm.squares"(%{{.*}}, %[[P]], %[[B1]])
// CHECK: %[[R2:.*]] = vector.load {{.*}}, vector<8xi8>
// CHECK: vector.shuffle %[[R2]], %[[R2]]
// CHECK: scf.yield
// CHECK: vector.shuffle %[[S0:.*]], %[[S1:.*]] [0, 1, 4, 5]
// CHECK: vector.shuffle %[[S0]], %[[S1]] [2, 3, 6, 7]
// CHECK: vector.shuffle %{{.*}} [0, 1, 4, 5]
// CHECK-NOT: [2, 3, 6, 7]
// CHECK: return
func.func @squares(%a: memref<3x32xi8>, %b: memref<1x4x32xi8>, %c: memref<3x4xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<3x32xi8>, memref<1x4x32xi8>) outs(%c : memref<3x4xi32>)
      attributes {interleave = 8 : i64, unsigned_lhs, config = #mopt.config<kernel = "k", rows = 4, columns = 4, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false, interleave = 8, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.squares">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

// Sums of 16 bits have the columns of two vectors of f32, to which halves are
// added. The last two columns have a vector of 16 bits for themselves.
// CHECK-LABEL: @narrow_columns
// CHECK: %[[N:.*]]:2 = scf.for {{.*}} -> (vector<8xf16>, vector<8xf16>) {
// CHECK: vector.load {{.*}}, vector<8xf16>
// CHECK: %[[X:.*]] = vector.load {{.*}}, vector<2xf16>
// CHECK: vector.shuffle %[[X]], %[[X]] [0, 0, 0, 0, 0, 0, 0, 0]
// CHECK: vector.fma {{.*}} : vector<8xf16>
// CHECK: %[[L:.*]] = vector.extract_strided_slice %[[N]]#0 {offsets = [0], sizes = [4], strides = [1]}
// CHECK: arith.extf %[[L]] : vector<4xf16> to vector<4xf32>
// CHECK: %[[H:.*]] = vector.extract_strided_slice %[[N]]#0 {offsets = [4], sizes = [4], strides = [1]}
// CHECK: vector.extract_strided_slice %[[N]]#1 {offsets = [0], sizes = [4], strides = [1]}
// CHECK-NOT: vector.extract_strided_slice
// CHECK: vector.maskedstore
func.func @narrow_columns(%a: memref<1x32xf16>, %b: memref<1x32x16xf16>, %c: memref<1x10xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<1x32xf16>, memref<1x32x16xf16>) outs(%c : memref<1x10xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 2, columns = 16, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false, lhsBits = 16, rhsBits = 16, wordGroups = 32, lhsSteps = 2>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// Two instructions: products of neighbours, then sums of two of them.
// CHECK-LABEL: @pairs
// CHECK: %[[ONES:.*]] = arith.constant dense<1> : vector<8xi16>
// CHECK: %[[P:.*]] = llvm.call_intrinsic "llvm.products"(%{{.*}}, %{{.*}}) : (vector<16xi8>, vector<16xi8>) -> vector<8xi16>
// CHECK: %[[FIRST:.*]] = llvm.call_intrinsic "llvm.sums"(%[[P]], %[[ONES]]) : (vector<8xi16>, vector<8xi16>) -> vector<4xi32>
// CHECK: %[[W:.*]] = vector.load {{.*}} vector<16xi8>
// CHECK: %[[S:.*]] = vector.bitcast %{{.*}} : vector<4xi32> to vector<16xi8>
// CHECK: %[[P:.*]] = llvm.call_intrinsic "llvm.products"(%[[S]], %[[W]])
// CHECK: %[[Q:.*]] = llvm.call_intrinsic "llvm.sums"(%[[P]], %[[ONES]])
// CHECK: arith.addi %[[Q]], %[[FIRST]] : vector<4xi32>
func.func @pairs(%a: memref<1x8xi8>, %b: memref<1x2x16xi8>, %c: memref<1x4xi32>) {
  mopt.contract_anchor ins(%a, %b : memref<1x8xi8>, memref<1x2x16xi8>) outs(%c : memref<1x4xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #mopt.config<kernel = "k", rows = 1, columns = 4, lanes = 4, unroll = 2, streams = 1, prefetchRows = 0, prefetchNext = false, interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.products,llvm.sums">} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

// Bytes of one channel each are summed as floats, which is exact.
// CHECK-LABEL: @depthwise_bytes
// CHECK: arith.extui %{{.*}} : vector<4xi8> to vector<4xi32>
// CHECK: arith.sitofp %{{.*}} : vector<4xi32> to vector<4xf32>
// CHECK: vector.fma
// CHECK: arith.fptosi %{{.*}} : vector<4xf32> to vector<4xi32>
func.func @depthwise_bytes(%x: memref<1x4x4x4xi8>, %w: memref<3x3x4xi8>, %c: memref<1x2x2x4xi32>) {
  mopt.depthwise_anchor ins(%x, %w : memref<1x4x4x4xi8>, memref<3x3x4xi8>) outs(%c : memref<1x2x2x4xi32>)
      attributes {unsigned_lhs, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, config = #mopt.config<kernel = "k", rows = 2, columns = 2, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
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

// -----

// Weights of 8 bits become numbers when they are loaded.
// CHECK-LABEL: @weights
// CHECK: %[[B:.*]] = vector.load %{{.*}} : memref<32xi8{{.*}}>, vector<4xi8>
// CHECK: %[[I:.*]] = arith.extsi %[[B]] : vector<4xi8> to vector<4xi32>
// CHECK: %[[F:.*]] = arith.sitofp %[[I]] : vector<4xi32> to vector<4xf32>
// CHECK: vector.fma %{{.*}}, %[[F]]
func.func @weights(%a: memref<1x8xf32>, %b: memref<1x8x4xi8>, %c: memref<1x4xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<1x8xf32>, memref<1x8x4xi8>) outs(%c : memref<1x4xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 4, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// The only column of the last vector is stored as the byte that it is: LLVM would
// store 32 bits of a truncated one.
// CHECK-LABEL: @one_byte
// CHECK: vector.store %{{.*}} : memref<{{.*}}xi8{{.*}}>, vector<4xi8>
// CHECK-NOT: vector.maskedstore
// CHECK: %[[BYTE:.*]] = vector.extract %{{.*}}[0] : i8 from vector<4xi8>
// CHECK: memref.store %[[BYTE]], %{{.*}} : memref<{{.*}}xi8
// CHECK-NOT: vector.maskedstore
// CHECK: return
func.func @one_byte(%a: memref<1x8xf32>, %b: memref<2x8x4xf32>, %c: memref<1x5xi8>) {
  mopt.contract_anchor ins(%a, %b : memref<1x8xf32>, memref<2x8x4xf32>) outs(%c : memref<1x5xi8>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 4, lanes = 4, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: f32):
    %i = arith.fptosi %acc : f32 to i32
    %t = arith.trunci %i : i32 to i8
    mopt.yield %t : i8
  }
  return
}
