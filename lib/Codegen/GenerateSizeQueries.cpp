// Level in and out: buffer. Makes the functions of the model's descriptor
// (Runtime.h: infer_dims, dynamic_bytes) around those that compute sizes.
#include "mopt/Codegen/LowerPlaceBuffers.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_GENERATESIZEQUERIES
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct GenerateSizeQueries
    : mopt::impl::GenerateSizeQueriesBase<GenerateSizeQueries> {
  void runOnOperation() override {
    for (auto sizes :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (sizes->hasAttr(kOutputSizesAttr))
        emitInferDims(sizes);
      if (auto lifetimes =
              sizes->getAttrOfType<DenseI32ArrayAttr>(kBufferBytesAttr))
        if (failed(emitDynamicBytes(sizes, lifetimes)))
          return signalPassFailure();
    }
  }

  /// Lists of sizes, which nothing asks for their length.
  static Value createList(OpBuilder &b, Location loc, MemRefType type,
                          Value data) {
    LLVMTypeConverter types(b.getContext());
    auto descriptor = MemRefDescriptor::poison(b, loc, types.convertType(type));
    Value zero = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
    descriptor.setAllocatedPtr(b, loc, data);
    descriptor.setAlignedPtr(b, loc, data);
    descriptor.setOffset(b, loc, zero);
    descriptor.setSize(b, loc, 0, zero);
    descriptor.setConstantStride(b, loc, 0, 1);
    return UnrealizedConversionCastOp::create(b, loc, type, Value(descriptor))
        .getResult(0);
  }

  static void callSizes(OpBuilder &b, func::FuncOp sizes, Value inputs,
                        Value results) {
    Location loc = sizes.getLoc();
    auto type = cast<MemRefType>(sizes.getArgumentTypes()[0]);
    func::CallOp::create(b, loc, sizes,
                         ValueRange{createList(b, loc, type, inputs),
                                    createList(b, loc, type, results)});
  }

  /// void (input dims, output dims). What is called takes its first argument
  /// for the run (LowerToLLVM), and needs none.
  void emitInferDims(func::FuncOp sizes) {
    Location loc = sizes.getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    auto function = LLVM::LLVMFuncOp::create(
        b, loc, "mopt_infer_dims",
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {pointer, pointer}),
        LLVM::Linkage::Internal);
    Block *body = function.addEntryBlock(b);
    b.setInsertionPointToStart(body);
    callSizes(b, sizes, body->getArgument(0), body->getArgument(1));
    LLVM::ReturnOp::create(b, loc, ValueRange());
  }

  /// i64 (input dims).
  LogicalResult emitDynamicBytes(func::FuncOp sizes,
                                 DenseI32ArrayAttr lifetimes) {
    Location loc = sizes.getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    Type pointer = LLVM::LLVMPointerType::get(&getContext()),
         i64 = b.getI64Type();
    auto function = LLVM::LLVMFuncOp::create(
        b, loc, "mopt_dynamic_bytes",
        LLVM::LLVMFunctionType::get(i64, {pointer}), LLVM::Linkage::Internal);
    Block *body = function.addEntryBlock(b);
    if (lifetimes.empty()) {
      b.setInsertionPointToStart(body);
      Value none = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
      LLVM::ReturnOp::create(b, loc, none);
      return success();
    }
    FailureOr<LLVM::LLVMFuncOp> plan =
        LLVM::lookupOrCreateFn(b, getOperation(), "mopt_rt_planned_bytes",
                               {pointer, pointer, i64}, i64);
    if (failed(plan))
      return failure();
    LLVM::GlobalOp table = getOrCreateLifetimes(getOperation(), lifetimes);
    b.setInsertionPointToStart(body);
    Value count = LLVM::ConstantOp::create(
        b, loc, b.getI64IntegerAttr(lifetimes.size() / 2));
    Value bytes = LLVM::AllocaOp::create(b, loc, pointer, i64, count, 8);
    callSizes(b, sizes, body->getArgument(0), bytes);
    Value address = LLVM::AddressOfOp::create(b, loc, table);
    Value total =
        LLVM::CallOp::create(b, loc, *plan, ValueRange{bytes, address, count})
            .getResult();
    LLVM::ReturnOp::create(b, loc, total);
    return success();
  }
};
} // namespace
