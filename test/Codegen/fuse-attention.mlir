// RUN: mopt-opt %s -split-input-file -mopt-fuse-attention | FileCheck %s
// RUN: mopt-opt %s -split-input-file -mopt-fuse-attention -mopt-bufferize-tensors | FileCheck %s --check-prefix=BUFFER

// Almost a softmax, scores that are returned too, or few rows: three kernels.
// RUN: sed 's/constant -87.0/constant -5.0/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// RUN: sed 's/math.exp %13/math.exp2 %13/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// RUN: sed 's/arith.maximumf %acc, %in/arith.minimumf %acc, %in/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// RUN: sed 's/arith.mulf %in, %9/arith.mulf %9, %9/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// RUN: sed 's/^\(  .*\)ins(%x, %most :/\1ins(%f, %most :/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// RUN: sed 's/^  return %5 : tensor<1x128x12x64xf16>/%%6 = call @softmax(%%1, %%2) : (tensor<1x12x128x128xf32>, tensor<1x12x128x128xf16>) -> tensor<1x12x128x128xf16>\n&/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// RUN: sed 's/config = #config, //' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=APART
// APART-LABEL: func.func @bert(
// APART: call @product
// APART: call @softmax
// APART: call @values
// RUN: sed 's/x20x/x8x/g; s/, 20,/, 8,/g' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=FEW
// FEW-LABEL: func.func @operator(
// FEW: call @product
// FEW: call @softmax
// FEW: call @values
// Zeros that are written over what they should be behind of are no padding.
// RUN: sed 's/into %%i\[0, 0, 21\]/into %%i[0, 0, 20]/; s/%%i\[0, 0, 21\]/%%i[0, 0, 20]/' %s | mopt-opt -split-input-file -mopt-fuse-attention | FileCheck %s --check-prefix=FEW

#config = #mopt.config<kernel = "warp-f16", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", matrixUnit = "warp", lhsSteps = 8>
#all = affine_map<(b, h, m, n) -> (b, h, m, n)>
#heads = affine_map<(b, h, m, n) -> (b, m, h, n)>
#rows = affine_map<(b, h, m, n) -> (0, h, m)>
#keys = affine_map<(b, h, m, n) -> (b, 0, 0, n)>

