// Level in and out: buffer, before memory is planned. Anchors of windows on
// buffers that are a copy of something between borders of zeros read that
// itself, and what is outside of it as 0. For devices: borders and middle are a
// kernel each there, which a check while reading spares.
#include "Grid/ProductAccess.h"
#include "mopt/Codegen/Passes.h"

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
/// A buffer that only an anchor reads: a copy of `source` from the element at
/// `front` on, and zeros. All ops that make it stand in one block.
struct PaddedCopy {
  Value source;
  SmallVector<int64_t> front;
  SmallVector<Operation *> makers;
};

bool isFillOfZero(Operation *op) {
  auto fill = dyn_cast<linalg::FillOp>(op);
  return fill &&
         (matchPattern(fill.getInputs().front(), m_AnyZeroFloat()) ||
          matchPattern(fill.getInputs().front(), m_Zero())) &&
         !matchPattern(fill.getInputs().front(), m_NegZeroFloat());
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
    if (isFillOfZero(maker)) {
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
  auto type =
      copy ? dyn_cast<MemRefType>(found.source.getType()) : MemRefType();
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
    if (!isMemoryEffectFree(op) && !isa<memref::AllocOp>(op) &&
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

struct ReadPads : mopt::impl::ReadPadsBase<ReadPads> {
  void runOnOperation() override {
    SmallVector<AnchorOpInterface> anchors;
    getOperation().walk([&](AnchorOpInterface op) {
      if (isa<ConvAnchorOp, DepthwiseAnchorOp>(op.getOperation()))
        anchors.push_back(op);
    });
    for (AnchorOpInterface op : anchors) {
      OpOperand &input = op->getOpOperand(0);
      auto padded = cast<MemRefType>(input.get().getType());
      std::optional<PaddedCopy> copy = findCopy(input.get(), op);
      if (!copy || !areSpatial(*copy, padded))
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
      // Users come before what they use.
      llvm::SmallSetVector<Operation *, 8> makers(copy->makers.begin(),
                                                  copy->makers.end());
      while (!makers.empty()) {
        Operation *unused = *llvm::find_if(
            makers, [](Operation *maker) { return maker->use_empty(); });
        makers.remove(unused);
        unused->erase();
      }
    }
  }
};
} // namespace
