// Level in and out: buffer. Each scf.forall becomes a mopt.parallel_call of a
// function that runs its body for a range of its linearized iterations.
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_LOWERPARALLEL
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct LowerParallel : mopt::impl::LowerParallelBase<LowerParallel> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp op) { loops.push_back(op); });
    for (scf::ForallOp loop : loops) {
      if (loop.getNumResults() != 0) {
        loop.emitOpError("expected a loop without results: bufferize first");
        return signalPassFailure();
      }
      outline(loop, symbols);
    }
  }

  void outline(scf::ForallOp loop, SymbolTable &symbols) {
    Location loc = loop.getLoc();
    OpBuilder b(loop);
    // Trip counts, outside.
    AffineExpr lower = b.getAffineSymbolExpr(0),
               upper = b.getAffineSymbolExpr(1),
               step = b.getAffineSymbolExpr(2);
    SmallVector<Value> counts, lowers, steps;
    for (auto [from, to, by] :
         llvm::zip_equal(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                         loop.getMixedStep())) {
      OpFoldResult count;
      if (std::optional<int64_t> fixed = getConstantIntValue(by))
        count =
            applyAffine(b, loc, (upper - lower).ceilDiv(*fixed), {from, to});
      else
        count =
            applyAffine(b, loc, (upper - lower).ceilDiv(step), {from, to, by});
      counts.push_back(getValueOrCreateConstantIndexOp(b, loc, count));
      lowers.push_back(getValueOrCreateConstantIndexOp(b, loc, from));
      steps.push_back(getValueOrCreateConstantIndexOp(b, loc, by));
    }
    Value total = arith::ConstantIndexOp::create(b, loc, 1);
    for (Value count : counts)
      total = arith::MulIOp::create(b, loc, total, count);

    // What the body sees of its surroundings.
    llvm::SetVector<Value> captured;
    llvm::SetVector<Operation *> constants;
    auto capture = [&](Value value) {
      if (loop.getRegion().isAncestor(value.getParentRegion()))
        return;
      Operation *def = value.getDefiningOp();
      if (def && def->hasTrait<OpTrait::ConstantLike>())
        constants.insert(def);
      else
        captured.insert(value);
    };
    for (ArrayRef<Value> list :
         {ArrayRef(counts), ArrayRef(lowers), ArrayRef(steps)})
      for (Value value : list)
        capture(value);
    loop.getRegion().walk([&](Operation *op) {
      for (Value operand : op->getOperands())
        capture(operand);
    });

    SmallVector<Type> types = llvm::map_to_vector(
        captured, [](Value value) { return value.getType(); });
    types.append(2, b.getIndexType());
    auto parent = loop->getParentOfType<func::FuncOp>();
    auto body = func::FuncOp::create(loc, (parent.getName() + "_body").str(),
                                     b.getFunctionType(types, {}));
    body.setPrivate();
    symbols.insert(body);
    Block *entry = body.addEntryBlock();
    OpBuilder inner = OpBuilder::atBlockBegin(entry);
    IRMapping mapping;
    for (auto [i, value] : llvm::enumerate(captured))
      mapping.map(value, entry->getArgument(i));
    for (Operation *constant : constants)
      inner.clone(*constant, mapping);
    Value begin = entry->getArgument(captured.size()),
          end = entry->getArgument(captured.size() + 1);
    Value one = arith::ConstantIndexOp::create(inner, loc, 1);
    // Stack slots at the head of the body stay outside of the loop.
    SmallVector<Operation *> hoisted;
    for (Operation &op : loop.getBody()->without_terminator())
      if (isa<memref::AllocaOp>(op))
        hoisted.push_back(&op);
    for (Operation *op : hoisted)
      inner.clone(*op, mapping);
    scf::ForOp::create(
        inner, loc, begin, end, one, {},
        [&](OpBuilder &nested, Location loc, Value position, ValueRange) {
          SmallVector<Value> indices(counts.size());
          for (int64_t dim = counts.size() - 1; dim >= 0; --dim) {
            Value count = mapping.lookupOrDefault(counts[dim]);
            Value i = position;
            if (dim > 0) {
              i = arith::RemUIOp::create(nested, loc, position, count);
              position = arith::DivUIOp::create(nested, loc, position, count);
            }
            i = arith::MulIOp::create(nested, loc, i,
                                      mapping.lookupOrDefault(steps[dim]));
            indices[dim] = arith::AddIOp::create(
                nested, loc, i, mapping.lookupOrDefault(lowers[dim]));
          }
          for (auto [argument, index] :
               llvm::zip_equal(loop.getInductionVars(), indices))
            mapping.map(argument, index);
          for (Operation &op : loop.getBody()->without_terminator())
            if (!isa<memref::AllocaOp>(op))
              nested.clone(op, mapping);
          scf::YieldOp::create(nested, loc);
        });
    func::ReturnOp::create(inner, loc);

    ParallelCallOp::create(b, loc, body.getName(), captured.getArrayRef(),
                           total);
    loop.erase();
  }
};
} // namespace
