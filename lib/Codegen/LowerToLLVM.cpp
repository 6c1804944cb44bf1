// Level in: buffer (loops already branches, anchors expanded). Level out: llvm.
// Every function gets the run as its first argument; allocations and parallel
// calls become calls of the runtime.
#include "mopt-c/Model.h"
#include "mopt/Codegen/LowerPlaceBuffers.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/LLVMCommon/VectorPattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_LOWERTOLLVM
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// The run that the function around `op` was called for.
static Value getRun(Operation *op) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return function.getFunctionBody().front().getArgument(0);
}

/// Adds the run to functions and their calls.
static void passRun(ModuleOp module) {
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!func.isDeclaration()) {
      (void)func.insertArgument(0, pointer, {}, func.getLoc());
    } else if (func->hasAttr(kRuntimeAttr)) {
      SmallVector<Type> inputs{pointer};
      llvm::append_range(inputs, func.getArgumentTypes());
      func.setFunctionType(FunctionType::get(module.getContext(), inputs,
                                             func.getResultTypes()));
    }
  }
  module.walk([&](func::CallOp call) {
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    if (callee && (!callee.isDeclaration() || callee->hasAttr(kRuntimeAttr)))
      call->insertOperands(0, getRun(call));
  });
}

/// Does `func`, or a parallel body that it calls, allocate?
static bool allocates(func::FuncOp func) {
  bool result = false;
  func.walk([&](Operation *op) {
    if (isa<memref::AllocOp>(op))
      result = true;
    if (auto call = dyn_cast<ParallelCallOp>(op)) {
      auto body = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
          call, call.getCalleeAttr());
      result |= body && allocates(body);
    }
  });
  return result;
}

/// Kernels give back what they allocate, so that the next one finds it in the
/// cache.
static LogicalResult releaseScratch(ModuleOp module) {
  OpBuilder b(module.getContext());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = b.getI64Type();
  for (auto kernel :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
    if (!kernel->hasAttr(kKernelAttr) || kernel.isDeclaration() ||
        kernel.getNumResults() != 0 || !allocates(kernel))
      continue;
    FailureOr<LLVM::LLVMFuncOp> mark =
        LLVM::lookupOrCreateFn(b, module, "mopt_rt_alloc_mark", pointer, i64);
    FailureOr<LLVM::LLVMFuncOp> release = LLVM::lookupOrCreateFn(
        b, module, "mopt_rt_alloc_release", {pointer, i64},
        LLVM::LLVMVoidType::get(module.getContext()));
    if (failed(mark) || failed(release))
      return failure();
    Value run = kernel.getArgument(0);
    b.setInsertionPointToStart(&kernel.getBody().front());
    Value extent =
        LLVM::CallOp::create(b, kernel.getLoc(), *mark, run).getResult();
    kernel.walk([&](func::ReturnOp ret) {
      b.setInsertionPoint(ret);
      LLVM::CallOp::create(b, ret.getLoc(), *release, ValueRange{run, extent});
    });
  }
  return success();
}

namespace {
struct LowerAlloc : ConvertOpToLLVMPattern<memref::AllocOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(memref::AllocOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<Value> sizes, strides;
    Value bytes;
    getMemRefDescriptorSizes(loc, op.getType(), adaptor.getDynamicSizes(),
                             rewriter, sizes, strides, bytes,
                             /*sizeInBytes=*/true);
    FailureOr<LLVM::LLVMFuncOp> function = LLVM::lookupOrCreateFn(
        rewriter, op->getParentOfType<ModuleOp>(), "mopt_rt_alloc",
        {getPtrType(), getIndexType()}, getPtrType());
    if (failed(function))
      return failure();
    Value run = getRun(op);
    Value memory =
        LLVM::CallOp::create(rewriter, loc, *function, ValueRange{run, bytes})
            .getResult();
    rewriter.replaceOp(
        op, Value(createMemRefDescriptor(loc, op.getType(), memory, memory,
                                         sizes, strides, rewriter)));
    return success();
  }
};

