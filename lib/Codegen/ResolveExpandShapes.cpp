// In: memrefs (L6). Out: memref.expand_shape that opens one dimension into
// several of run-time size is a memref.reinterpret_cast with computed strides;
// expand-strided-metadata crashes on it. Leaves all others alone.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_RESOLVEEXPANDSHAPES
#include "mopt/Codegen/Passes.h.inc"

namespace {
bool opensSeveralDynamic(memref::ExpandShapeOp op) {
  MemRefType type = op.getResultType();
  return llvm::any_of(op.getReassociationIndices(),
                      [&](const ReassociationIndices &group) {
                        return llvm::count_if(group, [&](int64_t dim) {
                                 return type.isDynamicDim(dim);
                               }) > 1;
                      });
}

void resolve(OpBuilder &b, memref::ExpandShapeOp op) {
  Location loc = op.getLoc();
  MemRefType type = op.getResultType();
  auto source = memref::ExtractStridedMetadataOp::create(b, loc, op.getSrc());
  auto [typeStrides, typeOffset] = type.getStridesAndOffset();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [group, stride] : llvm::zip_equal(
           op.getReassociationIndices(), source.getConstifiedMixedStrides())) {
    OpFoldResult next = stride;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = next;
      std::optional<int64_t> x = getConstantIntValue(next);
      std::optional<int64_t> y = getConstantIntValue(sizes[dim]);
      if (x && y)
        next = b.getIndexAttr(*x * *y);
      else
        next = arith::MulIOp::create(
                   b, loc, getValueOrCreateConstantIndexOp(b, loc, next),
                   getValueOrCreateConstantIndexOp(b, loc, sizes[dim]))
                   .getResult();
    }
  }
  // The operands say as much as the type does, and no more.
  auto agree = [&](OpFoldResult value, int64_t inType) -> OpFoldResult {
    if (ShapedType::isStatic(inType))
      return b.getIndexAttr(inType);
    return getValueOrCreateConstantIndexOp(b, loc, value);
  };
  for (int64_t i = 0; i < type.getRank(); ++i) {
    sizes[i] = agree(sizes[i], type.getDimSize(i));
    strides[i] = agree(strides[i], typeStrides[i]);
  }
  OpFoldResult offset = agree(source.getConstifiedMixedOffset(), typeOffset);
  op.replaceAllUsesWith(
      memref::ReinterpretCastOp::create(b, loc, type, source.getBaseBuffer(),
                                        offset, sizes, strides)
          .getResult());
  op.erase();
}

struct ResolveExpandShapes
    : impl::ResolveExpandShapesBase<ResolveExpandShapes> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation()->walk([&](memref::ExpandShapeOp op) {
      if (opensSeveralDynamic(op))
        ops.push_back(op);
    });
    for (memref::ExpandShapeOp op : ops) {
      OpBuilder b(op);
      resolve(b, op);
    }
  }
};
} // namespace
} // namespace mopt
