// RUN: mopt-opt %s --mopt-expand-lookups | FileCheck %s
// RUN: sed 's/+avx512vbmi//' %s | mopt-opt --mopt-expand-lookups | FileCheck %s --check-prefix=LOADS
// RUN: sed 's/features = "[^"]*", vectorBits = 512/features = "+neon", vectorBits = 128/' %s | mopt-opt --mopt-expand-lookups | FileCheck %s --check-prefix=PARTS

#id = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>

module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx512f,+avx512bw,+avx512vbmi", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576>} {
  // Without gaps all dimensions are one.
  // CHECK-LABEL: @dense
  // CHECK: %[[FROM:.*]] = memref.collapse_shape
  // CHECK-COUNT-4: vector.load %arg1
  // CHECK: scf.for
  // CHECK: %[[X:.*]] = vector.load %[[FROM]]
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"(%{{.*}}, %[[X]], %{{.*}})
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"(%{{.*}}, %[[X]], %{{.*}})
  // CHECK: %[[UPPER:.*]] = arith.cmpi slt, %[[X]]
  // CHECK: arith.select %[[UPPER]]
  // CHECK: vector.store
  // CHECK: scf.if
  // CHECK: vector.create_mask
  // CHECK: vector.maskedload
  // CHECK: vector.maskedstore
  // CHECK-NOT: linalg.generic
  // Four parts of the table, from which bytes count.
  // PARTS-LABEL: @dense
  // PARTS-COUNT-16: vector.load %arg1
  // PARTS: scf.for
  // PARTS: %[[X:.*]] = vector.load
  // PARTS: %[[A:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.tbl4.v16i8"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[X]])
  // PARTS: %[[C:.*]] = arith.constant dense<64> : vector<16xi8>
  // PARTS: %[[I:.*]] = arith.subi %[[X]], %[[C]]
  // PARTS: %[[B:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.tbx4.v16i8"(%[[A]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[I]])
  // PARTS: arith.constant dense<-128> : vector<16xi8>
  // PARTS: arith.constant dense<-64> : vector<16xi8>
  // PARTS: %[[D:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.tbx4.v16i8"
  // PARTS: vector.store %[[D]]
  // LOADS-LABEL: @dense
  // LOADS-NOT: vector.load
  // LOADS: linalg.generic
  func.func @dense(%x: memref<3x50xi8>, %table: memref<256xi8>, %y: memref<3x50xi8>) {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<3x50xi8>) outs(%y : memref<3x50xi8>) {
    ^bb0(%in: i8, %out: i8):
      %i = arith.index_castui %in : i8 to index
      %v = memref.load %table[%i] : memref<256xi8>
      linalg.yield %v : i8
    }
    return
  }

  // Rows of a larger buffer, of any length.
  // CHECK-LABEL: @rows
  // CHECK: memref.dim %arg0, %c0
  // CHECK: scf.for
  // CHECK: memref.dim %arg0, %c1
  // CHECK: scf.for
  // CHECK: vector.store
  func.func @rows(%x: memref<?x?xi8, strided<[?, 1]>>, %table: memref<256xi8>, %y: memref<?x?xi8>) {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x?xi8, strided<[?, 1]>>) outs(%y : memref<?x?xi8>) {
    ^bb0(%in: i8, %out: i8):
      %i = arith.index_castui %in : i8 to index
      %v = memref.load %table[%i] : memref<256xi8>
      linalg.yield %v : i8
    }
    return
  }

  // What also transposes, and a table of other elements.
  // CHECK-LABEL: @others
  // CHECK-COUNT-2: linalg.generic
  func.func @others(%x: memref<4x4xi8>, %table: memref<256xi8>, %floats: memref<256xf32>, %y: memref<4x4xi8>, %z: memref<4x4xf32>) {
    linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<4x4xi8>) outs(%y : memref<4x4xi8>) {
    ^bb0(%in: i8, %out: i8):
      %i = arith.index_castui %in : i8 to index
      %v = memref.load %table[%i] : memref<256xi8>
      linalg.yield %v : i8
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<4x4xi8>) outs(%z : memref<4x4xf32>) {
    ^bb0(%in: i8, %out: f32):
      %i = arith.index_castui %in : i8 to index
      %v = memref.load %floats[%i] : memref<256xf32>
      linalg.yield %v : f32
    }
    return
  }
}
