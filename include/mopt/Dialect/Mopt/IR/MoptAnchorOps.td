//===- MoptAnchorOps.td - ops that a backend expands --------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTANCHOROPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTANCHOROPS_TD

include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/TilingInterface.td"
include "mopt/Dialect/Mopt/IR/MoptAnchorInterface.td"
include "mopt/Dialect/Mopt/IR/MoptBlockWeights.td"
include "mopt/Dialect/Mopt/IR/MoptDialect.td"

def Mopt_ConfigAttr : AttrDef<Mopt_Dialect, "Config"> {
  let mnemonic = "config";
  let summary = "the micro-kernel that computes an anchor";
  let description = [{
    Chosen by `mopt-select-microkernels` from a micro-kernel row, the target and
    the shape. The register tile is `rows` x `columns` results (for a
    depthwise convolution: output rows x output columns, each a vector of
    channels), in vectors of `lanes` elements. `unroll` steps of the innermost
    reduction are emitted at once. When one block of rows covers the whole
    result, `streams` packed blocks advance together. `prefetchNext` fetches the
    next packed block while one is in use, `prefetchRows` the same block that
    many steps ahead. Where the elements of the left side for `lhsSteps` steps
    are neighbours they are loaded as one vector, each lane of which multiplies.

    A micro-kernel of integers takes `interleave` neighbours along the depth at
    once: `instruction`, an LLVM intrinsic, sums their products into one lane of
    32 bits. With `accumulates` it takes the lanes as its first operand, else
    they are added to what it gives. `lhsBits` and `rhsBits` are the widths that
    it takes; narrower right sides are widened when they are loaded. Of two
    intrinsics, separated by a comma, the first sums products of two neighbours
    in twice their width, and the second multiplies these by ones and sums two of
    them in a lane; with `wordGroups` it does so once for the sum of as many
    groups. No right side may make these sums overflow: `mopt-split-weight-pairs`
    sees to that. Where `interleave` elements have 64 bits, the instruction takes
    the groups of two rows and of two columns, and the four lanes are the sums of
    each with each. Without an instruction `interleave` and `wordGroups` are for
    floats of 16 bits, which are multiplied and added as such; after up to
    `wordGroups` steps the sums of two neighbours are added, rounded once more,
    widened, and added to the lanes.

    With a `matrixUnit`, `rows` and `columns` are up to two of its registers each
    way, `lanes` the columns of one, and `instruction` adds the product of two
    registers to a third.

    ```mlir
    #mopt.config<kernel = "avx2-f32", rows = 6, columns = 16, lanes = 8,
                 unroll = 8, streams = 4, prefetchRows = 0, prefetchNext = true>
    #mopt.config<kernel = "avx512-u8s8", rows = 8, columns = 48, lanes = 16,
                 unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = true,
                 interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8,
                 instruction = "llvm.x86.avx512.vpdpbusd.512">
    ```
  }];
  let parameters = (ins StringRefParameter<"micro-kernel row">:$kernel,
    "int64_t":$rows, "int64_t":$columns, "int64_t":$lanes, "int64_t":$unroll,
    "int64_t":$streams, "int64_t":$prefetchRows, "bool":$prefetchNext,
    DefaultValuedParameter<"int64_t", "1">:$interleave,
    DefaultValuedParameter<"bool", "false">:$accumulates,
    DefaultValuedParameter<"int64_t", "0">:$lhsBits,
    DefaultValuedParameter<"int64_t", "0">:$rhsBits,
    StringRefParameter<"LLVM intrinsic", [{""}]>:$instruction,
    StringRefParameter<"unit of matrix registers", [{""}]>:$matrixUnit,
    DefaultValuedParameter<"int64_t", "1">:$wordGroups,
    DefaultValuedParameter<"int64_t", "1">:$lhsSteps);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name under which an op that is not an anchor yet carries it.
    static constexpr ::llvm::StringLiteral kAttrName = "mopt.config";
  }];
}

def Mopt_TensorOrMemRef : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;
def Mopt_EpilogueInput
    : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef, AnyFloat, AnyInteger]>;

class Mopt_AnchorOp<string mnemonic, list<Trait> traits = []> : Mopt_Op<mnemonic, traits # [
    SingleBlock, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<Mopt_AnchorOpInterface, ["getInitIndexingMap",
      "getReductionInputs", "getOutputTile", "getReductionInputTiles",
      "getDomainTile"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<TilingInterface, [
      "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
      "getResultTilePosition", "getIterationDomainTileFromResultTile",
      "generateResultTileValue"]>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, [
      "bufferizesToMemoryRead", "bufferizesToMemoryWrite",
      "bufferizesToElementwiseAccess", "getAliasingValues", "bufferize"]>]> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$epilogue);
  let hasVerifier = 1;
  code anchorDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let extraClassDeclaration = anchorDeclaration;
  let extraClassDefinition = [{
    void $cppClass::getEffects(::llvm::SmallVectorImpl<
        ::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>>
        &effects) {
      ::mopt::detail::getAnchorEffects(*this, effects);
    }
    ::llvm::SmallVector<::mlir::utils::IteratorType>
    $cppClass::getLoopIteratorTypes() {
      return ::llvm::SmallVector<::mlir::utils::IteratorType>(
          getDomainRank(), ::mlir::utils::IteratorType::parallel);
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::getTiledImplementation(
        ::mlir::OpBuilder &b, ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes) {
      return ::mopt::detail::tileAnchor(*this, b, offsets, sizes);
    }
    ::mlir::LogicalResult $cppClass::getResultTilePosition(
        ::mlir::OpBuilder &b, unsigned resultNumber,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes,
        ::llvm::SmallVector<::mlir::OpFoldResult> &resultOffsets,
        ::llvm::SmallVector<::mlir::OpFoldResult> &resultSizes) {
      return ::mopt::detail::getAnchorResultTile(*this, b, offsets, sizes,
                                                 resultOffsets, resultSizes);
    }
    ::mlir::LogicalResult $cppClass::getIterationDomainTileFromResultTile(
        ::mlir::OpBuilder &b, unsigned resultNumber,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &domainOffsets,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &domainSizes) {
      return ::mopt::detail::getAnchorDomainTile(*this, b, offsets, sizes,
                                                 domainOffsets, domainSizes);
    }
    ::mlir::FailureOr<::mlir::TilingResult> $cppClass::generateResultTileValue(
        ::mlir::OpBuilder &b, unsigned resultNumber,
        ::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
        ::llvm::ArrayRef<::mlir::OpFoldResult> sizes) {
      return ::mopt::detail::generateAnchorResultTile(*this, b, offsets, sizes);
    }
    bool $cppClass::bufferizesToMemoryRead(::mlir::OpOperand &operand,
        const ::mlir::bufferization::AnalysisState &) {
      return !isDpsInit(&operand);
    }
    bool $cppClass::bufferizesToMemoryWrite(::mlir::OpOperand &operand,
        const ::mlir::bufferization::AnalysisState &) {
      return isDpsInit(&operand);
    }
    bool $cppClass::bufferizesToElementwiseAccess(
        const ::mlir::bufferization::AnalysisState &,
        ::llvm::ArrayRef<::mlir::OpOperand *> operands) {
      return ::mopt::detail::isAnchorElementwiseAccess(*this, operands);
    }
    ::mlir::bufferization::AliasingValueList $cppClass::getAliasingValues(
        ::mlir::OpOperand &operand,
        const ::mlir::bufferization::AnalysisState &) {
      if (!isDpsInit(&operand))
        return {};
      return {{getTiedOpResult(&operand),
               ::mlir::bufferization::BufferRelation::Equivalent}};
    }
    ::mlir::LogicalResult $cppClass::bufferize(
        ::mlir::RewriterBase &rewriter,
        const ::mlir::bufferization::BufferizationOptions &options,
        ::mlir::bufferization::BufferizationState &state) {
      return ::mopt::detail::bufferizeAnchor(*this, rewriter, options, state);
    }
  }];
}

def Mopt_ContractAnchorOp : Mopt_AnchorOp<"contract_anchor", [AttrSizedOperandSegments]> {
  let summary = "contraction with a packed right side and a scalar epilogue";
  let description = [{
    `init[b.., m, n] = epilogue(sum_k lhs[b.., m, k] * rhs[b.., n / L, k, n % L])`
    where `L`, the packed block, is the last size of `rhs`. `init` is written,
    never read; the last block may reach beyond its columns.

    `lhs_map` takes `(b.., m, k)` to the dimensions of `lhs`, `rhs_map` takes
    `(b.., n / L, k)` to those of `rhs` without the last, `init_map` permutes
    `(b.., m, n)`; a result is a dimension or the constant 0 (a size of 1 that
    is broadcast). Without them `lhs` and `init` have all dimensions in order,
    and so has `rhs`, unless its rank is 3: then all batches share it. Each
    epilogue input has a map from `(b.., m, n)` and a block argument after the
    accumulator; scalars have a map without results.

    With `interleave` of V the packed block has V neighbours along the depth side
    by side: `rhs[b.., n / L, k / V, (n % L) * V + k % V]`, 0 behind the last `k`.
    Integers are signed unless `unsigned_lhs` or `unsigned_rhs` says otherwise.
    With the attribute `mopt.small_float`, a type, both sides are bytes that are
    floats of 8 bits, and sums are f32.

    With `excess` of type `[blocks, rows, L * V + T]` some groups of neighbours
    count twice: each row holds the weights of one, and then, as words of 32 bits,
    how many rows the block uses (in its first row) and which group this is; `T`
    is the bytes of a vector, and `rhs` has one dimension before the groups.

    With `weights` the right side is `[blocks, groups, bytes]` of packed integers
    with group scales, and `rhs_map` takes `k` to the groups.

    Tiles are made of batches, rows and packed blocks: none can split a block.

    ```mlir
    %0 = mopt.contract_anchor
        ins(%a, %b : tensor<?x37xf32>, tensor<3x37x16xf32>)
        epilogue_ins(%bias : tensor<48xf32>) outs(%c : tensor<?x48xf32>)
        attributes {epilogue_maps = [affine_map<(m, n) -> (n)>]} {
      ^bb0(%acc: f32, %add: f32):
        %v = arith.addf %acc, %add : f32
        mopt.yield %v : f32
    } -> tensor<?x48xf32>
    ```
  }];
  let arguments = (ins Mopt_TensorOrMemRef:$lhs, Mopt_TensorOrMemRef:$rhs,
    Optional<Mopt_TensorOrMemRef>:$excess,
    Variadic<Mopt_EpilogueInput>:$epilogue_inputs, Mopt_TensorOrMemRef:$init,
    OptionalAttr<AffineMapAttr>:$lhs_map, OptionalAttr<AffineMapAttr>:$rhs_map,
    OptionalAttr<AffineMapAttr>:$init_map,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$epilogue_maps,
    OptionalAttr<Mopt_ConfigAttr>:$config,
    DefaultValuedAttr<I64Attr, "1">:$interleave,
    UnitAttr:$unsigned_lhs, UnitAttr:$unsigned_rhs,
    OptionalAttr<Mopt_BlockWeightsAttr>:$weights);
  let assemblyFormat = [{
    `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)`
    (`excess` `(` $excess^ `:` type($excess) `)`)?
    (`epilogue_ins` `(` $epilogue_inputs^ `:` type($epilogue_inputs) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword $epilogue
    (`->` type($results)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs,
      "::mlir::Value":$init, "::mlir::AffineMap":$lhsMap,
      "::mlir::AffineMap":$rhsMap, "::mlir::AffineMap":$initMap,
      "::mopt::ConfigAttr":$config, CArg<"bool", "false">:$unsignedLhs,
      CArg<"bool", "false">:$unsignedRhs)>];
  let extraClassDeclaration = anchorDeclaration # [{
    /// Columns per packed block.
    int64_t getBlockColumns() {
      if (::mopt::BlockWeightsAttr weights = getWeightsAttr())
        return weights.getColumns();
      return ::llvm::cast<::mlir::ShapedType>(getRhs().getType())
                 .getShape().back() / getInterleave();
    }
    int64_t getBatchRank() { return getOutputRank() - 2; }
    int64_t getDomainRank() { return getOutputRank(); }
    ::mlir::AffineMap getLhsIndexingMap();
    ::mlir::AffineMap getRhsIndexingMap();
  }];
}

def Mopt_ConvAnchorOp : Mopt_AnchorOp<"conv_anchor", [AttrSizedOperandSegments]> {
  let summary = "convolution with a packed filter and a scalar epilogue";
  let description = [{
    Channels last, 1 to 3 spatial dimensions, no padding (the input holds it):
    `input` is `[n, spatial.., c]`, `filter` is
    `[group, blocks, kernel.., c / group, L]`, `init` is `[n, spatial.., o]`,
    where the `o / group` output channels of a group are cut into blocks of `L`,
    the last of which may be partly used. The input may be larger than the
    windows reach. Epilogue as in `mopt.contract_anchor`, with maps from the
    dimensions of `init`.

    `interleave` (along `c / group`, rounded up), `unsigned_lhs` (the input) and
    `unsigned_rhs` as in `mopt.contract_anchor`; so is `excess`, of type
    `[group, blocks, rows, L * V + T]`, where a group of neighbours is said by its
    indices in `kernel..` and `c / group`.

    Tiles are made of batches, output positions, groups and packed blocks; a
    tile of several groups holds all their blocks.

    ```mlir
    %0 = mopt.conv_anchor
        ins(%x, %w : tensor<1x58x58x64xf32>, tensor<1x4x3x3x64x16xf32>)
        outs(%c : tensor<1x56x56x64xf32>)
        attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
      ^bb0(%acc: f32):
        mopt.yield %acc : f32
    } -> tensor<1x56x56x64xf32>
    ```
  }];
  let arguments = (ins Mopt_TensorOrMemRef:$input, Mopt_TensorOrMemRef:$filter,
    Optional<Mopt_TensorOrMemRef>:$excess,
    Variadic<Mopt_EpilogueInput>:$epilogue_inputs, Mopt_TensorOrMemRef:$init,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$epilogue_maps,
    OptionalAttr<Mopt_ConfigAttr>:$config,
    DefaultValuedAttr<I64Attr, "1">:$interleave,
    UnitAttr:$unsigned_lhs, UnitAttr:$unsigned_rhs);
  let assemblyFormat = [{
    `ins` `(` $input `,` $filter `:` type($input) `,` type($filter) `)`
    (`excess` `(` $excess^ `:` type($excess) `)`)?
    (`epilogue_ins` `(` $epilogue_inputs^ `:` type($epilogue_inputs) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword $epilogue
    (`->` type($results)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::Value":$filter, "::mlir::Value":$init,
      "::llvm::ArrayRef<int64_t>":$strides,
      "::llvm::ArrayRef<int64_t>":$dilations, "::mopt::ConfigAttr":$config,
      CArg<"bool", "false">:$unsignedLhs, CArg<"bool", "false">:$unsignedRhs)>];
  let extraClassDeclaration = anchorDeclaration # [{
    int64_t getSpatialRank() { return getOutputRank() - 2; }
    int64_t getDomainRank() { return getOutputRank() + 1; }
    int64_t getGroups() {
      return ::llvm::cast<::mlir::ShapedType>(getFilter().getType())
          .getDimSize(0);
    }
    /// Columns per packed block.
    int64_t getBlockColumns() {
      return ::llvm::cast<::mlir::ShapedType>(getFilter().getType())
                 .getShape().back() / getInterleave();
    }
  }];
}

def Mopt_DepthwiseAnchorOp : Mopt_AnchorOp<"depthwise_anchor"> {
  let summary = "convolution of each channel by itself, with a scalar epilogue";
  let description = [{
    As `mopt.conv_anchor` with one input and one output channel per group:
    `filter` is `[kernel.., c]`, not packed. Integers are signed unless
    `unsigned_lhs` or `unsigned_rhs` says otherwise.

    ```mlir
    %0 = mopt.depthwise_anchor
        ins(%x, %w : tensor<1x58x58x100xf32>, tensor<3x3x100xf32>)
        outs(%c : tensor<1x56x56x100xf32>)
        attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>} {
      ^bb0(%acc: f32):
        mopt.yield %acc : f32
    } -> tensor<1x56x56x100xf32>
    ```
  }];
  let arguments = (ins Mopt_TensorOrMemRef:$input, Mopt_TensorOrMemRef:$filter,
    Variadic<Mopt_EpilogueInput>:$epilogue_inputs, Mopt_TensorOrMemRef:$init,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$epilogue_maps,
    OptionalAttr<Mopt_ConfigAttr>:$config,
    UnitAttr:$unsigned_lhs, UnitAttr:$unsigned_rhs);
  let assemblyFormat = [{
    `ins` `(` $input `,` $filter `:` type($input) `,` type($filter) `)`
    (`epilogue_ins` `(` $epilogue_inputs^ `:` type($epilogue_inputs) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword $epilogue
    (`->` type($results)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::Value":$filter, "::mlir::Value":$init,
      "::llvm::ArrayRef<int64_t>":$strides,
      "::llvm::ArrayRef<int64_t>":$dilations, "::mopt::ConfigAttr":$config,
      CArg<"bool", "false">:$unsignedLhs, CArg<"bool", "false">:$unsignedRhs)>];
  let extraClassDeclaration = anchorDeclaration # [{
    int64_t getSpatialRank() { return getOutputRank() - 2; }
    int64_t getDomainRank() { return getOutputRank(); }
  }];
}

def Mopt_PackColumnsOp : Mopt_Op<"pack_columns", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, [
      "bufferizesToMemoryRead", "bufferizesToMemoryWrite",
      "getAliasingValues", "bufferize"]>]> {
  let summary = "the right side of a contraction in blocks of columns";
  let description = [{
    `init[b.., n / L, k, n % L] = source[b.., k, n]`, or `source[b.., n, k]` with
    `transposed`; what lies behind the last column is 0. With `interleave` of V
    neighbours along the depth stand side by side:
    `init[b.., n / L, k / V, (n % L) * V + k % V]`, 0 behind the last. With
    `permutation`, dimension `i` of what is packed is dimension `permutation[i]` of
    `source`. Constants are packed by `mopt-fold-weight-packing`, other values at
    run time in vectors of `lanes` elements.

    ```mlir
    %0 = mopt.pack_columns ins(%b : tensor<64x40xf32>)
        outs(%e : tensor<3x64x16xf32>) {lanes = 8 : i64} -> tensor<3x64x16xf32>
    ```
  }];
  let arguments = (ins Mopt_TensorOrMemRef:$source, Mopt_TensorOrMemRef:$init,
                       I64Attr:$lanes, UnitAttr:$transposed,
                       DefaultValuedAttr<I64Attr, "1">:$interleave,
                       OptionalAttr<DenseI64ArrayAttr>:$permutation);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)` `outs` `(` $init `:` type($init) `)`
    attr-dict (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// Columns per packed block.
    int64_t getBlockColumns() {
      return ::llvm::cast<::mlir::ShapedType>(getInit().getType())
                 .getShape().back() / int64_t(getInterleave());
    }
    /// The dimension of the source that dimension `dim` of what is packed is.
    int64_t getSourceDim(int64_t dim) {
      return getPermutation() ? (*getPermutation())[dim] : dim;
    }
    int64_t getPackedDimSize(int64_t dim) {
      return ::llvm::cast<::mlir::ShapedType>(getSource().getType())
          .getDimSize(getSourceDim(dim));
    }
  }];
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTANCHOROPS_TD
