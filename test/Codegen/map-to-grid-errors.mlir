// RUN: mopt-opt %s --split-input-file --verify-diagnostics -mopt-map-to-grid

// Sizes that callers choose.
func.func private @dynamic(%x: memref<?xf32>, %y: memref<?xf32>) attributes {mopt.kernel} {
  // expected-error @below {{has sizes that only run time knows, which is not supported for devices yet; fix the inputs' with --shape or --dim}}
  linalg.copy ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}
func.func @entry(%x: memref<?xf32>, %y: memref<?xf32>) attributes {mopt.entry} {
  call @dynamic(%x, %y) : (memref<?xf32>, memref<?xf32>) -> ()
  return
}

// -----

#pairs = #mopt.config<kernel = "p", rows = 4, columns = 16, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false, interleave = 4,
                      lhsBits = 8, rhsBits = 8, instruction = "llvm.a,llvm.b">
func.func private @pairs(%a: memref<4x8xi8>, %b: memref<1x2x64xi8>, %more: memref<1x1x128xi8>, %c: memref<4x16xi32>) attributes {mopt.kernel} {
  // expected-error @below {{has weights packed for processors, which is not supported for devices}}
  mopt.contract_anchor ins(%a, %b : memref<4x8xi8>, memref<1x2x64xi8>) excess(%more : memref<1x1x128xi8>) outs(%c : memref<4x16xi32>)
      attributes {interleave = 4 : i64, unsigned_lhs, config = #pairs} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}

// -----

func.func private @product(%a: memref<?x8xf32>, %b: memref<1x8x64xf32>, %c: memref<?x64xf32>) attributes {mopt.kernel} {
  // expected-warning @below {{is computed by the host, not by the device, because sizes depend on values}}
  // expected-error @below {{has sizes that depend on values, which is not supported for products on devices yet}}
  mopt.contract_anchor ins(%a, %b : memref<?x8xf32>, memref<1x8x64xf32>) outs(%c : memref<?x64xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// What stays with the host says so.
func.func private @counted(%x: memref<?xf32>, %y: memref<?xf32>) attributes {mopt.kernel} {
  // expected-warning @below {{is computed by the host, not by the device, because sizes depend on values}}
  linalg.copy ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}

// -----

func.func @entry(%x: memref<i1>, %y: memref<8xf32>) attributes {mopt.entry} {
  // expected-warning @below {{'memref.load' is computed by the host, not by the device, for which it has no parallel form}}
  %c = memref.load %x[] : memref<i1>
  return
}