/// Records an error and leaves the function.
struct LowerAssert : ConvertOpToLLVMPattern<cf::AssertOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(cf::AssertOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    Type pointer = getPtrType(), i32 = rewriter.getI32Type();
    FailureOr<LLVM::LLVMFuncOp> function = LLVM::lookupOrCreateFn(
        rewriter, module, "mopt_rt_fail", {pointer, i32, pointer},
        LLVM::LLVMVoidType::get(op.getContext()));
    if (failed(function))
      return failure();
    Value run = getRun(op);
    Block *before = op->getBlock();
    Block *after = rewriter.splitBlock(before, std::next(op->getIterator()));
    Block *stop = rewriter.createBlock(after);
    rewriter.setInsertionPointToStart(stop);
    Value status = LLVM::ConstantOp::create(
        rewriter, loc, i32, rewriter.getI32IntegerAttr(MOPT_INVALID_DATA));
    Value message = createMessage(rewriter, module, loc, op.getMsg());
    LLVM::CallOp::create(rewriter, loc, *function,
                         ValueRange{run, status, message});
    // Null results, which the caller does not use.
    auto getNull = [&](Type type) -> Value {
      return LLVM::ZeroOp::create(rewriter, loc,
                                  getTypeConverter()->convertType(type));
    };
    if (auto target = dyn_cast<func::FuncOp>(stop->getParentOp())) {
      SmallVector<Value> results;
      for (Type type : target.getResultTypes())
        results.push_back(UnrealizedConversionCastOp::create(
                              rewriter, loc, type, getNull(type))
                              .getResult(0));
      func::ReturnOp::create(rewriter, loc, results);
    } else {
      Type type = cast<LLVM::LLVMFuncOp>(stop->getParentOp())
                      .getFunctionType()
                      .getReturnType();
      SmallVector<Value> results;
      if (!isa<LLVM::LLVMVoidType>(type))
        results.push_back(getNull(type));
      LLVM::ReturnOp::create(rewriter, loc, results);
    }
    rewriter.setInsertionPointToEnd(before);
    LLVM::CondBrOp::create(rewriter, loc, adaptor.getArg(), after, stop);
    rewriter.eraseOp(op);
    return success();
  }

  static Value createMessage(ConversionPatternRewriter &rewriter,
                             ModuleOp module, Location loc, StringRef text) {
    std::string name = "mopt_message";
    for (unsigned i = 0; module.lookupSymbol(name); ++i)
      name = "mopt_message_" + std::to_string(i);
    // C wants a terminating zero.
    std::string bytes = text.str() + '\0';
    return LLVM::createGlobalString(loc, rewriter, name, bytes,
                                    LLVM::Linkage::Internal);
  }
};

