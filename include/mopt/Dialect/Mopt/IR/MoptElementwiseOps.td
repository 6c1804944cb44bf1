//===- MoptElementwiseOps.td --------------------------------*- tablegen -*-===//
//
// Operands have equal ranks. A dimension of static size 1 is broadcast; any
// other sizes must be equal at run time. Broadcasts that only run time can
// decide are mopt.broadcast ops.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTELEMENTWISEOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTELEMENTWISEOPS_TD

include "mopt/Dialect/Mopt/IR/MoptEnums.td"

def Mopt_Elementwise : NativeOpTrait<"Elementwise"> {
  let cppNamespace = "::mopt";
}

class Mopt_ElementwiseOp<string mnemonic, list<Trait> traits = []>
    : Mopt_InferredOp<mnemonic, traits # [
        Mopt_Elementwise]> {
  let results = (outs AnyRankedTensor:$result);
}

def Mopt_UnaryOp : Mopt_ElementwiseOp<"unary"> {
  let summary = "a function of each element";
  let description = [{
    ```mlir
    %y = mopt.unary <exp> %x : tensor<2x?xf32> -> tensor<2x?xf32>
    ```
  }];
  let arguments = (ins Mopt_UnaryKindAttr:$kind, AnyRankedTensor:$input);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

def Mopt_BinaryOp : Mopt_ElementwiseOp<"binary"> {
  let summary = "a function of two elements";
  let description = [{
    ```mlir
    %z = mopt.binary <add> %x, %y
        : tensor<2x?xf32>, tensor<1x1xf32> -> tensor<2x?xf32>
    ```
  }];
  let arguments = (ins Mopt_BinaryKindAttr:$kind, AnyRankedTensor:$lhs,
                       AnyRankedTensor:$rhs);
  let assemblyFormat = [{
    $kind $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->`
    type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Mopt_CompareOp : Mopt_ElementwiseOp<"compare"> {
  let summary = "a comparison of two elements";
  let description = [{
    ```mlir
    %z = mopt.compare <lt> %x, %y
        : tensor<2xf32>, tensor<2xf32> -> tensor<2xi1>
    ```
  }];
  let arguments = (ins Mopt_CompareKindAttr:$kind, AnyRankedTensor:$lhs,
                       AnyRankedTensor:$rhs);
  let assemblyFormat = [{
    $kind $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_SelectOp : Mopt_ElementwiseOp<"select"> {
  let summary = "one of two elements, by a condition";
  let description = [{
    ```mlir
    %z = mopt.select %c, %x, %y
        : tensor<2xi1>, tensor<2xf32>, tensor<1xf32> -> tensor<2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$condition, AnyRankedTensor:$on_true,
                       AnyRankedTensor:$on_false);
  let assemblyFormat = [{
    $condition `,` $on_true `,` $on_false attr-dict `:` type($condition) `,`
    type($on_true) `,` type($on_false) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_CastOp : Mopt_Op<"cast", [Pure,
    Mopt_Elementwise,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "elements in another type";
  let description = [{
    Float to integer truncates toward zero; to i1 it is `x != 0`. Float to a
    narrower float rounds half to even; with `saturate` values beyond the range
    of a float8 become its largest value, without it infinity or NaN.

    ```mlir
    %y = mopt.cast %x : tensor<2xf32> -> tensor<2xui8>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Mopt_BitcastOp : Mopt_Op<"bitcast", [Pure,
    Mopt_Elementwise,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the bits of elements taken for another type of equal width";
  let description = [{
    ```mlir
    %y = mopt.bitcast %x : tensor<2xf32> -> tensor<2xui32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTELEMENTWISEOPS_TD
