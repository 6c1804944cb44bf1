//===- MoptStructureOps.td ----------------------------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTSTRUCTUREOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTSTRUCTUREOPS_TD

include "mlir/IR/SymbolInterfaces.td"
include "mopt/Dialect/Mopt/IR/MoptDialect.td"

def Mopt_FusedOp : Mopt_Op<"fused", [SingleBlock]> {
  let summary = "ops that become one kernel";
  let description = [{
    Formed by `mopt-form-kernels`, turned into a function by
    `mopt-outline-kernels`. The region uses values from outside freely. The
    operands are the dynamic sizes of the results, in order.

    ```mlir
    %0 = mopt.fused sizes(%n) {
      %1 = mopt.unary <exp> %x : tensor<?xf32> -> tensor<?xf32>
      mopt.yield %1 : tensor<?xf32>
    } -> tensor<?xf32>
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`sizes` `(` $sizes^ `)`)? attr-dict-with-keyword $body
    (`->` type($results)^)?
  }];
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

def Mopt_ParallelCallOp : Mopt_Op<"parallel_call",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a parallel loop whose body is a function";
  let description = [{
    Calls `callee(arguments.., begin, end)` for pieces that cover
    `[0, count)`, on the threads of the run.

    ```mlir
    mopt.parallel_call @body(%x, %y) count(%n)
        : memref<8xf32>, memref<8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$arguments,
                       Index:$count);
  let assemblyFormat = [{
    $callee `(` $arguments `)` `count` `(` $count `)` attr-dict
    (`:` type($arguments)^)?
  }];
}

def Mopt_PlaceBuffersOp : Mopt_Op<"place_buffers"> {
  let summary = "an arena for buffers whose sizes are known at run time";
  let description = [{
    Gives each buffer of `bytes` an offset in one arena, such that buffers that
    are alive at the same time share no byte. Buffer `i` is alive from
    `lifetimes[2 i]` to `lifetimes[2 i + 1]`, both included. The arena is the
    run's; one op of this kind per run.

    ```mlir
    %arena, %offsets:2 = mopt.place_buffers %a, %b lifetimes [0, 1, 1, 2]
    ```
  }];
  let arguments = (ins Variadic<Index>:$bytes, DenseI32ArrayAttr:$lifetimes);
  let results = (outs MemRefRankOf<[I8], [1]>:$arena, Variadic<Index>:$offsets);
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$bytes,
                                 "::llvm::ArrayRef<int32_t>":$lifetimes)>];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTSTRUCTUREOPS_TD
