// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{sparse=always remarks=true}))" 2>&1 | FileCheck %s --check-prefix=SELECT
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{remarks=true}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=RULE
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity,mopt-select-sparsity{sparse=always}),mopt-convert-sparse-anchors)" | FileCheck %s

module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Of eight steps of a column two each are kept, at 2 and 3, then 0 and 2: bits
// 0xE and 0x8 of the first thread's word. A column without weights, and what is
// behind the depth, keeps the first two of four (0x4), with values of 0.
// SELECT: remark: computed with sparse weights of pattern 2:4
// SELECT: remark: computed with dense weights of pattern 4:8: devices multiply weights of pattern 2:4
// RULE: remark: computed with dense weights of pattern 2:4: its rows, depth and width gain too little
// SELECT-LABEL: func.func @halves
// SELECT: mopt.matmul {{.*}} mopt.sparsity = #mopt.sparsity<2:4>
// CHECK-LABEL: func.func @halves
// CHECK: mopt.sparse_anchor <lanes> sparsity <2:4> ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8xf16>, tensor<1x8192xf16>, tensor<1x512xi32>)
// CHECK-SAME: instruction = "wgmma.mma_async.sp.sync.aligned.m64nNk32.f32.f16.f16", matrixUnit = "warpgroup"
func.func @halves(%x: tensor<2x8xf16>) -> tensor<2x1xf32> {
  %w = arith.constant dense<[[0.0], [0.0], [1.0], [2.0], [3.0], [0.0], [4.0], [0.0]]> : tensor<8x1xf16>
  %y = mopt.matmul %x, %w {f32_result} : tensor<2x8xf16>, tensor<8x1xf16> -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// A pattern that devices do not multiply.
func.func @others(%x: tensor<2x8xf16>) -> tensor<2x1xf32> {
  %w = arith.constant dense<[[1.0], [1.0], [1.0], [2.0], [0.0], [0.0], [0.0], [0.0]]> : tensor<8x1xf16>
  %y = mopt.matmul %x, %w {f32_result} : tensor<2x8xf16>, tensor<8x1xf16> -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}
}
// Resources: 64 bytes of alignment, then values 1 2 3 4; then the first thread's
// two words, and those of threads that have other columns or steps.
// CHECK: values: "0x40000000003C004000420044000000
// CHECK: positions: "0x400000008E44444444444444
