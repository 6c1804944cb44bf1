// RUN: mopt-opt %s -mopt-expand-anchors-to-threads -gpu-lower-to-nvvm-pipeline="cubin-chip=sm_80 cubin-features=+ptx70 cubin-format=isa" -mlir-print-local-scope | FileCheck %s

// The anchor that micro-kernels compute on processors, as PTX: the product and
// sum fused, the bias and the maximum behind the loop.
// CHECK: gpu.binary
// CHECK-SAME: .target sm_80
// CHECK-SAME: .visible .entry
// CHECK-SAME: fma.rn.f32
// CHECK-SAME: add.rn.f32
// CHECK-SAME: max
// CHECK-SAME: st.global
func.func @contract(%a: memref<?x37xf32>, %b: memref<3x37x16xf32>, %bias: memref<48xf32>, %c: memref<?x48xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<?x37xf32>, memref<3x37x16xf32>) epilogue_ins(%bias : memref<48xf32>) outs(%c : memref<?x48xf32>)
      attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
  ^bb0(%acc: f32, %add: f32):
    %zero = arith.constant 0.0 : f32
    %v = arith.addf %acc, %add : f32
    %r = arith.maximumf %v, %zero : f32
    mopt.yield %r : f32
  }
  return
}
