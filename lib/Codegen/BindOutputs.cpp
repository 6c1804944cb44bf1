// Level in and out: buffer. Results of the entry whose sizes are known in its
// head are written where the caller wants them; a function tells the caller
// those sizes. Needs mopt-hoist-shapes. Other results stay results.
#include "mopt/Codegen/EntryHead.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_BINDOUTPUTS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// The allocation whose whole memory `value` shows, if that is sure.
static memref::AllocOp getWholeAllocation(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    if (auto alloc = dyn_cast<memref::AllocOp>(def))
      return alloc;
    if (auto view = dyn_cast<memref::CastOp>(def))
      value = view.getSource();
    else if (auto view = dyn_cast<memref::ExpandShapeOp>(def))
      value = view.getSrc();
    else if (auto view = dyn_cast<memref::CollapseShapeOp>(def))
      value = view.getSrc();
    else if (auto view = dyn_cast<memref::ReshapeOp>(def))
      value = view.getSource();
    else
      break;
  }
  return {};
}

/// `memory`, contiguous, as a memref of `type` with the given dynamic sizes.
static Value viewAs(OpBuilder &b, Location loc, Value memory, MemRefType type,
                    ValueRange dynamicSizes) {
  SmallVector<OpFoldResult> sizes, strides(type.getRank());
  for (int64_t size : type.getShape())
    if (ShapedType::isDynamic(size)) {
      sizes.push_back(dynamicSizes.front());
      dynamicSizes = dynamicSizes.drop_front();
    } else {
      sizes.push_back(b.getIndexAttr(size));
    }
  auto [typeStrides, offset] = type.getStridesAndOffset();
  Value next = arith::ConstantIndexOp::create(b, loc, 1);
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    strides[dim] = ShapedType::isDynamic(typeStrides[dim])
                       ? OpFoldResult(next)
                       : b.getIndexAttr(typeStrides[dim]);
    next = arith::MulIOp::create(
        b, loc, next, getValueOrCreateConstantIndexOp(b, loc, sizes[dim]));
  }
  return memref::ReinterpretCastOp::create(b, loc, type, memory,
                                           b.getIndexAttr(0), sizes, strides);
}

namespace {
struct BindOutputs : mopt::impl::BindOutputsBase<BindOutputs> {
  void runOnOperation() override {
    for (auto entry :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (entry->hasAttr(kEntryAttr) && !entry.isDeclaration()) {
        publishSizes(entry);
        bind(entry);
      }
  }

  /// The caller's type of output `i`, where the file tells.
  static RankedTensorType getDeclaredType(func::FuncOp entry, size_t i) {
    auto signature = entry->getAttrOfType<DictionaryAttr>(kSignatureAttr);
    if (!signature)
      return {};
    auto spec = cast<DictionaryAttr>(signature.getAs<ArrayAttr>("outputs")[i]);
    return cast<RankedTensorType>(spec.getAs<TypeAttr>("type").getValue());
  }

  static void publishSizes(func::FuncOp entry) {
    auto ret = cast<func::ReturnOp>(entry.getBody().front().getTerminator());
    OpBuilder b(ret);
    SmallVector<OpFoldResult> sizes;
    SmallVector<int64_t> sized;
    bool isDynamic = false;
    for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
      RankedTensorType declared = getDeclaredType(entry, i);
      auto type = cast<ShapedType>(value.getType());
      // Packed elements change the rank, and have static shapes.
      bool isPacked = declared && declared.getRank() != type.getRank();
      if (isPacked)
        type = declared;
      bool isSized = true;
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        OpFoldResult size = b.getIndexAttr(type.getDimSize(dim));
        if (type.isDynamicDim(dim)) {
          size = isPacked ? OpFoldResult() : getKnownSize(b, value, dim);
          auto known = dyn_cast_if_present<Value>(size);
          if (!size || (known && !isKnownInHead(known, entry))) {
            size = b.getIndexAttr(-1);
            isSized = false;
          }
        }
        sizes.push_back(size);
      }
      // What the file leaves open the caller does not know, though it be
      // static.
      isDynamic |=
          !type.hasStaticShape() || (declared && !declared.hasStaticShape());
      if (isSized)
        sized.push_back(i);
    }
    if (!isDynamic)
      return;
    createSizesFunction(entry, "output_sizes", sizes)
        ->setAttr(kOutputSizesAttr, b.getUnitAttr());
    entry->setAttr(kSizedAttr, b.getDenseI64ArrayAttr(sized));
  }

  static void bind(func::FuncOp entry) {
    Builder b(entry.getContext());
    auto ret = cast<func::ReturnOp>(entry.getBody().front().getTerminator());
    DenseMap<Operation *, int> uses;
    for (Value value : ret.getOperands())
      if (memref::AllocOp alloc = getWholeAllocation(value))
        ++uses[alloc];
    auto sized = entry->getAttrOfType<DenseI64ArrayAttr>(kSizedAttr);
    SmallVector<Value> kept;
    SmallVector<int64_t> numbers;
    for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
      memref::AllocOp alloc = getWholeAllocation(value);
      auto type = cast<MemRefType>(value.getType());
      bool isBound = alloc && uses[alloc] == 1 &&
                     (!sized || llvm::is_contained(sized.asArrayRef(),
                                                   static_cast<int64_t>(i))) &&
                     alloc->getBlock() == ret->getBlock() &&
                     type.getLayout().isIdentity() &&
                     llvm::all_of(alloc.getDynamicSizes(), [&](Value size) {
                       return isKnownInHead(size, entry);
                     });
      if (!isBound) {
        kept.push_back(value);
        numbers.push_back(i);
        continue;
      }
      unsigned position = entry.getNumArguments();
      auto attrs = b.getDictionaryAttr(
          b.getNamedAttr(kOutputAttr, b.getI64IntegerAttr(i)));
      (void)entry.insertArgument(position, type, attrs, alloc.getLoc());
      Value memory = entry.getArgument(position);
      OpBuilder builder(alloc);
      if (type != alloc.getType())
        memory = viewAs(builder, alloc.getLoc(), memory, alloc.getType(),
                        alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(memory);
      alloc.erase();
    }
    OpBuilder builder(ret);
    func::ReturnOp::create(builder, ret.getLoc(), kept);
    ret.erase();
    entry.removeResAttrsAttr();
    entry.setFunctionType(b.getFunctionType(entry.getArgumentTypes(),
                                            ValueRange(kept).getTypes()));
    entry->setAttr(kReturnedAttr, b.getDenseI64ArrayAttr(numbers));
  }
};
} // namespace
