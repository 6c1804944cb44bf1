// In: anchors on memrefs, each with a configuration (L6). Out: loops around
// register tiles of native vectors, the epilogue applied to the accumulators
// before their only store. Leaves everything else alone. It runs before any
// conversion, because those would enter the epilogues.
#include "MicroKernels/Expansions.h"
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EXPANDMICROKERNELS
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// Is `value` a product of which a factor is one? mopt-merge-scales makes one
/// of all factors, except where bytes would become other steps.
bool isProductOfProducts(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  return product && (product.getLhs().getDefiningOp<arith::MulFOp>() ||
                     product.getRhs().getDefiningOp<arith::MulFOp>());
}

/// Products and sums may become one instruction that rounds once.
void allowContraction(Region &region) {
  region.walk([](Operation *op) {
    if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(op) ||
        (!isa<arith::MulFOp>(op) &&
         llvm::any_of(op->getOperands(), isProductOfProducts)))
      return;
    auto math = cast<arith::ArithFastMathInterface>(op);
    auto flags = math.getFastMathFlagsAttr().getValue();
    op->setAttr(math.getFastMathAttrName(),
                arith::FastMathFlagsAttr::get(
                    op->getContext(), flags | arith::FastMathFlags::contract));
  });
}

struct ExpandMicrokernels : impl::ExpandMicrokernelsBase<ExpandMicrokernels> {
  using ExpandMicrokernelsBase::ExpandMicrokernelsBase;

  void runOnOperation() override {
    SmallVector<PackColumnsOp> packs;
    getOperation()->walk([&](PackColumnsOp op) { packs.push_back(op); });
    for (PackColumnsOp op : packs) {
      if (!isa<MemRefType>(op.getInit().getType())) {
        op->emitOpError("expected memrefs: bufferize before this pass");
        return signalPassFailure();
      }
      OpBuilder b(op);
      expandPackColumns(b, op);
      op->erase();
    }
    SmallVector<AnchorOpInterface> anchors;
    getOperation()->walk([&](AnchorOpInterface op) { anchors.push_back(op); });
    for (AnchorOpInterface op : anchors) {
      if (!isa<MemRefType>(op.getInit().getType())) {
        op->emitOpError("expected memrefs: bufferize before this pass");
        return signalPassFailure();
      }
      if (!op.getConfigAttr()) {
        op->emitOpError("expected a 'config' that says which micro-kernel "
                        "computes it");
        return signalPassFailure();
      }
      if (contract)
        allowContraction(op.getEpilogue());
      OpBuilder b(op);
      llvm::TypeSwitch<Operation *>(op)
          .Case([&](ContractAnchorOp anchor) {
            if (anchor.getWeightsAttr())
              expandBlockContractAnchor(b, anchor);
            else
              expandContractAnchor(b, anchor);
          })
          .Case([&](ConvAnchorOp anchor) { expandConvAnchor(b, anchor); })
          .Case([&](SparseAnchorOp anchor) { expandSparseAnchor(b, anchor); })
          .Case([&](DepthwiseAnchorOp anchor) {
            expandDepthwiseAnchor(b, anchor);
          });
      op->erase();
    }
  }
};
} // namespace
} // namespace mopt
