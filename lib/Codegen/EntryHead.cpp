// The head of an entry: what follows from the sizes of its inputs alone.
#include "mopt/Codegen/EntryHead.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mopt;

static bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

static bool isEntryArgument(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
         argument.getOwner()->isEntryBlock();
}

bool mopt::isModelInput(func::FuncOp entry, unsigned i) {
  return llvm::none_of(ArrayRef<StringRef>{kArenaAttr, kWeightsAttr,
                                           kRepackedBytesAttr, kOutputAttr},
                       [&](StringRef name) {
                         return static_cast<bool>(entry.getArgAttr(i, name));
                       });
}

bool mopt::belongsToHead(Operation *op) {
  if (auto dim = dyn_cast<memref::DimOp>(op))
    return isEntryArgument(dim.getSource()) && dim.getConstantIndex();
  return isa_and_nonnull<affine::AffineDialect, arith::ArithDialect,
                         math::MathDialect>(op->getDialect()) &&
         op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperandTypes(), isScalar) &&
         llvm::all_of(op->getResultTypes(), isScalar);
}

Operation *mopt::getHeadEnd(func::FuncOp entry) {
  for (Operation &op : entry.getBody().front())
    if (!belongsToHead(&op))
      return &op;
  llvm_unreachable("a block ends with a terminator");
}

bool mopt::isKnownInHead(Value value, func::FuncOp entry) {
  Operation *def = value.getDefiningOp();
  return def && def->getBlock() == &entry.getBody().front() &&
         def->isBeforeInBlock(getHeadEnd(entry));
}

OpFoldResult mopt::getKnownElement(Value list, int64_t index) {
  if (auto get = list.getDefiningOp<memref::GetGlobalOp>()) {
    auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
        get, get.getNameAttr());
    auto values =
        global && global.getConstant() && global.getInitialValue()
            ? dyn_cast<DenseIntElementsAttr>(*global.getInitialValue())
            : DenseIntElementsAttr();
    if (!values || values.getType().getRank() != 1)
      return {};
    return IntegerAttr::get(values.getElementType(),
                            values.getValues<APInt>()[index]);
  }
  if (!list.getDefiningOp<memref::AllocOp>())
    return {};
  Value element;
  for (Operation *user : list.getUsers()) {
    if (isa<memref::ReshapeOp, memref::LoadOp>(user))
      continue;
    auto store = dyn_cast<memref::StoreOp>(user);
    if (!store || store.getMemRef() != list || store.getIndices().size() != 1 ||
        store->getBlock() != list.getParentBlock())
      return {};
    APInt at;
    if (!matchPattern(store.getIndices()[0], m_ConstantInt(&at)))
      return {};
    if (at.getSExtValue() != index)
      continue;
    if (element)
      return {};
    element = store.getValueToStore();
  }
  return element;
}

OpFoldResult mopt::getKnownSize(OpBuilder &b, Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return b.getIndexAttr(type.getDimSize(dim));
  if (isEntryArgument(memref)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(cast<BlockArgument>(memref).getOwner());
    return memref::DimOp::create(b, memref.getLoc(), memref, dim).getResult();
  }
  Operation *def = memref.getDefiningOp();
  if (auto alloc = dyn_cast_or_null<memref::AllocOp>(def))
    return alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)];
  if (auto view = dyn_cast_or_null<memref::ViewOp>(def))
    return view.getSizes()[type.getDynamicDimIndex(dim)];
  if (auto cast = dyn_cast_or_null<memref::CastOp>(def))
    return isa<MemRefType>(cast.getSource().getType())
               ? getKnownSize(b, cast.getSource(), dim)
               : OpFoldResult();
  if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(def))
    return expand.getMixedOutputShape()[dim];
  if (auto view = dyn_cast_or_null<memref::ReinterpretCastOp>(def))
    return view.getMixedSizes()[dim];
  if (auto view = dyn_cast_or_null<memref::SubViewOp>(def)) {
    llvm::SmallBitVector dropped = view.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
      if (!dropped[i] && dim-- == 0)
        return size;
  }
  if (auto collapse = dyn_cast_or_null<memref::CollapseShapeOp>(def)) {
    Value product;
    for (int64_t source : collapse.getReassociationIndices()[dim]) {
      OpFoldResult size = getKnownSize(b, collapse.getSrc(), source);
      if (!size)
        return {};
      Location loc = memref.getLoc();
      Value factor = getValueOrCreateConstantIndexOp(b, loc, size);
      product = product
                    ? arith::MulIOp::create(b, loc, product, factor).getResult()
                    : factor;
    }
    return product;
  }
  if (auto reshape = dyn_cast_or_null<memref::ReshapeOp>(def)) {
    OpFoldResult size = getKnownElement(reshape.getShape(), dim);
    if (auto fixed = dyn_cast_if_present<Attribute>(size))
      return b.getIndexAttr(cast<IntegerAttr>(fixed).getValue().getSExtValue());
    auto value = dyn_cast_if_present<Value>(size);
    if (!value || value.getType().isIndex())
      return size;
    return arith::IndexCastOp::create(b, memref.getLoc(), b.getIndexType(),
                                      value)
        .getResult();
  }
  return {};
}

