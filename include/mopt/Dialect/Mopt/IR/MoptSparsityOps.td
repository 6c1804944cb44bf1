//===- MoptSparsityOps.td - weights of which most are zero --*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTSPARSITYOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTSPARSITYOPS_TD

include "mopt/Dialect/Mopt/IR/MoptAnchorOps.td"
include "mopt/Dialect/Mopt/IR/MoptEnums.td"

def Mopt_SparsityAttr : AttrDef<Mopt_Dialect, "Sparsity"> {
  let mnemonic = "sparsity";
  let summary = "at most N of each M neighbours are not zero";
  let description = [{
    Groups of `group` neighbours start at multiples of `group`; a last one may
    have fewer. Along which dimension they lie is said where the attribute is
    used. As `mopt.sparsity` of a product it says that the constant right side
    has this structure along the depth, and that a sparse micro-kernel is wanted.

    ```mlir
    #mopt.sparsity<2:4>
    ```
  }];
  let parameters = (ins "int64_t":$kept, "int64_t":$group);
  let assemblyFormat = "`<` $kept `` `:` `` $group `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name under which an op that is not an anchor yet carries it.
    static constexpr ::llvm::StringLiteral kAttrName = "mopt.sparsity";
    /// Positions that are kept of `size` neighbours.
    int64_t countKept(int64_t size) const;
  }];
}

def Mopt_SparseAssembleOp : Mopt_Op<"sparse_assemble", [Pure]> {
  let summary = "a tensor of which each group of neighbours keeps a few";
  let description = [{
    Along `axis` each group of M neighbours of the result is made of N elements of
    `values`, at the `positions` within the group that stand beside them, and of
    zeros. Where the last group has fewer than N elements, so has its part of
    `values`. Positions ascend within a group.

    ```mlir
    %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0
        : tensor<32x10xf32>, tensor<32x10xi8> -> tensor<64x10xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$values, AnyRankedTensor:$positions,
    Mopt_SparsityAttr:$sparsity, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $values `,` $positions `sparsity` $sparsity `axis` $axis attr-dict `:`
    type($values) `,` type($positions) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Mopt_SparseAnchorOp : Mopt_AnchorOp<"sparse_anchor"> {
  let summary = "contraction with packed sparse weights and a scalar epilogue";
  let description = [{
    `init[m, n] = epilogue(sum_k lhs[m, k] * w[k, n])` with N of each M neighbours
    along `k` of `w` in `values`. Their blocks are blocks of columns, as many as
    `config` says; a column that does not exist has values of 0. `positions` says where the values belong:

    - `masks`: for each `k` and each vector of columns a mask of the columns whose
      value is kept, in `values` one behind the other.
    - `lanes`: for each group of M and each of its N a vector of values, one for
      each column; positions within the group have log2(M) bits of a lane of
      32 bits, those of the next vectors of values in higher bits, as many as fit.
      `permutation`, an LLVM intrinsic, picks an element of its first operand for
      each lane of the second. With the `matrixUnit` "warp" or "warpgroup", of a
      device, elements have 16 bits or are integers of 8, and 2:4 are kept: blocks
      have one column's values after the other's, and positions are two words for
      each of 128 threads for each 64 columns and each 128 `k`, as the instructions
      take them: those of 16 columns for a warp. Both are filled up to 256 bytes of
      the depth. Which integers are unsigned is the
      instruction's to say.
    - `scalars`: for each part of `depth_part` rows of `w` and each few columns
      that are multiplied together their values, the first of each column before
      the second ones; positions are elements of `lhs` in the part. Of N:64 a block
      of positions begins with the number of values of each such columns, part by
      part; columns that have fewer have zeros. `lhs` is packed as
      `[m / R, k, m % R]` by `mopt.pack_columns`, and tiles are made of its blocks.
    - `bytes`: `lhs` and the weights are integers of 8 bits, the left ones unsigned,
      and sums of 32. For each four `k` and each vector of columns a mask of the
      vector's bytes whose value is kept, four neighbours along `k` of a column
      side by side, in `values` one behind the other; a last group of four has
      masked rows only. `permutation`, an LLVM intrinsic, brings the bytes of a
      vector to where its mask has ones. With a `matrixUnit` in `config` the depth
      is whole groups of four, and panels are expanded part by part for all rows.
    - `byte_lanes`: integers as in `bytes`, with N of 1, 2 or 4. A vector of values
      has four for each of its columns, those of one or more groups; vectors of a
      block follow each other along the width first. A byte of a position's vector
      says which of M elements of `lhs` a value meets, in 2 bits if M is 4, else
      in 4; those of the next vectors of values are in higher bits.
      `permutation` picks a byte of its first operand for each byte of the second.
      With `safe_pairs` the sum of the products of two values that stand side by
      side at an even place has 16 bits, whatever `lhs` is.

    Epilogue as in `mopt.contract_anchor`.

    ```mlir
    %0 = mopt.sparse_anchor <masks> sparsity <2:4>
        ins(%x, %v, %p : tensor<1x64xf32>, tensor<2x2048xf32>, tensor<2x256xi16>)
        outs(%c : tensor<1x128xf32>) {
      ^bb0(%acc: f32):
        mopt.yield %acc : f32
    } -> tensor<1x128xf32>
    ```
  }];
  let arguments = (ins Mopt_TensorOrMemRef:$lhs, Mopt_TensorOrMemRef:$values,
    Mopt_TensorOrMemRef:$positions,
    Variadic<Mopt_EpilogueInput>:$epilogue_inputs, Mopt_TensorOrMemRef:$init,
    Mopt_SparseFormAttr:$form, Mopt_SparsityAttr:$sparsity,
    Mopt_ConfigAttr:$config,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$epilogue_maps,
    DefaultValuedAttr<I64Attr, "0">:$depth_part,
    OptionalAttr<StrAttr>:$permutation, UnitAttr:$safe_pairs);
  let assemblyFormat = [{
    $form `sparsity` $sparsity
    `ins` `(` $lhs `,` $values `,` $positions `:` type($lhs) `,` type($values)
    `,` type($positions) `)`
    (`epilogue_ins` `(` $epilogue_inputs^ `:` type($epilogue_inputs) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword $epilogue
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = anchorDeclaration # [{
    int64_t getDomainRank() { return 2; }
    /// Rows of `init` for each element of the first dimension of `lhs`.
    int64_t getRowBlock();
    /// The contracted size.
    int64_t getDepth();
  }];
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTSPARSITYOPS_TD
