// Level in and out: buffer. The entry's buffers whose sizes are known in its
// head are views of one arena, its constants views of the weights. Where a size
// is dynamic the run places the buffers. Buffers of kernels stay where they
// are, the small ones on the stack.
#include "mopt/Codegen/EntryHead.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PLANMEMORY
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Of the arena and of weights.
static constexpr int64_t kAlignment = 64;
/// What a kernel may put on its thread's stack, all buffers together.
static constexpr int64_t kStackBytes = 64 << 10;

static int64_t getElementBytes(MemRefType type) {
  // Indices are 64 bits wide on every target.
  Type element = type.getElementType();
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return llvm::divideCeil(bits, 8);
}

static int64_t getBytes(MemRefType type) {
  return type.getNumElements() * getElementBytes(type);
}

namespace {
/// A buffer and when it is alive, in ops of the entry's block. `bytes` is 0 for
/// a dynamic size.
struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes, first, last;
  int64_t offset = 0;
};

struct PlanMemory : mopt::impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (func.isDeclaration())
        continue;
      if (func->hasAttr(kEntryAttr)) {
        placeConstants(func);
        placeBuffers(func);
      } else {
        moveToStack(func);
      }
    }
  }

  //===--------------------------------------------------------------------===//
  // Constants
  //===--------------------------------------------------------------------===//

  void placeConstants(func::FuncOp entry) {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    Builder b(&getContext());
    SmallVector<memref::GetGlobalOp> uses;
    entry.walk([&](memref::GetGlobalOp op) { uses.push_back(op); });
    llvm::MapVector<Attribute, int64_t> offsets;
    int64_t total = 0;
    Value weights;
    for (memref::GetGlobalOp use : uses) {
      auto global = symbols.lookup<memref::GlobalOp>(use.getName());
      if (!global || !global.getConstant() || !global.getInitialValue())
        continue;
      auto elements = cast<ElementsAttr>(global.getConstantInitValue());
      auto [place, isNew] = offsets.try_emplace(elements, total);
      if (isNew)
        total = llvm::alignTo(total + getBytes(global.getType()), kAlignment);
      if (!weights)
        weights = addBytesArgument(entry, kWeightsAttr);
      OpBuilder builder(use);
      use.replaceAllUsesWith(
          createView(builder, use, weights, place->second).getResult());
      use.erase();
    }
    if (weights) {
      entry.setArgAttr(cast<BlockArgument>(weights).getArgNumber(),
                       kWeightsAttr, b.getI64IntegerAttr(total));
      SmallVector<Attribute> elements;
      for (auto &entry : offsets)
        elements.push_back(entry.first);
      module->setAttr("mopt.weights", b.getArrayAttr(elements));
    }
    for (auto global :
         llvm::make_early_inc_range(module.getOps<memref::GlobalOp>()))
      if (SymbolTable::symbolKnownUseEmpty(global, module))
        global.erase();
  }

  static Value addBytesArgument(func::FuncOp entry, StringRef attr) {
    Builder b(entry.getContext());
    auto type = MemRefType::get(ShapedType::kDynamic, b.getI8Type());
    unsigned position = entry.getNumArguments();
    (void)entry.insertArgument(
        position, type,
        b.getDictionaryAttr(b.getNamedAttr(attr, b.getI64IntegerAttr(0))),
        entry.getLoc());
    return entry.getArgument(position);
  }

  template <typename Op>
  static memref::ViewOp createView(OpBuilder &b, Op op, Value bytes,
                                   int64_t offset) {
    Value start = arith::ConstantIndexOp::create(b, op.getLoc(), offset);
    return memref::ViewOp::create(b, op.getLoc(),
                                  cast<MemRefType>(op.getType()), bytes, start,
                                  ValueRange());
  }

  //===--------------------------------------------------------------------===//
  // Buffers
  //===--------------------------------------------------------------------===//

  /// All values that may show the memory of `alloc`. False if a loop hands it
  /// to its next iteration, which would find it overwritten.
  static bool collectAliases(Value alloc, llvm::SetVector<Value> &aliases) {
    aliases.insert(alloc);
    for (size_t i = 0; i < aliases.size(); ++i) {
      for (OpOperand &use : aliases[i].getUses()) {
        Operation *user = use.getOwner();
        if (isa<scf::YieldOp>(user)) {
          auto branch = dyn_cast<scf::IfOp>(user->getParentOp());
          if (!branch)
            return false;
          aliases.insert(branch.getResult(use.getOperandNumber()));
        } else if (isa<scf::ConditionOp, LoopLikeOpInterface>(user)) {
          return false;
        } else if (isa<func::ReturnOp>(user)) {
          return false;
        } else {
          // Views, casts, and whatever else may pass memory on.
          for (Value result : user->getResults())
            if (isa<BaseMemRefType>(result.getType()))
              aliases.insert(result);
        }
      }
    }
    return true;
  }

  void placeBuffers(func::FuncOp entry) {
    Block &block = entry.getBody().front();
    DenseMap<Operation *, int64_t> order;
    for (auto [i, op] : llvm::enumerate(block))
      order[&op] = i;
    SmallVector<Buffer> buffers;
    bool isStatic = true;
    entry.walk([&](memref::AllocOp alloc) {
      llvm::SetVector<Value> aliases;
      auto isKnown = [&](Value size) { return isKnownInHead(size, entry); };
      if (!llvm::all_of(alloc.getDynamicSizes(), isKnown) ||
          !collectAliases(alloc, aliases))
        return;
      bool hasStaticSize = alloc.getType().hasStaticShape();
      isStatic &= hasStaticSize;
      Buffer buffer{alloc, hasStaticSize ? getBytes(alloc.getType()) : 0,
                    order[block.findAncestorOpInBlock(*alloc)], 0};
      buffer.last = buffer.first;
      for (Value alias : aliases)
        for (Operation *user : alias.getUsers())
          buffer.last =
              std::max(buffer.last, order[block.findAncestorOpInBlock(*user)]);
      buffers.push_back(buffer);
    });
    if (!isStatic)
      return placeInRun(entry, buffers);
    if (!buffers.empty())
      placeNow(entry, buffers);
    bool isDynamic = false;
    for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
      isDynamic |=
          isModelInput(entry, i) && !cast<ShapedType>(type).hasStaticShape();
    if (isDynamic)
      publishBytes(entry, {}, {});
  }

  /// Where the runtime's planner (place.c) does the same with sizes it is told.
  void placeNow(func::FuncOp entry, MutableArrayRef<Buffer> buffers) {
    // The largest first, each at the lowest place that is free in its time.
    SmallVector<Buffer *> bySize;
    for (Buffer &buffer : buffers)
      bySize.push_back(&buffer);
    llvm::sort(bySize, [](Buffer *a, Buffer *b) {
      // Ties in program order, which is their order in memory.
      return std::tuple(-a->bytes, a) < std::tuple(-b->bytes, b);
    });
    int64_t total = 0;
    SmallVector<Buffer *> placed;
    for (Buffer *buffer : bySize) {
      SmallVector<Buffer *> rivals;
      for (Buffer *other : placed)
        if (other->first <= buffer->last && buffer->first <= other->last)
          rivals.push_back(other);
      llvm::sort(rivals,
                 [](Buffer *a, Buffer *b) { return a->offset < b->offset; });
      int64_t offset = 0;
      for (Buffer *rival : rivals) {
        if (offset + buffer->bytes <= rival->offset)
          break;
        offset = std::max<int64_t>(
            offset, llvm::alignTo(rival->offset + rival->bytes, kAlignment));
      }
      buffer->offset = offset;
      total = std::max(total, offset + buffer->bytes);
      placed.push_back(buffer);
    }

    Value arena = addBytesArgument(entry, kArenaAttr);
    Builder b(&getContext());
    entry.setArgAttr(cast<BlockArgument>(arena).getArgNumber(), kArenaAttr,
                     b.getI64IntegerAttr(llvm::alignTo(total, kAlignment)));
    for (Buffer &buffer : buffers) {
      OpBuilder builder(buffer.alloc);
      Value view =
          createView(builder, buffer.alloc, arena, buffer.offset).getResult();
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
  }

  static void placeInRun(func::FuncOp entry, ArrayRef<Buffer> buffers) {
    Location loc = entry.getLoc();
    OpBuilder b(getHeadEnd(entry));
    SmallVector<Value> bytes;
    SmallVector<int32_t> lifetimes;
    for (const Buffer &buffer : buffers) {
      memref::AllocOp alloc = buffer.alloc;
      MemRefType type = alloc.getType();
      int64_t fixed = getElementBytes(type);
      for (int64_t size : type.getShape())
        fixed *= ShapedType::isDynamic(size) ? 1 : size;
      Value product = arith::ConstantIndexOp::create(b, loc, fixed);
      for (Value size : alloc.getDynamicSizes())
        product = arith::MulIOp::create(b, loc, product, size);
      bytes.push_back(product);
      lifetimes.append({static_cast<int32_t>(buffer.first),
                        static_cast<int32_t>(buffer.last)});
    }
    auto place = PlaceBuffersOp::create(b, loc, bytes, lifetimes);
    for (auto [buffer, offset] : llvm::zip_equal(buffers, place.getOffsets())) {
      memref::AllocOp alloc = buffer.alloc;
      OpBuilder builder(alloc);
      Value view = memref::ViewOp::create(builder, alloc.getLoc(),
                                          alloc.getType(), place.getArena(),
                                          offset, alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
    publishBytes(entry, bytes, lifetimes);
  }

  /// Unless the run itself decides what else it allocates.
  static void publishBytes(func::FuncOp entry, ArrayRef<Value> bytes,
                           ArrayRef<int32_t> lifetimes) {
    bool allocates =
        entry.walk([](memref::AllocOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (!allocates)
      createSizesFunction(entry, "buffer_bytes",
                          getAsOpFoldResult(ValueRange(bytes)))
          ->setAttr(
              kBufferBytesAttr,
              Builder(entry.getContext()).getDenseI32ArrayAttr(lifetimes));
  }

  //===--------------------------------------------------------------------===//
  // Kernels
  //===--------------------------------------------------------------------===//

  /// The largest type that `alloc` can have, such as that of a tile of which
  /// the last one is smaller.
  static std::optional<MemRefType> getLargestType(memref::AllocOp alloc) {
    SmallVector<int64_t> shape(alloc.getType().getShape());
    OperandRange sizes = alloc.getDynamicSizes();
    for (int64_t &size : shape) {
      if (ShapedType::isStatic(size))
        continue;
      FailureOr<int64_t> bound = ValueBoundsConstraintSet::computeConstantBound(
          presburger::BoundType::UB, sizes.front(), /*stopCondition=*/nullptr,
          /*closedUB=*/true);
      sizes = sizes.drop_front();
      if (failed(bound) || *bound < 0 || *bound > kStackBytes)
        return std::nullopt;
      size = *bound;
    }
    // Before a product of bounds can leave the range of sizes.
    int64_t elements = 1;
    for (int64_t size : shape) {
      if (size != 0 && elements > kStackBytes / size)
        return std::nullopt;
      elements *= size;
    }
    return MemRefType::get(shape, alloc.getType().getElementType());
  }

  /// Small buffers whose size has a bound, one place each: a stack slot inside
  /// of a loop would grow the stack.
  static void moveToStack(func::FuncOp kernel) {
    int64_t used = 0;
    SmallVector<memref::AllocOp> allocs;
    kernel.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs) {
      llvm::SetVector<Value> aliases;
      std::optional<MemRefType> largest = getLargestType(alloc);
      if (!largest || !alloc.getType().getLayout().isIdentity() ||
          !collectAliases(alloc, aliases))
        continue;
      int64_t bytes = llvm::alignTo(getBytes(*largest), kAlignment);
      if (used + bytes > kStackBytes)
        continue;
      used += bytes;
      // Parallel bodies become functions of their own.
      Operation *scope = alloc->getParentOfType<scf::ForallOp>();
      Block *block =
          scope ? &scope->getRegion(0).front() : &kernel.getBody().front();
      OpBuilder b = OpBuilder::atBlockBegin(block);
      Location loc = alloc.getLoc();
      bool isStatic = alloc.getType().hasStaticShape();
      Value slot = memref::AllocaOp::create(
          b, loc,
          isStatic ? alloc.getType() : MemRefType::get({bytes}, b.getI8Type()),
          b.getI64IntegerAttr(kAlignment));
      if (!isStatic) {
        OpBuilder here(alloc);
        slot =
            memref::ViewOp::create(here, loc, alloc.getType(), slot,
                                   arith::ConstantIndexOp::create(here, loc, 0),
                                   alloc.getDynamicSizes());
      }
      alloc.replaceAllUsesWith(slot);
      alloc.erase();
    }
  }
};
} // namespace
