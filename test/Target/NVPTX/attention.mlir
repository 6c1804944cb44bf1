// RUN: mopt-opt %s -mopt-map-to-grid | FileCheck %s
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=PTX
// RUN: sed 's/sm_90a/sm_80/g' %s | mopt-opt -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=WARP
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | %assemble
// RUN: sed 's/sm_90a/sm_80/g' %s | mopt-opt -mopt-map-to-grid -mopt-emit-device-code | %assemble
// RUN: sed 's/sm_90a/sm_89/g' %s | mopt-opt -mopt-map-to-grid -mopt-emit-device-code | %assemble
// RUN: sed 's/sm_90a/sm_100a/g; s/ptx80/ptx86/' %s | mopt-opt -mopt-map-to-grid -mopt-emit-device-code | %assemble

#identity = affine_map<(b, x, y) -> (b, x, y)>
#heads = affine_map<(b, h, x, y) -> (b, x, h, y)>
#keys = affine_map<(b, h, m, n) -> (b, 0, 0, n)>
#rows = affine_map<(b, x, y) -> (x)>

module attributes {mopt.target = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx80,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// Two groups of 64 rows that multiply, and one that copies: 32 tiles of 128 rows
// for each of 64 heads. Maps of queries, keys, values and results.
// CHECK-LABEL: func.func private @long(
// CHECK: %[[X:.*]] = arith.constant 2048 : index
// CHECK: %[[T:.*]] = arith.constant 384 : index
// CHECK: gpu.launch_func @device::@long_0 blocks in (%[[X]], {{.*}} threads in (%[[T]],
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 4,
// CHECK-SAME: 4, 2, 0, 3, 128, 2, 64, 4096, 256, 64, 64, 1048576, 1, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 5, 2, 0, 3, 128, 2, 64, 4096, 256, 128, 64, 1048576, 1, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 6, 2, 0, 3, 128, 2, 64, 4096, 256, 128, 64, 1048576, 1, 0, 0, 0, 0, 0, 0,
// CHECK-SAME: 7, 2, 0, 3, 128, 2, 64, 4096, 256, 64, 64, 1048576, 1, 0, 0, 0, 0, 0, 0>
//
// The first tile's product has no values before it. In the loop a tile's product
// with keys and the last one's with values, whose left side is in registers, run
// while exponentials are computed. The scale is part of the exponents' factor.
// PTX-LABEL: .visible .entry long_0(
// PTX: griddepcontrol.wait
// PTX: setmaxnreg.inc.sync.aligned.u32 \09240;
// PTX-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16
// PTX: wgmma.wait_group.sync.aligned \090;
// PTX: shfl.sync.bfly
// PTX: 0f3E0293EE
// PTX: ex2.approx.ftz.f32
// PTX: cvt.rn.f16x2.f32
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16
// PTX: wgmma.fence.sync.aligned
// PTX-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16
// PTX-SAME: }, {%r{{[0-9]+}}, %r{{[0-9]+}}, %r{{[0-9]+}}, %r{{[0-9]+}}}, %rd{{[0-9]+}}, p, 1, 1, 1;
// PTX: wgmma.wait_group.sync.aligned \091;
// PTX: mbarrier.arrive.shared::cta.b64
// PTX: ex2.approx.ftz.f32
// PTX: wgmma.wait_group.sync.aligned \090;
// PTX: stmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX: fence.proxy.async.shared::cta
// PTX: cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group
// PTX: setmaxnreg.dec.sync.aligned.u32 \0924;
// PTX: cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
//
// Four warps of 16 rows each, without those.
// WARP-LABEL: .visible .entry long_0(
// WARP-NOT: wgmma
// WARP: cp.async.cg.shared.global
// WARP: cp.async.commit_group
// WARP: cp.async.wait_group \090
// WARP: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// WARP: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// WARP: ex2.approx.ftz.f32
// WARP: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// WARP: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// WARP: ret;
func.func private @long(%q: memref<64x4096x128xf16>, %k: memref<64x4096x128xf16>, %v: memref<64x4096x128xf16>, %c: memref<64x4096x128xf16>) attributes {mopt.kernel} {
  %scale = arith.constant 0.0883883461 : f32
  mopt.attention ins(%q, %k, %v : memref<64x4096x128xf16>, memref<64x4096x128xf16>, memref<64x4096x128xf16>) outs(%c : memref<64x4096x128xf16>)
      attributes {instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", sizes = array<i64: 64, 4096, 4096, 128, 128>, query_map = #identity, key_map = #identity, value_map = #identity, init_map = #identity}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    %s = arith.mulf %x, %scale : f32
    mopt.yield %s : f32
  } results {
  ^bb0(%y: f32):
    %t = arith.truncf %y : f32 to f16
    mopt.yield %t : f16
  }
  return
}

// Few rows of 12 heads in one buffer: a group of 64 rows, so that there are more
// blocks. The mask is read for pairs of keys while these are on their way, and -inf
// never subtracted from itself.
// CHECK-LABEL: func.func private @packed(
// CHECK: gpu.launch_func @device::@packed_1
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 4,
// CHECK-SAME: 3, 2, 0, 3, 64, 2, 64, 128, 4608, 64, 12, 128, 1,
// CHECK-SAME: 4, 2, 1536, 3, 64, 2, 64, 128, 4608, 128, 12, 128, 1,
// CHECK-SAME: 5, 2, 3072, 3, 64, 2, 64, 128, 4608, 128, 12, 128, 1,
// PTX-LABEL: .visible .entry packed_1(
// PTX-NOT: setmaxnreg
// PTX-COUNT-16: ld.global.v2.b32
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// PTX: setp.eq.f32 \09%p{{[0-9]+}}, %r{{[0-9]+}}, 0fFF800000;
// PTX: ex2.approx.ftz.f32
// PTX: cvt.rn.bf16x2.f32
// PTX-COUNT-8: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
func.func private @packed(%qkv: memref<1x128x36x64xbf16>, %mask: memref<1x1x1x128xf32>, %c: memref<1x128x12x64xbf16>) attributes {mopt.kernel} {
  %scale = arith.constant 8.0 : f32
  %q = memref.subview %qkv[0, 0, 0, 0] [1, 128, 12, 64] [1, 1, 1, 1] : memref<1x128x36x64xbf16> to memref<1x128x12x64xbf16, strided<[294912, 2304, 64, 1]>>
  %k = memref.subview %qkv[0, 0, 12, 0] [1, 128, 12, 64] [1, 1, 1, 1] : memref<1x128x36x64xbf16> to memref<1x128x12x64xbf16, strided<[294912, 2304, 64, 1], offset: 768>>
  %v = memref.subview %qkv[0, 0, 24, 0] [1, 128, 12, 64] [1, 1, 1, 1] : memref<1x128x36x64xbf16> to memref<1x128x12x64xbf16, strided<[294912, 2304, 64, 1], offset: 1536>>
  mopt.attention ins(%q, %k, %v : memref<1x128x12x64xbf16, strided<[294912, 2304, 64, 1]>>, memref<1x128x12x64xbf16, strided<[294912, 2304, 64, 1], offset: 768>>, memref<1x128x12x64xbf16, strided<[294912, 2304, 64, 1], offset: 1536>>)
      score_ins(%mask : memref<1x1x1x128xf32>) outs(%c : memref<1x128x12x64xbf16>)
      attributes {instruction = "llvm.nvvm.mma.m16n8k16.row.col.bf16", sizes = array<i64: 1, 12, 128, 128, 64, 64>, query_map = #heads, key_map = #heads, value_map = #heads, init_map = #heads, score_maps = [#keys]}
  scores {
  ^bb0(%x: f32, %b: index, %h: index, %m: index, %n: index, %add: f32):
    %s = arith.divf %x, %scale : f32
    %t = arith.addf %s, %add : f32
    mopt.yield %t : f32
  } results {
  ^bb0(%y: f32):
    %t = arith.truncf %y : f32 to bf16
    mopt.yield %t : bf16
  }
  return
}

// Blocks take the tiles that their rows see, those with most first; the limit is
// looked at where it may cut a tile. Rows are stored by the threads that have
// them, which read what results need of their row.
// CHECK-LABEL: func.func private @causal(
// CHECK: gpu.launch_func @device::@causal_2
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 3,
// PTX-LABEL: .visible .entry causal_2(
// PTX: min.u32
// PTX: wgmma.mma_async.sync.aligned.m64n64k16
// PTX: selp.f32 \09%r{{[0-9]+}}, %r{{[0-9]+}}, 0fFF800000,
// PTX: ld.global.b8
// PTX: st.global
func.func private @causal(%q: memref<2x300x200xf16>, %k: memref<2x500x200xf16>, %v: memref<2x500x256xf16>, %blind: memref<300xi8>, %c: memref<2x300x256xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %none = arith.constant 0 : i8
  %behind = arith.constant 200 : i64
  mopt.attention ins(%q, %k, %v : memref<2x300x200xf16>, memref<2x500x200xf16>, memref<2x500x256xf16>) result_ins(%blind : memref<300xi8>) outs(%c : memref<2x300x256xf32>)
      attributes {instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", sizes = array<i64: 2, 300, 500, 200, 256>, query_map = #identity, key_map = #identity, value_map = #identity, init_map = #identity, result_maps = [#rows]}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    %i = arith.index_cast %m : index to i64
    %last = arith.addi %i, %behind : i64
    %j = arith.index_cast %n : index to i64
    %sees = arith.cmpi sle, %j, %last : i64
    %add = arith.select %sees, %zero, %lowest : f32
    %s = arith.addf %x, %add : f32
    mopt.yield %s : f32
  } results {
  ^bb0(%y: f32, %is: i8):
    %b = arith.cmpi ne, %is, %none : i8
    %s = arith.select %b, %zero, %y : f32
    mopt.yield %s : f32
  }
  return
}

// The copy engine cannot bring rows of 66 bytes: warps copy element by element.
// CHECK-LABEL: func.func private @ragged(
// CHECK: %[[T:.*]] = arith.constant 128 : index
// CHECK: gpu.launch_func @device::@ragged_3 {{.*}} threads in (%[[T]],
// CHECK-SAME: mopt.launch_desc = array<i64: {{[0-9]+}}, 0, 1, 0>
// PTX-LABEL: .visible .entry ragged_3(
// PTX-NOT: wgmma
// PTX-NOT: cp.async.cg
// PTX: ld.global.b16
// PTX: st.shared.v4.b32
// PTX: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// PTX-NOT: wgmma
func.func private @ragged(%q: memref<2x51x33xf16>, %k: memref<2x71x33xf16>, %v: memref<2x71x19xf16>, %c: memref<2x51x19xf16>) attributes {mopt.kernel} {
  mopt.attention ins(%q, %k, %v : memref<2x51x33xf16>, memref<2x71x33xf16>, memref<2x71x19xf16>) outs(%c : memref<2x51x19xf16>)
      attributes {instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", sizes = array<i64: 2, 51, 71, 33, 19>, query_map = #identity, key_map = #identity, value_map = #identity, init_map = #identity}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    %t = arith.truncf %y : f32 to f16
    mopt.yield %t : f16
  }
  return
}
}
