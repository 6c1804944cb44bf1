// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s
// RUN: mopt-opt %s -mopt-map-to-grid -mopt-emit-device-code | FileCheck %s --check-prefix=HOST

// CHECK: .target sm_80
module attributes {mopt.target = #mopt.target<name = "sm_80", triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "+ptx80", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>} {

// The product and the sum fused, operands through shared memory in vectors, the
// bias and the maximum behind the loop.
// CHECK: .visible .entry product_0(
// CHECK: .maxntid 256
// CHECK: bar.sync
// CHECK: st.shared
// CHECK: bar.sync
// CHECK: ld.shared.v4
// CHECK: fma.rn.f32
// CHECK: add.rn.f32
// CHECK: max
// CHECK: st.global
func.func private @product(%a: memref<1130x37xf32>, %b: memref<8x37x64xf32>, %bias: memref<500xf32>, %c: memref<1130x500xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<1130x37xf32>, memref<8x37x64xf32>) epilogue_ins(%bias : memref<500xf32>) outs(%c : memref<1130x500xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %add: f32):
    %zero = arith.constant 0.0 : f32
    %v = arith.addf %acc, %add : f32
    %r = arith.maximumf %v, %zero : f32
    mopt.yield %r : f32
  }
  return
}

// Instructions, not calls.
// CHECK: .visible .entry root_1(
// CHECK-NOT: call
// CHECK: sqrt.rn.f32
// CHECK: shfl.sync.bfly.b32
// CHECK: st.global
func.func private @root(%x: memref<7x197xf32>, %y: memref<7xf32>) attributes {mopt.kernel} {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<7x197xf32>) outs(%y : memref<7xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = math.sqrt %a : f32
    %s = arith.addf %out, %r : f32
    linalg.yield %s : f32
  }
  return
}

// Addresses and numbers of 8 bytes each.
// HOST: llvm.mlir.global internal constant @mopt_name_root_1("root_1\00")
// HOST: func.func private @mopt_rt_launch(!llvm.ptr, i64, i64, i64, !llvm.ptr, i64, !llvm.ptr) attributes {mopt.runtime}
// HOST: func.func private @root(%[[X:.*]]: memref<7x197xf32>, %[[Y:.*]]: memref<7xf32>)
// HOST: memref.extract_aligned_pointer_as_index %[[X]]
// HOST: llvm.store
// HOST: memref.extract_aligned_pointer_as_index %[[Y]]
// HOST: llvm.store
// HOST: call @mopt_rt_launch
// HOST-NOT: gpu.
}
