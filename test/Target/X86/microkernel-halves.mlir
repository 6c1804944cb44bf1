// 14 sums of 16 bits in a loop of nothing but products and the loads for them, and
// as many of f32 behind them, to which they are added in a loop around it. One
// sum of f32 may wait in memory meanwhile, none of the others.
// RUN: mopt-opt %s -mopt-expand-microkernels -canonicalize -cse -expand-strided-metadata \
// RUN:   -lower-affine -convert-scf-to-cf -convert-vector-to-llvm -finalize-memref-to-llvm \
// RUN:   -convert-math-to-llvm -convert-func-to-llvm -convert-arith-to-llvm -convert-index-to-llvm -convert-cf-to-llvm \
// RUN:   -canonicalize -cse -reconcile-unrealized-casts -o %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | opt -O3 -disable-loop-unrolling -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu \
// RUN:   | llc -O3 -mcpu=sapphirerapids -mtriple=x86_64-linux-gnu -o %t.s
// RUN: sed -n '/Inner Loop Header/,/^\tj/p' %t.s | FileCheck %s --check-prefix=LOOP --implicit-check-not=rsp --implicit-check-not=vfmadd
// RUN: FileCheck %s < %t.s

// LOOP-COUNT-56: vfmadd231ph {{.*}}%zmm
// LOOP: {{^}}	j

// CHECK-LABEL: product:
// CHECK-COUNT-56: vfmadd231ph
// CHECK-NOT: vfmadd
// CHECK: vpshldd $16
// CHECK-COUNT-7: vaddph
// CHECK-NOT: vaddph
// CHECK: .size product
func.func @product(%a: memref<7x768xf16>, %b: memref<24x384x64xf16>, %c: memref<7x768xf32>) {
  mopt.contract_anchor ins(%a, %b : memref<7x768xf16>, memref<24x384x64xf16>) outs(%c : memref<7x768xf32>)
      attributes {interleave = 2 : i64,
        config = #mopt.config<kernel = "k", rows = 7, columns = 32, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
        interleave = 2, lhsBits = 16, rhsBits = 16, wordGroups = 32>} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  }
  return
}
