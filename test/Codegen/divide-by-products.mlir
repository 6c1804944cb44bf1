// RUN: mopt-opt %s --mopt-divide-by-products | FileCheck %s
// RUN: sed 's/+fma//' %s | mopt-opt --mopt-divide-by-products | FileCheck %s --check-prefix=NONE
// RUN: sed 's/+avx2,+fma/+sm_80/; s/triple = "t"/triple = "nvptx64-nvidia-cuda"/' %s | mopt-opt --mopt-divide-by-products | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#one = affine_map<(d0, d1) -> (0, 0)>
#column = affine_map<(d0, d1) -> (0, d1)>
#row = affine_map<(d0, d1) -> (d0, 0)>

module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>} {
  // The only division is that of the reciprocal, which belongs to no element.
  // CHECK-LABEL: @one_scale
  // CHECK: ^bb0(%[[X:.*]]: f32, %[[S:.*]]: f32, %{{.*}}: f32):
  // CHECK: %[[SCALED_S:.*]] = arith.mulf %[[S]], %[[POWER:.*]] : f32
  // CHECK: %[[SCALED_X:.*]] = arith.mulf %[[X]], %[[POWER]] : f32
  // CHECK: %[[R:.*]] = arith.divf %{{.*}}, %[[SCALED_S]] : f32
  // CHECK: %[[Q:.*]] = arith.mulf %[[SCALED_X]], %[[R]] : f32
  // CHECK: %[[MINUS:.*]] = arith.negf %[[SCALED_S]] : f32
  // CHECK: %[[REST:.*]] = llvm.intr.fma(%[[Q]], %[[MINUS]], %[[SCALED_X]])
  // CHECK: %[[BETTER:.*]] = llvm.intr.fma(%[[REST]], %[[R]], %[[Q]])
  // CHECK: arith.cmpf uno, %[[BETTER]], %[[BETTER]]
  // CHECK: %[[Y:.*]] = arith.select %{{.*}}, %[[Q]], %[[BETTER]]
  // CHECK: math.roundeven %[[Y]]
  // NONE-LABEL: @one_scale
  // NONE-NOT: llvm.intr.fma
  // NONE: arith.divf
  func.func @one_scale(%x: tensor<4x8xf32>, %s: tensor<1x1xf32>, %out: tensor<4x8xf32>) -> tensor<4x8xf32> {
    %0 = linalg.generic {indexing_maps = [#id, #one, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<4x8xf32>, tensor<1x1xf32>) outs(%out : tensor<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.divf %a, %b : f32
      %2 = math.roundeven %1 : f32
      linalg.yield %2 : f32
    } -> tensor<4x8xf32>
    return %0 : tensor<4x8xf32>
  }

  // One for each row, of f64: the powers are larger.
  // CHECK-LABEL: @rows
  // CHECK: ^bb0(%[[X:.*]]: f64, %[[S:.*]]: f32, %{{.*}}: f64):
  // CHECK: %[[WIDE:.*]] = arith.extf %[[S]] : f32 to f64
  // CHECK: arith.constant 1.3407807929942597E+154 : f64
  // CHECK: arith.mulf %[[WIDE]], %{{.*}} : f64
  // CHECK-COUNT-2: llvm.intr.fma
  // CHECK: math.roundeven
  func.func @rows(%x: tensor<4x32xf64>, %s: tensor<4x1xf32>, %out: tensor<4x32xf64>) -> tensor<4x32xf64> {
    %0 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<4x32xf64>, tensor<4x1xf32>) outs(%out : tensor<4x32xf64>) {
    ^bb0(%a: f64, %b: f32, %c: f64):
      %1 = arith.extf %b : f32 to f64
      %2 = arith.divf %a, %1 : f64
      %3 = math.roundeven %2 : f64
      linalg.yield %3 : f64
    } -> tensor<4x32xf64>
    return %0 : tensor<4x32xf64>
  }

  // Rows that are too short.
  // CHECK-LABEL: @short_rows
  // CHECK-NOT: llvm.intr.fma
  // CHECK: return
  func.func @short_rows(%x: tensor<32x8xf32>, %s: tensor<32x1xf32>, %out: tensor<32x8xf32>) -> tensor<32x8xf32> {
    %0 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<32x8xf32>, tensor<32x1xf32>) outs(%out : tensor<32x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.divf %a, %b : f32
      %2 = math.roundeven %1 : f32
      linalg.yield %2 : f32
    } -> tensor<32x8xf32>
    return %0 : tensor<32x8xf32>
  }

  // A divisor for each column, and a quotient that is not rounded.
  // CHECK-LABEL: @others
  // CHECK-NOT: llvm.intr.fma
  // CHECK: return
  func.func @others(%x: tensor<4x8xf32>, %s: tensor<1x8xf32>, %t: tensor<1x1xf32>, %out: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
    %0 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<4x8xf32>, tensor<1x8xf32>) outs(%out : tensor<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.divf %a, %b : f32
      %2 = math.roundeven %1 : f32
      linalg.yield %2 : f32
    } -> tensor<4x8xf32>
    %3 = linalg.generic {indexing_maps = [#id, #one, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %t : tensor<4x8xf32>, tensor<1x1xf32>) outs(%out : tensor<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %4 = arith.divf %a, %b : f32
      linalg.yield %4 : f32
    } -> tensor<4x8xf32>
    return %0, %3 : tensor<4x8xf32>, tensor<4x8xf32>
  }
}
