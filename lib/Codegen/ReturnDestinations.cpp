// Level in and out: buffer. A result that a kernel has in its destination is
// returned as that destination, not as a view of it, so that
// drop-equivalent-buffer-results leaves it out.
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_RETURNDESTINATIONS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// The memref whose memory `value` shows.
static Value getRoot(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    if (auto view = dyn_cast<ViewLikeOpInterface>(def))
      value = view.getViewSource();
    else if (auto reshape = dyn_cast<memref::ReshapeOp>(def))
      value = reshape.getSource();
    else
      break;
  }
  return value;
}

namespace {
struct ReturnDestinations
    : mopt::impl::ReturnDestinationsBase<ReturnDestinations> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr(kKernelAttr) || kernel.isDeclaration())
      return;
    // The destination of a result has the result's type and sizes, so what
    // shows its memory as that type shows all of it.
    for (BlockArgument argument : kernel.getArguments()) {
      auto number = kernel.getArgAttrOfType<IntegerAttr>(
          argument.getArgNumber(), kDestinationAttr);
      if (!number)
        continue;
      kernel.walk([&, argument](func::ReturnOp ret) {
        OpOperand &result = ret->getOpOperand(number.getInt());
        if (result.get().getType() == argument.getType() &&
            getRoot(result.get()) == argument)
          result.set(argument);
      });
    }
  }
};
} // namespace
