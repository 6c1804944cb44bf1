// Barriers, boxes and descriptors of groups of warps, see the header.
#include "WarpgroupBuilder.h"

#include "WarpgroupPlan.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mopt;

Value WarpgroupBuilder::addMap(TensorMap map,
                               SmallVectorImpl<TensorMap> &maps) {
  map.argument = function.getFunctionType().getNumInputs();
  Type type = function.getFunctionType().getInput(map.buffer);
  (void)function.insertArgument(map.argument, type, DictionaryAttr(), loc);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(
      b, loc, function.getArgument(map.argument));
  address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  maps.push_back(map);
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
}

Value WarpgroupBuilder::getShared() {
  static constexpr llvm::StringLiteral name = "mopt_shared";
  auto module = function->getParentOfType<gpu::GPUModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External, name,
                           Attribute(),
                           /*alignment=*/kPatternBytes, /*addrSpace=*/3);
  }
  Value begin = LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), 3), name);
  Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), begin);
  return band(add(address, kPatternBytes - 1), -kPatternBytes);
}

Value WarpgroupBuilder::getPointer(Value address) {
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), 3), address);
}

void WarpgroupBuilder::initialize(Value barrier, int64_t count) {
  NVVM::MBarrierInitOp::create(b, loc, getPointer(barrier), word(count),
                               Value());
}

void WarpgroupBuilder::wait(Value barrier, Value parity) {
  // How long a thread sleeps before it looks again, in nanoseconds.
  static constexpr int64_t sleep = 10000000;
  NVVM::MBarrierTryWaitParityOp::create(b, loc, getPointer(barrier), parity,
                                        word(sleep));
}

void WarpgroupBuilder::arrive(Value barrier) {
  // nvvm.mbarrier.arrive has a result, which nobody reads.
  NVVM::InlinePtxOp::create(b, loc, TypeRange(), ValueRange{barrier},
                            ValueRange(),
                            "mbarrier.arrive.shared::cta.b64 _, [$0];",
                            Value());
}

void WarpgroupBuilder::expect(Value barrier, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(
      b, loc, Type(), getPointer(barrier), word(bytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, /*predicate=*/Value());
}

void WarpgroupBuilder::load(Value map, Value address, Value barrier,
                            ValueRange coordinates) {
  Value cluster = LLVM::AddrSpaceCastOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), 7),
      getPointer(address));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, loc, cluster, map, coordinates, getPointer(barrier),
      /*im2colOffsets=*/ValueRange(), /*multicastMask=*/Value(),
      /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
      NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
}

void WarpgroupBuilder::meet(Value number, int64_t threads) {
  NVVM::BarrierOp::create(b, loc, Type(), number, word(threads),
                          NVVM::BarrierReductionAttr(), Value());
}

/// Fields in units of 16 bytes: the distance of neighbouring groups of 64
/// columns, that of eight rows, and rows of 128 bytes (PTX ISA, "matrix
/// descriptor format").
Value WarpgroupBuilder::describe(Value address, int64_t groupBytes) {
  Value line = arith::ShRUIOp::create(b, loc, band(address, 0x3FFFF), word(4));
  Value wide = arith::ExtUIOp::create(b, loc, b.getI64Type(), line);
  int64_t eightRows = 8 * kRowBytes / 16;
  Value rest = arith::ConstantOp::create(
      b, loc,
      b.getI64IntegerAttr(groupBytes / 16 << 16 | eightRows << 32 |
                          int64_t(1) << 62));
  return arith::OrIOp::create(b, loc, wide, rest);
}

Value WarpgroupBuilder::advance(Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(
      b, loc, descriptor,
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(bytes / 16)));
}

static Value tieElements(OpBuilder &b, Location loc, ArrayRef<Value> numbers) {
  std::string results, operands;
  for (size_t i = 0; i < numbers.size(); ++i) {
    results += "=f,";
    operands += std::to_string(i) + (i + 1 < numbers.size() ? "," : "");
  }
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(numbers.size(), b.getF32Type()));
  return LLVM::InlineAsmOp::create(
             b, loc, type, numbers, "// numbers", results + operands,
             /*has_side_effects=*/true, /*is_align_stack=*/false,
             LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

static SmallVector<Value> split(OpBuilder &b, Location loc, Value structure) {
  auto type = cast<LLVM::LLVMStructType>(structure.getType());
  SmallVector<Value> elements;
  for (size_t i = 0; i < type.getBody().size(); ++i)
    elements.push_back(LLVM::ExtractValueOp::create(b, loc, structure, i));
  return elements;
}

SmallVector<Value> WarpgroupBuilder::tie(ArrayRef<Value> numbers) {
  return split(b, loc, tieElements(b, loc, numbers));
}

Value WarpgroupBuilder::tie(Value structure) {
  return tieElements(b, loc, split(b, loc, structure));
}

void WarpgroupBuilder::guard(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/false);
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}
