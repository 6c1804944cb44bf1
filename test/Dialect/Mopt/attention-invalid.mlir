// RUN: mopt-opt %s -split-input-file -verify-diagnostics

#map = affine_map<(b, x, y) -> (b, x, y)>
func.func @sizes(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xf16>, %v: tensor<2x24x8xf16>, %c: tensor<2x16x8xf32>) {
  // expected-error @+1 {{expected a size of 25 in dimension 1 of the operand of key_map, found 'tensor<2x24x8xf16>'}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xf16>, tensor<2x24x8xf16>) outs(%c : tensor<2x16x8xf32>)
      attributes {instruction = "", sizes = array<i64: 2, 16, 25, 8, 8>, query_map = #map, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf32>
  return
}

// -----

#map = affine_map<(b, x, y) -> (b, x, y)>
#sum = affine_map<(b, x, y) -> (b, x + y, y)>
func.func @map(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xf16>, %v: tensor<2x24x8xf16>, %c: tensor<2x16x8xf32>) {
  // expected-error @+1 {{expected dimensions and zeros in query_map, found affine_map<(d0, d1, d2) -> (d0, d1 + d2, d2)>}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xf16>, tensor<2x24x8xf16>) outs(%c : tensor<2x16x8xf32>)
      attributes {instruction = "", sizes = array<i64: 2, 16, 24, 8, 8>, query_map = #sum, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf32>
  return
}

// -----

#map = affine_map<(b, x, y) -> (b, x, y)>
func.func @rank(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xf16>, %v: tensor<2x24x8xf16>, %c: tensor<2x16x8xf32>) {
  // expected-error @+1 {{expected query_map from 2 dimensions to those of its operand, found affine_map<(d0, d1, d2) -> (d0, d1, d2)>}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xf16>, tensor<2x24x8xf16>) outs(%c : tensor<2x16x8xf32>)
      attributes {instruction = "", sizes = array<i64: 16, 24, 8, 8>, query_map = #map, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32, %m: index, %n: index):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf32>
  return
}

// -----

#map = affine_map<(b, x, y) -> (b, x, y)>
func.func @types(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xbf16>, %v: tensor<2x24x8xf16>, %c: tensor<2x16x8xf32>) {
  // expected-error @+1 {{expected queries, keys and values of f16 or bf16}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xbf16>, tensor<2x24x8xf16>) outs(%c : tensor<2x16x8xf32>)
      attributes {instruction = "", sizes = array<i64: 2, 16, 24, 8, 8>, query_map = #map, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf32>
  return
}

// -----

#map = affine_map<(b, x, y) -> (b, x, y)>
func.func @inputs(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xf16>, %v: tensor<2x24x8xf16>, %add: tensor<24xf32>, %c: tensor<2x16x8xf32>) {
  // expected-error @+1 {{expected a map for each input of a region}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xf16>, tensor<2x24x8xf16>) score_ins(%add : tensor<24xf32>) outs(%c : tensor<2x16x8xf32>)
      attributes {instruction = "", sizes = array<i64: 2, 16, 24, 8, 8>, query_map = #map, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index, %a: f32):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf32>
  return
}

// -----

#map = affine_map<(b, x, y) -> (b, x, y)>
func.func @arguments(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xf16>, %v: tensor<2x24x8xf16>, %c: tensor<2x16x8xf32>) {
  // expected-error @+1 {{expected arguments of 'scores' of types 'f32', 'index', 'index', 'index'}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xf16>, tensor<2x24x8xf16>) outs(%c : tensor<2x16x8xf32>)
      attributes {instruction = "", sizes = array<i64: 2, 16, 24, 8, 8>, query_map = #map, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf32>
  return
}

// -----

#map = affine_map<(b, x, y) -> (b, x, y)>
func.func @yield(%q: tensor<2x16x8xf16>, %k: tensor<2x24x8xf16>, %v: tensor<2x24x8xf16>, %c: tensor<2x16x8xf16>) {
  // expected-error @+1 {{expected 'results' to yield 'f16'}}
  %0 = mopt.attention ins(%q, %k, %v : tensor<2x16x8xf16>, tensor<2x24x8xf16>, tensor<2x24x8xf16>) outs(%c : tensor<2x16x8xf16>)
      attributes {instruction = "", sizes = array<i64: 2, 16, 24, 8, 8>, query_map = #map, key_map = #map, value_map = #map, init_map = #map}
  scores {
  ^bb0(%x: f32, %b: index, %m: index, %n: index):
    mopt.yield %x : f32
  } results {
  ^bb0(%y: f32):
    mopt.yield %y : f32
  } -> tensor<2x16x8xf16>
  return
}
