//===- MoptQuantizationOps.td -------------------------------*- tablegen -*-===//
//
// Scales and zero points have the rank of what they scale; a dimension of size
// 1 is shared by all positions. Blocks of positions that share a scale are a
// dimension of their own, between reshapes.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTQUANTIZATIONOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTQUANTIZATIONOPS_TD

include "mopt/Dialect/Mopt/IR/MoptElementwiseOps.td"

class Mopt_QuantizationOp<string mnemonic> : Mopt_Op<mnemonic, [Pure,
    Mopt_Elementwise,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale (`,` $zero_point^)? attr-dict `:` type($input) `,`
    type($scale) (`,` type($zero_point)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_QuantizeOp : Mopt_QuantizationOp<"quantize"> {
  let summary = "floats in steps of a scale";
  let description = [{
    `saturate(round(input / scale) + zero_point)`, rounding half to even (ONNX
    QuantizeLinear 25). The division has the precision of `scale`. NaN becomes
    the lowest integer. Results are integers of at most 16 bits, or floats of
    8 or 4 bits, which have no zero point; without `saturate` what is too large
    for such a float becomes infinite or NaN.

    ```mlir
    %q = mopt.quantize %x, %s, %z
        : tensor<1x8xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<1x8xui8>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$scale,
                       Optional<AnyRankedTensor>:$zero_point,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate);
}

def Mopt_DequantizeOp : Mopt_QuantizationOp<"dequantize"> {
  let summary = "what quantized elements stand for";
  let description = [{
    `(input - zero_point) * scale` (ONNX DequantizeLinear 25). Integers are
    subtracted in 32 bits.

    ```mlir
    %x = mopt.dequantize %q, %s, %z
        : tensor<1x8xui8>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<1x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$scale,
                       Optional<AnyRankedTensor>:$zero_point);
}

def Mopt_LookupOp : Mopt_InferredOp<"lookup"> {
  let summary = "a function of bytes from a table";
  let description = [{
    `result[i..] = table[input[i..]]`, where a byte counts from 0 to 255 whatever
    its sign.

    ```mlir
    %y = mopt.lookup %x, %t : tensor<2x?xui8>, tensor<256xi8> -> tensor<2x?xi8>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$table);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $table attr-dict `:` type($input) `,` type($table) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

/// What can be computed in integers, with scales and zero points as operands.
class Mopt_QuantizedAnchor<string mnemonic, string lhs, string rhs>
    : Mopt_Op<mnemonic, [Pure, AttrSizedOperandSegments,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$" # lhs # " `,` $" # rhs # " `scales` `(` $" # lhs
    # "_scale `,` $" # rhs # "_scale `)` (`" # lhs # "_zero` `(` $" # lhs
    # "_zero_point^ `)`)? (`" # rhs # "_zero` `(` $" # rhs
    # "_zero_point^ `)`)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Mopt_QuantizedMatmulOp : Mopt_QuantizedAnchor<"quantized_matmul", "lhs", "rhs"> {
  let summary = "matrix product of quantized operands";
  let description = [{
    `mopt.matmul` of both operands dequantized, which a target may compute in
    integers with sums of 32 bits. Operands are integers of 8 bits. Scales and
    zero points have the rank of their operand and are the same along the
    contracted dimension. The result has the element type of the scales.

    ```mlir
    %c = mopt.quantized_matmul %a, %b scales(%sa, %sb) lhs_zero(%za)
        : (tensor<8x64xui8>, tensor<64x32xi8>, tensor<1x1xf32>,
           tensor<1x32xf32>, tensor<1x1xui8>) -> tensor<8x32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs,
                       AnyRankedTensor:$lhs_scale, AnyRankedTensor:$rhs_scale,
                       Optional<AnyRankedTensor>:$lhs_zero_point,
                       Optional<AnyRankedTensor>:$rhs_zero_point,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs);
}

def Mopt_QuantizedConvOp : Mopt_QuantizedAnchor<"quantized_conv", "input", "filter"> {
  let summary = "convolution of quantized operands";
  let description = [{
    `mopt.conv` (channels first) of both operands dequantized, which a target
    may compute in integers with sums of 32 bits. Operands are integers of 8
    bits. The input has one scale and zero point, the filter one, or one for
    each output channel (`[o, 1, ..]`). Padding stands for 0: it is the input's
    zero point.

    ```mlir
    %y = mopt.quantized_conv %x, %w scales(%sx, %sw) {strides = array<i64: 1>,
        dilations = array<i64: 1>, pads_begin = array<i64: 1>,
        pads_end = array<i64: 1>}
        : (tensor<1x4x9xui8>, tensor<8x4x3xi8>, tensor<1x1x1xf32>,
           tensor<8x1x1xf32>) -> tensor<1x8x9xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$filter,
                       AnyRankedTensor:$input_scale,
                       AnyRankedTensor:$filter_scale,
                       Optional<AnyRankedTensor>:$input_zero_point,
                       Optional<AnyRankedTensor>:$filter_zero_point,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads_begin,
                       DenseI64ArrayAttr:$pads_end,
                       DefaultValuedAttr<I64Attr, "1">:$group);
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTQUANTIZATIONOPS_TD
