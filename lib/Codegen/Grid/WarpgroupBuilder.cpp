// Ops for the copy engine and groups of four warps, see the header.
#include "WarpgroupBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mopt;

/// Address spaces.
static constexpr unsigned kShared = 3, kCluster = 7;
/// Bytes after which the copy engine's pattern repeats: eight rows.
static constexpr int64_t kPattern = 1024;

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
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/false);
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

Value WarpgroupBuilder::addMap(TensorMap &map, LaunchShape &shape) {
  unsigned number = function.getFunctionType().getNumInputs();
  map.argument = number;
  Type type = function.getFunctionType().getInput(map.buffer);
  (void)function.insertArgument(number, type, DictionaryAttr(), loc);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(
      b, loc, function.getArgument(number));
  address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  shape.maps.push_back(map);
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
    OpBuilder::InsertionGuard restore(b);
    b.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External, name,
                           Attribute(), /*alignment=*/kPattern, kShared);
  }
  Value begin = LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kShared), name);
  Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), begin);
  return band(add(address, kPattern - 1), -kPattern);
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

void WarpgroupBuilder::expect(Value barrier, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(
      b, loc, Type(), getPointer(barrier), word(bytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, /*predicate=*/Value());
}

void WarpgroupBuilder::arrive(Value barrier) {
  // nvvm.mbarrier.arrive has a result, which nobody reads.
  NVVM::InlinePtxOp::create(
      b, loc, TypeRange(), ValueRange{barrier}, ValueRange(),
      "mbarrier.arrive.shared::cta.b64 _, [$0];", Value());
}

void WarpgroupBuilder::wait(Value barrier, Value parity) {
  // How long a thread sleeps before it looks again, in nanoseconds.
  static constexpr int64_t sleep = 10000000;
  NVVM::MBarrierTryWaitParityOp::create(b, loc, getPointer(barrier), parity,
                                        word(sleep));
}

void WarpgroupBuilder::load(Value map, Value to, Value barrier,
                            ValueRange coordinates, ValueRange offsets) {
  Value cluster = LLVM::AddrSpaceCastOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kCluster),
      getPointer(to));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, loc, cluster, map, coordinates, getPointer(barrier), offsets,
      /*multicastMask=*/Value(), /*l2CacheHint=*/Value(),
      offsets.empty() ? NVVM::TMALoadMode::TILE : NVVM::TMALoadMode::IM2COL,
      /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
}

void WarpgroupBuilder::meet(int64_t number, int64_t threads) {
  if (threads == 0)
    NVVM::BarrierOp::create(b, loc);
  else
    NVVM::BarrierOp::create(b, loc, Type(), word(number), word(threads),
                            NVVM::BarrierReductionAttr(), Value());
}

void WarpgroupBuilder::meetCluster() {
  NVVM::ClusterArriveOp::create(b, loc, UnitAttr());
  NVVM::ClusterWaitOp::create(b, loc, UnitAttr());
}

/// Fields, in units of 16 bytes: where the matrix begins, the distance of
/// groups of 64 columns, that of eight rows, and rows of 128 bytes (PTX ISA,
/// "matrix descriptor format").
Value WarpgroupBuilder::describe(Value address, int64_t distance) {
  int64_t group = std::max<int64_t>(1, distance / 16);
  int64_t fields = group << 16 | (kPattern / 16) << 32 | int64_t(1) << 62;
  Value line = arith::ShRUIOp::create(b, loc, band(address, 0x3FFFF), word(4));
  Value wide = arith::ExtUIOp::create(b, loc, b.getI64Type(), line);
  Value rest = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(fields));
  return arith::OrIOp::create(b, loc, wide, rest);
}

Value WarpgroupBuilder::advance(Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(
      b, loc, descriptor,
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(bytes / 16)));
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
