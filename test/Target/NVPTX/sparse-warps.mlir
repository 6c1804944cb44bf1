// RUN: mopt-opt %s -mopt-map-to-grid | FileCheck %s
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX
// RUN: sed 's/"sm_80"/"sm_89"/g; s/ptx80/ptx84/' %s | mopt-opt -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX
// RUN: sed 's/"sm_80"/"sm_100a"/g; s/ptx80/ptx86,+sm_100a/; s/nvvm.mma.sp/&.ordered.metadata/' %s | mopt-opt -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX

#f16 = #mopt.config<kernel = "sparse-warp-f16", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                    accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.sp.m16n8k32.row.col.f32.f32", matrixUnit = "warp">
#bf16 = #mopt.config<kernel = "sparse-warp-bf16", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                     accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.sp.m16n8k32.row.col.bf16", matrixUnit = "warp">
#u8 = #mopt.config<kernel = "sparse-warp-u8s8", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                   accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.nvvm.mma.sp.m16n8k64.row.col.s8.u8", matrixUnit = "warp">
#s8 = #mopt.config<kernel = "sparse-warp-s8s8", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
                   accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "llvm.nvvm.mma.sp.m16n8k64.row.col.s8", matrixUnit = "warp">
module attributes {mopt.target = #mopt.target<name = "sm_80", triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "+ptx80", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Many results: tiles of 128 x 128, whose stages are more shared memory than a
// kernel may declare: of each of three 128 rows of 128 bytes, 128 columns of 64,
// and 8 for the positions of each. The epilogue is fused, and four results are
// stored together.
// CHECK-LABEL: func.func private @large(
// CHECK: mopt.launch_desc = array<i64: 77824, 0, 0,
// PTX-LABEL: .visible .entry large_{{[0-9]+}}(
// PTX: cp.async.cg.shared.global
// PTX: cp.async.ca.shared.global
// PTX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX-NOT: ldmatrix.sync.aligned.m8n8.x4.trans
// PTX-COUNT-64: mma.sp{{(::ordered_metadata)?}}.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32
// PTX-NOT: mma.sp
// PTX: cp.async.wait_group{{[ \\09]*}}1;
// PTX: ld.shared.v4.b32
// PTX: add.rn.f32
// PTX: st.global.v2.b32
func.func private @large(%x: memref<2048x512xf16>, %v: memref<32x16384xf16>, %p: memref<32x1024xi32>, %bias: memref<2048xf32>, %y: memref<2048x2048xf16>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<2048x512xf16>, memref<32x16384xf16>, memref<32x1024xi32>)
      epilogue_ins(%bias : memref<2048xf32>) outs(%y : memref<2048x2048xf16>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>], config = #f16} {
  ^bb0(%acc: f32, %add: f32):
    %v0 = arith.addf %acc, %add : f32
    %t = arith.truncf %v0 : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Few rows, of a depth and width that end anywhere: both of a stage's steps are
// multiplied by warps of their own.
// PTX-LABEL: .visible .entry few_{{[0-9]+}}(
// PTX-COUNT-4: mma.sp{{(::ordered_metadata)?}}.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32
// PTX-NOT: mma.sp
func.func private @few(%x: memref<13x1003xbf16>, %v: memref<3x32768xbf16>, %p: memref<3x2048xi32>, %y: memref<13x131xf32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<13x1003xbf16>, memref<3x32768xbf16>, memref<3x2048xi32>)
      outs(%y : memref<13x131xf32>) attributes {config = #bf16} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// Bytes: the weights are signed, the other side is not.
// PTX-LABEL: .visible .entry bytes_{{[0-9]+}}(
// PTX-COUNT-16: mma.sp{{(::ordered_metadata)?}}.sync.aligned.m16n8k64.row.col.s32.s8.u8.s32
// PTX-NOT: mma.sp
func.func private @bytes(%x: memref<700x520xi8>, %v: memref<17x20480xi8>, %p: memref<17x1280xi32>, %y: memref<700x1032xi32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<700x520xi8>, memref<17x20480xi8>, memref<17x1280xi32>)
      outs(%y : memref<700x1032xi32>) attributes {config = #u8} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// PTX-LABEL: .visible .entry signed_{{[0-9]+}}(
// PTX-COUNT-4: mma.sp{{(::ordered_metadata)?}}.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32
// PTX-NOT: mma.sp
func.func private @signed(%x: memref<30x77xi8>, %v: memref<1x4096xi8>, %p: memref<1x256xi32>, %y: memref<30x40xi32>) attributes {mopt.kernel} {
  mopt.sparse_anchor <lanes> sparsity <2:4> ins(%x, %v, %p : memref<30x77xi8>, memref<1x4096xi8>, memref<1x256xi32>)
      outs(%y : memref<30x40xi32>) attributes {config = #s8} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
}
