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
