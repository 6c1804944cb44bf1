// Level in and out: buffer. The module @device becomes text in an attribute of
// the module, and launches become calls of the runtime with addresses.
#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EMITDEVICECODE
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct EmitDeviceCode : mopt::impl::EmitDeviceCodeBase<EmitDeviceCode> {
  using EmitDeviceCodeBase::EmitDeviceCodeBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    EmitDeviceCodeBase::getDependentDialects(registry);
    registerBuiltinDialectTranslation(registry);
    registerGPUDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    registerNVVMDialectTranslation(registry);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto device = module.lookupSymbol<gpu::GPUModuleOp>("device");
    if (!device)
      return;
    TargetAttr attr = TargetAttr::lookup(module);
    const TargetBackend *backend =
        attr ? getTargetBackend(llvm::Triple(attr.getTriple())) : nullptr;
    if (!backend) {
      module.emitError("expected a target on the module ('")
          << TargetAttr::kModuleAttr << "')";
      return signalPassFailure();
    }
    llvm::Expected<DeviceCode> code =
        backend->emitDeviceCode(device, TargetInfo(attr), strict);
    if (!code) {
      module.emitError("cannot make code for the device: ")
          << llvm::toString(code.takeError());
      return signalPassFailure();
    }
    module->setAttr(kDeviceCodeAttr,
                    StringAttr::get(&getContext(), code->text));
    if (!code->image.empty())
      module->setAttr(kDeviceImageAttr,
                      StringAttr::get(&getContext(), code->image));
    lowerLaunches(module);
    device.erase();
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }

  /// The address of what the launch asks for besides its sizes, or null.
  static Value getDesc(OpBuilder &b, gpu::LaunchFuncOp launch) {
    Location loc = launch.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(b.getContext());
    auto words = launch->getAttrOfType<DenseI64ArrayAttr>(kLaunchDescAttr);
    if (!words)
      return LLVM::ZeroOp::create(b, loc, pointer);
    auto module = launch->getParentOfType<ModuleOp>();
    std::string name = "mopt_launch_" + launch.getKernelName().str();
    LLVM::GlobalOp global = module.lookupSymbol<LLVM::GlobalOp>(name);
    if (!global) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      global = LLVM::GlobalOp::create(
          b, loc, LLVM::LLVMArrayType::get(b.getI64Type(), words.size()),
          /*isConstant=*/true, LLVM::Linkage::Internal, name,
          b.getI64TensorAttr(words.asArrayRef()), /*alignment=*/8);
    }
    return LLVM::AddressOfOp::create(b, loc, global);
  }

  static void lowerLaunches(ModuleOp module) {
    SmallVector<gpu::LaunchFuncOp> launches;
    module.walk([&](gpu::LaunchFuncOp op) { launches.push_back(op); });
    if (launches.empty())
      return;
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    Type pointer = LLVM::LLVMPointerType::get(module.getContext()),
         i64 = b.getI64Type();
    auto function = func::FuncOp::create(
        b, module.getLoc(), "mopt_rt_launch",
        b.getFunctionType({pointer, i64, i64, i64, pointer, i64, pointer}, {}));
    function.setPrivate();
    function->setAttr(kRuntimeAttr, b.getUnitAttr());
    for (gpu::LaunchFuncOp launch : launches) {
      b.setInsertionPoint(launch);
      Location loc = launch.getLoc();
      auto toI64 = [&](Value value) -> Value {
        return arith::IndexCastOp::create(b, loc, i64, value);
      };
      std::string text = launch.getKernelName().str() + '\0';
      Value name = LLVM::createGlobalString(
          loc, b, "mopt_name_" + launch.getKernelName().str(), text,
          LLVM::Linkage::Internal);
      int64_t count = launch.getKernelOperands().size();
      Value slots;
      {
        OpBuilder::InsertionGuard guard(b);
        auto parent = launch->getParentOfType<func::FuncOp>();
        b.setInsertionPointToStart(&parent.getBody().front());
        Value size = LLVM::ConstantOp::create(
            b, loc, i64, b.getI64IntegerAttr(std::max<int64_t>(1, count)));
        slots = LLVM::AllocaOp::create(b, loc, pointer, i64, size, 8);
      }
      for (auto [i, operand] : llvm::enumerate(launch.getKernelOperands())) {
        Value slot = LLVM::GEPOp::create(
            b, loc, pointer, i64, slots,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
        Value value = operand;
        if (isa<MemRefType>(value.getType()))
          value = toI64(
              memref::ExtractAlignedPointerAsIndexOp::create(b, loc, value));
        else if (value.getType().isIndex())
          value = toI64(value);
        LLVM::StoreOp::create(b, loc, value, slot);
      }
      Value counted =
          LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(count));
      func::CallOp::create(b, loc, function,
                           ValueRange{name, toI64(launch.getGridSizeX()),
                                      toI64(launch.getGridSizeY()),
                                      toI64(launch.getBlockSizeX()), slots,
                                      counted, getDesc(b, launch)});
      launch.erase();
    }
  }
};
} // namespace
