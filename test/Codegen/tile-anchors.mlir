// RUN: mopt-opt %s -split-input-file -mopt-tile-anchors -canonicalize -cse | FileCheck %s
// RUN: mopt-opt %s -split-input-file -mopt-tile-anchors -canonicalize -cse \
// RUN:   -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   -cse -canonicalize | FileCheck %s --check-prefix=BUFFER

// More columns than rows: they are cut, in whole blocks.
// CHECK-LABEL: @columns
// CHECK: scf.forall (%[[I:.*]]) in (48)
// CHECK: tensor.extract_slice %{{.*}}[%[[I]], 0, 0] [1, 768, 16]
// CHECK: mopt.contract_anchor ins(%{{.*}}, %{{.*}} : tensor<128x768xf32>, tensor<1x768x16xf32>)
// CHECK: tensor.parallel_insert_slice %{{.*}} [128, 16] [1, 1]
// BUFFER-LABEL: @columns
// BUFFER-NOT: memref.alloc
// BUFFER-NOT: memref.copy
// BUFFER: mopt.contract_anchor ins({{.*}} memref
// BUFFER-NOT: memref.copy
func.func @columns(%a: tensor<128x768xf32> {bufferization.writable = false}, %b: tensor<48x768x16xf32> {bufferization.writable = false}, %c: tensor<128x768xf32>) -> tensor<128x768xf32> {
  %0 = mopt.contract_anchor ins(%a, %b : tensor<128x768xf32>, tensor<48x768x16xf32>) outs(%c : tensor<128x768xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<128x768xf32>
  return %0 : tensor<128x768xf32>
}

// -----

// Too little work for a second tile. The residual and the destination may share
// a buffer: each element is read just before the store to it.
// CHECK-LABEL: @small
// CHECK-NOT: scf.forall
// BUFFER-LABEL: @small
// BUFFER-NOT: memref.alloc
// BUFFER-NOT: memref.copy
// BUFFER: epilogue_ins(%arg2 {{.*}} outs(%arg2
func.func @small(%a: tensor<4x16xf32> {bufferization.writable = false}, %b: tensor<3x16x16xf32> {bufferization.writable = false}, %r: tensor<4x48xf32>) -> tensor<4x48xf32> {
  %0 = mopt.contract_anchor ins(%a, %b : tensor<4x16xf32>, tensor<3x16x16xf32>) epilogue_ins(%r : tensor<4x48xf32>) outs(%r : tensor<4x48xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (m, n)>]} {
  ^bb0(%acc: f32, %x: f32):
    %v = arith.addf %acc, %x : f32
    mopt.yield %v : f32
  } -> tensor<4x48xf32>
  return %0 : tensor<4x48xf32>
}

// -----

