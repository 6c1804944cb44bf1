// RUN: mopt-opt %s --split-input-file --mopt-generate-size-queries | FileCheck %s

// CHECK-DAG: llvm.mlir.global internal constant @mopt_lifetimes(dense<{{\[}}0, 1, 1, 2]>
// CHECK-DAG: llvm.func internal @mopt_infer_dims(%[[IN:.*]]: !llvm.ptr, %[[OUT:.*]]: !llvm.ptr)
// CHECK-DAG: call @m_output_sizes
// CHECK-DAG: llvm.func internal @mopt_dynamic_bytes(%{{.*}}: !llvm.ptr) -> i64
// CHECK-DAG: call @m_buffer_bytes
// CHECK-DAG: llvm.call @mopt_rt_planned_bytes
func.func private @m_output_sizes(%in: memref<?xindex>, %out: memref<?xindex>) attributes {mopt.output_sizes} {
  return
}
func.func private @m_buffer_bytes(%in: memref<?xindex>, %out: memref<?xindex>) attributes {mopt.buffer_bytes = array<i32: 0, 1, 1, 2>} {
  return
}

// -----

// Without buffers there is nothing to compute.
// CHECK-LABEL: func.func private @empty_buffer_bytes
// CHECK: llvm.func internal @mopt_dynamic_bytes(
// CHECK-NEXT: %[[NONE:.*]] = llvm.mlir.constant(0 : i64)
// CHECK-NEXT: llvm.return %[[NONE]]
func.func private @empty_buffer_bytes(%in: memref<?xindex>, %out: memref<?xindex>) attributes {mopt.buffer_bytes = array<i32>} {
  return
}

// -----

// All sizes are static: nobody needs to ask.
// CHECK-LABEL: func.func @still
// CHECK-NOT: mopt_infer_dims
func.func @still() {
  return
}
