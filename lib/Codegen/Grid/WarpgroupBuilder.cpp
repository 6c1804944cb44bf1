// Barriers, boxes and descriptors of groups of warps, see the header.
#include "WarpgroupBuilder.h"

#include "GridBuilder.h"
#include "WarpgroupPlan.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

/// Address spaces.
static constexpr unsigned kShared = 3, kCluster = 7;

Value WarpgroupBuilder::getThread() {
  return NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
}

Value WarpgroupBuilder::getBlock() {
  return NVVM::BlockIdXOp::create(b, loc, b.getI32Type());
}

Value WarpgroupBuilder::toUniform(Value x) {
  return NVVM::ShflOp::create(b, loc, b.getI32Type(), word(-1), x, word(0),
                              word(31), NVVM::ShflKind::idx, UnitAttr());
}

void WarpgroupBuilder::guard(Value condition, function_ref<void()> body) {
  GridBuilder(b, loc).guard(condition, body);
}

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

void WarpgroupBuilder::prefetch(Value map) {
  NVVM::PrefetchOp::create(b, loc, NVVM::PrefetchCacheLevelAttr(),
                           NVVM::CacheEvictionPriorityAttr(), map, Value(),
                           /*tensormap=*/b.getUnitAttr(), UnitAttr(),
                           UnitAttr());
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
                           /*alignment=*/kPatternBytes, kShared);
  }
  Value begin = LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kShared), name);
  Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), begin);
  return band(add(address, kPatternBytes - 1), -kPatternBytes);
}

Value WarpgroupBuilder::getPointer(Value address) {
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kShared), address);
}

Value WarpgroupBuilder::getPointer(Value address, Value rank) {
  return NVVM::MapaOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kCluster),
      getPointer(address), rank);
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
  NVVM::InlinePtxOp::create(
      b, loc, TypeRange(), ValueRange{barrier}, ValueRange(),
      "mbarrier.arrive.shared::cta.b64 _, [$0];", Value());
}

void WarpgroupBuilder::expect(Value barrier, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(
      b, loc, Type(), getPointer(barrier), word(bytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, /*predicate=*/Value());
}

void WarpgroupBuilder::load(Value map, Value address, Value barrier,
                            ValueRange coordinates, ValueRange offsets) {
  Value cluster = LLVM::AddrSpaceCastOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kCluster),
      getPointer(address));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, loc, cluster, map, coordinates, getPointer(barrier), offsets,
      /*multicastMask=*/Value(), /*l2CacheHint=*/Value(),
      offsets.empty() ? NVVM::TMALoadMode::TILE : NVVM::TMALoadMode::IM2COL,
      /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
}

void WarpgroupBuilder::meet(Value number, int64_t threads) {
  NVVM::BarrierOp::create(b, loc, Type(), number, word(threads),
                          NVVM::BarrierReductionAttr(), Value());
}

void WarpgroupBuilder::meetBlock() { NVVM::BarrierOp::create(b, loc); }

void WarpgroupBuilder::meetCluster() {
  NVVM::ClusterArriveOp::create(b, loc, UnitAttr());
  NVVM::ClusterWaitOp::create(b, loc, UnitAttr());
}

std::pair<Value, Value>
WarpgroupBuilder::getNextStage(Value stage, Value parity, int64_t stages) {
  Value next = add(stage, 1), isLast = equals(next, stages);
  return {select(isLast, word(0), next),
          select(isLast, exclusiveOr(parity, word(1)), parity)};
}

Value WarpgroupBuilder::getDescriptor(Value address, int64_t fields) {
  Value line = arith::ShRUIOp::create(b, loc, band(address, 0x3FFFF), word(4));
  Value wide = arith::ExtUIOp::create(b, loc, b.getI64Type(), line);
  Value rest = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(fields));
  return arith::OrIOp::create(b, loc, wide, rest);
}

/// Fields in units of 16 bytes: the distance of neighbouring groups of 64
/// columns, that of eight rows, and rows of 128 bytes (PTX ISA, "matrix
/// descriptor format").
Value WarpgroupBuilder::describe(Value address, int64_t groupBytes) {
  int64_t group = std::max<int64_t>(1, groupBytes / 16),
          eightRows = 8 * kRowBytes / 16;
  return getDescriptor(address,
                       group << 16 | eightRows << 32 | int64_t(1) << 62);
}

