// Level in and out: buffer. Sizes of the entry's buffers that follow from the
// sizes of its inputs are computed in its head (EntryHead.h), none is asked of
// a buffer. Sizes that depend on values stay where they are.
#include "mopt/Codegen/EntryHead.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_HOISTSHAPES
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct HoistShapes : mopt::impl::HoistShapesBase<HoistShapes> {
  void runOnOperation() override {
    func::FuncOp entry = getOperation();
    if (!entry->hasAttr(kEntryAttr) || entry.isDeclaration())
      return;
    resolveLoads(entry);
    resolveDims(entry);
    hoist(entry);
  }

  /// Elements of shapes, which sizes of reshaped buffers were folded to.
  static void resolveLoads(func::FuncOp entry) {
    SmallVector<memref::LoadOp> loads;
    entry.walk([&](memref::LoadOp load) {
      if (load.getIndices().size() == 1 && load.getType().isIntOrIndex())
        loads.push_back(load);
    });
    for (memref::LoadOp load : loads) {
      std::optional<int64_t> index = getConstantIntValue(load.getIndices()[0]);
      OpFoldResult element =
          index ? getKnownElement(load.getMemRef(), *index) : OpFoldResult();
      if (!element)
        continue;
      OpBuilder b(load);
      auto value = dyn_cast<Value>(element);
      if (!value)
        value = arith::ConstantOp::create(
            b, load.getLoc(), cast<TypedAttr>(cast<Attribute>(element)));
      load.replaceAllUsesWith(value);
      load.erase();
    }
  }

  static void resolveDims(func::FuncOp entry) {
    SmallVector<memref::DimOp> dims;
    entry.walk([&](memref::DimOp dim) {
      if (dim.getConstantIndex() &&
          isa<MemRefType>(dim.getSource().getType()) && !belongsToHead(dim))
        dims.push_back(dim);
    });
    for (memref::DimOp dim : dims) {
      OpBuilder b(dim);
      OpFoldResult size =
          getKnownSize(b, dim.getSource(), *dim.getConstantIndex());
      if (!size)
        continue;
      dim.replaceAllUsesWith(
          getValueOrCreateConstantIndexOp(b, dim.getLoc(), size));
      dim.erase();
    }
  }

  static void hoist(func::FuncOp entry) {
    // Definitions come before uses in this order.
    SmallVector<Operation *> ops;
    DenseSet<Operation *> hoisted;
    entry.walk<WalkOrder::PreOrder>([&](Operation *op) {
      bool isKnown = isa<memref::DimOp>(op) ||
                     llvm::all_of(op->getOperands(), [&](Value operand) {
                       return hoisted.contains(operand.getDefiningOp());
                     });
      if (!isKnown || !belongsToHead(op))
        return;
      ops.push_back(op);
      hoisted.insert(op);
    });
    Block &block = entry.getBody().front();
    Operation *last = nullptr;
    for (Operation *op : ops) {
      if (last)
        op->moveAfter(last);
      else
        op->moveBefore(&block, block.begin());
      makeSafe(op);
      last = op;
    }
  }

  /// A division that was behind a condition must not trap in front of it: where
  /// its divisor is zero its result is not used.
  static void makeSafe(Operation *op) {
    if (isSpeculatable(op) || op->getNumOperands() != 2)
      return;
    OpBuilder b(op);
    Value divisor = op->getOperand(1);
    Location loc = op->getLoc();
    Value zero =
        arith::ConstantOp::create(b, loc, b.getZeroAttr(divisor.getType()));
    Value one = arith::ConstantOp::create(
        b, loc, b.getIntegerAttr(divisor.getType(), 1));
    Value isZero =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, divisor, zero);
    op->setOperand(1, arith::SelectOp::create(b, loc, isZero, one, divisor));
  }
};
} // namespace
