//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_CODEGEN_PASSES_TD
#define MOPT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def BindDestinations : Pass<"mopt-bind-destinations", "::mlir::func::FuncOp"> {
  let summary = "let kernels compute into their destinations";
  let description = [{
    The uninitialized tensor from which a result is built becomes the
    destination argument; where there is none the result is copied there.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
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

def BufferizeTensors : Pass<"mopt-bufferize", "::mlir::ModuleOp"> {
  let summary = "replace tensors by buffers";
  let description = [{
    One-shot bufferization across function boundaries with contiguous
    arguments. Copies become loops that LLVM vectorizes.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def PlanMemory : Pass<"mopt-plan-memory", "::mlir::ModuleOp"> {
  let summary = "place buffers in one arena and constants in the weights";
  let description = [{
    Allocations of static size in the entry become views of one arena, given to
    it as an argument; buffers that are not alive at the same time share bytes.
    Static results become destination arguments. Constants become views of the
    weights, the module attribute `mopt.weights`. What is left is allocated
    from the run's memory.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
}

def LowerParallel : Pass<"mopt-lower-parallel", "::mlir::ModuleOp"> {
  let summary = "make a function of each parallel loop's body";
  let dependentDialects = ["::mlir::func::FuncDialect",
    "::mlir::scf::SCFDialect", "::mopt::MoptDialect"];
}

def GenerateABI : Pass<"mopt-generate-abi", "::mlir::ModuleOp"> {
  let summary = "emit the functions and tables through which a model is used";
  let description = [{
    Emits `mopt_model_<entry>`, the descriptor that the runtime reads, and the
    function that turns its tensors into the entry's memrefs.
  }];
  let options = [
    Option<"entryName", "entry", "std::string", "\"model\"",
      "name of the model in symbols">,
    Option<"buildInfo", "build-info", "std::string", "\"{}\"",
      "the certificate, a JSON object">,
    Option<"shortName", "short-name", "bool", "true",
      "emit mopt_model as well">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
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

#endif // MOPT_CODEGEN_PASSES_TD
