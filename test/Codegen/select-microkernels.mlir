// RUN: mopt-opt %s -split-input-file -mopt-select-microkernels -verify-diagnostics | FileCheck %s

#avx2 = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #avx2} {
  // CHECK-LABEL: @avx2
  func.func @avx2(%a: tensor<128x768xf32>, %b: tensor<768x768xf32>, %i: tensor<4x8xi8>, %j: tensor<8x16xi8>, %k: tensor<8x16xui8>, %h: tensor<8x16xf16>) {
    // CHECK: mopt.config = #mopt.config<kernel = "avx2-f32-6x16", rows = 6, columns = 16, lanes = 8, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true>
    %0 = mopt.matmul %a, %b : tensor<128x768xf32>, tensor<768x768xf32> -> tensor<128x768xf32>
    // Bytes as words, two at a time; words do not take an unsigned right side.
    // CHECK: mopt.matmul {{.*}}avx2-i16-{{.*}}interleave = 2, lhsBits = 16, rhsBits = 16, instruction = "llvm.x86.avx2.pmadd.wd">
    %1 = mopt.matmul %i, %j : tensor<4x8xi8>, tensor<8x16xi8> -> tensor<4x16xi32>
    // CHECK: mopt.matmul {{.*}}"generic-6x2"
    %2 = mopt.matmul %i, %k : tensor<4x8xi8>, tensor<8x16xui8> -> tensor<4x16xi32>
    // Neighbours along the depth are rows apart.
    // CHECK: mopt.matmul {{.*}}"generic-6x2"
    %3 = mopt.matmul %j, %j {transpose_lhs} : tensor<8x16xi8>, tensor<8x16xi8> -> tensor<16x16xi32>
    // CHECK: mopt.matmul
    // CHECK-NOT: mopt.config
    %4 = mopt.matmul %h, %h {transpose_lhs} : tensor<8x16xf16>, tensor<8x16xf16> -> tensor<16x16xf16>
    return
  }
}

// -----

#avx512 = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #avx512} {
  // CHECK-LABEL: @avx512
  func.func @avx512(%a: tensor<128x768xf32>, %b: tensor<768x768xf32>, %c: tensor<768x64xf32>, %x: tensor<1x30x30x32xf32>, %w: tensor<32x1x3x3xf32>) {
    // CHECK: avx512-f32-8x48
    %0 = mopt.matmul %a, %b : tensor<128x768xf32>, tensor<768x768xf32> -> tensor<128x768xf32>
    // CHECK: avx512-f32-6x64
    %1 = mopt.matmul %a, %c : tensor<128x768xf32>, tensor<768x64xf32> -> tensor<128x64xf32>
    // Two outputs apart: no input rows are shared, and 14 is a multiple of 7.
    // CHECK: rows = 1, columns = 7, lanes = 16
    %2 = mopt.conv %x, %w {channels_last, group = 32, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x30x30x32xf32>, tensor<32x1x3x3xf32> -> tensor<1x14x14x32xf32>
    return
  }
}

// -----

#vnni = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f,+avx512bw,+avx512vnni", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #vnni} {
  // CHECK-LABEL: @vnni
  func.func @vnni(%a: tensor<128x768xui8>, %s: tensor<128x768xi8>, %b: tensor<768x768xi8>, %d: tensor<768x?xui8>, %e: tensor<?x64xi8>) {
    // CHECK: avx512-vnni-u8s8-8x48{{.*}}interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx512.vpdpbusd.512">
    %0 = mopt.matmul %a, %b : tensor<128x768xui8>, tensor<768x768xi8> -> tensor<128x768xi32>
    // CHECK: avx512-i16-8x48
    %1 = mopt.matmul %s, %b : tensor<128x768xi8>, tensor<768x768xi8> -> tensor<128x768xi32>
    // Of a depth of unknown size too.
    // CHECK: avx512-vnni-u8s8-
    %2 = mopt.matmul %d, %e : tensor<768x?xui8>, tensor<?x64xi8> -> tensor<768x64xi32>
    return
  }
}

// -----

