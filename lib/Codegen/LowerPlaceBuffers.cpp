// mopt.place_buffers becomes a call of the runtime's planner, which finds the
// sizes on the stack and leaves the offsets there.
#include "mopt/Codegen/LowerPlaceBuffers.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mopt;

LLVM::GlobalOp mopt::getOrCreateLifetimes(ModuleOp module,
                                          ArrayRef<int32_t> lifetimes) {
  constexpr StringLiteral name = "mopt_lifetimes";
  if (auto global = module.lookupSymbol<LLVM::GlobalOp>(name))
    return global;
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI32Type(), lifetimes.size());
  return LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true,
                                LLVM::Linkage::Internal, name,
                                b.getI32TensorAttr(lifetimes));
}

namespace {
struct LowerPlaceBuffers : ConvertOpToLLVMPattern<PlaceBuffersOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(PlaceBuffersOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    Type pointer = getPtrType(), i64 = rewriter.getI64Type();
    FailureOr<LLVM::LLVMFuncOp> function =
        LLVM::lookupOrCreateFn(rewriter, module, "mopt_rt_place",
                               {pointer, pointer, pointer, i64}, pointer);
    if (failed(function))
      return failure();
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(rewriter, loc,
                                      rewriter.getI64IntegerAttr(value));
    };
    Value count = constant(op.getBytes().size());
    Value slots = LLVM::AllocaOp::create(rewriter, loc, pointer, i64, count, 8);
    auto getSlot = [&](size_t i) -> Value {
      return LLVM::GEPOp::create(
          rewriter, loc, pointer, i64, slots,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    };
    for (auto [i, bytes] : llvm::enumerate(adaptor.getBytes()))
      LLVM::StoreOp::create(rewriter, loc, bytes, getSlot(i));
    LLVM::GlobalOp table = getOrCreateLifetimes(module, op.getLifetimes());
    Value lifetimes = LLVM::AddressOfOp::create(rewriter, loc, table);
    Value run = op->getParentOfType<FunctionOpInterface>()
                    .getFunctionBody()
                    .front()
                    .getArgument(0);
    Value arena = LLVM::CallOp::create(rewriter, loc, *function,
                                       ValueRange{run, slots, lifetimes, count})
                      .getResult();

    auto type = cast<MemRefType>(op.getArena().getType());
    auto descriptor = MemRefDescriptor::poison(
        rewriter, loc, getTypeConverter()->convertType(type));
    descriptor.setAllocatedPtr(rewriter, loc, arena);
    descriptor.setAlignedPtr(rewriter, loc, arena);
    descriptor.setOffset(rewriter, loc, constant(0));
    // Views do not ask; the runtime has checked.
    descriptor.setSize(rewriter, loc, 0, constant(INT64_MAX));
    descriptor.setConstantStride(rewriter, loc, 0, 1);
    SmallVector<Value> results{descriptor};
    for (size_t i = 0; i < op.getBytes().size(); ++i)
      results.push_back(LLVM::LoadOp::create(rewriter, loc, i64, getSlot(i)));
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

void mopt::populatePlaceBuffersLowering(LLVMTypeConverter &types,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerPlaceBuffers>(types);
}
