//===- MoptAttentionOps.td - products around a softmax ------*- tablegen -*-===//
//
// By itself, for only the few passes that fuse for devices need it.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTATTENTIONOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTATTENTIONOPS_TD

include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mopt/Dialect/Mopt/IR/MoptDialect.td"

def Mopt_AttentionSide : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;
def Mopt_AttentionInput
    : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef, AnyFloat, AnyInteger]>;

def Mopt_AttentionOp : Mopt_Op<"attention", [AttrSizedOperandSegments,
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, [
      "bufferizesToMemoryRead", "bufferizesToMemoryWrite",
      "getAliasingValues", "bufferize"]>]> {
  let summary = "two products and the softmax between them";
  let description = [{
    For each point of the batch dimensions `b..`
    `x[m, n] = scores(sum_d query[m, d] * key[n, d])`,
    `p[m, n] = exp(x[m, n] - max_n x[m, n])` and
    `init[m, e] = results(sum_n p[m, n] * value[n, e] / sum_n p[m, n])`, where `p`
    is rounded to the type of `value` as a factor. Sums, scores and `exp` have 32
    bits. A row whose scores are all -inf, or that has a NaN, is NaN.

    `query_map` takes `(b.., m, d)` to the dimensions of `query`, `key_map`
    `(b.., n, d)` to those of `key`, `value_map` `(b.., n, e)` to those of `value`,
    `init_map` `(b.., m, e)` to those of `init`; a result is a dimension or the
    constant 0. `sizes` are those of `(b.., m, n, d, e)`. The region `scores`
    computes with the sum, the indices `(b.., m, n)`, and what its inputs hold at
    their maps of these; `results` with the quotient and what its inputs hold at
    `(b.., m, e)`. `init` is written, never read.

    `instruction` is the LLVM intrinsic by which a warp multiplies.

    ```mlir
    %0 = mopt.attention ins(%q, %k, %v : tensor<8x128x64xf16>,
            tensor<8x128x64xf16>, tensor<8x128x64xf16>)
        outs(%c : tensor<8x128x64xf16>)
        attributes {init_map = #map, instruction = "…", key_map = #map,
          query_map = #map, sizes = array<i64: 8, 128, 128, 64, 64>,
          value_map = #map}
      scores {
      ^bb0(%x: f32, %b: index, %m: index, %n: index):
        %s = arith.mulf %x, %scale : f32
        mopt.yield %s : f32
      } results {
      ^bb0(%y: f32):
        %r = arith.truncf %y : f32 to f16
        mopt.yield %r : f16
      } -> tensor<8x128x64xf16>
    ```
  }];
  let arguments = (ins Mopt_AttentionSide:$query, Mopt_AttentionSide:$key,
    Mopt_AttentionSide:$value, Variadic<Mopt_AttentionInput>:$score_inputs,
    Variadic<Mopt_AttentionInput>:$result_inputs, Mopt_AttentionSide:$init,
    DenseI64ArrayAttr:$sizes,
    AffineMapAttr:$query_map, AffineMapAttr:$key_map, AffineMapAttr:$value_map,
    AffineMapAttr:$init_map,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$score_maps,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$result_maps,
    StrAttr:$instruction);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$scores, SizedRegion<1>:$results);
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let assemblyFormat = [{
    `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,`
    type($value) `)`
    (`score_ins` `(` $score_inputs^ `:` type($score_inputs) `)`)?
    (`result_ins` `(` $result_inputs^ `:` type($result_inputs) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword
    `scores` $scores `results` $results (`->` type($result)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    int64_t getBatchRank() { return getSizes().size() - 4; }
    ::llvm::ArrayRef<int64_t> getBatchSizes() {
      return getSizes().drop_back(4);
    }
    /// Queries, keys, elements of both, and elements of values.
    int64_t getRows() { return getSizes()[getBatchRank()]; }
    int64_t getKeys() { return getSizes()[getBatchRank() + 1]; }
    int64_t getDepth() { return getSizes()[getBatchRank() + 2]; }
    int64_t getColumns() { return getSizes()[getBatchRank() + 3]; }
  }];
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTATTENTIONOPS_TD
