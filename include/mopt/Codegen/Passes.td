//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_CODEGEN_PASSES_TD
#define MOPT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def PackBoundary : Pass<"mopt-pack-boundary", "::mlir::ModuleOp"> {
  let summary = "take and give elements of 2 or 4 bits as callers store them";
  let description = [{
    Inside the model each has a byte. The entry takes and returns bytes that hold
    several, the first in the low bits; it unpacks inputs and packs outputs.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def BindDestinations : Pass<"mopt-bind-destinations", "::mlir::func::FuncOp"> {
  let summary = "let kernels compute into their destinations";
  let description = [{
    The uninitialized tensor from which a result is built becomes the
    destination argument; where there is none the result is copied there.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def FoldBroadcastReads : Pass<"mopt-fold-broadcast-reads"> {
  let summary = "read broadcast operands without their unit dimensions";
  let description = [{
    A `linalg.generic` whose operand is a `tensor.expand_shape` that adds unit
    dimensions reads the source instead.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def ReassociateReductions : Pass<"mopt-reassociate-reductions"> {
  let summary = "let LLVM vectorize sums, products and extremes";
  let description = [{
    Sets `reassoc` on the op that adds to, or multiplies, the running value of a
    `linalg.generic` with reduction loops, and `nsz` on its maximum or minimum.
    Left out by `--numerics=strict`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect"];
}

def TileKernels : Pass<"mopt-tile-kernels", "::mlir::func::FuncOp"> {
  let summary = "split the outer loops of kernels into parallel tiles";
  let description = [{
    Tiles the last linalg op of a kernel into an `scf.forall` and fuses its
    producers. The grid depends on shapes only, never on the thread count, so
    results do not either.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def BufferizeTensors : Pass<"mopt-bufferize-tensors", "::mlir::ModuleOp"> {
  let summary = "replace tensors by buffers";
  let description = [{
    One-shot bufferization across function boundaries with contiguous
    arguments. Copies become loops that LLVM vectorizes.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def ExpandLookups : Pass<"mopt-expand-lookups"> {
  let summary = "look bytes up by permuting vectors";
  let description = [{
    A `linalg.generic` on memrefs whose body loads from a table of 256 bytes, and
    does nothing else, becomes a loop of vectors with the instruction of the
    target's row of kind "lookup". Without such a row it stays.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ExpandPads : Pass<"mopt-expand-pads", "::mlir::func::FuncOp"> {
  let summary = "write the borders and the middle of a padded tensor apart";
  let description = [{
    A `tensor.pad` by one value becomes fills of the borders and an insertion of
    the source.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def ReadPads : Pass<"mopt-read-pads", "::mlir::func::FuncOp"> {
  let summary = "read what a padded buffer is a copy of";
  let description = [{
    An anchor of windows whose input is allocated, filled with zeros at its
    borders and otherwise a copy reads the copy's source, as if it were as large,
    and has `mopt.pads`: for each dimension of the input how far the source
    begins behind its start, and how much it has. A linalg.generic with a sum
    whose input is filled with any one number at its borders, such as a pooling,
    reads the source by indices of its loops, and that number outside.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
}

def ParallelizeCopies : Pass<"mopt-parallelize-copies", "::mlir::func::FuncOp"> {
  let summary = "run large copies and fills of buffers in parallel";
  let description = [{
    Those that no `scf.forall` holds yet are tiled into one, by their shape.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def ReturnDestinations
    : Pass<"mopt-return-destinations", "::mlir::func::FuncOp"> {
  let summary = "return destinations rather than views of them";
  let description = [{
    Where a kernel returns a view that shows all of its destination argument, it
    returns the argument, which callers know already.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def HoistScratch : Pass<"mopt-hoist-scratch", "::mlir::ModuleOp"> {
  let summary = "let the entry allocate what kernels need for themselves";
  let description = [{
    Buffers of kernels that are too large for a stack, or of dynamic size, become
    arguments, allocated before each call. Buffers inside of parallel loops stay,
    and those whose size is not a function of the kernel's arguments. With
    `everything` small ones are no exception: a device has no such stack.
  }];
  let options = [Option<"everything", "everything", "bool", "false",
      "small buffers too">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
}

def HoistShapes : Pass<"mopt-hoist-shapes", "::mlir::func::FuncOp"> {
  let summary = "compute the sizes of the entry's buffers at its start";
  let description = [{
    Sizes that follow from those of the inputs are computed before anything
    else, so that memory can be planned with them. Those that depend on values
    stay where they are.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
}

def BindOutputs : Pass<"mopt-bind-outputs", "::mlir::ModuleOp"> {
  let summary = "write the entry's results where its caller wants them";
  let description = [{
    Results whose sizes follow from those of the inputs become destination
    arguments. If any size is dynamic, a function of the inputs' sizes, marked
    `mopt.output_sizes`, tells the caller how large the outputs will be.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
}

def PlanMemory : Pass<"mopt-plan-memory", "::mlir::ModuleOp"> {
  let summary = "place buffers in one arena and constants in the weights";
  let description = [{
    Allocations in the entry whose sizes are known when it starts become views
    of one arena; buffers that are not alive at the same time share bytes. Where
    all sizes are static the arena is an argument. Otherwise
    `mopt.place_buffers` makes it, and a function of the inputs' sizes, marked
    `mopt.buffer_bytes`, tells what it holds. Constants become views of the
    weights, the module attribute `mopt.weights`. What is left is allocated
    from the run's memory.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mopt::MoptDialect"];
}

def GenerateSizeQueries
    : Pass<"mopt-generate-size-queries", "::mlir::ModuleOp"> {
  let summary = "let a caller ask for sizes before a run";
  let description = [{
    Around the functions marked `mopt.output_sizes` and `mopt.buffer_bytes` makes
    `mopt_infer_dims` and `mopt_dynamic_bytes`, as Runtime.h has them.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def UnrollLoops : Pass<"mopt-unroll-loops", "::mlir::func::FuncOp"> {
  let summary = "write out small loops within loops";
  let description = [{
    Innermost `scf.for` loops of at most 16 iterations and 512 operations in all,
    from the inside out.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def LowerParallel : Pass<"mopt-lower-parallel", "::mlir::ModuleOp"> {
  let summary = "make a function of each parallel loop's body";
  let description = [{
    The function takes the values that the body uses and a range of its
    iterations; the loop becomes a mopt.parallel_call of that function.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
    "::mlir::scf::SCFDialect", "::mopt::MoptDialect"];
}

def GenerateABI : Pass<"mopt-generate-abi", "::mlir::ModuleOp"> {
  let summary = "emit the functions and tables through which a model is used";
  let description = [{
    Emits `mopt_model` and `mopt_model_<entry>`, the descriptor that the runtime
    reads, and the function that turns its tensors into the entry's memrefs. The
    certificate is the module attribute `mopt.build_info`, the name of a weight
    file `mopt.weights_file`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
    "::mlir::func::FuncDialect"];
}

def ApproximateMath : Pass<"mopt-approximate-math"> {
  let summary = "compute exp, log, tanh and erf of f32 by arithmetic";
  let description = [{
    Within 4 units in the last place, denormals, infinities and NaN included.
    Loops around the result can be vectorized; functions of libm could not. With
    `instructions` powers of 2, quotients and limits are left to instructions of
    the target, which may be approximate to two units.
  }];
  let options = [Option<"instructions", "instructions", "bool", "false",
    "take what the target computes approximately">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

def ExpandBrainFloats : Pass<"mopt-expand-brain-floats", "::mlir::func::FuncOp"> {
  let summary = "convert between bf16 and f32 by integer operations";
  let description = [{
    LLVM's code for vectors of bfloat that it gathers from memory is not always
    right: rows of six, vectorized across rows, came out as NaN. Shifted as
    integers they are like any other. Rounds to nearest even, as LLVM does. With
    `instructions` what rounds vectors to bf16 is left to the target's instruction, if
    it has one. That takes denormal numbers for 0.
  }];
  let options = [
    Option<"instructions", "instructions", "bool", /*default=*/"false",
           "round by the target's instruction">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::LLVM::LLVMDialect"];
}

def RelaxFloats : Pass<"mopt-relax-floats"> {
  let summary = "let operations on floats ignore NaN and the sign of zero";
  let description = [{
    What --numerics=fast adds: products may be rounded together with sums, and a
    division may become the product with a reciprocal.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ProfileKernels : Pass<"mopt-profile-kernels", "::mlir::ModuleOp"> {
  let summary = "count calls of kernels and their time";
  let description = [{
    Puts each call of a kernel between calls of the runtime, which count it under
    its number. The module's attribute `mopt.profile` has for each number the
    name of the kernel and the ONNX nodes that the call computes.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect"];
}

def LowerToLLVM : Pass<"mopt-lower-to-llvm", "::mlir::ModuleOp"> {
  let summary = "lower loops, memrefs, vectors and scalars to the LLVM dialect";
  let description = [{
    Every function gets the run as its first argument; allocations and parallel
    calls become calls of the runtime.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ResolveExpandShapes : Pass<"mopt-resolve-expand-shapes"> {
  let summary = "turn expansions into several dynamic sizes into plain views";
  let description = [{
    Goes before the upstream `expand-strided-metadata`, which cannot expand one
    dimension into more than one of run-time size.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
}

def SelectMicrokernels : Pass<"mopt-select-microkernels"> {
  let summary = "choose micro-kernels for contractions and convolutions";
  let description = [{
    Scores the micro-kernel rows that fit the module's `mopt.target` against the
    shape and sets the best as `mopt.config` on `mopt.matmul` and on `mopt.conv`
    with channels last, as `config` on anchors. Ops of other element types get
    none and are lowered the generic way. An op that has a configuration, from
    tuning say, keeps it.
  }];
  let options = [
    Option<"shortened", "shortened", "bool", "false",
      "f32 may be multiplied with 10 bits of mantissa">,
    Option<"remarks", "remarks", "bool", "false",
      "say which micro-kernel computes each op">];
}

def ConvertSparseAnchors
    : Pass<"mopt-convert-sparse-anchors", "::mlir::ModuleOp"> {
  let summary = "make anchors of products with sparse weights";
  let description = [{
    A `mopt.matmul` or 1x1 `mopt.conv` that is marked with `mopt.sparsity` becomes a
    `mopt.sparse_anchor` with the micro-kernel of the target for its shape, and
    its constant weights become packed values and positions. Weights without the
    structure are an error.
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
    "say which micro-kernel was chosen">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
    "::mopt::MoptDialect"];
}

def ConvertAnchors : Pass<"mopt-convert-anchors"> {
  let summary = "turn ops that have a micro-kernel into anchors";
  let description = [{
    `mopt.matmul` and `mopt.conv` with a `mopt.config` become anchors, their
    right side packed by `mopt.pack_columns`. Batches that share the right side
    become rows, and so do the positions of a 1x1 convolution of stride 1.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def FoldWeightPacking : Pass<"mopt-fold-weight-packing"> {
  let summary = "pack constant weights at compile time";
  let description = [{
    Computes `mopt.pack_columns` and `linalg.transpose` of constants, also
    through reshapes, over the bytes of the constant.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"];
}

def SplitWeightPairs : Pass<"mopt-split-weight-pairs"> {
  let summary = "keep micro-kernels that sum products in words from saturating";
  let description = [{
    Where an anchor's micro-kernel sums products of neighbours along the depth in
    16 bits, what of the packed weights may exceed these becomes rows of the
    operand `excess`: groups of neighbours that are multiplied twice. Weights that
    fit stay as they are.

    It is an error if such an anchor has weights that are no constant.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseAttention : Pass<"mopt-fuse-attention", "::mlir::ModuleOp"> {
  let summary = "make attention one kernel";
  let description = [{
    A kernel that multiplies matrices of 16-bit floats, one that computes the
    softmax of each row of that and nothing else, and one that multiplies that by
    a third matrix become one kernel of a `mopt.attention`, if nobody else reads
    what is between them. Epilogues of the products become its regions, floats in
    that of scores have 32 bits; a kernel that only scales an operand becomes a
    factor there, one that computes each score's mask by itself part of it.
    Reshapes that keep rows may stand between the kernels. Few queries, and
    products of more than 256 columns, are left alone.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseEpilogue : Pass<"mopt-fuse-epilogue"> {
  let summary = "move elementwise consumers into the epilogues of anchors";
  let description = [{
    An elementwise linalg op that is the only user of an anchor becomes part of
    its epilogue, its other operands epilogue inputs; again and again. A
    transposition that keeps the last dimension becomes the order in which a
    contraction stores or reads. Reshapes between an anchor and its user are
    moved behind the user.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def SimplifyRounding : Pass<"mopt-simplify-rounding"> {
  let summary = "steps stay floats until they are stored";
  let description = [{
    Rounding to a byte, which is dequantized at once, is clamping a rounded float.
    Where the byte is stored, it is clamped before it is rounded, so that rounding
    and conversion stand side by side. The results are the same.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

def DivideByProducts : Pass<"mopt-divide-by-products"> {
  let summary = "divide what is quantized by products";
  let description = [{
    In a `linalg.generic` an f32 that is divided by one number for all elements and
    rounded to even is multiplied by the reciprocal, and the product is corrected by
    a fused product. Targets without that instruction keep the division. Left out by
    `--numerics=strict`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect"];
}

def FuseSteps : Pass<"mopt-fuse-steps"> {
  let summary = "steps from fused products";
  let description = [{
    A sum of bytes times factors, rounded without a division, is fused, as is
    layer normalization's scale with its bias: ONNX Runtime does so. Targets that
    do not fuse a product with a sum take f64 for it. On those that do, what is
    divided by a constant scale, rounded and clamped is multiplied instead, by
    the reciprocal and what the reciprocal lacks, if all floats round to the same
    steps.

    ```mlir
    %y = arith.divf %x, %scale : f32
    %n = math.roundeven %y : f32
    // becomes
    %rest = arith.mulf %x, %low : f32
    %y = math.fma %x, %high, %rest : f32
    %n = math.roundeven %y : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

def GatherLookups : Pass<"mopt-gather-lookups"> {
  let summary = "look floats up by vectors";
  let description = [{
    A `linalg.generic` whose result is a load from a table of f32, by an index that
    it computes, works on vectors along its innermost loop and gathers from the
    table. What does not fill a vector is masked.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def OrderSums : Pass<"mopt-order-sums"> {
  let summary = "sum rows in eight lanes";
  let description = [{
    A sum of floats along contiguous memory, whose length is a multiple of eight,
    goes over vectors of eight; then the upper half of the lanes is added to the
    lower one until one is left. ONNX Runtime's sums have this order.
  }];
  let options = [
    Option<"everywhere", "everywhere", "bool", /*default=*/"false",
           "sums into which no bytes go, too">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def InterleaveSums : Pass<"mopt-interleave-sums"> {
  let summary = "take sums that have an order for eight rows at once";
  let description = [{
    A sum that is taken element by element, as `mopt.in_order` asks, takes the time
    of an addition for each. Eight rows are transposed, so that each is a lane.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def ConvertRounding : Pass<"mopt-convert-rounding"> {
  let summary = "round while converting to integers";
  let description = [{
    A float that is rounded to even and then converted to an integer is converted
    by an instruction that rounds, in the rounding mode that all code runs in.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def TileAnchors : Pass<"mopt-tile-anchors"> {
  let summary = "cut anchors on tensors into tiles that run in parallel";
  let description = [{
    Each anchor with enough work becomes an `scf.forall` over tiles of batches,
    rows and packed blocks. The grid depends on the shape alone, never on the
    number of threads, and reductions are not cut: results are the same bit for
    bit however many threads there are.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
  let options = [
    ListOption<"tileSizes", "tile-sizes", "int64_t",
      "tile sizes of every anchor's iteration domain, instead of the rule's">,
    Option<"maxTiles", "max-tiles", "int64_t", "64",
      "tiles that an anchor is cut into at most">,
    Option<"minWork", "min-work", "int64_t", "262144",
      "multiplications that a tile has at least">];
}

def MapToGrid : Pass<"mopt-map-to-grid", "::mlir::ModuleOp"> {
  let summary = "make each op on buffers a kernel on a grid of threads";
  let description = [{
    Every linalg op, anchor and copy of kernels and the entry becomes a
    `gpu.func` in the module `@device` and a `gpu.launch_func` in its place; what
    computes addresses stays. A fill before a sum is the sum's initial value, and
    ops that share rows, with a sum among them, are one kernel of a block for each
    row. A short kernel with anything else on memory, such as a loop that reads
    what it wrote, becomes one thread; a longer one, and whatever else has no form
    on a grid or sizes that depend on values, stays with the host, with a warning.
    Inputs of dynamic size, and products of what has one, are errors.
  }];
  let options = [Option<"reassociate", "reassociate", "bool", "true",
      "sums may be taken in another order">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def WaitForDevice : Pass<"mopt-wait-for-device", "::mlir::ModuleOp"> {
  let summary = "let the host wait for launches before it touches memory";
  let description = [{
    Calls `mopt_rt_wait` in front of what the host reads or writes after launches,
    or after the entry was called, for inputs are on their way then, and marks the module with `mopt.shared_memory` if there is any of that.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def EmitDeviceCode : Pass<"mopt-emit-device-code", "::mlir::ModuleOp"> {
  let summary = "compile the module @device and call the runtime to launch it";
  let description = [{
    The text of `@device` for the module's target becomes the attribute
    `mopt.device_code`, each `gpu.launch_func` a call of `mopt_rt_launch`.
  }];
  let options = [Option<"strict", "strict", "bool", "false",
      "no product and sum may round once">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect"];
}

def ExpandMicrokernels : Pass<"mopt-expand-microkernels"> {
  let summary = "replace anchors on memrefs by their micro-kernels";
  let description = [{
    Emits, for each anchor's `config`, loops around a register tile of vectors,
    and the epilogue on those vectors before they are stored. With `contract`
    products and sums in epilogues may be fused.
  }];
  let options = [Option<"contract", "contract", "bool", "false",
    "a product and a sum may round once">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // MOPT_CODEGEN_PASSES_TD