#amx = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f,+avx512bw,+avx512vnni,+amx-tile,+amx-int8,+amx-bf16", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #amx} {
  // CHECK-LABEL: @amx
  func.func @amx(%a: tensor<?x768xui8>, %b: tensor<768x768xi8>, %c: tensor<4x768xui8>, %d: tensor<64x33xui8>, %e: tensor<33x64xi8>, %f: tensor<64x?xui8>, %g: tensor<?x64xi8>, %h: tensor<64x32xbf16>, %i: tensor<32x64xbf16>, %x: tensor<1x30x30x3xui8>, %w: tensor<32x3x3x3xi8>) {
    // CHECK: "amx-u8s8-32x32", rows = 32, columns = 32, lanes = 16, {{.*}}instruction = "llvm.x86.tdpbusd", matrixUnit = "amx">
    %0 = mopt.matmul %a, %b : tensor<?x768xui8>, tensor<768x768xi8> -> tensor<?x768xi32>
    // Few rows wait for the right side.
    // CHECK: "avx512-vnni-u8s8-
    %1 = mopt.matmul %c, %b : tensor<4x768xui8>, tensor<768x768xi8> -> tensor<4x768xi32>
    // Nothing may be read behind a row: whole groups, and a known depth.
    // CHECK: "avx512-vnni-u8s8-
    %2 = mopt.matmul %d, %e : tensor<64x33xui8>, tensor<33x64xi8> -> tensor<64x64xi32>
    // CHECK: "avx512-vnni-u8s8-
    %3 = mopt.matmul %f, %g : tensor<64x?xui8>, tensor<?x64xi8> -> tensor<64x64xi32>
    // CHECK: "amx-bf16-32x32"
    %4 = mopt.matmul %h, %i {f32_result} : tensor<64x32xbf16>, tensor<32x64xbf16> -> tensor<64x64xf32>
    // Channels of a convolution are padded.
    // CHECK: "amx-u8s8-32x32"
    %5 = mopt.conv %x, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x30x30x3xui8>, tensor<32x3x3x3xi8> -> tensor<1x28x28x32xi32>
    return
  }
}

// -----

