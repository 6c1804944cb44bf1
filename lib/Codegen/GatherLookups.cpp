// Level in and out: buffer. Elementwise loops that end with a load from a table
// of floats go over vectors, and collect a vector from the table at once, where
// the target has an instruction for it. LLVM's estimate of its cost leaves such
// loops scalar, or widens the index first.
#include "OperandIndices.h"

#include "mopt/Codegen/Passes.h"
#include "mopt/Target/MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_GATHERLOOKUPS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Elements that one instruction collects; 0 if there is none.
static int64_t getLanes(TargetAttr target) {
  int64_t bits = 0;
  for (ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (StringRef(row.kind) == "gather" && canRun(target, row))
        bits = std::max<int64_t>(bits, row.vectorBits);
  return bits / 32;
}

namespace {
/// A loop nest whose innermost loop is a row in all that it reads and writes.
struct LookupLoop {
  linalg::GenericOp op;
  memref::LoadOp load;
  arith::IndexCastOp index;

  static std::optional<LookupLoop> match(linalg::GenericOp op) {
    int64_t loops = op.getNumLoops();
    if (!op.hasPureBufferSemantics() || loops == 0 ||
        op.getNumParallelLoops() != loops || op.getNumDpsInits() != 1 ||
        op.hasIndexSemantics())
      return std::nullopt;
    Block &body = *op.getBody();
    auto load =
        body.getTerminator()->getOperand(0).getDefiningOp<memref::LoadOp>();
    if (!load || load->getBlock() != &body ||
        !load.getMemRefType().getElementType().isF32() ||
        load.getMemRefType().getRank() != 1 ||
        !load.getMemRefType().getLayout().isIdentity())
      return std::nullopt;
    auto index = load.getIndices()[0].getDefiningOp<arith::IndexCastOp>();
    if (!index || !index->hasOneUse() || !index.getIn().getType().isInteger(32))
      return std::nullopt;
    for (Operation &inner : body.without_terminator())
      if (&inner != load && &inner != index && !isa<arith::ConstantOp>(inner) &&
          !OpTrait::hasElementwiseMappableTraits(&inner))
        return std::nullopt;
    LookupLoop loop{op, load, index};
    for (OpOperand &operand : op->getOpOperands())
      if (!isa<MemRefType>(operand.get().getType()) || !loop.isSimple(operand))
        return std::nullopt;
    if (!loop.isAlongRow(*op.getDpsInitOperand(0)) ||
        op.getMatchingBlockArgument(op.getDpsInitOperand(0)).getNumUses() != 0)
      return std::nullopt;
    return loop;
  }

  void expand(int64_t lanes) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(b, loc, 0),
          one = arith::ConstantIndexOp::create(b, loc, 1),
          step = arith::ConstantIndexOp::create(b, loc, lanes);
    SmallVector<Value> ends, indices;
    for (const Range &range :
         cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, loc))
      ends.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
    Value size = ends.pop_back_val(),
          rest = arith::RemUIOp::create(b, loc, size, step),
          whole = arith::SubIOp::create(b, loc, size, rest);
    for (Value end : ends) {
      auto loop = scf::ForOp::create(b, loc, zero, end, one);
      b.setInsertionPointToStart(loop.getBody());
      indices.push_back(loop.getInductionVar());
    }
    auto row = scf::ForOp::create(b, loc, zero, whole, step);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(row.getBody());
      SmallVector<Value> position(indices);
      position.push_back(row.getInductionVar());
      emit(b, position, lanes, /*count=*/{});
    }
    Value any =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, zero);
    auto remainder = scf::IfOp::create(b, loc, any, /*withElse=*/false);
    b.setInsertionPointToStart(remainder.thenBlock());
    indices.push_back(whole);
    emit(b, indices, lanes, rest);
    op.erase();
  }

private:
  /// Elements in order along the row, or one for all of it.
  bool isSimple(OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    AffineExpr last = getAffineDimExpr(op.getNumLoops() - 1, op.getContext());
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (!isa<AffineDimExpr, AffineConstantExpr>(expr) ||
          (expr == last && i + 1 != map.getNumResults()))
        return false;
    return !isAlongRow(operand) ||
           cast<MemRefType>(operand.get().getType()).isLastDimUnitStride();
  }

  bool isAlongRow(OpOperand &operand) {
    return op.getMatchingIndexingMap(&operand).isFunctionOfDim(
        op.getNumLoops() - 1);
  }

  /// A vector at `position`, of which the first `count` lanes are there, all if
  /// it is null.
  void emit(OpBuilder &b, ValueRange position, int64_t lanes, Value count) {
    Location loc = op.getLoc();
    auto widen = [&](Type type) { return VectorType::get(lanes, type); };
    VectorType maskType = widen(b.getI1Type());
    Value mask =
        count
            ? vector::CreateMaskOp::create(b, loc, maskType, count).getResult()
            : arith::ConstantOp::create(b, loc,
                                        DenseElementsAttr::get(maskType, true))
                  .getResult();
    auto getZeros = [&](Type type) -> Value {
      return arith::ConstantOp::create(b, loc, b.getZeroAttr(widen(type)));
    };
    IRMapping values;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value buffer = input->get();
      Type element = cast<MemRefType>(buffer.getType()).getElementType();
      SmallVector<Value> where = getOperandIndices(b, op, *input, position);
      Value vector;
      if (!isAlongRow(*input))
        vector = vector::BroadcastOp::create(
            b, loc, widen(element),
            memref::LoadOp::create(b, loc, buffer, where));
      else if (count)
        vector = vector::MaskedLoadOp::create(b, loc, widen(element), buffer,
                                              where, mask, getZeros(element));
      else
        vector = vector::LoadOp::create(b, loc, widen(element), buffer, where);
      values.map(op.getMatchingBlockArgument(input), vector);
    }
    auto lookUp = [&](Value x) -> Value {
      if (Value known = values.lookupOrNull(x))
        return known;
      return vector::BroadcastOp::create(b, loc, widen(x.getType()), x);
    };
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (&inner == load || &inner == index)
        continue;
      if (isa<arith::ConstantOp>(inner)) {
        values.map(inner.getResult(0), lookUp(b.clone(inner)->getResult(0)));
        continue;
      }
      IRMapping operands;
      for (Value operand : inner.getOperands())
        operands.map(operand, lookUp(operand));
      Operation *wide = b.clone(inner, operands);
      for (auto [narrow, result] :
           llvm::zip_equal(inner.getResults(), wide->getResults())) {
        result.setType(widen(result.getType()));
        values.map(narrow, result);
      }
    }
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value found = vector::GatherOp::create(
        b, loc, widen(b.getF32Type()), load.getMemRef(), ValueRange{zero},
        lookUp(index.getIn()), mask, getZeros(b.getF32Type()));
    OpOperand &init = *op.getDpsInitOperand(0);
    SmallVector<Value> where = getOperandIndices(b, op, init, position);
    if (count)
      vector::MaskedStoreOp::create(b, loc, init.get(), where, mask, found);
    else
      vector::StoreOp::create(b, loc, found, init.get(), where);
  }
};

struct GatherLookups : mopt::impl::GatherLookupsBase<GatherLookups> {
  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    int64_t lanes = target ? getLanes(target) : 0;
    if (lanes == 0)
      return;
    SmallVector<LookupLoop> loops;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (std::optional<LookupLoop> loop = LookupLoop::match(op))
        loops.push_back(*loop);
    });
    for (LookupLoop &loop : loops)
      loop.expand(lanes);
  }
};
} // namespace
