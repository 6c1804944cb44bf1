// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid -canonicalize -cse -mlir-print-local-scope | FileCheck %s
// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid="reassociate=false" -canonicalize -cse -mlir-print-local-scope | FileCheck %s --check-prefix=STRICT

// A thread for each element, in the order of the result.
// CHECK-LABEL: gpu.func @elementwise_0
// CHECK-SAME: (%[[X:.*]]: memref<3x100xf32>, %[[Y:.*]]: memref<100xf32>, %[[Z:.*]]: memref<3x100xf32>) kernel
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK: arith.cmpi ult, %{{.*}}, %c300
// CHECK: arith.remui %{{.*}}, %c100_i32
// CHECK: memref.load %[[X]]
// CHECK: memref.load %[[Y]]
// CHECK: math.exp
// CHECK: memref.store %{{.*}}, %[[Z]]
// CHECK-LABEL: func.func private @elementwise
// CHECK: gpu.launch_func @device::@elementwise_0 blocks in (%c2, %c1, %c1) threads in (%c256, %c1, %c1)
// CHECK-NOT: linalg
func.func private @elementwise(%x: memref<3x100xf32>, %y: memref<100xf32>, %z: memref<3x100xf32>) attributes {mopt.kernel} {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : memref<3x100xf32>, memref<100xf32>) outs(%z : memref<3x100xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    %e = math.exp %s : f32
    linalg.yield %e : f32
  }
  return
}

// -----

