//===- MoptBlockWeights.td - packed weights with group scales -*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTBLOCKWEIGHTS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTBLOCKWEIGHTS_TD

include "mopt/Dialect/Mopt/IR/MoptDialect.td"

def Mopt_BlockWeightsAttr : AttrDef<Mopt_Dialect, "BlockWeights"> {
  let mnemonic = "block_weights";
  let summary = "how bytes hold weights of 2, 4 or 8 bits with group scales";
  let description = [{
    The right side of a product, `depth` x `width` unsigned integers of `bits`
    bits, of which `group` neighbours along the depth have a scale, and a zero
    point: a weight is `(integer - zero point) * scale`. It is stored as
    `[blocks, groups, bytes]` of `i8`. A block is `columns` columns, 0 behind the
    last; a group behind the depth is filled up with integers of any value.

    The bytes of a group are, in this order:
    - words of 32 bits, `[group * bits / 32, columns]`. A word has
      `32 / bits` neighbours along the depth of one column: number
      `2 * t + h` starts at bit `16 * h + bits * t`, so that one shift and one
      mask give pairs of neighbours as pairs of 16 bits;
    - `columns` scales of `scaleBits` bits, f16 or f32;
    - `columns` zero points of 8 bits if `zeroPoint` is -1, else all are
      `zeroPoint`;
    - up to a multiple of 32 bytes.

    ```mlir
    #mopt.block_weights<bits = 4, group = 32, columns = 64, width = 100,
                        depth = 70, scaleBits = 16, zeroPoint = 8>
    ```
  }];
  let parameters = (ins "int64_t":$bits, "int64_t":$group, "int64_t":$columns,
    "int64_t":$width, "int64_t":$depth, "int64_t":$scaleBits,
    "int64_t":$zeroPoint);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Neighbours along the depth in a word.
    int64_t getPerWord() const { return 32 / getBits(); }
    bool hasZeroPoints() const { return getZeroPoint() < 0; }
    int64_t getBlocks() const {
      return ::llvm::divideCeil(getWidth(), getColumns());
    }
    int64_t getGroups() const {
      return ::llvm::divideCeil(getDepth(), getGroup());
    }
    /// Positions in the bytes of a group, and how many these are.
    int64_t getScaleOffset() const {
      return getGroup() * getBits() / 8 * getColumns();
    }
    int64_t getZeroOffset() const {
      return getScaleOffset() + getColumns() * getScaleBits() / 8;
    }
    int64_t getGroupBytes() const {
      return ::llvm::alignTo(
          getZeroOffset() + (hasZeroPoints() ? getColumns() : 0), 32);
    }
  }];
}

def Mopt_BlockMatmulOp : Mopt_InferredOp<"block_matmul"> {
  let summary = "batched matrix product with packed weights of few bits";
  let description = [{
    `mopt.matmul` of `lhs`, of f32, and what `weights` stands for by `layout`;
    all rows of all batches share the weights.

    ```mlir
    %c = mopt.block_matmul %a, %w {layout = #mopt.block_weights<bits = 4,
        group = 32, columns = 64, width = 100, depth = 70, scaleBits = 16,
        zeroPoint = 8>}
        : tensor<8x?x70xf32>, tensor<2x3x1152xi8> -> tensor<8x?x100xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$weights,
                       Mopt_BlockWeightsAttr:$layout);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $weights attr-dict `:` type($lhs) `,` type($weights) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTBLOCKWEIGHTS_TD
