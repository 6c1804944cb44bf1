//===- MoptSelectionOps.td ----------------------------------*- tablegen -*-===//
//
// Ops that pick elements by their values. Where the size of a result depends on
// values, a first op counts and the second takes the count as an index.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTSELECTIONOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTSELECTIONOPS_TD

include "mopt/Dialect/Mopt/IR/MoptEnums.td"

def Mopt_NonZeroOp : Mopt_InferredOp<"nonzero"> {
  let summary = "positions of the elements that are not zero";
  let description = [{
    One column for each of the first `count` such elements in row-major order,
    one row per dimension. Columns behind the last one found are 0.

    ```mlir
    %y = mopt.nonzero %x count %n : tensor<2x?xi1> -> tensor<2x?xi64>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Index:$count);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `count` $count attr-dict `:` type($input) `->` type($result)
  }];
}

def Mopt_TopKOp : Mopt_InferredOp<"topk"> {
  let summary = "the largest or smallest elements along a dimension";
  let description = [{
    In order, with their positions; equal elements in the order of these. NaN is
    larger than any number. `k` is brought into the range from 0 to the size of
    the dimension.

    ```mlir
    %values, %indices = mopt.topk %x k %k {axis = 1 : i64, largest}
        : tensor<2x?xf32> -> tensor<2x?xf32>, tensor<2x?xi64>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, Variadic<Index>:$k,
                       DenseI64ArrayAttr:$static_k, I64Attr:$axis,
                       UnitAttr:$largest);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
  let assemblyFormat = [{
    $input `k` custom<DynamicIndexList>($k, $static_k) attr-dict `:`
    type($input) `->` type($values) `,` type($indices)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::OpFoldResult":$k, "int64_t":$axis, "bool":$largest)>];
  let extraClassDeclaration = [{
    ::mlir::OpFoldResult getMixedK() {
      return ::mlir::getMixedValues(getStaticK(), getK(), getContext()).front();
    }
  }];
  let hasVerifier = 1;
}

def Mopt_UniqueIdsOp : Mopt_InferredOp<"unique_ids"> {
  let summary = "numbers of the distinct rows of a matrix";
  let description = [{
    Equal rows have equal numbers, from 0 on, in the order of first occurrence,
    or of the rows with `sorted` (lexicographic; NaN equals NaN and is larger
    than any number). `count` is the number of distinct rows.

    ```mlir
    %ids, %count = mopt.unique_ids %x {sorted}
        : tensor<?x4xf32> -> tensor<?xi64>, tensor<1xi64>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, UnitAttr:$sorted);
  let results = (outs AnyRankedTensor:$ids, AnyRankedTensor:$count);
  let assemblyFormat = [{
    $input attr-dict `:` type($input) `->` type($ids) `,` type($count)
  }];
}

def Mopt_NonMaxSuppressionOp : Mopt_InferredOp<"nms"> {
  let summary = "boxes that overlap no better one too much";
  let description = [{
    ONNX NonMaxSuppression-11. `boxes` is `[batches, boxes, 4]`, `scores` is
    `[batches, classes, boxes]`; `limit` is the most boxes per class. Of
    `selected`, `[batches * classes * min(limit, boxes), 3]`, the first `count`
    rows are set to batch, class and box; the others to 0.

    ```mlir
    %rows, %count = mopt.nms %boxes, %scores, %iou, %score limit %n
        : tensor<1x?x4xf32>, tensor<1x2x?xf32>, tensor<f32>, tensor<f32>
        -> tensor<?x3xi64>, tensor<1xi64>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$boxes, AnyRankedTensor:$scores,
                       AnyRankedTensor:$iou_threshold,
                       AnyRankedTensor:$score_threshold, Index:$limit,
                       UnitAttr:$center_point_box);
  let results = (outs AnyRankedTensor:$selected, AnyRankedTensor:$count);
  let assemblyFormat = [{
    $boxes `,` $scores `,` $iou_threshold `,` $score_threshold `limit` $limit
    attr-dict `:` type($boxes) `,` type($scores) `,` type($iou_threshold) `,`
    type($score_threshold) `->` type($selected) `,` type($count)
  }];
}

def Mopt_PoolArgMaxOp : Mopt_InferredOp<"pool_argmax"> {
  let summary = "positions of the largest elements of windows";
  let description = [{
    The positions, counted over the whole input in row-major order (with the
    first spatial dimension fastest if `column_major`), of what
    `mopt.pool <max>` of the same attributes yields.

    ```mlir
    %i = mopt.pool_argmax %x {kernel = array<i64: 2>, strides = array<i64: 1>,
        dilations = array<i64: 1>, pads_begin = array<i64: 0>,
        pads_end = array<i64: 0>} : tensor<1x2x8xf32> -> tensor<1x2x7xi64>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads_begin,
                       DenseI64ArrayAttr:$pads_end, UnitAttr:$ceil_mode,
                       UnitAttr:$column_major);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def Mopt_RoiAlignOp : Mopt_InferredOp<"roi_align"> {
  let summary = "pooling of boxes at interpolated positions";
  let description = [{
    ONNX RoiAlign-22. `sampling_ratio` 0 takes a sample per element.

    ```mlir
    %y = mopt.roi_align %x, %rois, %batches {output_height = 2 : i64,
        output_width = 2 : i64, sampling_ratio = 0 : i64,
        spatial_scale = 1.0 : f64, half_pixel}
        : tensor<1x3x8x8xf32>, tensor<?x4xf32>, tensor<?xi64>
        -> tensor<?x3x2x2xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$rois,
                       AnyRankedTensor:$batch_indices, I64Attr:$output_height,
                       I64Attr:$output_width, I64Attr:$sampling_ratio,
                       F64Attr:$spatial_scale, UnitAttr:$half_pixel,
                       UnitAttr:$max);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $rois `,` $batch_indices attr-dict `:` type($input) `,`
    type($rois) `,` type($batch_indices) `->` type($result)
  }];
}

def Mopt_DeterminantOp : Mopt_InferredOp<"determinant"> {
  let summary = "determinants of square matrices";
  let description = [{
    Of the last two dimensions, by elimination with partial pivoting.

    ```mlir
    %y = mopt.determinant %x : tensor<?x3x3xf32> -> tensor<?xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTSELECTIONOPS_TD
