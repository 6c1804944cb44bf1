// NVIDIA's processors: rows, and PTX of a module of kernels.
#include "Toolkit.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mopt;

namespace {
#define GET_NVPTXTargets_IMPL
#include "NVPTX/NVPTX.inc"

/// What is an instruction, and may be.
bool isInstruction(Operation *op) { return true; }
/// The one for powers is approximate, and for f32.
bool isInstruction(math::Exp2Op op) {
  return op.getType().isF32() &&
         bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn);
}

template <typename Op>
void callIntrinsic(gpu::GPUModuleOp module, StringRef name) {
  SmallVector<Op> ops;
  module.walk([&](Op op) {
    if (isInstruction(op))
      ops.push_back(op);
  });
  for (Op op : ops) {
    OpBuilder b(op);
    auto call = LLVM::CallIntrinsicOp::create(
        b, op.getLoc(), op.getType(), b.getStringAttr(name), op->getOperands());
    op->replaceAllUsesWith(call);
    op->erase();
  }
}

/// What are instructions does not become calls of the toolkit's library.
void callIntrinsics(gpu::GPUModuleOp module) {
  callIntrinsic<math::AbsFOp>(module, "llvm.fabs");
  callIntrinsic<math::CeilOp>(module, "llvm.ceil");
  callIntrinsic<math::CopySignOp>(module, "llvm.copysign");
  callIntrinsic<math::Exp2Op>(module, "llvm.exp2");
  callIntrinsic<math::FloorOp>(module, "llvm.floor");
  callIntrinsic<math::FmaOp>(module, "llvm.fma");
  callIntrinsic<math::RoundEvenOp>(module, "llvm.roundeven");
  callIntrinsic<math::RoundOp>(module, "llvm.round");
  callIntrinsic<math::SqrtOp>(module, "llvm.sqrt");
  callIntrinsic<math::TruncOp>(module, "llvm.trunc");
}

/// Maps of tensors are passed by value: the copy engine takes their addresses
/// in the memory of parameters.
void passMaps(LLVM::LLVMFuncOp function) {
  auto maps = function->getAttrOfType<DenseI32ArrayAttr>(kTensorMapsAttr);
  if (!maps)
    return;
  Builder b(function.getContext());
  // CUtensorMap has 128 bytes, aligned to 64.
  auto type = LLVM::LLVMArrayType::get(b.getI64Type(), 16);
  for (int32_t argument : maps.asArrayRef()) {
    function.setArgAttr(argument, LLVM::LLVMDialect::getByValAttrName(),
                        TypeAttr::get(type));
    function.setArgAttr(argument, LLVM::LLVMDialect::getAlignAttrName(),
                        b.getI64IntegerAttr(64));
    function.setArgAttr(argument, NVVM::NVVMDialect::getGridConstantAttrName(),
                        b.getUnitAttr());
  }
  function->removeAttr(kTensorMapsAttr);
}

/// The dialects of kernels to LLVM's and NVVM's.
LogicalResult lower(gpu::GPUModuleOp module) {
  callIntrinsics(module);
  PassManager passes(module->getContext(),
                     gpu::GPUModuleOp::getOperationName());
  passes.addPass(createForallToForLoopPass());
  passes.addPass(memref::createExpandOpsPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createSCFToControlFlowPass());
  ConvertGpuOpsToNVVMOpsOptions options;
  options.useBarePtrCallConv = true;
  passes.addPass(createConvertGpuOpsToNVVMOps(options));
  passes.addPass(createConvertNVVMToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCanonicalizerPass());
  if (failed(passes.run(module)))
    return failure();
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    passMaps(function);
  return success();
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

class NVPTXBackend final : public TargetBackend {
public:
  bool handles(const llvm::Triple &triple) const override {
    return triple.getArch() == llvm::Triple::nvptx64;
  }
  bool isDevice() const override { return true; }
  llvm::ArrayRef<TargetRow> getRows() const override { return NVPTXTargets; }
  // The driver takes the code of kernels or refuses it.
  llvm::ArrayRef<FeatureRow> getFeatures() const override { return {}; }
  llvm::StringRef getBaselineCpu() const override { return "sm_50"; }
  llvm::ArrayRef<SystemSymbolRow> getSystemSymbols() const override {
    return {};
  }
  std::optional<llvm::StringSet<>> getHostFeatures() const override {
    return std::nullopt;
  }
  void deriveVectorShape(TargetInfo &target) const override {}
  void tuneFunction(llvm::Function &function,
                    const TargetInfo &target) const override {}

  void initialize() const override {
    static const bool done = [] {
      LLVMInitializeNVPTXTargetInfo();
      LLVMInitializeNVPTXTarget();
      LLVMInitializeNVPTXTargetMC();
      LLVMInitializeNVPTXAsmPrinter();
      return true;
    }();
    (void)done;
  }

  llvm::Expected<DeviceCode> emitDeviceCode(Operation *op,
                                            const TargetInfo &target,
                                            bool strict) const override {
    if (failed(lower(cast<gpu::GPUModuleOp>(op))))
      return llvm::createStringError("kernels have no form in NVVM");
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> module =
        translateModuleToLLVMIR(op, context, "device");
    if (!module)
      return llvm::createStringError("kernels have no form in LLVM IR");
    llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
        createTargetMachine(target, /*optLevel=*/3);
    if (!machine)
      return machine.takeError();
    (*machine)->Options.AllowFPOpFusion =
        strict ? llvm::FPOpFusion::Strict : llvm::FPOpFusion::Standard;
    module->setTargetTriple((*machine)->getTargetTriple());
    module->setDataLayout((*machine)->createDataLayout());
    if (llvm::Error error = linkMathFunctions(*module))
      return std::move(error);
    optimize(*module, **machine);
    llvm::SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    llvm::legacy::PassManager passes;
    if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                        llvm::CodeGenFileType::AssemblyFile))
      return llvm::createStringError("LLVM was built without PTX");
    passes.run(*module);
    llvm::Expected<std::string> image = assemble(text, target.cpu);
    if (!image)
      return image.takeError();
    return DeviceCode{text.str().str(), *image};
  }
};
} // namespace

namespace mopt {
const TargetBackend &getNVPTXBackend() {
  static const NVPTXBackend backend;
  return backend;
}
} // namespace mopt