#halves = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f,+avx512bw,+avx512fp16", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #halves} {
  // CHECK-LABEL: @halves
  func.func @halves(%a: tensor<?x768xf16>, %b: tensor<768x768xf16>, %c: tensor<768x16xf16>, %d: tensor<64x9xf16>, %e: tensor<9x64xf16>, %f: tensor<64x?xf16>, %g: tensor<?x64xf16>, %h: tensor<64x64xf32>, %x: tensor<1x30x30x33xf16>, %w: tensor<64x33x3x3xf16>, %y: tensor<1x30x30x8xf16>, %v: tensor<64x8x3x3xf16>) {
    // CHECK: mopt.matmul {{.*}}"avx512-f16-7x32", rows = 7, columns = 32, lanes = 16, unroll = 4, {{.*}}interleave = 2, lhsBits = 16, rhsBits = 16, wordGroups = 32>
    %0 = mopt.matmul %a, %b {f32_result} : tensor<?x768xf16>, tensor<768x768xf16> -> tensor<?x768xf32>
    // CHECK: mopt.matmul {{.*}}"avx512-f16-14x16"
    %1 = mopt.matmul %a, %c {f32_result} : tensor<?x768xf16>, tensor<768x16xf16> -> tensor<?x16xf32>
    // Widening costs more than a short depth saves.
    // CHECK: mopt.matmul {{.*}}"avx512-f32-
    %2 = mopt.matmul %d, %e {f32_result} : tensor<64x9xf16>, tensor<9x64xf16> -> tensor<64x64xf32>
    // CHECK: mopt.matmul {{.*}}"avx512-f16-
    %3 = mopt.matmul %f, %g {f32_result} : tensor<64x?xf16>, tensor<?x64xf16> -> tensor<64x64xf32>
    // Both sides are narrow, and neighbours along the depth side by side.
    // CHECK: mopt.matmul {{.*}}"avx512-f32-
    %4 = mopt.matmul %h, %g : tensor<64x64xf32>, tensor<?x64xf16> -> tensor<64x64xf32>
    // CHECK: mopt.matmul {{.*}}"avx512-f32-
    %5 = mopt.matmul %f, %f {f32_result, transpose_lhs} : tensor<64x?xf16>, tensor<64x?xf16> -> tensor<?x?xf32>
    // Channels of a convolution are padded; sums end with a window's row.
    // CHECK: mopt.conv {{.*}}"avx512-f16-
    %6 = mopt.conv %x, %w {channels_last, f32_result, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x30x30x33xf16>, tensor<64x33x3x3xf16> -> tensor<1x28x28x64xf32>
    // CHECK: mopt.conv {{.*}}"avx512-f16-
    %7 = mopt.conv %y, %v {channels_last, f32_result, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x30x30x8xf16>, tensor<64x8x3x3xf16> -> tensor<1x28x28x64xf32>
    // CHECK: mopt.conv {{.*}}"avx512-f32-
    %8 = mopt.conv %y, %v {channels_last, f32_result, strides = array<i64: 1, 1>, dilations = array<i64: 2, 2>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x30x30x8xf16>, tensor<64x8x3x3xf16> -> tensor<1x26x26x64xf32>
    return
  }
}

// -----

// Unsigned bytes times constant weights: two products of which the sum has 16 bits,
// whatever the unsigned bytes are, need no words.
#pairs = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #pairs} {
  // CHECK-LABEL: @pairs
  func.func @pairs(%a: tensor<5x4xui8>, %s: tensor<5x4xi8>, %x: tensor<1x8x8x4xui8>, %y: tensor<1x8x8x2xui8>, %b: tensor<5x8xui8>, %z: tensor<1x8x8x8xui8>, %d: tensor<5x64xui8>) {
    %sum128 = arith.constant dense<[[64, -128], [64, 127], [-128, 1], [0, 0]]> : tensor<4x2xi8>
    %sum129 = arith.constant dense<[[0, 0], [0, 0], [65, 0], [64, 0]]> : tensor<4x2xi8>
    %sum_129 = arith.constant dense<[[0, -128], [0, -1], [0, 0], [0, 0]]> : tensor<4x2xi8>
    %across = arith.constant dense<[[0, 0], [127, 0], [127, 0], [0, 0]]> : tensor<4x2xi8>
    %transposed = arith.constant dense<[[100, 100, 0, 0], [0, 0, 0, 0]]> : tensor<2x4xi8>
    %columns = arith.constant dense<[[100, 0, 100, 0], [100, 0, 100, 0]]> : tensor<2x4xi8>
    // CHECK: mopt.matmul {{.*}}"avx2-u8p8-{{.*}}interleave = 4, lhsBits = 8, rhsBits = 8, instruction = "llvm.x86.avx2.pmadd.ub.sw,llvm.x86.avx2.pmadd.wd">
    %0 = mopt.matmul %a, %sum128 : tensor<5x4xui8>, tensor<4x2xi8> -> tensor<5x2xi32>
    // CHECK: mopt.matmul {{.*}}"avx2-i16-
    %1 = mopt.matmul %a, %sum129 : tensor<5x4xui8>, tensor<4x2xi8> -> tensor<5x2xi32>
    // CHECK: mopt.matmul {{.*}}"avx2-i16-
    %2 = mopt.matmul %a, %sum_129 : tensor<5x4xui8>, tensor<4x2xi8> -> tensor<5x2xi32>
    // Only neighbours that the instruction sums count.
    // CHECK: mopt.matmul {{.*}}"avx2-u8p8-
    %3 = mopt.matmul %a, %across : tensor<5x4xui8>, tensor<4x2xi8> -> tensor<5x2xi32>
    // CHECK: mopt.matmul {{.*}}"avx2-i16-
    %4 = mopt.matmul %a, %transposed {transpose_rhs} : tensor<5x4xui8>, tensor<2x4xi8> -> tensor<5x2xi32>
    // CHECK: mopt.matmul {{.*}}"avx2-u8p8-
    %5 = mopt.matmul %a, %columns {transpose_rhs} : tensor<5x4xui8>, tensor<2x4xi8> -> tensor<5x2xi32>
    // Signed bytes are not what the instruction takes.
    // CHECK: mopt.matmul {{.*}}"avx2-i16-
    %6 = mopt.matmul %s, %sum128 : tensor<5x4xi8>, tensor<4x2xi8> -> tensor<5x2xi32>
    // Of a filter the neighbours are channels of one position.
    %near = arith.constant dense<[[[[100, 0]], [[100, 0]], [[0, 0]], [[0, 0]]]]> : tensor<1x4x1x2xi8>
    %far = arith.constant dense<[[[[100, 100]], [[0, 0]], [[0, 0]], [[0, 0]]]]> : tensor<1x4x1x2xi8>
    // CHECK: mopt.conv {{.*}}"avx2-i16-
    %7 = mopt.conv %x, %near {channels_last, group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x4xui8>, tensor<1x4x1x2xi8> -> tensor<1x8x7x1xi32>
    // CHECK: mopt.conv {{.*}}"avx2-u8p8-
    %8 = mopt.conv %x, %far {channels_last, group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x4xui8>, tensor<1x4x1x2xi8> -> tensor<1x8x7x1xi32>
    // Where even the sums of four fit, groups are taken two by two; of a filter only where
    // no two are of different positions.
    %small = arith.constant dense<32> : tensor<8x64xi8>
    // CHECK: mopt.matmul {{.*}}"avx2-u8w8-{{.*}}wordGroups = 2>
    %10 = mopt.matmul %b, %small : tensor<5x8xui8>, tensor<8x64xi8> -> tensor<5x64xi32>
    %eight = arith.constant dense<32> : tensor<16x8x1x2xi8>
    // CHECK: mopt.conv {{.*}}"avx2-u8w8-
    %11 = mopt.conv %z, %eight {channels_last, group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x8xui8>, tensor<16x8x1x2xi8> -> tensor<1x8x7x16xi32>
    %four = arith.constant dense<32> : tensor<16x4x1x2xi8>
    // CHECK: mopt.conv {{.*}}"avx2-u8p8-
    %12 = mopt.conv %x, %four {channels_last, group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x4xui8>, tensor<16x4x1x2xi8> -> tensor<1x8x7x16xi32>
    // Few sums that are too large are computed apart; many would cost more than words.
    %few = arith.constant dense<"0x7F7F000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"> : tensor<8x64xi8>
    // CHECK: mopt.matmul {{.*}}"avx2-u8w8-
    %13 = mopt.matmul %d, %few {transpose_rhs} : tensor<5x64xui8>, tensor<8x64xi8> -> tensor<5x8xi32>
    // Each position of two channels has a group of its own, in which four would
    // have room: pairs of words waste less.
    %two = arith.constant dense<1> : tensor<1x2x1x3xi8>
    // CHECK: mopt.conv {{.*}}"avx2-i16-
    %9 = mopt.conv %y, %two {channels_last, group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x2xui8>, tensor<1x2x1x3xi8> -> tensor<1x8x6x1xi32>
    return
  }
}

// -----

// No row is for this machine.
#plain = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+some", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #plain} {
  // CHECK-LABEL: @generic
  func.func @generic(%a: tensor<128x768xf32>, %b: tensor<768x768xf32>) {
    // CHECK: generic-8x3", rows = 8, columns = 12, lanes = 4
    %0 = mopt.matmul %a, %b : tensor<128x768xf32>, tensor<768x768xf32> -> tensor<128x768xf32>
    return
  }
}

// -----

#neon = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #neon} {
  // CHECK-LABEL: @neon
  func.func @neon(%a: tensor<128x768xf32>, %b: tensor<768x768xf32>, %c: tensor<768x64xf32>, %d: tensor<768x8xf32>, %e: tensor<768x3xf32>, %x: tensor<1x32x32x64xf32>, %w: tensor<64x1x3x3xf32>, %u: tensor<1x32x32x64xui8>, %s: tensor<64x1x3x3xi8>) {
    // CHECK: neon-f32-8x12", rows = 8, columns = 12, lanes = 4, unroll = 2, {{.*}}lhsSteps = 2
    %0 = mopt.matmul %a, %b : tensor<128x768xf32>, tensor<768x768xf32> -> tensor<128x768xf32>
    // Five panels and a third of one are more than four.
    // CHECK: neon-f32-5x16"
    %1 = mopt.matmul %a, %c : tensor<128x768xf32>, tensor<768x64xf32> -> tensor<128x64xf32>
    // CHECK: neon-f32-12x8"
    %2 = mopt.matmul %a, %d : tensor<128x768xf32>, tensor<768x8xf32> -> tensor<128x8xf32>
    // CHECK: neon-f32-16x4"
    %3 = mopt.matmul %a, %e : tensor<128x768xf32>, tensor<768x3xf32> -> tensor<128x3xf32>
    // CHECK: neon-depthwise-3x4", rows = 3, columns = 4, lanes = 4
    %4 = mopt.conv %x, %w {channels_last, group = 64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x32x32x64xf32>, tensor<64x1x3x3xf32> -> tensor<1x32x32x64xf32>
    // CHECK: neon-depthwise-i16-1x4", rows = 1, columns = 4, lanes = 8, {{.*}}lhsBits = 16, rhsBits = 16
    %5 = mopt.conv %u, %s {channels_last, group = 64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x32x32x64xui8>, tensor<64x1x3x3xi8> -> tensor<1x32x32x64xi32>
    return
  }
}

// -----

#dot = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon,+dotprod", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #dot} {
  // CHECK-LABEL: @dot
  func.func @dot(%a: tensor<128x768xi8>, %u: tensor<128x768xui8>, %b: tensor<768x768xi8>) {
    // CHECK: neon-s8s8-8x12", {{.*}}instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8", lhsSteps = 2
    %0 = mopt.matmul %a, %b : tensor<128x768xi8>, tensor<768x768xi8> -> tensor<128x768xi32>
    // CHECK: generic-8x3"
    %1 = mopt.matmul %u, %b : tensor<128x768xui8>, tensor<768x768xi8> -> tensor<128x768xi32>
    return
  }
}

// -----

// What a processor is tuned for decides between tiles of the same registers.
#n1 = #mopt.target<name = "m", triple = "t", cpu = "generic", tune = "neoverse-n1", features = "+neon,+dotprod", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #n1} {
  // CHECK-LABEL: @few_issued
  func.func @few_issued(%a: tensor<128x768xf32>, %b: tensor<768x768xf32>, %c: tensor<128x768xi8>, %d: tensor<768x768xi8>) {
    // CHECK: neon-f32-10x8", rows = 10, columns = 8, lanes = 4, unroll = 4, {{.*}}lhsSteps = 4
    %0 = mopt.matmul %a, %b : tensor<128x768xf32>, tensor<768x768xf32> -> tensor<128x768xf32>
    // CHECK: neon-s8s8-10x8", {{.*}}instruction = "llvm.aarch64.neon.sdot.v4i32.v16i8", lhsSteps = 4
    %1 = mopt.matmul %c, %d : tensor<128x768xi8>, tensor<768x768xi8> -> tensor<128x768xi32>
    return
  }
}

// -----

#i8mm = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon,+dotprod,+i8mm", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #i8mm} {
  // CHECK-LABEL: @squares
  func.func @squares(%a: tensor<128x768xui8>, %b: tensor<768x768xi8>, %x: tensor<1x64x64x3xui8>, %w: tensor<24x3x3x3xi8>, %y: tensor<1x8x8x24xui8>, %v: tensor<24x12x3x3xi8>) {
    // CHECK: neon-u8s8-squares-8x12", {{.*}}interleave = 8, {{.*}}instruction = "llvm.aarch64.neon.usmmla.v4i32.v16i8"
    %0 = mopt.matmul %a, %b : tensor<128x768xui8>, tensor<768x768xi8> -> tensor<128x768xi32>
    // Of eight neighbours three would be used.
    // CHECK: neon-u8s8-8x12", {{.*}}interleave = 4, {{.*}}instruction = "llvm.aarch64.neon.usdot.v4i32.v16i8"
    %1 = mopt.conv %x, %w {channels_last, group = 1, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x64x64x3xui8>, tensor<24x3x3x3xi8> -> tensor<1x64x64x24xi32>
    // Eight would reach into the next group.
    // CHECK: neon-u8s8-8x12", {{.*}}interleave = 4
    %2 = mopt.conv %y, %v {channels_last, group = 2, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x8x8x24xui8>, tensor<24x12x3x3xi8> -> tensor<1x8x8x24xi32>
    return
  }
}

// -----

#narrow = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+neon,+fullfp16,+bf16", vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #narrow} {
  // CHECK-LABEL: @narrow
  func.func @narrow(%a: tensor<128x768xf16>, %b: tensor<768x768xf16>, %c: tensor<768x64xf16>, %x: tensor<128x768xbf16>, %w: tensor<768x768xbf16>) {
    // CHECK: neon-f16-8x24", rows = 8, columns = 24, lanes = 4, {{.*}}wordGroups = 32, lhsSteps = 2
    %0 = mopt.matmul %a, %b {f32_result} : tensor<128x768xf16>, tensor<768x768xf16> -> tensor<128x768xf32>
    // CHECK: neon-f16-12x16"
    %1 = mopt.matmul %a, %c {f32_result} : tensor<128x768xf16>, tensor<768x64xf16> -> tensor<128x64xf32>
    // CHECK: neon-bf16-squares-8x12", {{.*}}interleave = 4, {{.*}}instruction = "llvm.aarch64.neon.bfmmla"
    %2 = mopt.matmul %x, %w {f32_result} : tensor<128x768xbf16>, tensor<768x768xbf16> -> tensor<128x768xf32>
    return
  }
}

// -----

func.func @no_target(%a: tensor<128x768xf32>, %b: tensor<768x768xf32>) {
  // expected-error @+1 {{expected a target on the module ('mopt.target')}}
  %0 = mopt.matmul %a, %b : tensor<128x768xf32>, tensor<768x768xf32> -> tensor<128x768xf32>
  return
}
