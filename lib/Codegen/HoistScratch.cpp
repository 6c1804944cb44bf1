// Level in and out: buffer. A kernel's large buffers whose sizes follow from
// its arguments' become arguments too: the entry allocates them for the call,
// so that they are planned with the rest. Small ones stay, and those of
// parallel bodies.
#include "mopt/Codegen/EntryHead.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_HOISTSCRATCH
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Up to here a kernel's stack is the better place.
static constexpr int64_t kSmallBits = 8 * (16 << 10);

static bool isSmall(MemRefType type) {
  Type element = type.getElementType();
  unsigned bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.hasStaticShape() && type.getNumElements() * bits <= kSmallBits;
}

/// Whether the memory of `memref` leaves the function.
static bool escapes(Value memref) {
  llvm::SetVector<Value> aliases;
  aliases.insert(memref);
  for (size_t i = 0; i < aliases.size(); ++i)
    for (Operation *user : aliases[i].getUsers()) {
      if (user->hasTrait<OpTrait::IsTerminator>())
        return true;
      for (Value result : user->getResults())
        if (isa<BaseMemRefType>(result.getType()))
          aliases.insert(result);
    }
  return false;
}

/// The ops that compute `value` from arguments of its function, operands first.
/// False if others are needed.
static bool collectSlice(Value value, llvm::SetVector<Operation *> &slice) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return !isa<BaseMemRefType>(value.getType()) &&
           isa<func::FuncOp>(value.getParentBlock()->getParentOp());
  if (slice.contains(def))
    return true;
  if (!belongsToHead(def))
    return false;
  for (Value operand : def->getOperands())
    if (!isa<BaseMemRefType>(operand.getType()) &&
        !collectSlice(operand, slice))
      return false;
  slice.insert(def);
  return true;
}

namespace {
struct HoistScratch : mopt::impl::HoistScratchBase<HoistScratch> {
  using HoistScratchBase::HoistScratchBase;

  void runOnOperation() override {
    DenseMap<StringAttr, SmallVector<func::CallOp>> calls;
    getOperation().walk([&](func::CallOp call) {
      calls[call.getCalleeAttr().getAttr()].push_back(call);
    });
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      if (!kernel->hasAttr(kKernelAttr) || kernel.isDeclaration())
        continue;
      resolveDims(kernel);
      SmallVector<memref::AllocOp> allocs;
      for (auto alloc : kernel.getBody().front().getOps<memref::AllocOp>())
        if (everything || !isSmall(alloc.getType()))
          allocs.push_back(alloc);
      for (memref::AllocOp alloc : allocs)
        hoist(kernel, alloc, calls[kernel.getSymNameAttr()]);
    }
  }

  /// Sizes of views of arguments become sizes of arguments.
  static void resolveDims(func::FuncOp kernel) {
    SmallVector<memref::AllocOp> allocs(
        kernel.getBody().front().getOps<memref::AllocOp>());
    for (memref::AllocOp alloc : allocs)
      for (OpOperand &size : alloc.getDynamicSizesMutable()) {
        auto dim = size.get().getDefiningOp<memref::DimOp>();
        if (!dim || belongsToHead(dim) || !dim.getConstantIndex() ||
            !isa<MemRefType>(dim.getSource().getType()))
          continue;
        OpBuilder b(alloc);
        OpFoldResult known =
            getKnownSize(b, dim.getSource(), *dim.getConstantIndex());
        if (auto value = dyn_cast_if_present<Value>(known))
          size.set(value);
      }
  }

  static void hoist(func::FuncOp kernel, memref::AllocOp alloc,
                    ArrayRef<func::CallOp> calls) {
    llvm::SetVector<Operation *> slice;
    for (Value size : alloc.getDynamicSizes())
      if (!collectSlice(size, slice))
        return;
    if (escapes(alloc))
      return;
    for (func::CallOp call : calls) {
      OpBuilder b(call);
      IRMapping mapping;
      mapping.map(kernel.getArguments(), call.getOperands());
      for (Operation *op : slice)
        b.clone(*op, mapping);
      Operation *buffer = b.clone(*alloc, mapping);
      call->insertOperands(call.getNumOperands(), buffer->getResult(0));
    }
    unsigned position = kernel.getNumArguments();
    Builder b(kernel.getContext());
    (void)kernel.insertArgument(
        position, alloc.getType(),
        b.getDictionaryAttr(b.getNamedAttr(kScratchAttr, b.getUnitAttr())),
        alloc.getLoc());
    alloc.replaceAllUsesWith(Value(kernel.getArgument(position)));
    alloc.erase();
  }
};
} // namespace
