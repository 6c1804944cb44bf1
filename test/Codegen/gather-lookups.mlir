// RUN: mopt-opt %s --mopt-gather-lookups | FileCheck %s
// RUN: sed 's/+avx2,+avx512f/+sse4.2/' %s | mopt-opt --mopt-gather-lookups | FileCheck %s --check-prefix=LOADS
// RUN: sed 's/,+avx512f//' %s | mopt-opt --mopt-gather-lookups | FileCheck %s --check-prefix=EIGHT

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0, 0)>
#swap = affine_map<(d0, d1) -> (d1, d0)>

module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+avx512f", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576>} {
  // What belongs to a row is broadcast; the rest of a row is masked.
  // CHECK-LABEL: @rows
  // CHECK: scf.for
  // CHECK: scf.for %[[J:.*]] = %c0 to %{{.*}} step %c16
  // CHECK: %[[X:.*]] = vector.load %arg0{{.*}} vector<16xf32>
  // CHECK: %[[M:.*]] = vector.broadcast %{{.*}} : f32 to vector<16xf32>
  // CHECK: %[[D:.*]] = arith.subf %[[M]], %[[X]] : vector<16xf32>
  // CHECK: %[[R:.*]] = math.roundeven %[[D]] : vector<16xf32>
  // CHECK: %[[I:.*]] = arith.fptosi %[[R]] : vector<16xf32> to vector<16xi32>
  // CHECK: %[[Y:.*]] = vector.gather %arg2[%{{.*}}] [%[[I]]]
  // CHECK: vector.store %[[Y]], %arg3
  // CHECK: scf.if
  // CHECK: %[[MASK:.*]] = vector.create_mask
  // CHECK: vector.maskedload %arg0{{.*}}, %[[MASK]]
  // CHECK: vector.gather {{.*}}, %[[MASK]],
  // CHECK: vector.maskedstore %arg3{{.*}}, %[[MASK]]
  // CHECK-NOT: linalg.generic
  // EIGHT-LABEL: @rows
  // EIGHT: vector.gather {{.*}} vector<8xf32>
  // LOADS-LABEL: @rows
  // LOADS: linalg.generic
  func.func @rows(%x: memref<?x197xf32, strided<[197, 1], offset: ?>>, %most: memref<?x1xf32>, %table: memref<256xf32>, %y: memref<?x197xf32>) {
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %most : memref<?x197xf32, strided<[197, 1], offset: ?>>, memref<?x1xf32>) outs(%y : memref<?x197xf32>) {
    ^bb0(%in: f32, %m: f32, %out: f32):
      %0 = arith.subf %m, %in : f32
      %1 = math.roundeven %0 : f32
      %2 = arith.fptosi %1 : f32 to i32
      %i = arith.index_cast %2 : i32 to index
      %v = memref.load %table[%i] : memref<256xf32>
      linalg.yield %v : f32
    }
    return
  }

  // A transposition, a table of bytes, and an index that is unsigned.
  // CHECK-LABEL: @others
  // CHECK-COUNT-3: linalg.generic
  func.func @others(%x: memref<4x4xi32>, %bytes: memref<256xi8>, %table: memref<256xf32>, %y: memref<4x4xf32>, %z: memref<4x4xi8>) {
    linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<4x4xi32>) outs(%y : memref<4x4xf32>) {
    ^bb0(%in: i32, %out: f32):
      %i = arith.index_cast %in : i32 to index
      %v = memref.load %table[%i] : memref<256xf32>
      linalg.yield %v : f32
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<4x4xi32>) outs(%z : memref<4x4xi8>) {
    ^bb0(%in: i32, %out: i8):
      %i = arith.index_cast %in : i32 to index
      %v = memref.load %bytes[%i] : memref<256xi8>
      linalg.yield %v : i8
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<4x4xi32>) outs(%y : memref<4x4xf32>) {
    ^bb0(%in: i32, %out: f32):
      %i = arith.index_castui %in : i32 to index
      %v = memref.load %table[%i] : memref<256xf32>
      linalg.yield %v : f32
    }
    return
  }
}
