// Level in and out: buffer. Loops whose body is one load from a table of 256
// bytes become vector permutations of the table, where the target has an
// instruction that looks bytes up in a part of it. Other targets keep loads.
#include "mopt/Codegen/Passes.h"
#include "mopt/Target/MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EXPANDLOOKUPS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Vectors of the table that one of two instructions takes.
static constexpr int64_t kVectorsOfPart = 4;

static const MicroKernelRow *findRow(TargetAttr target) {
  for (ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow &row : table)
      if (StringRef(row.kind) == "lookup" && canRun(target, row))
        return &row;
  return nullptr;
}

/// The table of a loop that does nothing but look up, or null.
static Value getTable(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumLoops() == 0 || op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return {};
  Block &body = *op.getBody();
  auto load =
      body.getTerminator()->getOperand(0).getDefiningOp<memref::LoadOp>();
  if (!load || !llvm::hasNItems(body, 3) || load.getIndices().size() != 1)
    return {};
  auto index = load.getIndices()[0].getDefiningOp<arith::IndexCastUIOp>();
  MemRefType type = load.getMemRefType();
  if (!index || index.getIn() != body.getArgument(0) ||
      !index.getIn().getType().isInteger(8) ||
      !type.getElementType().isInteger(8) || !type.getLayout().isIdentity() ||
      type.getNumElements() != 256)
    return {};
  return load.getMemRef();
}

/// All dimensions as one, if it has no gaps; else as it is.
static Value collapse(OpBuilder &b, Location loc, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  ReassociationIndices all =
      llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
  if (type.getRank() < 2 ||
      !memref::CollapseShapeOp::isGuaranteedCollapsible(type, {all}))
    return buffer;
  return memref::CollapseShapeOp::create(b, loc, buffer, ArrayRef{all});
}

namespace {
class LookupExpansion {
public:
  LookupExpansion(OpBuilder &b, linalg::GenericOp op, Value table,
                  const MicroKernelRow &row)
      : b(b), loc(op.getLoc()), lanes(row.vectorBits / 8),
        type(VectorType::get(lanes, b.getIntegerType(8))),
        from(collapse(b, loc, op.getDpsInputs()[0])),
        to(collapse(b, loc, op.getDpsInits()[0])) {
    if (cast<MemRefType>(from.getType()).getRank() !=
        cast<MemRefType>(to.getType()).getRank()) {
      from = op.getDpsInputs()[0];
      to = op.getDpsInits()[0];
    }
    std::tie(first, second) = StringRef(row.instruction).split(',');
    zero = getIndex(0);
    for (int64_t i = 0; i < 256; i += lanes)
      parts.push_back(vector::LoadOp::create(b, loc, type, table, getIndex(i)));
  }

  void emit() {
    SmallVector<Value> outer;
    for (int64_t dim = 0; dim + 1 < cast<MemRefType>(from.getType()).getRank();
         ++dim) {
      auto loop = scf::ForOp::create(
          b, loc, zero, memref::DimOp::create(b, loc, from, dim), getIndex(1));
      b.setInsertionPointToStart(loop.getBody());
      outer.push_back(loop.getInductionVar());
    }
    emitRow(outer);
  }

private:
  Value getIndex(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }

  /// Whole vectors, and a masked one for what remains.
  void emitRow(ArrayRef<Value> outer) {
    int64_t last = outer.size();
    Value size = memref::DimOp::create(b, loc, from, last);
    Value step = getIndex(lanes);
    Value rest = arith::RemUIOp::create(b, loc, size, step);
    Value whole = arith::SubIOp::create(b, loc, size, rest);
    auto loop = scf::ForOp::create(b, loc, zero, whole, step);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> position(outer);
      position.push_back(loop.getInductionVar());
      Value bytes = vector::LoadOp::create(b, loc, type, from, position);
      vector::StoreOp::create(b, loc, lookUp(bytes), to, position);
    }
    Value any =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, zero);
    auto remainder = scf::IfOp::create(b, loc, any, /*withElse=*/false);
    b.setInsertionPointToStart(remainder.thenBlock());
    SmallVector<Value> position(outer);
    position.push_back(whole);
    Value mask = vector::CreateMaskOp::create(
        b, loc, VectorType::get(lanes, b.getI1Type()), rest);
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    Value bytes =
        vector::MaskedLoadOp::create(b, loc, type, from, position, mask, none);
    vector::MaskedStoreOp::create(b, loc, to, position, mask, lookUp(bytes));
  }

  Value permute(StringRef instruction, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, loc, type,
                                         b.getStringAttr(instruction), operands)
        .getResult(0);
  }

  Value splat(int64_t value) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, b.getI8IntegerAttr(value)));
  }

  Value lookUp(Value bytes) {
    return second.empty() ? lookUpInHalves(bytes) : lookUpInParts(bytes);
  }

  /// Bytes that count from the start of a part; what is none of it stays what
  /// the parts before made it.
  Value lookUpInParts(Value bytes) {
    Value found;
    for (size_t i = 0; i < parts.size(); i += kVectorsOfPart) {
      SmallVector<Value> operands(ArrayRef(parts).slice(i, kVectorsOfPart));
      if (found)
        operands.insert(operands.begin(), found);
      operands.push_back(
          i == 0 ? bytes
                 : Value(arith::SubIOp::create(
                       b, loc, bytes, splat(static_cast<int8_t>(i * lanes)))));
      found = permute(found ? second : first, operands);
    }
    return found;
  }

  /// The instruction takes the lower bits of a byte; its highest one says which
  /// half of the table it means.
  Value lookUpInHalves(Value bytes) {
    Value lower = permute(first, {parts[0], bytes, parts[1]}),
          upper = permute(first, {parts[2], bytes, parts[3]});
    Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    Value isUpper =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, bytes, zeros);
    return arith::SelectOp::create(b, loc, isUpper, upper, lower);
  }

  OpBuilder &b;
  Location loc;
  StringRef first, second;
  int64_t lanes;
  VectorType type;
  Value from, to, zero;
  /// Of the table, each a vector.
  SmallVector<Value> parts;
};

struct ExpandLookups : mopt::impl::ExpandLookupsBase<ExpandLookups> {
  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    const MicroKernelRow *row = target ? findRow(target) : nullptr;
    if (!row)
      return;
    SmallVector<std::pair<linalg::GenericOp, Value>> loops;
    getOperation()->walk([&](linalg::GenericOp op) {
      auto isDense = [](Value buffer) {
        auto type = dyn_cast<MemRefType>(buffer.getType());
        return type && type.isLastDimUnitStride();
      };
      Value table = getTable(op);
      if (table && isDense(op.getDpsInputs()[0]) &&
          isDense(op.getDpsInits()[0]))
        loops.emplace_back(op, table);
    });
    for (auto [op, table] : loops) {
      OpBuilder b(op);
      LookupExpansion(b, op, table, *row).emit();
      op.erase();
    }
  }
};
} // namespace