struct LowerParallelCall : ConvertOpToLLVMPattern<ParallelCallOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ParallelCallOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    Type pointer = getPtrType(), i64 = rewriter.getI64Type();
    Type nothing = LLVM::LLVMVoidType::get(op.getContext());
    ValueRange arguments = adaptor.getArguments();
    auto record = LLVM::LLVMStructType::getLiteral(
        op.getContext(), llvm::to_vector(arguments.getTypes()));

    FailureOr<LLVM::LLVMFuncOp> loop =
        LLVM::lookupOrCreateFn(rewriter, module, "mopt_rt_parallel_for",
                               {pointer, pointer, pointer, i64}, nothing);
    if (failed(loop))
      return failure();
    std::string name = (op.getCallee() + "_thunk").str();
    Value values = LLVM::UndefOp::create(rewriter, loc, record);
    for (auto [i, value] : llvm::enumerate(arguments))
      values = LLVM::InsertValueOp::create(rewriter, loc, values, value,
                                           static_cast<int64_t>(i));
    // Allocated once per call of the function: in its entry block.
    Value slot;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      auto function = op->getParentOfType<FunctionOpInterface>();
      rewriter.setInsertionPointToStart(&function.getFunctionBody().front());
      Value one = LLVM::ConstantOp::create(rewriter, loc, i64,
                                           rewriter.getI64IntegerAttr(1));
      slot = LLVM::AllocaOp::create(rewriter, loc, pointer, record, one,
                                    /*alignment=*/8);
    }
    LLVM::StoreOp::create(rewriter, loc, values, slot);
    if (!module.lookupSymbol(name))
      createThunk(rewriter, op, name, record);
    Value thunk = LLVM::AddressOfOp::create(rewriter, loc, pointer, name);
    Value run = getRun(op);
    LLVM::CallOp::create(rewriter, loc, *loop,
                         ValueRange{run, thunk, slot, adaptor.getCount()});
    rewriter.eraseOp(op);
    return success();
  }

  /// (run, record, begin, end) as the runtime calls it.
  void createThunk(ConversionPatternRewriter &rewriter, ParallelCallOp op,
                   StringRef name, LLVM::LLVMStructType record) const {
    Location loc = op.getLoc();
    OpBuilder::InsertionGuard guard(rewriter);
    auto module = op->getParentOfType<ModuleOp>();
    rewriter.setInsertionPointToEnd(module.getBody());
    Type pointer = getPtrType(), i64 = rewriter.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(op.getContext()), {pointer, pointer, i64, i64});
    auto thunk = LLVM::LLVMFuncOp::create(rewriter, loc, name, type,
                                          LLVM::Linkage::Internal);
    Block *entry = thunk.addEntryBlock(rewriter);
    rewriter.setInsertionPointToStart(entry);
    Value values =
        LLVM::LoadOp::create(rewriter, loc, record, entry->getArgument(1));
    SmallVector<Value> operands{entry->getArgument(0)};
    for (auto [i, original] : llvm::enumerate(op.getArguments())) {
      Value value = LLVM::ExtractValueOp::create(rewriter, loc, values,
                                                 static_cast<int64_t>(i));
      operands.push_back(UnrealizedConversionCastOp::create(
                             rewriter, loc, original.getType(), value)
                             .getResult(0));
    }
    for (unsigned i : {2u, 3u})
      operands.push_back(UnrealizedConversionCastOp::create(
                             rewriter, loc, Type(rewriter.getIndexType()),
                             Value(entry->getArgument(i)))
                             .getResult(0));
    func::CallOp::create(rewriter, loc, op.getCallee(), TypeRange(), operands);
    LLVM::ReturnOp::create(rewriter, loc, ValueRange());
  }
};

struct LowerToLLVM : mopt::impl::LowerToLLVMBase<LowerToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *ctx = &getContext();
    passRun(module);
    if (failed(releaseScratch(module)))
      return signalPassFailure();

    LowerToLLVMOptions options(ctx);
    LLVMTypeConverter types(ctx, options);
    RewritePatternSet patterns(ctx);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    arith::populateArithToLLVMConversionPatterns(types, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
    populateFuncToLLVMConversionPatterns(types, patterns);
    index::populateIndexToLLVMConversionPatterns(types, patterns);
    populateMathToLLVMConversionPatterns(types, patterns);
    populateMathToLibmConversionPatterns(patterns);
    // Where a fused product is used the machine has it, and every machine here
    // rounds: no calls, and vectors stay whole.
    patterns
        .add<VectorConvertToLLVMPattern<math::FmaOp, LLVM::FMAOp>,
             VectorConvertToLLVMPattern<math::CeilOp, LLVM::FCeilOp>,
             VectorConvertToLLVMPattern<math::FloorOp, LLVM::FFloorOp>,
             VectorConvertToLLVMPattern<math::RoundEvenOp, LLVM::RoundEvenOp>,
             VectorConvertToLLVMPattern<math::TruncOp, LLVM::FTruncOp>>(
            types, PatternBenefit(2));
    populateFinalizeMemRefToLLVMConversionPatterns(types, patterns);
    ub::populateUBToLLVMConversionPatterns(types, patterns);
    populateVectorToLLVMConversionPatterns(types, patterns);
    populatePlaceBuffersLowering(types, patterns);
    patterns.add<LowerAlloc, LowerAssert, LowerParallelCall>(types,
                                                             /*benefit=*/10);

    LLVMConversionTarget target(*ctx);
    target.addLegalOp<ModuleOp>();
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    for (auto func : module.getOps<LLVM::LLVMFuncOp>()) {
      // Inlined, they would make one function that takes LLVM minutes.
      if (func->hasAttr(kKernelAttr))
        func.setNoInline(true);
      if (!func.isExternal() && SymbolTable::getSymbolVisibility(func) ==
                                    SymbolTable::Visibility::Private)
        func.setLinkage(LLVM::Linkage::Internal);
    }
  }
};
} // namespace
