// RUN: mopt-opt %s -split-input-file --mopt-lower-parallel -verify-diagnostics | FileCheck %s

// The body becomes a function of what it captures and a range of iterations.
// CHECK-LABEL: func.func private @kernel
// CHECK: mopt.parallel_call @kernel_body(%arg0) count(
// CHECK-NOT: scf.forall
// CHECK-LABEL: func.func private @sequential
// CHECK-NEXT: return
// CHECK: func.func private @kernel_body({{.*}}index, %{{.*}}: index)
// CHECK: scf.for
// CHECK: memref.store
func.func private @kernel(%d: memref<64xf32>) attributes {mopt.kernel} {
  %c = arith.constant 1.0 : f32
  scf.forall (%i) in (64) {
    memref.store %c, %d[%i] : memref<64xf32>
  }
  return
}

func.func private @sequential(%d: memref<64xf32>) attributes {mopt.kernel} {
  return
}

// -----

func.func private @tensors(%d: tensor<64xf32>) -> tensor<64xf32> {
  // expected-error @+1 {{expected a loop without results: bufferize first}}
  %0 = scf.forall (%i) in (64) shared_outs(%o = %d) -> tensor<64xf32> {
    scf.forall.in_parallel {}
  }
  return %0 : tensor<64xf32>
}