/// Where the sizes of each input begin among those of all.
static SmallVector<int64_t> getInputOffsets(func::FuncOp entry) {
  auto signature = entry->getAttrOfType<DictionaryAttr>(kSignatureAttr);
  auto specs = signature ? signature.getAs<ArrayAttr>("inputs") : ArrayAttr();
  SmallVector<int64_t> offsets;
  int64_t next = 0, number = 0;
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
    offsets.push_back(next);
    if (!isModelInput(entry, i))
      continue;
    // The caller's shape, which has another rank where elements are packed.
    auto shape = cast<ShapedType>(type);
    if (specs)
      shape = cast<ShapedType>(cast<DictionaryAttr>(specs[number++])
                                   .getAs<TypeAttr>("type")
                                   .getValue());
    next += shape.getRank();
  }
  return offsets;
}

func::FuncOp mopt::createSizesFunction(func::FuncOp entry, StringRef name,
                                       ArrayRef<OpFoldResult> values) {
  Location loc = entry.getLoc();
  OpBuilder b(entry);
  auto list = MemRefType::get(ShapedType::kDynamic, b.getIndexType());
  auto function =
      func::FuncOp::create(b, loc, (entry.getName() + "_" + name).str(),
                           b.getFunctionType({list, list}, {}));
  function.setPrivate();
  Block *body = function.addEntryBlock();
  b.setInsertionPointToEnd(body);
  Value inputs = body->getArgument(0), results = body->getArgument(1);

  llvm::SetVector<Operation *> needed;
  for (OpFoldResult value : values)
    if (auto known = dyn_cast_if_present<Value>(value))
      needed.insert(known.getDefiningOp());
  for (size_t i = 0; i < needed.size(); ++i)
    if (!isa<memref::DimOp>(needed[i]))
      for (Value operand : needed[i]->getOperands())
        needed.insert(operand.getDefiningOp());

  SmallVector<int64_t> offsets = getInputOffsets(entry);
  IRMapping mapping;
  for (Operation &op : entry.getBody().front()) {
    if (!needed.contains(&op))
      continue;
    auto dim = dyn_cast<memref::DimOp>(&op);
    if (!dim) {
      b.clone(op, mapping);
      continue;
    }
    unsigned input = cast<BlockArgument>(dim.getSource()).getArgNumber();
    Value at = arith::ConstantIndexOp::create(
        b, loc, offsets[input] + *dim.getConstantIndex());
    mapping.map(dim.getResult(),
                memref::LoadOp::create(b, loc, inputs, at).getResult());
  }
  for (auto [i, value] : llvm::enumerate(values)) {
    Value at = arith::ConstantIndexOp::create(b, loc, i);
    Value size = getValueOrCreateConstantIndexOp(b, loc, value);
    memref::StoreOp::create(b, loc, mapping.lookupOrDefault(size), results, at);
  }
  func::ReturnOp::create(b, loc);
  return function;
}
