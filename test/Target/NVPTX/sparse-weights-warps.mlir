// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{sparse=always remarks=true}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SELECT
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{remarks=true}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=RULE
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{sparse=always}),mopt-convert-sparse-anchors)" | FileCheck %s
// RUN: sed 's/"sm_80"/"sm_100a"/g; s/ptx80/ptx86/' %s | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{sparse=always}),mopt-convert-sparse-anchors)" | FileCheck %s --check-prefix=ORDERED
// RUN: sed 's/"sm_80"/"sm_90a"/g; s/ptx80/ptx84,+sm_90a/' %s | mopt-opt --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{remarks=true}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=GROUPS

module attributes {mopt.target = #mopt.target<name = "sm_80", triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "+ptx80", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Warps take any depth, where it is not the rule that decides.
// SELECT: remark: computed with sparse weights of pattern 2:4
// RULE: remark: computed with dense weights of pattern 2:4: its rows are no multiples of 16 bytes
// GROUPS: remark: computed with dense weights of pattern 2:4: its rows are no multiples of 16 bytes
// CHECK-LABEL: func.func @halves
// CHECK: mopt.sparse_anchor <lanes> sparsity <2:4> ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x7xf16>, tensor<1x4096xf16>, tensor<1x256xi32>)
// CHECK-SAME: kernel = "sparse-warp-f16"
// CHECK-SAME: instruction = "llvm.nvvm.mma.sp.m16n8k32.row.col.f32.f32", matrixUnit = "warp"
// ORDERED-LABEL: func.func @halves
// ORDERED: instruction = "llvm.nvvm.mma.sp.ordered.metadata.m16n8k32.row.col.f32.f32"
func.func @halves(%x: tensor<2x7xf16>) -> tensor<2x1xf32> {
  %w = arith.constant dense<[[0.0], [0.0], [1.0], [2.0], [3.0], [0.0], [4.0]]> : tensor<7x1xf16>
  %y = mopt.matmul %x, %w {f32_result} : tensor<2x7xf16>, tensor<7x1xf16> -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// Bytes with their two words of positions: of the first thread, which has the
// first column's first 32 steps, bits 0xE, 0x8, 0xD and 0x9; then 0x4, the first
// two of four, behind the depth.
// SELECT: remark: computed with sparse weights of pattern 2:4
// RULE: remark: computed with dense weights of pattern 2:4: its rows, depth and width gain too little
// GROUPS: remark: computed with dense weights of pattern 2:4: its rows, depth and width gain too little
// CHECK-LABEL: func.func @bytes
// CHECK: mopt.bitcast %{{.*}} : tensor<2x16xui8> -> tensor<2x16xi8>
// CHECK: mopt.sparse_anchor <lanes> sparsity <2:4> ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x16xi8>, tensor<1x8192xi8>, tensor<1x512xi32>)
// CHECK-SAME: kernel = "sparse-warp-u8s8"
// CHECK-SAME: instruction = "llvm.nvvm.mma.sp.m16n8k64.row.col.s8.u8", matrixUnit = "warp"
func.func @bytes(%x: tensor<2x16xui8>) -> tensor<2x1xi32> {
  %w = arith.constant dense<[[0], [0], [1], [2], [3], [0], [4], [0], [0], [5], [0], [6], [0], [7], [8], [0]]> : tensor<16x1xi8>
  %y = mopt.matmul %x, %w : tensor<2x16xui8>, tensor<16x1xi8> -> tensor<2x1xi32>
  return %y : tensor<2x1xi32>
}

// CHECK-LABEL: func.func @signed
// CHECK: kernel = "sparse-warp-s8s8"
// CHECK-SAME: instruction = "llvm.nvvm.mma.sp.m16n8k64.row.col.s8", matrixUnit = "warp"
func.func @signed(%x: tensor<2x16xi8>) -> tensor<2x1xi32> {
  %w = arith.constant dense<[[0], [0], [1], [2], [3], [0], [4], [0], [0], [5], [0], [6], [0], [7], [8], [0]]> : tensor<16x1xi8>
  %y = mopt.matmul %x, %w : tensor<2x16xi8>, tensor<16x1xi8> -> tensor<2x1xi32>
  return %y : tensor<2x1xi32>
}
}
// Resources: 64 bytes of alignment, then what the first threads read.
// CHECK-DAG: "0x40000000003C00400042004400000000
// CHECK-DAG: "0x400000008E44444444444444
// CHECK-DAG: "0x40000000010203040506070800000000
// CHECK-DAG: "0x400000008E9D444444444444
