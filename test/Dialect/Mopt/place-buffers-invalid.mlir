// RUN: mopt-opt %s --split-input-file --verify-diagnostics

func.func @few_lifetimes(%a: index, %b: index) {
  // expected-error @+1 {{expected a first and a last use of each buffer, found 2 numbers for 2 buffers}}
  %arena, %offsets:2 = mopt.place_buffers %a, %b lifetimes [0, 1]
  return
}

// -----

func.func @few_offsets(%a: index, %b: index) {
  // expected-error @+1 {{expected 2 offsets, found 1}}
  %arena, %offset = "mopt.place_buffers"(%a, %b) {lifetimes = array<i32: 0, 1, 1, 2>} : (index, index) -> (memref<?xi8>, index)
  return
}
