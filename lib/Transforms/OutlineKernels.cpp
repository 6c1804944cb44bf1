// Level in: legal with mopt.fused. Level out: kernels. The entry calls one
// private function per mopt.fused, which takes what the region captured, then a
// destination per result. Constants are copied into the function.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Transforms/KernelNames.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// "matmul_add_max": what the kernel does, for profiles and people. How it
/// moves elements is told only where that is all.
static std::string getKernelName(FusedOp fused) {
  auto moves = [](Operation &op) {
    return isa<ReshapeOp, SliceOp, TransposeOp>(op);
  };
  auto ops = fused.getBody().front().without_terminator();
  bool onlyMoves = llvm::all_of(ops, [&](Operation &op) {
    return op.hasTrait<OpTrait::ConstantLike>() || moves(op);
  });
  std::string name = "kernel";
  int64_t length = 0;
  for (Operation &op : ops) {
    if (op.hasTrait<OpTrait::ConstantLike>() || (moves(op) && !onlyMoves) ||
        ++length > 6)
      continue;
    name += "_" + getKernelOpName(&op);
  }
  return name;
}

namespace {
struct OutlineKernels : mopt::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<FusedOp> kernels;
    getOperation().walk([&](FusedOp op) { kernels.push_back(op); });
    for (FusedOp fused : kernels)
      outline(fused, symbols);
  }

  void outline(FusedOp fused, SymbolTable &symbols) {
    Location loc = fused.getLoc();
    Block &body = fused.getBody().front();
    llvm::SetVector<Value> captured;
    llvm::SetVector<Operation *> constants;
    body.walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        if (fused.getBody().isAncestor(operand.getParentRegion()))
          continue;
        Operation *def = operand.getDefiningOp();
        if (def && def->hasTrait<OpTrait::ConstantLike>())
          constants.insert(def);
        else
          captured.insert(operand);
      }
    });

    OpBuilder b(fused);
    SmallVector<Type> types = llvm::map_to_vector(
        captured, [](Value value) { return value.getType(); });
    llvm::append_range(types, fused.getResultTypes());
    auto kernel = func::FuncOp::create(
        loc, getKernelName(fused),
        b.getFunctionType(types, fused.getResultTypes()));
    kernel.setPrivate();
    kernel->setAttr(kKernelAttr, b.getUnitAttr());
    symbols.insert(kernel);
    int64_t first = captured.size();
    for (int64_t i = 0, e = fused.getNumResults(); i < e; ++i)
      kernel.setArgAttr(first + i, kDestinationAttr, b.getI64IntegerAttr(i));

    Block *entry = kernel.addEntryBlock();
    OpBuilder inner = OpBuilder::atBlockBegin(entry);
    IRMapping mapping;
    for (auto [i, value] : llvm::enumerate(captured))
      mapping.map(value, entry->getArgument(i));
    for (Operation *constant : constants)
      inner.clone(*constant, mapping);
    for (Operation &op : body.without_terminator())
      inner.clone(op, mapping);
    SmallVector<Value> results = llvm::map_to_vector(
        body.getTerminator()->getOperands(),
        [&](Value value) { return mapping.lookupOrDefault(value); });
    func::ReturnOp::create(inner, loc, results);

    SmallVector<Value> operands(captured.getArrayRef());
    ValueRange sizes = fused.getSizes();
    for (Type type : fused.getResultTypes()) {
      auto tensor = cast<RankedTensorType>(type);
      operands.push_back(bufferization::AllocTensorOp::create(
          b, loc, tensor, sizes.take_front(tensor.getNumDynamicDims())));
      sizes = sizes.drop_front(tensor.getNumDynamicDims());
    }
    auto call = func::CallOp::create(b, loc, kernel, operands);
    fused->replaceAllUsesWith(call);
    fused->erase();
  }
};
} // namespace