Value WarpgroupBuilder::advance(Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(
      b, loc, descriptor,
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(bytes / 16)));
}

Type WarpgroupBuilder::getSums(int64_t count) {
  return LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(count, b.getF32Type()));
}

static int64_t countSums(Value sums) {
  return cast<LLVM::LLVMStructType>(sums.getType()).getBody().size();
}

SmallVector<Value> WarpgroupBuilder::split(Value sums) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < countSums(sums); ++i)
    elements.push_back(LLVM::ExtractValueOp::create(b, loc, sums, i));
  return elements;
}

/// Registers of the sums as results, and as operands that have the same ones.
static std::string tieRegisters(Value sums) {
  auto type = cast<LLVM::LLVMStructType>(sums.getType());
  std::string results, operands;
  for (auto [i, element] : llvm::enumerate(type.getBody())) {
    results += (i == 0 ? "=" : ",=") + std::string(element.isF32() ? "f" : "r");
    operands += "," + std::to_string(i);
  }
  return results + operands;
}

static Value createAssembly(OpBuilder &b, Location loc, Type type,
                            ValueRange operands, StringRef text,
                            StringRef constraints) {
  return LLVM::InlineAsmOp::create(
             b, loc, type, operands, text, constraints,
             /*has_side_effects=*/true, /*is_align_stack=*/false,
             LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

Value WarpgroupBuilder::tie(Value sums) {
  return createAssembly(b, loc, sums.getType(), split(sums), "// sums",
                        tieRegisters(sums));
}

Value WarpgroupBuilder::multiply(Value left, Value right, Value sums, Type type,
                                 bool isFirst) {
  NVVM::WGMMATypes element =
      type.isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16;
  auto shape = NVVM::MMAShapeAttr::get(b.getContext(), kGroupRows,
                                       countSums(sums) * 2, 16);
  return NVVM::WgmmaMmaAsyncOp::create(
      b, loc, sums.getType(), sums, left, right, shape, element, element,
      NVVM::WGMMATypes::f32,
      isFirst ? NVVM::WGMMAScaleOut::zero : NVVM::WGMMAScaleOut::one,
      NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row,
      NVVM::MMALayout::col, NVVM::MMAIntOverflowAttr());
}

/// nvvm has no op for such a left side.
Value WarpgroupBuilder::multiply(ArrayRef<Value> left, Value right, Value sums,
                                 Type type) {
  int64_t count = countSums(sums);
  std::string element = type.isF16() ? "f16" : "bf16";
  auto list = [](int64_t first, int64_t count) {
    std::string names;
    for (int64_t i = 0; i < count; ++i)
      names += (i == 0 ? "$" : ", $") + std::to_string(first + i);
    return "{" + names + "}";
  };
  std::string text = "{ .reg .pred p; setp.ne.b32 p, 1, 0; "
                     "wgmma.mma_async.sync.aligned.m64n" +
                     std::to_string(2 * count) + "k16.f32." + element + "." +
                     element + " " + list(0, count) + ", " +
                     list(2 * count, 4) + ", $" +
                     std::to_string(2 * count + 4) + ", p, 1, 1, 1; }";
  SmallVector<Value> operands = split(sums);
  llvm::append_range(operands, left);
  operands.push_back(right);
  return createAssembly(b, loc, sums.getType(), operands, text,
                        tieRegisters(sums) + ",r,r,r,r,l");
}

bool WarpgroupBuilder::takeWait() {
  for (auto op : llvm::make_early_inc_range(
           function.getBody().front().getOps<NVVM::GriddepcontrolOp>()))
    if (op.getKind() == NVVM::GridDepActionKind::wait) {
      op->erase();
      return true;
    }
  return false;
}

void WarpgroupBuilder::waitForKernel() {
  NVVM::GriddepcontrolOp::create(b, loc, NVVM::GridDepActionKind::wait);
}