// Rows of the output plane, with the rows of the input that they see.
// CHECK-LABEL: @conv
// CHECK: scf.forall (%[[I:.*]]) in (56)
// CHECK: tensor.extract_slice %{{.*}}[0, %[[I]], 0, 0] [1, 3, 58, 64]
// CHECK: tensor.extract_slice %{{.*}}[0, %[[I]], 0, 0] [1, 1, 56, 64]
// CHECK: mopt.conv_anchor
// BUFFER-LABEL: @conv
// BUFFER-NOT: memref.alloc
// BUFFER-NOT: memref.copy
func.func @conv(%x: tensor<1x58x58x64xf32> {bufferization.writable = false}, %w: tensor<1x4x3x3x64x16xf32> {bufferization.writable = false}, %c: tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32> {
  %0 = mopt.conv_anchor ins(%x, %w : tensor<1x58x58x64xf32>, tensor<1x4x3x3x64x16xf32>) outs(%c : tensor<1x56x56x64xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x56x56x64xf32>
  return %0 : tensor<1x56x56x64xf32>
}

// -----

// A batch that only run time knows is cut like one of one picture.
// CHECK-LABEL: @pictures
// CHECK: %[[N:.*]] = tensor.dim %arg2, %{{.*}}
// CHECK: scf.forall (%[[B:.*]], %[[I:.*]]) in (%[[N]], 56)
// CHECK: tensor.extract_slice %{{.*}}[%[[B]], %[[I]], 0, 0] [1, 3, 58, 64]
func.func @pictures(%x: tensor<?x58x58x64xf32>, %w: tensor<1x4x3x3x64x16xf32>, %c: tensor<?x56x56x64xf32>) -> tensor<?x56x56x64xf32> {
  %0 = mopt.conv_anchor ins(%x, %w : tensor<?x58x58x64xf32>, tensor<1x4x3x3x64x16xf32>) outs(%c : tensor<?x56x56x64xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x56x56x64xf32>
  return %0 : tensor<?x56x56x64xf32>
}

// -----

// Tiles of rows pad what they read.
// CHECK-LABEL: @padded
// CHECK-NOT: tensor.pad
// CHECK: scf.forall
// CHECK: %[[P:.*]] = tensor.pad
// CHECK: mopt.depthwise_anchor ins(%[[P]]
// BUFFER-LABEL: @padded
func.func @padded(%x: tensor<1x112x112x96xf32>, %w: tensor<3x3x96xf32>, %c: tensor<1x112x112x96xf32>) -> tensor<1x112x112x96xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x112x112x96xf32> to tensor<1x114x114x96xf32>
  %0 = mopt.depthwise_anchor ins(%p, %w : tensor<1x114x114x96xf32>, tensor<3x3x96xf32>) outs(%c : tensor<1x112x112x96xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x112x112x96xf32>
  return %0 : tensor<1x112x112x96xf32>
}

// -----

// Also of pictures whose number only run time knows.
// CHECK-LABEL: @padded_pictures
// CHECK-NOT: tensor.pad
// CHECK: scf.forall (%[[B:.*]], %{{.*}}) = (0, 0) to (%{{.*}}, 112) step (1, 4)
// CHECK: tensor.extract_slice %arg0[%[[B]], %{{.*}}, 0, 0] [1, %{{.*}}, 112, 96]
// CHECK: %[[P:.*]] = tensor.pad
// CHECK: mopt.depthwise_anchor ins(%[[P]]
// BUFFER-LABEL: @padded_pictures
func.func @padded_pictures(%x: tensor<?x112x112x96xf32>, %w: tensor<3x3x96xf32>, %c: tensor<?x112x112x96xf32>) -> tensor<?x112x112x96xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<?x112x112x96xf32> to tensor<?x114x114x96xf32>
  %0 = mopt.depthwise_anchor ins(%p, %w : tensor<?x114x114x96xf32>, tensor<3x3x96xf32>) outs(%c : tensor<?x112x112x96xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x112x112x96xf32>
  return %0 : tensor<?x112x112x96xf32>
}

// -----

// Few rows of a depthwise convolution: four tiles of 7 rather than five of 6 and
// less, which two or four threads share unevenly.
// CHECK-LABEL: @few_rows
// CHECK: scf.forall (%{{.*}}) = (0) to (28) step (7)
// BUFFER-LABEL: @few_rows
func.func @few_rows(%x: tensor<1x30x30x64xf32>, %w: tensor<3x3x64xf32>, %c: tensor<1x28x28x64xf32>) -> tensor<1x28x28x64xf32> {
  %0 = mopt.depthwise_anchor ins(%x, %w : tensor<1x30x30x64xf32>, tensor<3x3x64xf32>) outs(%c : tensor<1x28x28x64xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x28x28x64xf32>
  return %0 : tensor<1x28x28x64xf32>
}

// -----

// Rows that are the positions of pictures: at least one picture's, 3136; 128 of
// unknown size would be too little work to cut.
// CHECK-LABEL: @positions
// CHECK: scf.forall (%{{.*}}) = (0) to (%{{.*}}) step (800)
// BUFFER-LABEL: @positions
func.func @positions(%x: tensor<?x56x56x24xf32>, %w: tensor<1x24x16xf32>, %c: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %rows = tensor.collapse_shape %x [[0, 1, 2], [3]] : tensor<?x56x56x24xf32> into tensor<?x24xf32>
  %0 = mopt.contract_anchor ins(%rows, %w : tensor<?x24xf32>, tensor<1x24x16xf32>) outs(%c : tensor<?x16xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

// Neither size of the pictures is known: 4096 positions are assumed.
// CHECK-LABEL: @open_positions
// CHECK: scf.forall (%{{.*}}) = (0) to (%{{.*}}) step (704)
// BUFFER-LABEL: @open_positions
func.func @open_positions(%x: tensor<?x?x?x24xf32>, %w: tensor<1x24x16xf32>, %c: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %rows = tensor.collapse_shape %x [[0, 1, 2], [3]] : tensor<?x?x?x24xf32> into tensor<?x24xf32>
  %0 = mopt.contract_anchor ins(%rows, %w : tensor<?x24xf32>, tensor<1x24x16xf32>) outs(%c : tensor<?x16xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

// One row waits for the right side, so 400 thousand multiplications are more
// than four tiles'; packed blocks that it reads together stay together.
#config = #mopt.config<kernel = "k", rows = 8, columns = 64, lanes = 16, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false>
// CHECK-LABEL: @row
// CHECK: scf.forall (%{{.*}}) = (0) to (8) step (4)
// BUFFER-LABEL: @row
func.func @row(%x: tensor<1x784xf32>, %w: tensor<8x784x64xf32>, %c: tensor<1x512xf32>) -> tensor<1x512xf32> {
  %0 = mopt.contract_anchor ins(%x, %w : tensor<1x784xf32>, tensor<8x784x64xf32>) outs(%c : tensor<1x512xf32>)
      attributes {config = #config} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x512xf32>
  return %0 : tensor<1x512xf32>
}

// Four rows do not.
// CHECK-LABEL: @rows
// CHECK-NOT: scf.forall
// BUFFER-LABEL: @rows
func.func @rows(%x: tensor<4x784xf32>, %w: tensor<2x784x64xf32>, %c: tensor<4x128xf32>) -> tensor<4x128xf32> {
  %0 = mopt.contract_anchor ins(%x, %w : tensor<4x784xf32>, tensor<2x784x64xf32>) outs(%c : tensor<4x128xf32>)
      attributes {config = #config} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<4x128xf32>
  return %0 : tensor<4x128xf32>
}

// -----

// Rows before groups, where rows are more than a group's columns.
// CHECK-LABEL: @groups
// CHECK: scf.forall (%{{.*}}, %{{.*}}) = (0, 0) to (14, 4) step (2, 2)
// CHECK: tensor.extract_slice %arg0[0, %{{.*}}, 0, %{{.*}}] [1, 2, 14, 136]
// BUFFER-LABEL: @groups
func.func @groups(%x: tensor<1x14x14x272xf32>, %w: tensor<4x5x1x1x68x16xf32>, %c: tensor<1x14x14x272xf32>) -> tensor<1x14x14x272xf32> {
  %0 = mopt.conv_anchor ins(%x, %w : tensor<1x14x14x272xf32>, tensor<4x5x1x1x68x16xf32>) outs(%c : tensor<1x14x14x272xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<1x14x14x272xf32>
  return %0 : tensor<1x14x14x272xf32>
}
