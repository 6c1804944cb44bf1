//===- MoptContractionOps.td --------------------------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTCONTRACTIONOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTCONTRACTIONOPS_TD

include "mopt/Dialect/Mopt/IR/MoptEnums.td"

def Mopt_MatmulOp : Mopt_InferredOp<"matmul"> {
  let summary = "batched matrix product";
  let description = [{
    `result[b.., m, n] = sum_k lhs[b.., m, k] * rhs[b.., k, n]`. Operands have
    equal ranks, at least 2; batch dimensions of static size 1 are broadcast.
    `transpose_lhs` and `transpose_rhs` say that the last two dimensions of an
    operand are stored the other way around. The result's element type is that
    of `lhs` for floats and `i32` for integers of 8 and 16 bits (ONNX MatMulInteger
    with zero points of 0; `lhs` and `rhs` may differ in signedness), else the
    operand's; with `f32_result` that of `bf16` or `f16` is f32, and sums are not
    rounded before. A left side of f32 may have a right side of `i8`, `bf16` or
    `f16`, whose elements count as numbers: weights that are stored so.

    ```mlir
    %c = mopt.matmul %a, %b {transpose_rhs}
        : tensor<8x?x64xf32>, tensor<1x32x64xf32> -> tensor<8x?x32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
                       UnitAttr:$f32_result);
  let results = (outs AnyRankedTensor:$result);
  let extraClassDeclaration = [{
    /// Rows that multiply the same right side, dynamic if not known.
    int64_t countRows();
  }];
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_WinogradInputOp : Mopt_InferredOp<"winograd_input"> {
  let summary = "patches of the input of a Winograd convolution of 3x3";
  let description = [{
    F(2x2, 3x3) of Lavin and Gray, Fast Algorithms for Convolutional Neural
    Networks, 2016: `result[4 i + j, n, t, u, c] = (B^T d B)[i, j]` of the patch `d`
    of 4x4 positions of `input` that starts at `2 t, 2 u`. The input has channels
    last, elements of 8 bits or f32, and an even number of rows and columns,
    padding among them; the result of bytes has words, which hold any sum of four.

    ```mlir
    %v = mopt.winograd_input %x : tensor<1x58x58x64xui8> -> tensor<16x1x28x28x64xi16>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def Mopt_WinogradOutputOp : Mopt_InferredOp<"winograd_output"> {
  let summary = "the result of a Winograd convolution of 3x3";
  let description = [{
    `result[n, 2 t + a, 2 u + b, k] = (A^T m A)[a, b]` of the matrix
    `m[i, j] = input[4 i + j, n, t, u, k]`, divided by 4 if it has integers: their
    filter was transformed by 4 G g G^T, whose elements are whole numbers, so the
    quotient is exact.

    ```mlir
    %y = mopt.winograd_output %m : tensor<16x1x28x28x64xi32> -> tensor<1x56x56x64xi32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def Mopt_ConvOp : Mopt_InferredOp<"conv"> {
  let summary = "convolution over any number of spatial dimensions";
  let description = [{
    ONNX Conv and ConvInteger (zero points of 0) without bias. `input` is
    `[n, c, spatial..]`, or `[n, spatial.., c]` with `channels_last` (the result
    likewise); `filter` is `[o, c / group, spatial..]` always. `pads_begin` and
    `pads_end` are at least 0, per spatial dimension. The padding of integers has
    the value `pad_value`, as an element of the input. Element types as for
    `mopt.matmul`, but those of both sides are equal.

    ```mlir
    %y = mopt.conv %x, %w {strides = array<i64: 2, 2>,
        dilations = array<i64: 1, 1>, pads_begin = array<i64: 3, 3>,
        pads_end = array<i64: 3, 3>}
        : tensor<1x3x224x224xf32>, tensor<64x3x7x7xf32> -> tensor<1x64x112x112xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$filter,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads_begin,
                       DenseI64ArrayAttr:$pads_end,
                       DefaultValuedAttr<I64Attr, "1">:$group,
                       UnitAttr:$channels_last,
                       DefaultValuedAttr<I64Attr, "0">:$pad_value,
                       UnitAttr:$f32_result);
  let results = (outs AnyRankedTensor:$result);
  let extraClassDeclaration = [{
    /// Is each output position of a convolution with channels last a row of a
    /// matrix product?
    bool isProductOfRows();
  }];
  let assemblyFormat = [{
    $input `,` $filter attr-dict `:` type($input) `,` type($filter) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTCONTRACTIONOPS_TD
