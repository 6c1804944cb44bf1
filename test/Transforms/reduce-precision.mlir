// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=bf16}),cse)" | FileCheck %s
// RUN: sed "s/+avx512f,+amx-tile,+amx-bf16/+neon,+bf16/" %s | mopt-opt -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=bf16}),cse)" | FileCheck %s
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=bf16 remarks=true}))" -verify-diagnostics -o /dev/null
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision))" | FileCheck %s --check-prefix=NONE
// RUN: not mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=f8}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=f16}))" | FileCheck %s --check-prefix=F16
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=f16 remarks=true}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SAID

// NONE-NOT: xbf16
// TYPE: error: expected 'type' of f32, bf16 or f16, found 'f8'

#amx = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx512f,+amx-tile,+amx-bf16", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #amx} {

// Both sides are rounded, where they are made; the sums are not.
// CHECK-LABEL: func.func @matmul
// CHECK-DAG: %[[W:.*]] = mopt.cast %{{.*}} : tensor<64x32xf32> -> tensor<64x32xbf16>
// CHECK-DAG: %[[X:.*]] = mopt.cast %arg0 : tensor<?x64xf32> -> tensor<?x64xbf16>
// CHECK: mopt.matmul %[[X]], %[[W]] {f32_result} : tensor<?x64xbf16>, tensor<64x32xbf16> -> tensor<?x32xf32>
func.func @matmul(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = arith.constant dense<1.0> : tensor<64x32xf32>
  // expected-remark @below {{operands in bf16}}
  %y = mopt.matmul %x, %w : tensor<?x64xf32>, tensor<64x32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// What was rounded is stored so: its other readers widen it. Rounding comes
// before a transposition.
// CHECK-LABEL: func.func @stored
// CHECK: %[[A:.*]] = mopt.unary <tanh> %arg0
// CHECK: %[[R:.*]] = mopt.cast %[[A]] : tensor<64x64xf32> -> tensor<64x64xbf16>
// CHECK: %[[F:.*]] = mopt.cast %[[R]] : tensor<64x64xbf16> -> tensor<64x64xf32>
// CHECK: %[[E:.*]] = mopt.unary <exp> %arg0
// CHECK: %[[S:.*]] = mopt.cast %[[E]] : tensor<64x64xf32> -> tensor<64x64xbf16>
// CHECK: %[[T:.*]] = mopt.transpose %[[S]]
// CHECK: %[[P:.*]] = mopt.matmul %[[R]], %[[T]] {f32_result}
// CHECK: mopt.binary <add> %[[P]], %[[F]]
func.func @stored(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %a = mopt.unary <tanh> %x : tensor<64x64xf32> -> tensor<64x64xf32>
  %e = mopt.unary <exp> %x : tensor<64x64xf32> -> tensor<64x64xf32>
  %t = mopt.transpose %e [1, 0] : tensor<64x64xf32> -> tensor<64x64xf32>
  // expected-remark @below {{operands in bf16}}
  %y = mopt.matmul %a, %t : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  %z = mopt.binary <add> %y, %a : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  return %z : tensor<64x64xf32>
}

// What products of the same tensor's parts round is rounded before it is taken
// apart.
// CHECK-LABEL: func.func @parts
// CHECK: %[[A:.*]] = mopt.unary <tanh> %arg0
// CHECK: %[[R:.*]] = mopt.cast %[[A]] : tensor<32x128xf32> -> tensor<32x128xbf16>
// CHECK-NOT: mopt.cast
// CHECK: %[[S:.*]] = mopt.reshape %[[R]] to [32, 2, 64]
// CHECK-DAG: mopt.slice %[[S]] [0, 0, 0]
// CHECK-DAG: mopt.slice %[[S]] [0, 1, 0]
// CHECK: mopt.matmul {{.*}} tensor<32x64xbf16>, tensor<32x64xbf16> -> tensor<32x32xf32>
func.func @parts(%x: tensor<32x128xf32>) -> tensor<32x32xf32> {
  %a = mopt.unary <tanh> %x : tensor<32x128xf32> -> tensor<32x128xf32>
  %s = mopt.reshape %a to [32, 2, 64] : tensor<32x128xf32> -> tensor<32x2x64xf32>
  %0 = mopt.slice %s [0, 0, 0] [32, 1, 64] [1, 1, 1] : tensor<32x2x64xf32> -> tensor<32x1x64xf32>
  %q = mopt.reshape %0 to [32, 64] : tensor<32x1x64xf32> -> tensor<32x64xf32>
  %1 = mopt.slice %s [0, 1, 0] [32, 1, 64] [1, 1, 1] : tensor<32x2x64xf32> -> tensor<32x1x64xf32>
  %k = mopt.reshape %1 to [32, 64] : tensor<32x1x64xf32> -> tensor<32x64xf32>
  // expected-remark @below {{operands in bf16}}
  %y = mopt.matmul %q, %k {transpose_rhs} : tensor<32x64xf32>, tensor<32x64xf32> -> tensor<32x32xf32>
  return %y : tensor<32x32xf32>
}

// CHECK-LABEL: func.func @conv
// CHECK: mopt.conv %{{.*}}, %{{.*}} {{{.*}}f32_result{{.*}}} : tensor<1x16x8x8xbf16>, tensor<16x16x3x3xbf16> -> tensor<1x16x6x6xf32>
func.func @conv(%x: tensor<1x16x8x8xf32>, %w: tensor<16x16x3x3xf32>) -> tensor<1x16x6x6xf32> {
  // expected-remark @below {{operands in bf16}}
  %y = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32> -> tensor<1x16x6x6xf32>
  return %y : tensor<1x16x6x6xf32>
}

// The last of an odd depth has a zero beside it.
// CHECK-LABEL: func.func @odd
// CHECK-DAG: %[[A:.*]] = mopt.cast %arg0 : tensor<20x33xf32> -> tensor<20x33xbf16>
// CHECK-DAG: %[[B:.*]] = mopt.cast %arg1 : tensor<18x33xf32> -> tensor<18x33xbf16>
// CHECK-DAG: %[[L:.*]] = mopt.pad <constant> %[[A]], %{{.*}} low [0, 0] high [0, 1]
// CHECK-DAG: %[[R:.*]] = mopt.pad <constant> %[[B]], %{{.*}} low [0, 0] high [0, 1]
// CHECK: mopt.matmul %[[L]], %[[R]] {f32_result, transpose_rhs} : tensor<20x34xbf16>, tensor<18x34xbf16> -> tensor<20x18xf32>
func.func @odd(%a: tensor<20x33xf32>, %b: tensor<18x33xf32>) -> tensor<20x18xf32> {
  // expected-remark @below {{operands in bf16}}
  %z = mopt.matmul %a, %b {transpose_rhs} : tensor<20x33xf32>, tensor<18x33xf32> -> tensor<20x18xf32>
  return %z : tensor<20x18xf32>
}

// A channel by itself, and a small depth, fill no register.
// CHECK-LABEL: func.func @stays
// CHECK-NOT: bf16
// CHECK: return
func.func @stays(%x: tensor<1x16x8x8xf32>, %w: tensor<16x1x3x3xf32>, %a: tensor<20x15xf32>, %b: tensor<15x20xf32>) -> (tensor<1x16x6x6xf32>, tensor<20x20xf32>) {
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %y = mopt.conv %x, %w {group = 16, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x8x8xf32>, tensor<16x1x3x3xf32> -> tensor<1x16x6x6xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %z = mopt.matmul %a, %b : tensor<20x15xf32>, tensor<15x20xf32> -> tensor<20x20xf32>
  return %y, %z : tensor<1x16x6x6xf32>, tensor<20x20xf32>
}

// Few rows wait for their weights, of which narrow ones are fewer bytes. No weight
// becomes infinite.
// CHECK-LABEL: func.func @weights
// CHECK: mopt.matmul %arg0, %{{.*}} : tensor<1x64xf32>, tensor<64x32xbf16> -> tensor<1x32xf32>
// F16-LABEL: func.func @weights
// F16-NOT: f16
// F16: return
func.func @weights(%x: tensor<1x64xf32>) -> tensor<1x32xf32> {
  %w = arith.constant dense<1.0e6> : tensor<64x32xf32>
  // expected-remark @below {{weights in bf16}}
  %y = mopt.matmul %x, %w : tensor<1x64xf32>, tensor<64x32xf32> -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}
}

// -----

#plain = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx512f", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #plain} {
// CHECK-LABEL: func.func @no_registers
// CHECK-NOT: bf16
// CHECK: return
func.func @no_registers(%x: tensor<8x64xf32>, %w: tensor<64x32xf32>) -> tensor<8x32xf32> {
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %y = mopt.matmul %x, %w : tensor<8x64xf32>, tensor<64x32xf32> -> tensor<8x32xf32>
  return %y : tensor<8x32xf32>
}
}

