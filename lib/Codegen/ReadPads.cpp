// Level in and out: buffer, before memory is planned. Anchors of windows on
// buffers that are a copy of something between borders of zeros read that
// itself, and what is outside of it as 0; so do linalg ops, of borders of any
// one number. For devices: borders and middle are a kernel each there, which a
// check while reading spares.
#include "Grid/ProductAccess.h"
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_READPADS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// A buffer that only one op reads: a copy of `source` from the element at
/// `front` on, and `border`. All ops that make it stand in one block.
struct PaddedCopy {
  Value source;
  TypedAttr border;
  SmallVector<int64_t> front;
  SmallVector<Operation *> makers;
};

/// The number that `op` fills a buffer with, null if it does not.
TypedAttr getFilled(Operation *op) {
  auto fill = dyn_cast<linalg::FillOp>(op);
  Attribute number;
  if (!fill || !matchPattern(fill.getInputs().front(), m_Constant(&number)))
    return {};
  return dyn_cast<TypedAttr>(number);
}

bool isZero(TypedAttr number) {
  if (auto real = dyn_cast<FloatAttr>(number))
    return real.getValue().isPosZero();
  auto integer = dyn_cast<IntegerAttr>(number);
  return integer && integer.getValue().isZero();
}

/// What `op` copies to `target`, null if it is no copy.
Value getCopied(Operation *op, Value target) {
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return copy.getTarget() == target ? copy.getSource() : Value();
  if (auto copy = dyn_cast<linalg::CopyOp>(op))
    return copy.getOutputs().front() == target ? copy.getInputs().front()
                                               : Value();
  return {};
}

/// The only user of `view`, if there is one.
Operation *getOnlyUser(Value view) {
  return view.hasOneUse() ? *view.getUsers().begin() : nullptr;
}

/// How `buffer`, which `anchor` reads, is made, if that is all that is done
/// with it.
std::optional<PaddedCopy> findCopy(Value buffer, Operation *anchor) {
  auto alloc = buffer.getDefiningOp<memref::AllocOp>();
  if (!alloc || !alloc.getType().hasStaticShape())
    return std::nullopt;
  PaddedCopy found;
  Operation *copy = nullptr;
  for (Operation *user : alloc->getUsers()) {
    if (user == anchor)
      continue;
    auto view = dyn_cast<memref::SubViewOp>(user);
    Operation *maker = view ? getOnlyUser(view) : user;
    if (!maker || maker->getBlock() != anchor->getBlock())
      return std::nullopt;
    if (TypedAttr border = getFilled(maker)) {
      if (found.border && found.border != border)
        return std::nullopt;
      found.border = border;
      found.makers.push_back(maker);
    } else {
      found.source = view && !copy ? getCopied(maker, view) : Value();
      if (!found.source ||
          ShapedType::isDynamicShape(view.getStaticOffsets()) ||
          llvm::any_of(view.getStaticStrides(),
                       [](int64_t stride) { return stride != 1; }))
        return std::nullopt;
      copy = maker;
      found.front = llvm::to_vector(view.getStaticOffsets());
      found.makers.push_back(maker);
    }
    if (view)
      found.makers.push_back(view);
  }
  auto type = copy && found.border
                  ? dyn_cast<MemRefType>(found.source.getType())
                  : MemRefType();
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || !type.hasStaticShape() ||
      type.getRank() != alloc.getType().getRank() ||
      failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamicShape(strides) || ShapedType::isDynamic(offset))
    return std::nullopt;
  // What is copied must be what the anchor would read.
  for (Operation *op = copy->getNextNode(); op != anchor;
       op = op->getNextNode()) {
    if (!op)
      return std::nullopt;
    // What a sum starts from is another buffer.
    auto fill = dyn_cast<linalg::FillOp>(op);
    bool isApart = fill && fill.getOutputs().front() != found.source &&
                   fill.getOutputs().front().getDefiningOp<memref::AllocOp>();
    if (!isMemoryEffectFree(op) && !isa<memref::AllocOp>(op) && !isApart &&
        !llvm::is_contained(found.makers, op))
      return std::nullopt;
  }
  found.makers.push_back(alloc);
  return found;
}

/// Are borders along windows alone? `rank` is that of the input.
bool areSpatial(const PaddedCopy &copy, MemRefType padded) {
  auto source = cast<MemRefType>(copy.source.getType());
  int64_t rank = padded.getRank();
  return source.getDimSize(0) == padded.getDimSize(0) &&
         source.getDimSize(rank - 1) == padded.getDimSize(rank - 1);
}

