// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=f16},mopt-select-microkernels,mopt-convert-anchors))" | FileCheck %s -DT=f16 -DI=llvm.nvvm.mma.m16n8k16.row.col.f32.f32
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-reduce-precision{type=bf16},mopt-select-microkernels,mopt-convert-anchors))" | FileCheck %s -DT=bf16 -DI=llvm.nvvm.mma.m16n8k16.row.col.bf16

module attributes {mopt.target = #mopt.target<name = "sm_80", triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "+ptx80", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// A depth of whole copies of 16 bytes, and blocks of 64 columns whose steps are
// side by side.
// CHECK-LABEL: func.func @matmul
// CHECK: tensor.empty() : tensor<2x40x64x[[T]]>
// CHECK: mopt.contract_anchor ins(%{{.*}}, %{{.*}} : tensor<100x40x[[T]]>, tensor<2x40x64x[[T]]>)
// CHECK-SAME: kernel = "warp-[[T]]"
// CHECK-SAME: instruction = "[[I]]", matrixUnit = "warp"
// CHECK-NEXT: ^bb0(%{{.*}}: f32):
func.func @matmul(%x: tensor<100x37xf32>, %w: tensor<37x100xf32>) -> tensor<100x100xf32> {
  %y = mopt.matmul %x, %w : tensor<100x37xf32>, tensor<37x100xf32> -> tensor<100x100xf32>
  return %y : tensor<100x100xf32>
}

// One row waits for its weights.
// CHECK-LABEL: func.func @row
// CHECK: mopt.contract_anchor ins(%{{.*}}, %{{.*}} : tensor<1x37xf32>, tensor<2x37x64x[[T]]>)
// CHECK-SAME: kernel = "grid-64x64"
func.func @row(%x: tensor<1x37xf32>) -> tensor<1x100xf32> {
  %w = arith.constant dense<1.0> : tensor<37x100xf32>
  %y = mopt.matmul %x, %w : tensor<1x37xf32>, tensor<37x100xf32> -> tensor<1x100xf32>
  return %y : tensor<1x100xf32>
}

// CHECK-LABEL: func.func @conv
// CHECK: mopt.conv_anchor ins(%{{.*}}, %{{.*}} : tensor<1x9x9x24x[[T]]>, tensor<1x1x3x3x24x64x[[T]]>)
// CHECK-SAME: kernel = "warp-[[T]]"
func.func @conv(%x: tensor<1x9x9x24xf32>, %w: tensor<32x24x3x3xf32>) -> tensor<1x7x7x32xf32> {
  %y = mopt.conv %x, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x9x9x24xf32>, tensor<32x24x3x3xf32> -> tensor<1x7x7x32xf32>
  return %y : tensor<1x7x7x32xf32>
}

// Three channels become four, which one copy brings.
// CHECK-LABEL: func.func @picture
// CHECK: mopt.pad
// CHECK-SAME: tensor<1x3x9x9x[[T]]>
// CHECK-SAME: tensor<1x4x9x9x[[T]]>
// CHECK: mopt.conv {{.*}} : tensor<1x4x9x9x[[T]]>, tensor<32x4x3x3x[[T]]>
func.func @picture(%x: tensor<1x3x9x9xf32>) -> tensor<1x32x7x7xf32> {
  %w = arith.constant dense<1.0> : tensor<32x3x3x3xf32>
  %y = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x3x9x9xf32>, tensor<32x3x3x3xf32> -> tensor<1x32x7x7xf32>
  return %y : tensor<1x32x7x7xf32>
}
}
