//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_TRANSFORMS_PASSES_TD
#define MOPT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignTarget : Pass<"mopt-assign-target", "::mlir::ModuleOp"> {
  let summary = "put the machine that code is made for on the module";
  let description = [{
    Turns a row of the target tables, or a triple, processor and features,
    into the module attribute `mopt.target`. With no option a target that the
    module has already stays, and a module without one gets `native`.
  }];
  let options = [
    Option<"target", "target", "std::string", "", "name of a target row, or native">,
    Option<"triple", "triple", "std::string", "", "triple of a machine without a row">,
    Option<"cpu", "cpu", "std::string", "", "its LLVM processor name">,
    Option<"features", "features", "std::string", "", "its features, +a,-b">];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def FoldConstants : Pass<"mopt-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "evaluate ops on constants";
  let description = [{
    Elementwise ops and movements of constants become constants. A result
    larger than `max-bytes` is kept as an op, unless what it is made of is
    larger. Quantized constants of several elements stay quantized unless
    `dequantize` is on.
  }];
  let options = [Option<"maxBytes", "max-bytes", "int64_t", "1 << 20",
    "size up to which a constant may grow">,
    Option<"dequantize", "dequantize", "bool", "false",
    "also evaluate mopt.dequantize">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FoldEmpty : Pass<"mopt-fold-empty", "::mlir::func::FuncOp"> {
  let summary = "leave out what computes on nothing";
  let description = [{
    A result with a static size of 0, and a `mopt.matmul` or `mopt.conv` that has
    no products to add, become a `mopt.broadcast` of a zero; a constant
    `mopt.pad` of nothing one of its value. Parts of a `mopt.concat` without
    elements are left out, and so is a scatter of no updates. Sizes of 0 that only
    run time knows are left to loops that do not run.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect", "::mopt::MoptDialect"];
}

def HoistGather : Pass<"mopt-hoist-gather", "::mlir::func::FuncOp"> {
  let summary = "pick from tables before computing on them";
  let description = [{
    A `mopt.gather` of what elementwise ops made of a table becomes those ops on
    what it picks from the table, if that is less.
  }];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def HoistSlices : Pass<"mopt-hoist-slices", "::mlir::func::FuncOp"> {
  let summary = "take parts of a tensor before it is transposed";
  let description = [{
    A `mopt.gather` of one known position becomes a `mopt.slice`; slices, and the
    reshapes that drop their dimensions of size 1, come before transpositions. A
    reshape that splits the dimension that a slice cuts splits that of the whole
    tensor, if that comes out even.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
    "::mopt::MoptDialect"];
}

def SinkScales : Pass<"mopt-sink-scales", "::mlir::func::FuncOp"> {
  let summary = "scale products instead of operands that are only moved";
  let description = [{
    `(x * c) y` becomes `(x y) * c` for a number `c` and a matrix `x` that comes
    from slices, transpositions and reshapes alone.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def RecognizeNormalization
    : Pass<"mopt-recognize-normalization", "::mlir::func::FuncOp"> {
  let summary = "find layer normalizations that are written out";
  let description = [{
    `(x - mean) / sqrt(variance + epsilon)` over the last dimensions, and the same
    without the mean, become `mopt.normalize`. Sizes of those dimensions are
    static, elements f32 or f64.
  }];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def FoldBatchNorm : Pass<"mopt-fold-batch-norm", "::mlir::func::FuncOp"> {
  let summary = "move factors per channel into the filters of convolutions";
  let description = [{
    A convolution with constant filters whose only use is a multiplication by one
    constant per output channel, as batch normalization leaves it, gets filters
    that are multiplied already.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def InsertQuantization
    : Pass<"mopt-insert-quantization", "::mlir::func::FuncOp"> {
  let summary = "quantize a model of floats";
  let description = [{
    Constant f32 weights of contractions are rounded to the nearest step, each
    output channel with a scale of its own, or, with `group`, each so many
    positions along the depth. With `dynamic-int8` activations become unsigned
    bytes whose scale fits the largest magnitude of a row (of the whole input of
    a convolution) at run time. `dynamic-fp8` is the same with f8E4M3FN, of
    matrix products on devices that multiply them. `weight-int8` and `weight-int4` leave activations
    alone.
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"none\"",
      "none, dynamic-int8, dynamic-fp8, weight-int8 or weight-int4">,
    Option<"group", "group", "int64_t", "0",
      "positions along the depth that share a scale; 0: all">,
    Option<"symmetric", "symmetric", "bool", "true",
      "steps around 0, without zero points">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def EqualizeChannels : Pass<"mopt-equalize-channels", "::mlir::ModuleOp"> {
  let summary = "scale channels between two layers";
  let description = [{
    Where a product of f32 with constant, finite weights in the entry's body feeds
    one other such product only, maybe through constants that are added, factors,
    Relu, LeakyRelu and pooling, each channel between the two is divided by a power
    of two, near the square root of the ratio of the largest weights that make it
    and that read it: weights and addends of the one are divided, weights of the
    other multiplied by it. A depthwise convolution is a product of its own. A
    channel whose weights or addends would be rounded so stays as it is; what
    comes out of the second product is the same number, unless a value between the
    two leaves the range of normal f32. The module's attribute
    `mopt.equalized_layers` lists the pairs with the number of channels that changed.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def InstrumentRanges : Pass<"mopt-instrument-ranges", "::mlir::ModuleOp"> {
  let summary = "return statistics of the values that could be quantized";
  let description = [{
    For the input of each product of f32 with constant weights in the entry's
    body three outputs follow the model's own: "mopt.extremes:KEY", f32 [2], the
    lowest and highest element, "mopt.histogram:KEY", i32 [8192], how many
    elements have which upper bits, and "mopt.sums:KEY", f32 [channels], the sum
    of each channel. KEY names the ONNX nodes of the product, the first one where
    several read the value (and, for sums, along the same dimension). The module's
    attribute `mopt.instrumented` has "model", the hash of the weights, and
    "inputs" and "sums": for each product the keys of its input's.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect", "::mopt::MoptDialect"];
}

def QuantizeStatically : Pass<"mopt-quantize-statically", "::mlir::ModuleOp"> {
  let summary = "quantize a model of floats with ranges that were observed";
  let description = [{
    The module's attribute `mopt.calibration` has "model", the hash of the
    weights, and "ranges", for each product by its key the lowest and highest
    number to represent and the share of the input's power that is lost so. It may
    have "means", for each product those of its input's channels: what rounding
    the weights adds to the mean of each output is taken from the bias then.
    Inputs become unsigned bytes, which all readers of the value get; weights
    signed bytes, each output channel with a scale of its own. Other weights, a
    product without range, and ranges that are not finite or do not hold 0 are
    errors. The attribute `mopt.calibrated_layers` says what became of each.
  }];
  let options = [
    Option<"maxDrop", "max-drop", "double", "-1.0",
      "largest estimated relative error of the outputs; layers with the largest "
      "errors stay floats until it holds; below 0: any">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def PruneWeights : Pass<"mopt-prune-weights", "::mlir::func::FuncOp"> {
  let summary = "make most weights zero";
  let description = [{
    Of each M neighbours along the channels of a contraction's constant weights the
    N of largest magnitude stay, the others become 0; or a share of all weights of
    the contraction, the smallest ones, becomes 0. `pattern` is "N:M" or
    "unstructured:SHARE" with a share between 0 and 1, with ":magnitude" behind it
    or not; empty for nothing. Weights of fewer than M channels, and those that are
    not finite, stay as they are.
  }];
  let options = [Option<"pattern", "pattern", "std::string", "\"\"",
    "N:M, of which N stay, or unstructured:SHARE, of which a share goes">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def EncodeSparsity : Pass<"mopt-encode-sparsity", "::mlir::func::FuncOp"> {
  let summary = "find weights of which most are zero";
  let description = [{
    Constant weights of a `mopt.matmul` or 1x1 `mopt.conv`, f32, or of a
    `mopt.quantized_matmul`, i8, of which at most N of each M neighbours
    along the depth are not zero become a `mopt.sparse_assemble` of the others.
    The sparsest of 1:4, 2:8, 4:16, 1:2, 2:4 and 4:8 is taken, and of equally
    sparse ones that of the smallest M; else, of weights at least 45% of which
    are zero, N:64 with the most that any group has. `mode` is `auto`, `off`, or a pattern
    N:M that all constant weights of at least M positions must have.
  }];
  let options = [Option<"mode", "mode", "std::string", "\"auto\"",
    "auto, off or N:M">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def SelectSparsity : Pass<"mopt-select-sparsity", "::mlir::func::FuncOp"> {
  let summary = "decide between sparse and dense products";
  let description = [{
    Each `mopt.sparse_assemble` of constants becomes a dense constant. A product with
    it for which the target has a sparse micro-kernel that is faster
    at its shape, or whose `mopt.arithmetic` asks for it, is marked with
    `mopt.sparsity`. `sparse` is `auto`, `always` (where there is a micro-kernel) or
    `never`.
  }];
  let options = [Option<"sparse", "sparse", "std::string", "\"auto\"",
    "auto, always or never">,
    Option<"remarks", "remarks", "bool", "false", "say what was decided">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def MergeScales : Pass<"mopt-merge-scales", "::mlir::func::FuncOp"> {
  let summary = "one multiplication by constants instead of several";
  let description = [{
    A constant that multiplies what is dequantized becomes part of its scale, and
    the scale that a value is quantized with becomes part of the scales, factors
    and addends that the value was made of, through additions, minima and maxima.
    Where these are no constants, quantization multiplies by the reciprocal. So
    does a division by a constant before a smooth function.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def ReducePrecision : Pass<"mopt-reduce-precision", "::mlir::func::FuncOp"> {
  let summary = "compute products of floats from operands of 16 bits";
  let description = [{
    Where the target multiplies `type` in matrix registers, both operands of
    contractions that fill them are cast to it, and where its vector kernels sum
    `type` for a part of the depth, those of products of constant weights that
    cannot make such sums infinite; elsewhere the constant weights of products of
    few rows. All other sums, and everything between contractions, stay in f32,
    and so does a product that would gain nothing.
  }];
  let options = [
    Option<"type", "type", "std::string", "\"f32\"", "f32, bf16 or f16">,
    Option<"remarks", "remarks", "bool", "false", "say what was done">];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def MergeProducts : Pass<"mopt-merge-products", "::mlir::func::FuncOp"> {
  let summary = "compute products of one left side at once";
  let description = [{
    Several `mopt.matmul` of the same left side by constants, each with or without
    a bias that alone reads it, become one by the joined constants, and slices of
    its columns. For targets that start kernels at a cost.
  }];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def MultiplySmallFloats
    : Pass<"mopt-multiply-small-floats", "::mlir::func::FuncOp"> {
  let summary = "multiply floats of 8 bits on devices";
  let description = [{
    A `mopt.matmul` of dequantized f8E4M3FN or f8E5M2 multiplies the bytes where
    the target is a device with such instructions, and the sums by the scales;
    on other devices, with `exact` (their sums have fewer bits than f32), and of
    two types, it multiplies 16-bit floats. So does a `mopt.conv`.
  }];
  let options = [
    Option<"exact", "exact", "bool", "false", "keep sums in f32">,
    Option<"remarks", "remarks", "bool", "false", "say what was done">];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def WidenSums : Pass<"mopt-widen-sums", "::mlir::func::FuncOp"> {
  let summary = "give products of 16-bit floats results of f32";
  let description = [{
    A `mopt.matmul` or `mopt.conv` whose result has 16 bits becomes one with
    `f32_result`, which `mopt.cast` rounds, so that it can be an anchor. Where no
    micro-kernel of the target multiplies operands of 16 bits and sums them in
    f32, its operands are widened to f32, but for the right side of a matmul that
    loads can widen.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mopt::MoptDialect"];
}

def PropagateQuantization
    : Pass<"mopt-propagate-quantization", "::mlir::func::FuncOp"> {
  let summary = "move quantized elements instead of what they stand for";
  let description = [{
    `mopt.dequantize` goes down through reshapes, transposes, slices, gathers,
    concatenations, paddings and max pooling, `mopt.quantize` up through reshapes,
    transposes and concatenations. Quantizing what was dequantized with the same
    scale and zero point is nothing, and so is max(x, 0) before a quantization
    whose lowest step is 0.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def NormalizeSigns : Pass<"mopt-normalize-signs", "::mlir::func::FuncOp"> {
  let summary = "give quantized activations the signs that the target multiplies";
  let description = [{
    Signed 8-bit integers that `mopt.quantize` makes, that only move and that
    `mopt.dequantize` reads become unsigned, with zero points that are 128 larger.
    Where the target's micro-kernels take signed left sides, unsigned ones become
    signed, with zero points that are 128 smaller.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def TabulateFunctions : Pass<"mopt-tabulate-functions", "::mlir::func::FuncOp"> {
  let summary = "look functions of bytes up in tables";
  let description = [{
    What is computed elementwise from dequantized bytes and nothing else, and
    quantized to bytes again, is one of 256 values: it becomes `mopt.lookup` in a
    table that is evaluated at compile time, if it is more than a few
    instructions.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def LegalizeQuantization
    : Pass<"mopt-legalize-quantization", "::mlir::func::FuncOp"> {
  let summary = "find contractions that can be computed in integers";
  let description = [{
    A `mopt.matmul` or `mopt.conv` of two `mopt.dequantize` of 8-bit integers
    becomes `mopt.quantized_matmul` or `mopt.quantized_conv`, unless scales or
    zero points vary along what is summed.
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
    "say why a quantized contraction is computed in floats">];
  let dependentDialects = ["::mopt::MoptDialect"];
}

def PackBlockWeights
    : Pass<"mopt-pack-block-weights", "::mlir::func::FuncOp"> {
  let summary = "keep weights with group scales in few bits";
  let description = [{
    A `mopt.matmul` of floats whose right side is a dequantized constant with
    scales that groups along the depth share, or of at most 4 bits, becomes a
    `mopt.block_matmul` of packed integers, if the target has a micro-kernel for
    these and rows are few enough, or not known. With `exact` activations stay
    floats, else micro-kernels may round them to 16 bits, group by group.
  }];
  let options = [Option<"exact", "exact", "bool", "false",
    "do not round activations">,
    Option<"remarks", "remarks", "bool", "false", "say what was decided">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def SelectSchemes : Pass<"mopt-select-schemes", "::mlir::func::FuncOp"> {
  let summary = "decide between integers and floats";
  let description = [{
    Each `mopt.quantized_matmul` and `mopt.quantized_conv` becomes a product of
    integers with terms that correct it for zero points, where the target has a
    micro-kernel that makes this faster, else one of floats with weights
    dequantized at compile time. Integer products get unsigned left and signed
    right sides. `integers` is `auto`, `always` or `never`; a product's own
    `mopt.arithmetic` comes first. With `narrow-weights` products of up to four
    rows with weights of 8 bits read these and multiply the sums by the scales.
  }];
  let options = [Option<"integers", "integers", "std::string", "\"auto\"",
    "auto, always or never">,
    Option<"narrowWeights", "narrow-weights", "bool", "true",
      "keep weights of 8 bits where they are read once">,
    Option<"remarks", "remarks", "bool", "false", "say what was decided">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mopt::MoptDialect"];
}

def PropagateLayout : Pass<"mopt-propagate-layout", "::mlir::func::FuncOp"> {
  let summary = "give convolutions and poolings channels-last tensors";
  let description = [{
    Puts transposes around them, and pushes transposes down through elementwise
    ops, concatenations, reductions and paddings until they cancel.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect", "::mopt::MoptDialect"];
}

def SelectWinograd : Pass<"mopt-select-winograd", "::mlir::func::FuncOp"> {
  let summary = "convolutions with fewer products";
  let description = [{
    A `mopt.conv` with a constant filter of 3x3, stride 1, and an even number of
    rows and columns becomes a `mopt.matmul` between `mopt.winograd_input` and
    `mopt.winograd_output`: one of bytes where the target has no instruction that
    sums products of four bytes in 32 bits, one of floats on processors.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mopt::MoptDialect"];
  let options = [
    Option<"floats", "floats", "bool", "true",
      "also of floats: results differ in their last bits, and what is infinite in "
      "a patch of 4x4 makes NaN of its four results">];
}

def FormKernels : Pass<"mopt-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "group mopt ops into kernels";
  let description = [{
    Every op that computes becomes part of a `mopt.fused`: an anchor
    (contraction, convolution, reduction, ..) together with the elementwise ops
    that are its only users, or a cluster of elementwise ops. Reshapes, sizes
    and control flow stay outside.

    A slice joins its only reader, which finds the elements where they are. A
    product of batches takes in the transpositions of its operands and of its
    result that leave rows contiguous, and paddings up to a whole group of its
    right side; what a padding reads is computed between its borders.
  }];
  let options = [Option<"fuse", "fuse", "bool", "true",
    "off: one kernel per op">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect", "::mopt::MoptDialect"];
}

def OutlineKernels : Pass<"mopt-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "make a function of each kernel";
  let description = [{
    The function takes what the region captured, then one destination tensor
    per result. Constants are copied into it.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect"];
}

def ShareKernels : Pass<"mopt-share-kernels", "::mlir::ModuleOp"> {
  let summary = "pass constants to kernels and merge equal kernels";
  let description = [{
    Constants of more than a few bytes move from kernels to their callers, so
    that layers that differ in their weights only are one kernel.
  }];
}

#endif // MOPT_TRANSFORMS_PASSES_TD