/// `op` reads the source itself where its input would have that, by indices of
/// its loops.
void readSource(linalg::LinalgOp op, OpOperand &input, const PaddedCopy &copy) {
  Block &body = op->getRegion(0).front();
  Location loc = op.getLoc();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  AffineMap map = op.getMatchingIndexingMap(&input);
  SmallVector<Value> dims;
  for (int64_t dim = 0; dim < op.getNumLoops(); ++dim)
    dims.push_back(linalg::IndexOp::create(b, loc, dim));
  auto source = cast<MemRefType>(copy.source.getType());
  Value isInside;
  SmallVector<Value> indices;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    Value index = affine::expandAffineExpr(b, loc, expr, dims, {});
    Value size = arith::ConstantIndexOp::create(b, loc, source.getDimSize(dim));
    int64_t padded = cast<MemRefType>(input.get().getType()).getDimSize(dim);
    if (padded != source.getDimSize(dim)) {
      Value front = arith::ConstantIndexOp::create(b, loc, copy.front[dim]);
      index = arith::SubIOp::create(b, loc, index, front);
      // What is in front of the first element is large without a sign.
      Value is =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index, size);
      Value zero = arith::ConstantIndexOp::create(b, loc, 0);
      index = arith::SelectOp::create(b, loc, is, index, zero);
      isInside = isInside ? arith::AndIOp::create(b, loc, isInside, is) : is;
    }
    indices.push_back(index);
  }
  Value value = memref::LoadOp::create(b, loc, copy.source, indices);
  if (isInside)
    value =
        arith::SelectOp::create(b, loc, isInside, value,
                                arith::ConstantOp::create(b, loc, copy.border));
  BlockArgument argument = op.getMatchingBlockArgument(&input);
  argument.replaceAllUsesWith(value);
  auto generic = cast<linalg::GenericOp>(op.getOperation());
  SmallVector<Attribute> maps(generic.getIndexingMaps().getValue());
  maps.erase(maps.begin() + input.getOperandNumber());
  body.eraseArgument(argument.getArgNumber());
  generic.getInputsMutable().erase(input.getOperandNumber());
  generic.setIndexingMapsAttr(b.getArrayAttr(maps));
}

/// Do the maps of other operands than `input` tell the sizes of all loops?
bool hasSizesWithout(linalg::LinalgOp op, OpOperand &input) {
  llvm::SmallBitVector known(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands())
    if (&operand != &input)
      for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          known.set(dim.getPosition());
  return known.all();
}

/// Erases ops that only use each other.
void erase(ArrayRef<Operation *> list) {
  // Users come before what they use.
  llvm::SmallSetVector<Operation *, 8> makers(list.begin(), list.end());
  while (!makers.empty()) {
    Operation *unused = *llvm::find_if(
        makers, [](Operation *maker) { return maker->use_empty(); });
    makers.remove(unused);
    unused->erase();
  }
}

struct ReadPads : mopt::impl::ReadPadsBase<ReadPads> {
  void runOnOperation() override {
    SmallVector<AnchorOpInterface> anchors;
    SmallVector<linalg::GenericOp> loops;
    getOperation().walk([&](Operation *op) {
      if (isa<ConvAnchorOp, DepthwiseAnchorOp>(op))
        anchors.push_back(cast<AnchorOpInterface>(op));
      else if (auto generic = dyn_cast<linalg::GenericOp>(op))
        loops.push_back(generic);
    });
    for (AnchorOpInterface op : anchors) {
      OpOperand &input = op->getOpOperand(0);
      auto padded = cast<MemRefType>(input.get().getType());
      std::optional<PaddedCopy> copy = findCopy(input.get(), op);
      if (!copy || !isZero(copy->border) || !areSpatial(*copy, padded))
        continue;
      auto source = cast<MemRefType>(copy->source.getType());
      SmallVector<int64_t> strides, pads = copy->front;
      int64_t offset;
      (void)source.getStridesAndOffset(strides, offset);
      llvm::append_range(pads, source.getShape());
      OpBuilder b(op);
      auto type = MemRefType::get(
          padded.getShape(), padded.getElementType(),
          StridedLayoutAttr::get(&getContext(), offset, strides));
      input.set(memref::ReinterpretCastOp::create(b, op.getLoc(), type,
                                                  copy->source, offset,
                                                  padded.getShape(), strides));
      op->setAttr(kPadsAttr, b.getDenseI64ArrayAttr(pads));
      erase(copy->makers);
    }
    for (linalg::GenericOp op : loops) {
      // Sums alone: what reads each element once had better copy it.
      if (op.getNumReductionLoops() == 0)
        continue;
      for (OpOperand *input : op.getDpsInputOperands()) {
        std::optional<PaddedCopy> copy = findCopy(input->get(), op);
        if (!copy || !hasSizesWithout(op, *input) ||
            llvm::count(op->getOperands(), input->get()) > 1)
          continue;
        readSource(op, *input, *copy);
        erase(copy->makers);
        // The others have other numbers now.
        break;
      }
    }
  }
};
} // namespace
