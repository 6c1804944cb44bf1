// RUN: mopt-opt %s --split-input-file --verify-diagnostics -mopt-map-to-grid

func.func private @dynamic(%x: memref<?xf32>, %y: memref<?xf32>) attributes {mopt.kernel} {
  // expected-error @below {{has sizes that only run time knows, which is not supported for devices yet; fix the inputs' with --shape or --dim}}
  linalg.copy ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}

// -----

func.func @entry(%x: memref<i1>, %y: memref<8xf32>) attributes {mopt.entry} {
  // expected-error @below {{'memref.load' depends on values that a device computes, which is not supported yet}}
  %c = memref.load %x[] : memref<i1>
  return
}

// -----

func.func private @pairs(%a: memref<4x8xi8>, %b: memref<1x2x64xi8>, %c: memref<4x16xi32>) attributes {mopt.kernel} {
  // expected-error @below {{has weights packed for processors, which is not supported for devices}}
  mopt.contract_anchor ins(%a, %b : memref<4x8xi8>, memref<1x2x64xi8>) outs(%c : memref<4x16xi32>)
      attributes {interleave = 4 : i64} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
