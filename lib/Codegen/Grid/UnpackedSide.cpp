// Who reads packed columns could read them before they are packed.
#include "UnpackedSide.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mopt;

ContractAnchorOp mopt::findReader(PackColumnsOp pack) {
  ContractAnchorOp reader;
  for (Operation *user : pack.getInit().getUsers()) {
    if (user == pack)
      continue;
    auto anchor = dyn_cast<ContractAnchorOp>(user);
    if (reader || !anchor || anchor.getRhs() != pack.getInit() ||
        anchor->getBlock() != pack->getBlock() ||
        !pack->isBeforeInBlock(anchor))
      return nullptr;
    reader = anchor;
  }
  // Nothing may have written what is read later.
  for (Operation *op = pack->getNextNode(); reader && op != reader;
       op = op->getNextNode())
    if (!isMemoryEffectFree(op) && !isa<PackColumnsOp>(op))
      return nullptr;
  return reader;
}

Value mopt::viewUnpacked(OpBuilder &b, PackColumnsOp pack) {
  auto type = cast<MemRefType>(pack.getSource().getType());
  SmallVector<int64_t> from;
  int64_t offset;
  if (!type.hasStaticShape() ||
      failed(type.getStridesAndOffset(from, offset)) ||
      ShapedType::isDynamic(offset) ||
      llvm::any_of(from, ShapedType::isDynamic))
    return Value();
  int64_t rank = type.getRank(), width = pack.getBlockColumns();
  int64_t columnDim = pack.getTransposed() ? rank - 2 : rank - 1,
          stepDim = pack.getTransposed() ? rank - 1 : rank - 2;
  SmallVector<int64_t> strides;
  for (int64_t dim = 0; dim < rank - 2; ++dim)
    strides.push_back(from[pack.getSourceDim(dim)]);
  int64_t column = from[pack.getSourceDim(columnDim)],
          step = from[pack.getSourceDim(stepDim)];
  strides.append({column * width, step, column});
  SmallVector<int64_t> shape(
      cast<MemRefType>(pack.getInit().getType()).getShape());
  shape[rank - 1] = type.getDimSize(pack.getSourceDim(stepDim));
  shape[rank] = width;
  auto view =
      MemRefType::get(shape, type.getElementType(),
                      StridedLayoutAttr::get(b.getContext(), offset, strides),
                      type.getMemorySpace());
  return memref::ReinterpretCastOp::create(
      b, pack.getLoc(), view, pack.getSource(), offset, shape, strides);
}