// Queries, keys and values are parts of one tensor, the result has the heads of
// a row side by side. The mask and the scale are the region of scores, with
// indices of batch, head, row and key before the mask's argument.
// CHECK-DAG: #[[HEADS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-DAG: #[[KEYS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>
// CHECK-LABEL: func.func @bert(
// CHECK-SAME: %[[QKV:.*]]: tensor<1x128x36x64xf16>, %[[MASK:.*]]: tensor<1x1x1x128xf32>
// CHECK-NOT: call @product
// CHECK: call @kernel_attention(%[[QKV]], %[[MASK]], %{{.*}}) : (tensor<1x128x36x64xf16>, tensor<1x1x1x128xf32>, tensor<1x128x12x64xf16>) -> tensor<1x128x12x64xf16>
// CHECK-NOT: func.func private @softmax
// CHECK: func.func private @kernel_attention(
// CHECK-SAME: %[[X:.*]]: tensor<1x128x36x64xf16>
// CHECK-SAME: %[[A:.*]]: tensor<1x1x1x128xf32>
// CHECK-SAME: mopt.destination = 0
// CHECK-SAME: mopt.kernel
// CHECK-DAG: %[[Q:.*]] = tensor.extract_slice %[[X]][0, 0, 0, 0]
// CHECK-DAG: %[[K:.*]] = tensor.extract_slice %[[X]][0, 0, 12, 0]
// CHECK-DAG: %[[V:.*]] = tensor.extract_slice %[[X]][0, 0, 24, 0]
// CHECK: mopt.attention ins(%[[Q]], %[[K]], %[[V]] :
// CHECK-SAME: score_ins(%[[A]] :
// CHECK-SAME: init_map = #[[HEADS]]
// CHECK-SAME: key_map = #[[HEADS]]
// CHECK-SAME: query_map = #[[HEADS]]
// CHECK-SAME: score_maps = [#[[KEYS]]]
// CHECK-SAME: sizes = array<i64: 1, 12, 128, 128, 64, 64>
// CHECK-SAME: value_map = #[[HEADS]]
// CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[ADD:.*]]: f32):
// CHECK-NEXT: %[[D:.*]] = arith.divf %[[S]],
// CHECK-NEXT: arith.addf %[[D]], %[[ADD]]
// CHECK: } results {
// CHECK: arith.truncf %{{.*}} : f32 to f16
//
// Nothing has room for scores.
// BUFFER-LABEL: func.func @bert(
// BUFFER-NOT: 12x128x128
// BUFFER: mopt.attention ins({{.*}}strided<[294912, 2304, 64, 1]>>, {{.*}}offset: 768>>, {{.*}}offset: 1536>>)
func.func @bert(%qkv: tensor<1x128x36x64xf16>, %mask: tensor<1x1x1x128xf32>) -> tensor<1x128x12x64xf16> {
  %0 = bufferization.alloc_tensor() : tensor<1x12x128x128xf32>
  %1 = call @product(%qkv, %mask, %0) : (tensor<1x128x36x64xf16>, tensor<1x1x1x128xf32>, tensor<1x12x128x128xf32>) -> tensor<1x12x128x128xf32>
  %2 = bufferization.alloc_tensor() : tensor<1x12x128x128xf16>
  %3 = call @softmax(%1, %2) : (tensor<1x12x128x128xf32>, tensor<1x12x128x128xf16>) -> tensor<1x12x128x128xf16>
  %4 = bufferization.alloc_tensor() : tensor<1x128x12x64xf16>
  %5 = call @values(%qkv, %3, %4) : (tensor<1x128x36x64xf16>, tensor<1x12x128x128xf16>, tensor<1x128x12x64xf16>) -> tensor<1x128x12x64xf16>
  return %5 : tensor<1x128x12x64xf16>
}
func.func private @product(%x: tensor<1x128x36x64xf16>, %mask: tensor<1x1x1x128xf32>, %out: tensor<1x12x128x128xf32> {mopt.destination = 0 : i64}) -> tensor<1x12x128x128xf32> attributes {mopt.kernel} {
  %eight = arith.constant 8.0 : f32
  %k = tensor.extract_slice %x[0, 0, 12, 0] [1, 128, 12, 64] [1, 1, 1, 1] : tensor<1x128x36x64xf16> to tensor<1x128x12x64xf16>
  %e = tensor.empty() : tensor<1x12x2x64x64xf16>
  %p = mopt.pack_columns ins(%k : tensor<1x128x12x64xf16>) outs(%e : tensor<1x12x2x64x64xf16>) {lanes = 32 : i64, permutation = array<i64: 0, 2, 1, 3>, transposed} -> tensor<1x12x2x64x64xf16>
  %q = tensor.extract_slice %x[0, 0, 0, 0] [1, 128, 12, 64] [1, 1, 1, 1] : tensor<1x128x36x64xf16> to tensor<1x128x12x64xf16>
  %i = tensor.empty() : tensor<1x12x128x128xf32>
  %0 = mopt.contract_anchor ins(%q, %p : tensor<1x128x12x64xf16>, tensor<1x12x2x64x64xf16>) epilogue_ins(%mask : tensor<1x1x1x128xf32>) outs(%i : tensor<1x12x128x128xf32>) attributes {config = #config, epilogue_maps = [#keys], lhs_map = #heads, rhs_map = #all} {
  ^bb0(%acc: f32, %add: f32):
    %d = arith.divf %acc, %eight : f32
    %s = arith.addf %d, %add : f32
    mopt.yield %s : f32
  } -> tensor<1x12x128x128xf32>
  return %0 : tensor<1x12x128x128xf32>
}
func.func private @softmax(%x: tensor<1x12x128x128xf32>, %out: tensor<1x12x128x128xf16> {mopt.destination = 0 : i64}) -> tensor<1x12x128x128xf16> attributes {mopt.kernel} {
  %one = arith.constant 1.0 : f32
  %small = arith.constant -87.0 : f32
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<1x12x128xf32>
  %0 = linalg.fill ins(%lowest : f32) outs(%e : tensor<1x12x128xf32>) -> tensor<1x12x128xf32>
  %most = linalg.generic {indexing_maps = [#all, affine_map<(b, h, m, n) -> (b, h, m)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x : tensor<1x12x128x128xf32>) outs(%0 : tensor<1x12x128xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %9 = arith.maximumf %acc, %in fastmath<nsz> : f32
    linalg.yield %9 : f32
  } -> tensor<1x12x128xf32>
  %f = tensor.empty() : tensor<1x12x128x128xf32>
  %exp = linalg.generic {indexing_maps = [#all, #rows, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %most : tensor<1x12x128x128xf32>, tensor<1x12x128xf32>) outs(%f : tensor<1x12x128x128xf32>) {
  ^bb0(%in: f32, %m: f32, %o: f32):
    %9 = arith.subf %in, %m : f32
    %10 = arith.cmpf ogt, %9, %zero : f32
    %11 = arith.select %10, %zero, %9 : f32
    %12 = arith.cmpf olt, %11, %small : f32
    %13 = arith.select %12, %small, %11 : f32
    %14 = math.exp %13 : f32
    %15 = arith.select %12, %zero, %14 : f32
    linalg.yield %15 : f32
  } -> tensor<1x12x128x128xf32>
  %5 = linalg.fill ins(%zero : f32) outs(%e : tensor<1x12x128xf32>) -> tensor<1x12x128xf32>
  %sum = linalg.generic {indexing_maps = [#all, affine_map<(b, h, m, n) -> (b, h, m)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%exp : tensor<1x12x128x128xf32>) outs(%5 : tensor<1x12x128xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %9 = arith.addf %acc, %in : f32
    linalg.yield %9 : f32
  } -> tensor<1x12x128xf32>
  %g = tensor.empty() : tensor<1x12x128x128xf16>
  %8 = linalg.generic {indexing_maps = [#all, #rows, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%exp, %sum : tensor<1x12x128x128xf32>, tensor<1x12x128xf32>) outs(%g : tensor<1x12x128x128xf16>) {
  ^bb0(%in: f32, %s: f32, %o: f16):
    %9 = arith.divf %one, %s : f32
    %10 = arith.mulf %in, %9 : f32
    %11 = arith.truncf %10 : f32 to f16
    linalg.yield %11 : f16
  } -> tensor<1x12x128x128xf16>
  return %8 : tensor<1x12x128x128xf16>
}
func.func private @values(%x: tensor<1x128x36x64xf16>, %p: tensor<1x12x128x128xf16>, %out: tensor<1x128x12x64xf16> {mopt.destination = 0 : i64}) -> tensor<1x128x12x64xf16> attributes {mopt.kernel} {
  %v = tensor.extract_slice %x[0, 0, 24, 0] [1, 128, 12, 64] [1, 1, 1, 1] : tensor<1x128x36x64xf16> to tensor<1x128x12x64xf16>
  %e = tensor.empty() : tensor<1x12x1x128x64xf16>
  %1 = mopt.pack_columns ins(%v : tensor<1x128x12x64xf16>) outs(%e : tensor<1x12x1x128x64xf16>) {lanes = 32 : i64, permutation = array<i64: 0, 2, 1, 3>} -> tensor<1x12x1x128x64xf16>
  %i = tensor.empty() : tensor<1x128x12x64xf16>
  %3 = mopt.contract_anchor ins(%p, %1 : tensor<1x12x128x128xf16>, tensor<1x12x1x128x64xf16>) outs(%i : tensor<1x128x12x64xf16>) attributes {config = #config, init_map = #heads, lhs_map = #all, rhs_map = #all} {
  ^bb0(%acc: f32):
    %4 = arith.truncf %acc : f32 to f16
    mopt.yield %4 : f16
  } -> tensor<1x128x12x64xf16>
  return %3 : tensor<1x128x12x64xf16>
}

// -----

#config = #mopt.config<kernel = "warp-f16", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", matrixUnit = "warp", lhsSteps = 8>
#id4 = affine_map<(b, h, m, n) -> (b, h, m, n)>
#id3 = affine_map<(b, m, n) -> (b, m, n)>
#id2 = affine_map<(m, n) -> (m, n)>
#rows3 = affine_map<(b, m, n) -> (b, m)>

// Scores of half precision have 32 bits. Weights and values are padded to a
// multiple of eight keys, values by a kernel of their own; queries and keys are
// scaled by another one; the mask is computed for each score. None of that is
// left. Rows whose keys are all masked are 0.
// CHECK-LABEL: func.func @operator(
// CHECK-SAME: %[[Q:.*]]: tensor<6x20x32xf16>, %[[K:.*]]: tensor<6x21x32xf16>, %[[V:.*]]: tensor<6x21x64xf16>, %[[BLIND:.*]]: tensor<1x20x1xi8>
// CHECK-NEXT: bufferization.alloc_tensor() : tensor<6x20x64xf16>
// CHECK-NEXT: call @kernel_attention(%[[Q]], %[[K]], %[[V]], %[[BLIND]], %{{.*}})
// CHECK-NEXT: return
// CHECK: func.func private @kernel_attention(
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 2.500000e-01 : f32
// CHECK-DAG: %[[LOWEST:.*]] = arith.constant 0xFF800000 : f32
// CHECK: mopt.attention
// CHECK-SAME: result_ins(
// CHECK-SAME: sizes = array<i64: 6, 20, 21, 32, 64>
// CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %[[M:.*]]: index, %[[N:.*]]: index):
// CHECK-NEXT: %[[X:.*]] = arith.mulf %[[S]], %[[SCALE]] : f32
// CHECK-NEXT: %[[I:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK-NEXT: %[[J:.*]] = arith.index_cast %[[M]] : index to i64
// CHECK-NEXT: %[[SEES:.*]] = arith.cmpi sle, %[[I]], %[[J]] : i64
// CHECK-NEXT: %[[A:.*]] = arith.select %[[SEES]], %{{.*}}, %[[LOWEST]] : f32
// CHECK-NEXT: %[[R:.*]] = arith.addf %[[X]], %[[A]] : f32
// CHECK-NEXT: mopt.yield %[[R]] : f32
// CHECK: ^bb0(%[[Y:.*]]: f32, %[[B:.*]]: i8):
// CHECK-NEXT: %[[IS:.*]] = arith.cmpi ne, %[[B]],
// CHECK-NEXT: %[[Z:.*]] = arith.select %[[IS]], %{{.*}}, %[[Y]] : f32
// CHECK-NEXT: %[[T:.*]] = arith.truncf %[[Z]] : f32 to f16
// CHECK-NEXT: mopt.yield %[[T]] : f16
func.func @operator(%q: tensor<6x20x32xf16>, %k: tensor<6x21x32xf16>, %v: tensor<6x21x64xf16>, %blind: tensor<1x20x1xi8>) -> tensor<6x20x64xf16> {
  %0 = bufferization.alloc_tensor() : tensor<6x20x32xf16>
  %1 = call @scale(%q, %0) : (tensor<6x20x32xf16>, tensor<6x20x32xf16>) -> tensor<6x20x32xf16>
  %2 = bufferization.alloc_tensor() : tensor<6x21x32xf16>
  %3 = call @scale_keys(%k, %2) : (tensor<6x21x32xf16>, tensor<6x21x32xf16>) -> tensor<6x21x32xf16>
  %4 = bufferization.alloc_tensor() : tensor<1x1x21xi64>
  %5 = call @key_numbers(%4) : (tensor<1x1x21xi64>) -> tensor<1x1x21xi64>
  %6 = bufferization.alloc_tensor() : tensor<1x20x1xi64>
  %7 = call @row_numbers(%6) : (tensor<1x20x1xi64>) -> tensor<1x20x1xi64>
  %8 = bufferization.alloc_tensor() : tensor<1x20x21xf32>
  %9 = call @mask(%5, %7, %8) : (tensor<1x1x21xi64>, tensor<1x20x1xi64>, tensor<1x20x21xf32>) -> tensor<1x20x21xf32>
  %10 = bufferization.alloc_tensor() : tensor<6x20x21xf16>
  %11 = call @product(%1, %3, %9, %10) : (tensor<6x20x32xf16>, tensor<6x21x32xf16>, tensor<1x20x21xf32>, tensor<6x20x21xf16>) -> tensor<6x20x21xf16>
  %12 = bufferization.alloc_tensor() : tensor<6x20x24xf16>
  %13 = call @softmax(%11, %blind, %12) : (tensor<6x20x21xf16>, tensor<1x20x1xi8>, tensor<6x20x24xf16>) -> tensor<6x20x24xf16>
  %14 = bufferization.alloc_tensor() : tensor<6x24x64xf16>
  %15 = call @pad(%v, %14) : (tensor<6x21x64xf16>, tensor<6x24x64xf16>) -> tensor<6x24x64xf16>
  %16 = bufferization.alloc_tensor() : tensor<6x20x64xf16>
  %17 = call @values(%13, %15, %16) : (tensor<6x20x24xf16>, tensor<6x24x64xf16>, tensor<6x20x64xf16>) -> tensor<6x20x64xf16>
  return %17 : tensor<6x20x64xf16>
}
func.func private @scale(%x: tensor<6x20x32xf16>, %out: tensor<6x20x32xf16> {mopt.destination = 0 : i64}) -> tensor<6x20x32xf16> attributes {mopt.kernel} {
  %c = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<6x20x32xf16>
  %0 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<6x20x32xf16>) outs(%e : tensor<6x20x32xf16>) {
  ^bb0(%in: f16, %o: f16):
    %1 = arith.extf %in : f16 to f32
    %2 = arith.mulf %1, %c : f32
    %3 = arith.truncf %2 : f32 to f16
    linalg.yield %3 : f16
  } -> tensor<6x20x32xf16>
  return %0 : tensor<6x20x32xf16>
}
func.func private @scale_keys(%x: tensor<6x21x32xf16>, %out: tensor<6x21x32xf16> {mopt.destination = 0 : i64}) -> tensor<6x21x32xf16> attributes {mopt.kernel} {
  %c = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<6x21x32xf16>
  %0 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<6x21x32xf16>) outs(%e : tensor<6x21x32xf16>) {
  ^bb0(%in: f16, %o: f16):
    %1 = arith.extf %in : f16 to f32
    %2 = arith.mulf %1, %c : f32
    %3 = arith.truncf %2 : f32 to f16
    linalg.yield %3 : f16
  } -> tensor<6x21x32xf16>
  return %0 : tensor<6x21x32xf16>
}
func.func private @key_numbers(%out: tensor<1x1x21xi64> {mopt.destination = 0 : i64}) -> tensor<1x1x21xi64> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<1x1x21xi64>
  %0 = linalg.generic {indexing_maps = [#id3], iterator_types = ["parallel", "parallel", "parallel"]} outs(%e : tensor<1x1x21xi64>) {
  ^bb0(%o: i64):
    %1 = linalg.index 2 : index
    %2 = arith.index_cast %1 : index to i64
    linalg.yield %2 : i64
  } -> tensor<1x1x21xi64>
  return %0 : tensor<1x1x21xi64>
}
func.func private @row_numbers(%out: tensor<1x20x1xi64> {mopt.destination = 0 : i64}) -> tensor<1x20x1xi64> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<1x20x1xi64>
  %0 = linalg.generic {indexing_maps = [#id3], iterator_types = ["parallel", "parallel", "parallel"]} outs(%e : tensor<1x20x1xi64>) {
  ^bb0(%o: i64):
    %1 = linalg.index 1 : index
    %2 = arith.index_cast %1 : index to i64
    linalg.yield %2 : i64
  } -> tensor<1x20x1xi64>
  return %0 : tensor<1x20x1xi64>
}
func.func private @mask(%k: tensor<1x1x21xi64>, %r: tensor<1x20x1xi64>, %out: tensor<1x20x21xf32> {mopt.destination = 0 : i64}) -> tensor<1x20x21xf32> attributes {mopt.kernel} {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x20x21xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, 0, n)>, affine_map<(b, m, n) -> (b, m, 0)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%k, %r : tensor<1x1x21xi64>, tensor<1x20x1xi64>) outs(%e : tensor<1x20x21xf32>) {
  ^bb0(%a: i64, %b: i64, %o: f32):
    %1 = arith.cmpi sle, %a, %b : i64
    %2 = arith.select %1, %zero, %lowest : f32
    linalg.yield %2 : f32
  } -> tensor<1x20x21xf32>
  return %0 : tensor<1x20x21xf32>
}
func.func private @product(%q: tensor<6x20x32xf16>, %k: tensor<6x21x32xf16>, %mask: tensor<1x20x21xf32>, %out: tensor<6x20x21xf16> {mopt.destination = 0 : i64}) -> tensor<6x20x21xf16> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<6x1x32x64xf16>
  %p = mopt.pack_columns ins(%k : tensor<6x21x32xf16>) outs(%e : tensor<6x1x32x64xf16>) {lanes = 32 : i64, transposed} -> tensor<6x1x32x64xf16>
  %i = tensor.empty() : tensor<6x20x21xf16>
  %0 = mopt.contract_anchor ins(%q, %p : tensor<6x20x32xf16>, tensor<6x1x32x64xf16>) epilogue_ins(%mask : tensor<1x20x21xf32>) outs(%i : tensor<6x20x21xf16>) attributes {config = #config, epilogue_maps = [affine_map<(b, m, n) -> (0, m, n)>]} {
  ^bb0(%acc: f32, %add: f32):
    %t = arith.truncf %acc : f32 to f16
    %a = arith.truncf %add : f32 to f16
    %s = arith.addf %t, %a : f16
    mopt.yield %s : f16
  } -> tensor<6x20x21xf16>
  return %0 : tensor<6x20x21xf16>
}
func.func private @softmax(%x: tensor<6x20x21xf16>, %blind: tensor<1x20x1xi8>, %out: tensor<6x20x24xf16> {mopt.destination = 0 : i64}) -> tensor<6x20x24xf16> attributes {mopt.kernel} {
  %none = arith.constant 0 : i8
  %zero = arith.constant 0.0 : f32
  %nothing = arith.constant 0.0 : f16
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<6x20xf32>
  %0 = linalg.fill ins(%lowest : f32) outs(%e : tensor<6x20xf32>) -> tensor<6x20xf32>
  %most = linalg.generic {indexing_maps = [#id3, #rows3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<6x20x21xf16>) outs(%0 : tensor<6x20xf32>) {
  ^bb0(%in: f16, %acc: f32):
    %8 = arith.extf %in : f16 to f32
    %9 = arith.maximumf %acc, %8 : f32
    linalg.yield %9 : f32
  } -> tensor<6x20xf32>
  %f = tensor.empty() : tensor<6x20x21xf16>
  %exp = linalg.generic {indexing_maps = [#id3, #rows3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %most : tensor<6x20x21xf16>, tensor<6x20xf32>) outs(%f : tensor<6x20x21xf16>) {
  ^bb0(%in: f16, %m: f32, %o: f16):
    %8 = arith.extf %in : f16 to f32
    %9 = arith.subf %8, %m : f32
    %10 = math.exp %9 : f32
    %11 = arith.truncf %10 : f32 to f16
    linalg.yield %11 : f16
  } -> tensor<6x20x21xf16>
  %5 = linalg.fill ins(%zero : f32) outs(%e : tensor<6x20xf32>) -> tensor<6x20xf32>
  %sum = linalg.generic {indexing_maps = [#id3, #rows3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%exp : tensor<6x20x21xf16>) outs(%5 : tensor<6x20xf32>) {
  ^bb0(%in: f16, %acc: f32):
    %8 = arith.extf %in : f16 to f32
    %9 = arith.addf %8, %acc : f32
    linalg.yield %9 : f32
  } -> tensor<6x20xf32>
  %p = linalg.generic {indexing_maps = [#id3, #rows3, affine_map<(b, m, n) -> (0, m, 0)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%exp, %sum, %blind : tensor<6x20x21xf16>, tensor<6x20xf32>, tensor<1x20x1xi8>) outs(%f : tensor<6x20x21xf16>) {
  ^bb0(%in: f16, %s: f32, %b: i8, %o: f16):
    %8 = arith.extf %in : f16 to f32
    %9 = arith.divf %8, %s : f32
    %10 = arith.cmpi ne, %b, %none : i8
    %11 = arith.select %10, %zero, %9 : f32
    %12 = arith.truncf %11 : f32 to f16
    linalg.yield %12 : f16
  } -> tensor<6x20x21xf16>
  %g = tensor.empty() : tensor<6x20x24xf16>
  %i = tensor.insert_slice %p into %g[0, 0, 0] [6, 20, 21] [1, 1, 1] : tensor<6x20x21xf16> into tensor<6x20x24xf16>
  %r = tensor.extract_slice %i[0, 0, 21] [6, 20, 3] [1, 1, 1] : tensor<6x20x24xf16> to tensor<6x20x3xf16>
  %z = linalg.fill ins(%nothing : f16) outs(%r : tensor<6x20x3xf16>) -> tensor<6x20x3xf16>
  %w = tensor.insert_slice %z into %i[0, 0, 21] [6, 20, 3] [1, 1, 1] : tensor<6x20x3xf16> into tensor<6x20x24xf16>
  return %w : tensor<6x20x24xf16>
}
func.func private @pad(%v: tensor<6x21x64xf16>, %out: tensor<6x24x64xf16> {mopt.destination = 0 : i64}) -> tensor<6x24x64xf16> attributes {mopt.kernel} {
  %nothing = arith.constant 0.0 : f16
  %g = tensor.empty() : tensor<6x24x64xf16>
  %i = tensor.insert_slice %v into %g[0, 0, 0] [6, 21, 64] [1, 1, 1] : tensor<6x21x64xf16> into tensor<6x24x64xf16>
  %r = tensor.extract_slice %i[0, 21, 0] [6, 3, 64] [1, 1, 1] : tensor<6x24x64xf16> to tensor<6x3x64xf16>
  %z = linalg.fill ins(%nothing : f16) outs(%r : tensor<6x3x64xf16>) -> tensor<6x3x64xf16>
  %w = tensor.insert_slice %z into %i[0, 21, 0] [6, 3, 64] [1, 1, 1] : tensor<6x3x64xf16> into tensor<6x24x64xf16>
  return %w : tensor<6x24x64xf16>
}
func.func private @values(%p: tensor<6x20x24xf16>, %v: tensor<6x24x64xf16>, %out: tensor<6x20x64xf16> {mopt.destination = 0 : i64}) -> tensor<6x20x64xf16> attributes {mopt.kernel} {
  %e = tensor.expand_shape %v [[0], [1, 2], [3]] output_shape [6, 1, 24, 64] : tensor<6x24x64xf16> into tensor<6x1x24x64xf16>
  %i = tensor.empty() : tensor<6x20x64xf16>
  %3 = mopt.contract_anchor ins(%p, %e : tensor<6x20x24xf16>, tensor<6x1x24x64xf16>) outs(%i : tensor<6x20x64xf16>) attributes {config = #config, lhs_map = #id3, rhs_map = #id3} {
  ^bb0(%acc: f32):
    %4 = arith.truncf %acc : f32 to f16
    mopt.yield %4 : f16
  } -> tensor<6x20x64xf16>
  return %3 : tensor<6x20x64xf16>
}

// -----

#config = #mopt.config<kernel = "warp-f16", rows = 64, columns = 64, lanes = 32, unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true, accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "llvm.nvvm.mma.m16n8k16.row.col.f32.f32", matrixUnit = "warp", lhsSteps = 8>
#id3 = affine_map<(b, m, n) -> (b, m, n)>
#rows3 = affine_map<(b, m, n) -> (b, m)>

// Two heads share keys: the products count rows of both as one dimension, the
// mask, which a kernel adds, and the softmax do not. The attention has a
// dimension of its own for them. A kernel pads the weights, which is left out;
// one that only rounds the result becomes part of this.
// CHECK-DAG: #[[SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-LABEL: func.func @groups(
// CHECK-SAME: %[[Q:.*]]: tensor<3x32x32xf16>, %[[K:.*]]: tensor<3x21x32xf16>, %[[V:.*]]: tensor<3x24x64xf16>, %[[MASK:.*]]: tensor<6x16x21xf16>
// CHECK-NEXT: bufferization.alloc_tensor() : tensor<3x32x64xf16>
// CHECK-NEXT: %[[Y:.*]] = call @kernel_attention(%[[Q]], %[[K]], %[[V]], %[[MASK]], %{{.*}})
// CHECK-NEXT: %[[R:.*]] = tensor.expand_shape %[[Y]] {{.*}} into tensor<3x2x16x64xf16>
// CHECK-NEXT: return %[[R]]
// CHECK: func.func private @kernel_attention(
// CHECK-DAG: %[[QS:.*]] = tensor.expand_shape %{{.*}} : tensor<3x32x32xf16> into tensor<3x2x16x32xf16>
// CHECK-DAG: %[[MS:.*]] = tensor.expand_shape %{{.*}} : tensor<6x16x21xf16> into tensor<3x2x16x21xf16>
// CHECK-DAG: %[[VS:.*]] = tensor.extract_slice %{{.*}}[0, 0, 0] [3, 21, 64] [1, 1, 1]
// CHECK: mopt.attention ins(%[[QS]], %{{.*}}, %[[VS]] :
// CHECK-SAME: score_ins(%[[MS]] :
// CHECK-SAME: key_map = #[[SHARED]]
// CHECK-SAME: sizes = array<i64: 3, 2, 16, 21, 32, 64>
// CHECK-SAME: value_map = #[[SHARED]]
// CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[A:.*]]: f16):
// CHECK-NEXT: %[[W:.*]] = arith.extf %[[A]] : f16 to f32
// CHECK-NEXT: arith.addf %[[S]], %[[W]] : f32
// CHECK: } results {
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: tensor.collapse_shape {{.*}} : tensor<3x2x16x64xf16> into tensor<3x32x64xf16>
func.func @groups(%q: tensor<3x32x32xf16>, %k: tensor<3x21x32xf16>, %v: tensor<3x24x64xf16>, %mask: tensor<6x16x21xf16>) -> tensor<3x2x16x64xf16> {
  %0 = bufferization.alloc_tensor() : tensor<3x32x21xf32>
  %1 = call @product(%q, %k, %0) : (tensor<3x32x32xf16>, tensor<3x21x32xf16>, tensor<3x32x21xf32>) -> tensor<3x32x21xf32>
  %c = tensor.collapse_shape %1 [[0, 1, 2]] : tensor<3x32x21xf32> into tensor<2016xf32>
  %s = tensor.expand_shape %c [[0, 1, 2]] output_shape [6, 16, 21] : tensor<2016xf32> into tensor<6x16x21xf32>
  %2 = bufferization.alloc_tensor() : tensor<6x16x21xf32>
  %3 = call @add(%s, %mask, %2) : (tensor<6x16x21xf32>, tensor<6x16x21xf16>, tensor<6x16x21xf32>) -> tensor<6x16x21xf32>
  %4 = bufferization.alloc_tensor() : tensor<6x16x21xf16>
  %5 = call @softmax(%3, %4) : (tensor<6x16x21xf32>, tensor<6x16x21xf16>) -> tensor<6x16x21xf16>
  %d = tensor.collapse_shape %5 [[0, 1, 2]] : tensor<6x16x21xf16> into tensor<2016xf16>
  %w = tensor.expand_shape %d [[0, 1, 2]] output_shape [3, 32, 21] : tensor<2016xf16> into tensor<3x32x21xf16>
  %6 = bufferization.alloc_tensor() : tensor<3x32x24xf16>
  %7 = call @pad(%w, %6) : (tensor<3x32x21xf16>, tensor<3x32x24xf16>) -> tensor<3x32x24xf16>
  %8 = bufferization.alloc_tensor() : tensor<3x32x64xf32>
  %9 = call @values(%7, %v, %8) : (tensor<3x32x24xf16>, tensor<3x24x64xf16>, tensor<3x32x64xf32>) -> tensor<3x32x64xf32>
  %e = tensor.expand_shape %9 [[0], [1, 2], [3]] output_shape [3, 2, 16, 64] : tensor<3x32x64xf32> into tensor<3x2x16x64xf32>
  %10 = bufferization.alloc_tensor() : tensor<3x2x16x64xf16>
  %11 = call @round(%e, %10) : (tensor<3x2x16x64xf32>, tensor<3x2x16x64xf16>) -> tensor<3x2x16x64xf16>
  return %11 : tensor<3x2x16x64xf16>
}
func.func private @product(%q: tensor<3x32x32xf16>, %k: tensor<3x21x32xf16>, %out: tensor<3x32x21xf32> {mopt.destination = 0 : i64}) -> tensor<3x32x21xf32> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<3x1x32x64xf16>
  %p = mopt.pack_columns ins(%k : tensor<3x21x32xf16>) outs(%e : tensor<3x1x32x64xf16>) {lanes = 32 : i64, transposed} -> tensor<3x1x32x64xf16>
  %i = tensor.empty() : tensor<3x32x21xf32>
  %0 = mopt.contract_anchor ins(%q, %p : tensor<3x32x32xf16>, tensor<3x1x32x64xf16>) outs(%i : tensor<3x32x21xf32>) attributes {config = #config, rhs_map = #id3} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<3x32x21xf32>
  return %0 : tensor<3x32x21xf32>
}
func.func private @add(%x: tensor<6x16x21xf32>, %mask: tensor<6x16x21xf16>, %out: tensor<6x16x21xf32> {mopt.destination = 0 : i64}) -> tensor<6x16x21xf32> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<6x16x21xf32>
  %0 = linalg.generic {indexing_maps = [#id3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %mask : tensor<6x16x21xf32>, tensor<6x16x21xf16>) outs(%e : tensor<6x16x21xf32>) {
  ^bb0(%a: f32, %b: f16, %o: f32):
    %1 = arith.extf %b : f16 to f32
    %2 = arith.addf %a, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<6x16x21xf32>
  return %0 : tensor<6x16x21xf32>
}
func.func private @softmax(%x: tensor<6x16x21xf32>, %out: tensor<6x16x21xf16> {mopt.destination = 0 : i64}) -> tensor<6x16x21xf16> attributes {mopt.kernel} {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<6x16xf32>
  %0 = linalg.fill ins(%lowest : f32) outs(%e : tensor<6x16xf32>) -> tensor<6x16xf32>
  %most = linalg.generic {indexing_maps = [#id3, #rows3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<6x16x21xf32>) outs(%0 : tensor<6x16xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %9 = arith.maximumf %acc, %in : f32
    linalg.yield %9 : f32
  } -> tensor<6x16xf32>
  %f = tensor.empty() : tensor<6x16x21xf32>
  %exp = linalg.generic {indexing_maps = [#id3, #rows3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %most : tensor<6x16x21xf32>, tensor<6x16xf32>) outs(%f : tensor<6x16x21xf32>) {
  ^bb0(%in: f32, %m: f32, %o: f32):
    %9 = arith.subf %in, %m : f32
    %10 = math.exp %9 : f32
    linalg.yield %10 : f32
  } -> tensor<6x16x21xf32>
  %5 = linalg.fill ins(%zero : f32) outs(%e : tensor<6x16xf32>) -> tensor<6x16xf32>
  %sum = linalg.generic {indexing_maps = [#id3, #rows3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%exp : tensor<6x16x21xf32>) outs(%5 : tensor<6x16xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %9 = arith.addf %in, %acc : f32
    linalg.yield %9 : f32
  } -> tensor<6x16xf32>
  %g = tensor.empty() : tensor<6x16x21xf16>
  %p = linalg.generic {indexing_maps = [#id3, #rows3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%exp, %sum : tensor<6x16x21xf32>, tensor<6x16xf32>) outs(%g : tensor<6x16x21xf16>) {
  ^bb0(%in: f32, %s: f32, %o: f16):
    %9 = arith.divf %in, %s : f32
    %10 = arith.truncf %9 : f32 to f16
    linalg.yield %10 : f16
  } -> tensor<6x16x21xf16>
  return %p : tensor<6x16x21xf16>
}
func.func private @pad(%x: tensor<3x32x21xf16>, %out: tensor<3x32x24xf16> {mopt.destination = 0 : i64}) -> tensor<3x32x24xf16> attributes {mopt.kernel} {
  %nothing = arith.constant 0.0 : f16
  %g = tensor.empty() : tensor<3x32x24xf16>
  %i = tensor.insert_slice %x into %g[0, 0, 0] [3, 32, 21] [1, 1, 1] : tensor<3x32x21xf16> into tensor<3x32x24xf16>
  %r = tensor.extract_slice %i[0, 0, 21] [3, 32, 3] [1, 1, 1] : tensor<3x32x24xf16> to tensor<3x32x3xf16>
  %z = linalg.fill ins(%nothing : f16) outs(%r : tensor<3x32x3xf16>) -> tensor<3x32x3xf16>
  %w = tensor.insert_slice %z into %i[0, 0, 21] [3, 32, 3] [1, 1, 1] : tensor<3x32x3xf16> into tensor<3x32x24xf16>
  return %w : tensor<3x32x24xf16>
}
func.func private @values(%p: tensor<3x32x24xf16>, %v: tensor<3x24x64xf16>, %out: tensor<3x32x64xf32> {mopt.destination = 0 : i64}) -> tensor<3x32x64xf32> attributes {mopt.kernel} {
  %e = tensor.expand_shape %v [[0], [1, 2], [3]] output_shape [3, 1, 24, 64] : tensor<3x24x64xf16> into tensor<3x1x24x64xf16>
  %i = tensor.empty() : tensor<3x32x64xf32>
  %3 = mopt.contract_anchor ins(%p, %e : tensor<3x32x24xf16>, tensor<3x1x24x64xf16>) outs(%i : tensor<3x32x64xf32>) attributes {config = #config, lhs_map = #id3, rhs_map = #id3} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<3x32x64xf32>
  return %3 : tensor<3x32x64xf32>
}
func.func private @round(%x: tensor<3x2x16x64xf32>, %out: tensor<3x2x16x64xf16> {mopt.destination = 0 : i64}) -> tensor<3x2x16x64xf16> attributes {mopt.kernel} {
  %e = tensor.empty() : tensor<3x2x16x64xf16>
  %0 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<3x2x16x64xf32>) outs(%e : tensor<3x2x16x64xf16>) {
  ^bb0(%in: f32, %o: f16):
    %1 = arith.truncf %in : f32 to f16
    linalg.yield %1 : f16
  } -> tensor<3x2x16x64xf16>
  return %0 : tensor<3x2x16x64xf16>
}