// A warp for each row, and no launch for what the sums start from. In strict
// order a thread for each row.
// CHECK-LABEL: gpu.func @sum_0
// CHECK-SAME: known_block_size = array<i32: 128, 1, 1>
// CHECK: scf.for
// CHECK: arith.addf
// CHECK: scf.if
// CHECK: gpu.shuffle xor
// CHECK-COUNT-4: gpu.shuffle xor
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.launch_func @device::@sum_0 blocks in (%c2,
// CHECK-NOT: gpu.launch_func
// STRICT-LABEL: gpu.func @sum_0
// STRICT-NOT: gpu.shuffle
// STRICT: scf.for
// STRICT-SAME: iter_args(%{{.*}} = %cst)
func.func private @sum(%x: memref<7x197xf32>, %y: memref<7xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<7xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<7x197xf32>) outs(%y : memref<7xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A sum of 64 bits passes through the lanes in two words.
// CHECK-LABEL: gpu.func @wide_sum_0
// CHECK: arith.trunci %{{.*}} : i64 to i32
// CHECK-COUNT-10: gpu.shuffle xor
func.func private @wide_sum(%x: memref<4x64xf64>, %y: memref<4xf64>) attributes {mopt.kernel} {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x64xf64>) outs(%y : memref<4xf64>) {
  ^bb0(%a: f64, %out: f64):
    %s = arith.addf %out, %a : f64
    linalg.yield %s : f64
  }
  return
}

// -----

// Tiles of 64 x 64: eighteen by eight, both sides in shared memory, the next
// slices of the depth under way.
// CHECK-LABEL: gpu.func @product_0
// CHECK-SAME: workgroup(%{{.*}} : memref<1088xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %{{.*}} : memref<1024xf32,
// CHECK: memref.load
// CHECK: scf.for
// CHECK: gpu.barrier
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: memref.load
// CHECK: vector.load
// CHECK: math.fma
// CHECK: scf.yield
// CHECK: arith.maximumf
// CHECK: memref.store
// CHECK: gpu.launch_func @device::@product_0 blocks in (%c144, %c1, %c1) threads in (%c256,
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

// -----

// Few results: tiles of 16 x 32, and eight groups of 32 threads for the depth,
// which are added in order. Strict sums are not divided.
// CHECK-LABEL: gpu.func @small_product_0
// CHECK: scf.for
// CHECK: math.fma
// CHECK: arith.cmpi ne
// CHECK: gpu.barrier
// CHECK: arith.addf
// CHECK: gpu.launch_func @device::@small_product_0 blocks in (%c21, %c1, %c1) threads in (%c256,
// STRICT-LABEL: gpu.func @small_product_0
// STRICT-NOT: arith.addf
// STRICT: gpu.launch_func @device::@small_product_0 blocks in (%c21, %c1, %c1) threads in (%c32,
func.func private @small_product(%a: memref<97x770xf32>, %b: memref<2x770x64xf32>, %c: memref<97x90xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<97x770xf32>, memref<2x770x64xf32>) outs(%c : memref<97x90xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// One row is strips of 16 columns, four of a thread, whose threads divide the
// depth: lanes first, then warps.
// CHECK-LABEL: gpu.func @row_0
// CHECK-SAME: workgroup(%{{.*}} : memref<1024xi8,
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK: math.fma
// CHECK: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK-COUNT-15: arith.addf
// CHECK: memref.store
// Channels by themselves have a thread for each result, and so have strict sums.
// CHECK-LABEL: gpu.func @depthwise_1
// CHECK-NOT: gpu.barrier
// CHECK: gpu.launch_func @device::@row_0 blocks in (%c7, %c1, %c1) threads in (%c512,
// STRICT-LABEL: gpu.func @row_0
// STRICT-NOT: gpu.shuffle
// STRICT: gpu.launch_func @device::@row_0 blocks in (%c1, %c1, %c1) threads in (%c128,
func.func private @row(%a: memref<1x37xf32>, %b: memref<2x37x64xf32>, %c: memref<1x100xf32>) attributes {mopt.kernel} {
  mopt.contract_anchor ins(%a, %b : memref<1x37xf32>, memref<2x37x64xf32>) outs(%c : memref<1x100xf32>) {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
func.func private @depthwise(%x: memref<1x9x9x24xf32>, %w: memref<3x3x24xf32>, %y: memref<1x4x4x24xf32>) attributes {mopt.kernel} {
  mopt.depthwise_anchor ins(%x, %w : memref<1x9x9x24xf32>, memref<3x3x24xf32>) outs(%y : memref<1x4x4x24xf32>)
      attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}

// -----

// A loop of launches stays with the host, and passes its counter on.
// CHECK-LABEL: gpu.func @steps_0
// CHECK-SAME: (%{{.*}}: memref<5x8xf32>, %{{.*}}: index, %{{.*}}: memref<8xf32>)
// CHECK-LABEL: func.func private @steps
// CHECK: scf.for %[[I:.*]] =
// CHECK: gpu.launch_func @device::@steps_0
// CHECK-SAME: args(%{{.*}} : memref<5x8xf32>, %[[I]] : index, %{{.*}} : memref<8xf32>)
func.func private @steps(%x: memref<5x8xf32>, %y: memref<8xf32>) attributes {mopt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  scf.for %i = %c0 to %c5 step %c1 {
    %row = memref.subview %x[%i, 0] [1, 8] [1, 1] : memref<5x8xf32> to memref<8xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        ins(%row : memref<8xf32, strided<[1], offset: ?>>) outs(%y : memref<8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %s = arith.addf %a, %out : f32
      linalg.yield %s : f32
    }
  }
  return
}

// -----

// What reads what it wrote is one thread.
// CHECK-LABEL: gpu.func @scan_0
// CHECK-SAME: known_block_size = array<i32: 1, 1, 1>
// CHECK: scf.for
// CHECK: memref.store
// CHECK: gpu.launch_func @device::@scan_0 blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
func.func private @scan(%x: memref<8xf32>, %y: memref<8xf32>) attributes {mopt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%s = %zero) -> f32 {
    %a = memref.load %x[%i] : memref<8xf32>
    %t = arith.addf %s, %a : f32
    memref.store %t, %y[%i] : memref<8xf32>
    scf.yield %t : f32
  }
  return
}

// -----

// Constants that are not the entry's go along.
// CHECK-LABEL: gpu.module @device
// CHECK: memref.global "private" constant @table
// CHECK-LABEL: gpu.func @lookup_0
// CHECK-SAME: (%{{.*}}: memref<4xf32>)
// CHECK: memref.get_global @table
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func private @lookup(%y: memref<4xf32>) attributes {mopt.kernel} {
  %t = memref.get_global @table : memref<4xf32>
  linalg.copy ins(%t : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

// Places in the arena are the host's to compute.
// CHECK-LABEL: gpu.func @entry_0
// CHECK-SAME: (%{{.*}}: memref<4xf32>, %{{.*}}: memref<4xf32>)
// CHECK-LABEL: func.func @entry
// CHECK: memref.view
// CHECK: gpu.launch_func
func.func @entry(%x: memref<4xf32>, %arena: memref<?xi8> {mopt.arena = 128 : i64}) attributes {mopt.entry} {
  %c64 = arith.constant 64 : index
  %y = memref.view %arena[%c64][] : memref<?xi8> to memref<4xf32>
  linalg.copy ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

// Keys of twelve heads are packed from where they lie.
// CHECK-LABEL: gpu.func @permuted_0
// CHECK-SAME: (%[[X:.*]]: memref<7x12x5xf32>, %[[Y:.*]]: memref<12x1x5x8xf32>)
// CHECK: memref.load %[[X]][%[[N:.*]], %[[HEAD:.*]], %[[K:.*]]]
// CHECK: memref.store %{{.*}}, %[[Y]][%[[HEAD]], %{{.*}}, %[[K]], %{{.*}}]
func.func private @permuted(%x: memref<7x12x5xf32>, %y: memref<12x1x5x8xf32>) attributes {mopt.kernel} {
  mopt.pack_columns ins(%x : memref<7x12x5xf32>) outs(%y : memref<12x1x5x8xf32>) {lanes = 8 : i64, permutation = array<i64: 1, 0, 2>, transposed}
  return
}

// -----

// A buffer with gaps is passed as where it begins and how it lies.
// CHECK-LABEL: gpu.func @strided_0
// CHECK-SAME: (%[[X:.*]]: memref<f32>, %[[OFFSET:.*]]: index, %{{.*}}: memref<4x4xf32>)
// CHECK: memref.reinterpret_cast %[[X]] to offset: [%[[OFFSET]]], sizes: [4, 4], strides: [8, 1]
// CHECK-LABEL: func.func private @strided
// CHECK: memref.extract_strided_metadata
// CHECK: gpu.launch_func
func.func private @strided(%x: memref<4x4xf32, strided<[8, 1], offset: ?>>, %y: memref<4x4xf32>) attributes {mopt.kernel} {
  linalg.copy ins(%x : memref<4x4xf32, strided<[8, 1], offset: ?>>) outs(%y : memref<4x4xf32>)
  return
}

// -----

// A shape that is known is not read from memory.
// CHECK-LABEL: gpu.func @reshaped_0
// CHECK-SAME: (%[[X:.*]]: memref<3x4xf32>, %{{.*}}: memref<12xf32>)
// CHECK: memref.reinterpret_cast %[[X]] to offset: [0], sizes: [12], strides: [1]
func.func private @reshaped(%x: memref<3x4xf32>, %shape: memref<1xindex>, %y: memref<12xf32>) attributes {mopt.kernel} {
  %r = memref.reshape %x(%shape) : (memref<3x4xf32>, memref<1xindex>) -> memref<12xf32>
  linalg.copy ins(%r : memref<12xf32>) outs(%y : memref<12xf32>)
  return
}

// -----

// A scan is the host's, and so is what it starts from.
// CHECK-LABEL: func.func private @scan_of_rows
// CHECK-NOT: gpu.launch_func
// CHECK: linalg.fill
// CHECK: linalg.generic
func.func private @scan_of_rows(%x: memref<64x100xf32>, %y: memref<64x100xf32>) attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<64x100xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x100xf32>) outs(%y : memref<64x100xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %out, %a : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// With threads enough each has neighbours, which are read in one piece where
// they are neighbours; what does not change along them is read once.
// CHECK-LABEL: gpu.func @neighbours_0
// CHECK: vector.load %{{.*}} : memref<512x1024xf32>, vector<4xf32>
// CHECK: memref.load %{{.*}} : memref<512xf32>
// CHECK-COUNT-4: memref.load %{{.*}} : memref<1024x512xf16>
// CHECK: vector.store %{{.*}} : memref<512x1024xf16>, vector<4xf16>
// CHECK: gpu.launch_func @device::@neighbours_0 blocks in (%c512, %c1, %c1) threads in (%c256,
func.func private @neighbours(%x: memref<512x1024xf32>, %s: memref<512xf32>, %t: memref<1024x512xf16>, %y: memref<512x1024xf16>) attributes {mopt.kernel} {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %t : memref<512x1024xf32>, memref<512xf32>, memref<1024x512xf16>) outs(%y : memref<512x1024xf16>) {
  ^bb0(%a: f32, %b: f32, %c: f16, %out: f16):
    %m = arith.mulf %a, %b : f32
    %n = arith.truncf %m : f32 to f16
    %o = arith.addf %n, %c : f16
    linalg.yield %o : f16
  }
  return
}
