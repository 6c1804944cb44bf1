// Fused regions, parallel calls and the arena.
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mopt;

LogicalResult FusedOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes())
    return emitOpError("expected a region that yields its result types");
  if (getBody().front().getNumArguments() != 0)
    return emitOpError("expected a region without arguments");
  int64_t dynamic = 0;
  for (Type type : getResultTypes())
    dynamic += cast<RankedTensorType>(type).getNumDynamicDims();
  if (dynamic != static_cast<int64_t>(getSizes().size()))
    return emitOpError("expected ")
           << dynamic << " sizes, found " << getSizes().size();
  return success();
}

LogicalResult
ParallelCallOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto callee =
      symbolTable.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  // Once lowered, the callee is a function of another dialect.
  if (!callee)
    return success();
  SmallVector<Type> expected(getArguments().getTypes());
  expected.append(2, IndexType::get(getContext()));
  if (callee.getArgumentTypes() != ArrayRef(expected))
    return emitOpError("expected the operands, begin and end as arguments of ")
           << getCalleeAttr() << ", found " << callee.getFunctionType();
  return success();
}

static MemRefType getArenaType(MLIRContext *context) {
  return MemRefType::get(ShapedType::kDynamic, IntegerType::get(context, 8));
}

void PlaceBuffersOp::build(OpBuilder &b, OperationState &state,
                           ValueRange bytes, ArrayRef<int32_t> lifetimes) {
  SmallVector<Type> types{getArenaType(b.getContext())};
  types.append(bytes.size(), b.getIndexType());
  build(b, state, types, bytes, b.getDenseI32ArrayAttr(lifetimes));
}

ParseResult PlaceBuffersOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> bytes;
  Builder &b = parser.getBuilder();
  if (parser.parseOperandList(bytes) || parser.parseKeyword("lifetimes"))
    return failure();
  auto parsed =
      dyn_cast_or_null<DenseI32ArrayAttr>(DenseI32ArrayAttr::parse(parser, {}));
  if (!parsed || parser.parseOptionalAttrDict(result.attributes) ||
      parser.resolveOperands(bytes, b.getIndexType(), result.operands))
    return failure();
  result.addAttribute(getLifetimesAttrName(result.name), parsed);
  result.addTypes(getArenaType(b.getContext()));
  result.addTypes(SmallVector<Type>(bytes.size(), b.getIndexType()));
  return success();
}

void PlaceBuffersOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getBytes() << " lifetimes ";
  getLifetimesAttr().print(printer);
  printer.printOptionalAttrDict((*this)->getAttrs(), {getLifetimesAttrName()});
}

LogicalResult PlaceBuffersOp::verify() {
  if (getOffsets().size() != getBytes().size())
    return emitOpError("expected ")
           << getBytes().size() << " offsets, found " << getOffsets().size();
  if (getLifetimes().size() != 2 * getBytes().size())
    return emitOpError("expected a first and a last use of each buffer, found ")
           << getLifetimes().size() << " numbers for " << getBytes().size()
           << " buffers";
  return success();
}
