// Bytes: eight channels of four outputs, products of words added to sums of 32 bits,
// and no spill.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts \
// RUN: | mlir-translate --mlir-to-llvmir | opt -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu \
// RUN: | llc -O3 -mcpu=neoverse-v1 -mtriple=aarch64-linux-gnu -o %t.s
// RUN: sed -n '/Inner Loop Header/,/^\tb\./p' %t.s | FileCheck %s --implicit-check-not=sp --implicit-check-not=cvtf

// CHECK-COUNT-72: sm{{(lal|ull)2?}}	v{{[0-9]+}}.4s
// CHECK: {{^}}	b.
func.func @kernel(%x: memref<1x38x34x64xi8>, %w: memref<3x3x64xi8>, %y: memref<1x36x32x64xi32>) {
  mopt.depthwise_anchor ins(%x, %w : memref<1x38x34x64xi8>, memref<3x3x64xi8>) outs(%y : memref<1x36x32x64xi32>)
      attributes {unsigned_lhs, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
        config = #mopt.config<kernel = "k", rows = 1, columns = 4, lanes = 8, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false, lhsBits = 16, rhsBits = 16>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  }
  return
}
