//===- MoptDataMovementOps.td -------------------------------*- tablegen -*-===//
//
// Sizes and offsets are mixed: a static list in which a dynamic entry
// (ShapedType::kDynamic) stands for the next index operand.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTDATAMOVEMENTOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTDATAMOVEMENTOPS_TD

include "mopt/Dialect/Mopt/IR/MoptEnums.td"

class Mopt_SizedOp<string mnemonic, list<Trait> traits = []>
    : Mopt_InferredOp<mnemonic, traits> {
  let results = (outs AnyRankedTensor:$result);
  code mixedSizes = [{
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedSizes() {
      return ::mlir::getMixedValues(getStaticSizes(), getSizes(), getContext());
    }
  }];
}

def Mopt_ReshapeOp : Mopt_SizedOp<"reshape"> {
  let summary = "the same elements in row-major order with other dimensions";
  let description = [{
    ```mlir
    %y = mopt.reshape %x to [%n, 64] : tensor<?x8x8xf32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<Index>:$sizes,
                       DenseI64ArrayAttr:$static_sizes);
  let assemblyFormat = [{
    $input `to` custom<DynamicIndexList>($sizes, $static_sizes) attr-dict `:`
    type($input) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes)>];
  let extraClassDeclaration = mixedSizes;
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Mopt_BroadcastOp : Mopt_SizedOp<"broadcast"> {
  let summary = "repetition along dimensions of size 1";
  let description = [{
    Ranks are equal. A dimension of `input` that is 1, be it only at run time,
    takes the given size; any other must have it already.

    ```mlir
    %y = mopt.broadcast %x to [%n, 64] : tensor<?x1xf32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<Index>:$sizes,
                       DenseI64ArrayAttr:$static_sizes);
  let assemblyFormat = [{
    $input `to` custom<DynamicIndexList>($sizes, $static_sizes) attr-dict `:`
    type($input) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes)>];
  let extraClassDeclaration = mixedSizes;
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Mopt_IotaOp : Mopt_SizedOp<"iota"> {
  let summary = "the position along one dimension";
  let description = [{
    `result[i..] = i[axis]`, converted to the element type.

    ```mlir
    %y = mopt.iota along 0 [%n] : tensor<?xi64>
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes, DenseI64ArrayAttr:$static_sizes,
                       I64Attr:$axis, TypeAttr:$element_type);
  let assemblyFormat = [{
    `along` $axis custom<DynamicIndexList>($sizes, $static_sizes) `of`
    $element_type attr-dict `:` type($result)
  }];
  let builders = [OpBuilder<(ins "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes,
      "int64_t":$axis, "::mlir::Type":$elementType)>];
  let extraClassDeclaration = mixedSizes;
  let hasVerifier = 1;
}

def Mopt_TransposeOp : Mopt_InferredOp<"transpose"> {
  let summary = "dimensions in another order";
  let description = [{
    Dimension `i` of the result is dimension `permutation[i]` of the input.

    ```mlir
    %y = mopt.transpose %x [0, 2, 1] : tensor<2x3x4xf32> -> tensor<2x4x3xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input $permutation attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Mopt_ConcatOp : Mopt_InferredOp<"concat"> {
  let summary = "tensors joined along a dimension";
  let description = [{
    ```mlir
    %y = mopt.concat %a, %b {axis = 1 : i64}
        : tensor<2x?xf32>, tensor<2x3xf32> -> tensor<2x?xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Mopt_SliceOp : Mopt_SizedOp<"slice", [AttrSizedOperandSegments]> {
  let summary = "a strided box of elements";
  let description = [{
    `result[i..] = input[offsets + i * strides]`; every element read must lie in
    the input. A stride may be negative.

    ```mlir
    %y = mopt.slice %x [0, %o] [2, %n] [1, -1]
        : tensor<2x?xf32> -> tensor<2x?xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<Index>:$offsets,
                       Variadic<Index>:$sizes, Variadic<Index>:$strides,
                       DenseI64ArrayAttr:$static_offsets,
                       DenseI64ArrayAttr:$static_sizes,
                       DenseI64ArrayAttr:$static_strides);
  let assemblyFormat = [{
    $input custom<DynamicIndexList>($offsets, $static_offsets)
    custom<DynamicIndexList>($sizes, $static_sizes)
    custom<DynamicIndexList>($strides, $static_strides) attr-dict `:`
    type($input) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::llvm::ArrayRef<::mlir::OpFoldResult>":$offsets,
      "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes,
      "::llvm::ArrayRef<::mlir::OpFoldResult>":$strides)>];
  let extraClassDeclaration = mixedSizes # [{
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedOffsets() {
      return ::mlir::getMixedValues(getStaticOffsets(), getOffsets(), getContext());
    }
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedStrides() {
      return ::mlir::getMixedValues(getStaticStrides(), getStrides(), getContext());
    }
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Mopt_PadOp : Mopt_InferredOp<"pad", [AttrSizedOperandSegments]> {
  let summary = "elements added or removed at both ends of each dimension";
  let description = [{
    ONNX Pad-25. Negative amounts remove. `value` is a tensor of one element and
    is used by the constant mode only.

    ```mlir
    %y = mopt.pad <constant> %x, %v low [0, 1] high [%n, 1]
        : tensor<2x3xf32>, tensor<f32> -> tensor<?x5xf32>
    ```
  }];
  let arguments = (ins Mopt_PadModeAttr:$mode, AnyRankedTensor:$input,
                       AnyRankedTensor:$value, Variadic<Index>:$low,
                       Variadic<Index>:$high, DenseI64ArrayAttr:$static_low,
                       DenseI64ArrayAttr:$static_high);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $mode $input `,` $value `low` custom<DynamicIndexList>($low, $static_low)
    `high` custom<DynamicIndexList>($high, $static_high) attr-dict `:`
    type($input) `,` type($value) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mopt::PadMode":$mode, "::mlir::Value":$input,
      "::mlir::Value":$value, "::llvm::ArrayRef<::mlir::OpFoldResult>":$low,
      "::llvm::ArrayRef<::mlir::OpFoldResult>":$high)>];
  let extraClassDeclaration = [{
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedLow() {
      return ::mlir::getMixedValues(getStaticLow(), getLow(), getContext());
    }
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedHigh() {
      return ::mlir::getMixedValues(getStaticHigh(), getHigh(), getContext());
    }
  }];
  let hasVerifier = 1;
}

def Mopt_GatherOp : Mopt_InferredOp<"gather"> {
  let summary = "slices picked along one dimension";
  let description = [{
    ONNX Gather-13: dimension `axis` is replaced by those of `indices`. Negative
    indices count from the end.

    ```mlir
    %y = mopt.gather %x, %i {axis = 0 : i64}
        : tensor<100x8xf32>, tensor<?x2xi64> -> tensor<?x2x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$indices,
                       I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` type($input) `,` type($indices) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_GatherElementsOp : Mopt_InferredOp<"gather_elements"> {
  let summary = "elements picked along one dimension";
  let description = [{
    ONNX GatherElements-13: `result[i..] = input[i.. with i[axis] = indices[i..]]`.

    ```mlir
    %y = mopt.gather_elements %x, %i {axis = 1 : i64}
        : tensor<2x3xf32>, tensor<2x2xi64> -> tensor<2x2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$indices,
                       I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` type($input) `,` type($indices) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_GatherNDOp : Mopt_InferredOp<"gather_nd"> {
  let summary = "slices picked by index tuples";
  let description = [{
    ONNX GatherND-13. The last dimension of `indices` is static.

    ```mlir
    %y = mopt.gather_nd %x, %i {batch_dims = 0 : i64}
        : tensor<2x3x4xf32>, tensor<?x2xi64> -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` type($input) `,` type($indices) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_ScatterElementsOp : Mopt_InferredOp<"scatter_elements"> {
  let summary = "elements replaced along one dimension";
  let description = [{
    ONNX ScatterElements-18. With repeated indices and no reduction the last
    update in row-major order wins.

    ```mlir
    %y = mopt.scatter_elements <none> %x, %i, %u {axis = 1 : i64}
        : tensor<2x3xf32>, tensor<2x1xi64>, tensor<2x1xf32> -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Mopt_ScatterKindAttr:$kind, AnyRankedTensor:$input,
                       AnyRankedTensor:$indices, AnyRankedTensor:$updates,
                       I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $kind $input `,` $indices `,` $updates attr-dict `:` type($input) `,`
    type($indices) `,` type($updates) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_ScatterNDOp : Mopt_InferredOp<"scatter_nd"> {
  let summary = "slices replaced by index tuples";
  let description = [{
    ONNX ScatterND-18. The last dimension of `indices` is static.

    ```mlir
    %y = mopt.scatter_nd <none> %x, %i, %u
        : tensor<4x8xf32>, tensor<?x1xi64>, tensor<?x8xf32> -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Mopt_ScatterKindAttr:$kind, AnyRankedTensor:$input,
                       AnyRankedTensor:$indices, AnyRankedTensor:$updates);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $kind $input `,` $indices `,` $updates attr-dict `:` type($input) `,`
    type($indices) `,` type($updates) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTDATAMOVEMENTOPS_TD
