//===- MoptStructureOps.td ----------------------------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTSTRUCTUREOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTSTRUCTUREOPS_TD

include "mopt/Dialect/Mopt/IR/MoptDialect.td"

def Mopt_FusedOp : Mopt_Op<"fused", [SingleBlock]> {
  let summary = "ops that become one kernel";
  let description = [{
    Formed by `mopt-form-kernels`, turned into a function by
    `mopt-outline-kernels`. The region uses values from outside freely.

    ```mlir
    %0 = mopt.fused {
      %1 = mopt.unary <exp> %x : tensor<4xf32> -> tensor<4xf32>
      mopt.yield %1 : tensor<4xf32>
    } -> tensor<4xf32>
    ```
  }];
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body (`->` type($results)^)?";
  let hasVerifier = 1;
}

def Mopt_YieldOp : Mopt_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "the results of a fused region, or the value of an epilogue";
  let description = [{
    ```mlir
    mopt.yield %a : f32
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTSTRUCTUREOPS_TD