// -----

// Vectors of 16 bits, in which short sums are as well: of constant weights that keep
// them finite, and of a depth and width for which widening them pays.
#halves = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx512f,+avx512bw,+avx512fp16", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #halves} {
// CHECK-LABEL: func.func @halves
// CHECK-NOT: bf16
// F16-LABEL: func.func @halves
// F16: mopt.matmul %{{.*}}, %{{.*}} {f32_result} : tensor<?x64xf16>, tensor<64x64xf16> -> tensor<?x64xf32>
// SAID: remark: operands in f16
func.func @halves(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = arith.constant dense<3.8> : tensor<64x64xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %y = mopt.matmul %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// F16-LABEL: func.func @line
// F16: mopt.conv %{{.*}}, %{{.*}} {{{.*}}f32_result{{.*}}} : tensor<1x16x8x8xf16>, tensor<64x16x3x3xf16> -> tensor<1x64x6x6xf32>
// SAID: remark: operands in f16
// SAID: remark: stays in f32, which is as fast on this target
func.func @line(%x: tensor<1x16x8x8xf32>) -> (tensor<1x64x6x6xf32>, tensor<1x64x4x4xf32>) {
  %w = arith.constant dense<0.5> : tensor<64x16x3x3xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %y = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x8x8xf32>, tensor<64x16x3x3xf32> -> tensor<1x64x6x6xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %z = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 2, 2>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x8x8xf32>, tensor<64x16x3x3xf32> -> tensor<1x64x4x4xf32>
  return %y, %z : tensor<1x64x6x6xf32>, tensor<1x64x4x4xf32>
}

// F16-LABEL: func.func @wide
// F16-NOT: f16
// F16: return
// SAID: remark: stays in f32: sums of such weights may be beyond the range of f16
// SAID: remark: stays in f32: sums of unknown weights may be beyond the range of f16
// SAID: remark: stays in f32: weights beyond the range of f16
// SAID: remark: stays in f32, which is as fast on this target
func.func @wide(%x: tensor<8x64xf32>, %v: tensor<64x64xf32>) -> (tensor<8x64xf32>, tensor<8x64xf32>, tensor<8x64xf32>, tensor<8x63xf32>) {
  %large = arith.constant dense<3.9> : tensor<64x64xf32>
  %huge = arith.constant dense<1.0e5> : tensor<64x64xf32>
  %few = arith.constant dense<1.0> : tensor<64x63xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %0 = mopt.matmul %x, %large : tensor<8x64xf32>, tensor<64x64xf32> -> tensor<8x64xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %1 = mopt.matmul %x, %v : tensor<8x64xf32>, tensor<64x64xf32> -> tensor<8x64xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %2 = mopt.matmul %x, %huge : tensor<8x64xf32>, tensor<64x64xf32> -> tensor<8x64xf32>
  // expected-remark @below {{stays in f32, which is as fast on this target}}
  %3 = mopt.matmul %x, %few : tensor<8x64xf32>, tensor<64x63xf32> -> tensor<8x63xf32>
  return %0, %1, %2, %3 : tensor<8x64xf32>, tensor<8x64xf32>, tensor<8x64xf32>, tensor<8x63xf32>
}
}
