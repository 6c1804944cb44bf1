//===- MoptReductionOps.td ----------------------------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTREDUCTIONOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTREDUCTIONOPS_TD

include "mopt/Dialect/Mopt/IR/MoptEnums.td"

def Mopt_ReduceOp : Mopt_InferredOp<"reduce"> {
  let summary = "reduction along dimensions, which keep size 1";
  let description = [{
    Over no element: sum 0, prod 1, max the lowest and min the highest value of
    the type (infinite for floats), and true, or false. `max` and `min`
    propagate NaN.

    ```mlir
    %y = mopt.reduce <sum> %x {axes = array<i64: 1>}
        : tensor<2x?x4xf32> -> tensor<2x1x4xf32>
    ```
  }];
  let arguments = (ins Mopt_ReduceKindAttr:$kind, AnyRankedTensor:$input,
                       DenseI64ArrayAttr:$axes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Mopt_ArgReduceOp : Mopt_InferredOp<"arg_reduce"> {
  let summary = "position of the largest or smallest element";
  let description = [{
    `kind` is max or min. The axis keeps size 1; the result is i64. The first of
    equal elements wins, the last with `select_last`; NaN wins over numbers.

    ```mlir
    %i = mopt.arg_reduce <max> %x {axis = 1 : i64}
        : tensor<2x4xf32> -> tensor<2x1xi64>
    ```
  }];
  let arguments = (ins Mopt_ReduceKindAttr:$kind, AnyRankedTensor:$input,
                       I64Attr:$axis, UnitAttr:$select_last);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Mopt_CumulativeOp : Mopt_InferredOp<"cumulative"> {
  let summary = "running sum or product along a dimension";
  let description = [{
    `kind` is sum or prod. ONNX CumSum-14 and CumProd-26.

    ```mlir
    %y = mopt.cumulative <sum> %x {axis = 0 : i64, exclusive}
        : tensor<4xf32> -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Mopt_ReduceKindAttr:$kind, AnyRankedTensor:$input,
                       I64Attr:$axis, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Mopt_SoftmaxOp : Mopt_InferredOp<"softmax"> {
  let summary = "softmax along one dimension";
  let description = [{
    `exp(x - max x) / sum exp(x - max x)`; its logarithm with `log`. Computed in
    f32 for narrower floats.

    ```mlir
    %y = mopt.softmax %x {axis = 1 : i64} : tensor<2x?xf32> -> tensor<2x?xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis, UnitAttr:$log);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Mopt_NormalizeOp : Mopt_InferredOp<"normalize"> {
  let summary = "layer normalization without scale and bias";
  let description = [{
    Over the dimensions from `axis` on: `(x - mean) / sqrt(variance + epsilon)`,
    or `x / sqrt(mean(x * x) + epsilon)` with `rms`. Computed in f32 for
    narrower floats. ONNX LayerNormalization-17, RMSNormalization-23.

    ```mlir
    %y = mopt.normalize %x {axis = 1 : i64, epsilon = 1.0e-5 : f64}
        : tensor<?x384xf32> -> tensor<?x384xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis, F64Attr:$epsilon,
                       UnitAttr:$rms);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Mopt_PoolOp : Mopt_InferredOp<"pool"> {
  let summary = "reduction of windows";
  let description = [{
    Dimensions and layout as in `mopt.conv`; one window size per spatial
    dimension. `avg` divides by the elements of the window that lie inside the
    input, `avg_include_pad` by those inside the padded input, `lp_sum` sums. A
    window may end beyond `pads_end` when `ceil_mode` asks for a last partial
    window (one that starts inside the input or its leading padding only).

    ```mlir
    %y = mopt.pool <max> %x {kernel = array<i64: 3, 3>,
        strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
        pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>}
        : tensor<1x64x112x112xf32> -> tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins Mopt_PoolKindAttr:$kind, AnyRankedTensor:$input,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads_begin,
                       DenseI64ArrayAttr:$pads_end, UnitAttr:$ceil_mode,
                       UnitAttr:$channels_last);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTREDUCTIONOPS_TD
