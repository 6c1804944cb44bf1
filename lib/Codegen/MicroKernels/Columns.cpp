// Walks packed blocks. Only the last one may have lanes without a column; it
// has code of its own, so that whole blocks carry no mask.
#include "Columns.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

void mopt::forEachPanel(IndexBuilder &ib, OpFoldResult width, int64_t columns,
                        int64_t lanes, int64_t streams,
                        function_ref<void(const Panels &)> body) {
  OpFoldResult size = ib.constant(columns);
  OpFoldResult whole = ib.div(width, size), rest = ib.rem(width, size);
  int64_t vectors = columns / lanes;
  OpFoldResult grouped = ib.sub(whole, ib.rem(whole, ib.constant(streams)));
  if (streams > 1)
    ib.loop(ib.constant(0), grouped, streams,
            [&](OpFoldResult block) { body({block, streams, vectors, {}}); });
  ib.loop(streams > 1 ? grouped : ib.constant(0), whole, 1,
          [&](OpFoldResult block) { body({block, 1, vectors, {}}); });
  if (std::optional<int64_t> count = getConstantIntValue(rest)) {
    int64_t used = llvm::divideCeil(*count, lanes);
    if (used > 0)
      body({whole, 1, used,
            *count % lanes == 0 ? OpFoldResult() : ib.constant(*count)});
    return;
  }
  Value any = arith::CmpIOp::create(ib.b, ib.loc, arith::CmpIPredicate::ne,
                                    ib.value(rest), ib.value(ib.constant(0)));
  auto branch = scf::IfOp::create(ib.b, ib.loc, any, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(ib.b);
  ib.b.setInsertionPointToStart(branch.thenBlock());
  body({whole, 1, vectors, rest});
}

SmallVector<OutputVector>
Panels::getOutputVectors(IndexBuilder &ib, int64_t columns, int64_t lanes,
                         OpFoldResult firstColumn) const {
  SmallVector<OutputVector> result;
  auto maskType = VectorType::get(lanes, ib.b.getI1Type());
  for (int64_t panel = 0; panel < count; ++panel) {
    OpFoldResult column =
        ib.add(firstColumn, ib.mul(ib.add(firstBlock, ib.constant(panel)),
                                   ib.constant(columns)));
    for (int64_t v = 0; v < vectors; ++v) {
      Value mask;
      std::optional<int64_t> valid;
      if (partial)
        valid = getConstantIntValue(partial);
      if (partial && !valid)
        mask = vector::CreateMaskOp::create(
            ib.b, ib.loc, maskType,
            ib.value(ib.sub(partial, ib.constant(v * lanes))));
      else if (valid && *valid < (v + 1) * lanes)
        mask = vector::ConstantMaskOp::create(
            ib.b, ib.loc, maskType,
            ib.b.getDenseI64ArrayAttr({*valid - v * lanes}));
      result.push_back({ib.add(column, ib.constant(v * lanes)), mask});
    }
  }
  return result;
}
