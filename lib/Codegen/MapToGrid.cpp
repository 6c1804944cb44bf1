// Level in and out: buffer. What computes becomes kernels of a grid of threads
// in the module @device, and their launches in program order; functions then
// compute addresses, and what has no form on a grid. Buffers are places in
// memory of the device.
#include "Grid/Emit.h"
#include "Grid/ProductAccess.h"
#include "Grid/RowChain.h"
#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Codegen/EntryHead.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/NodeNames.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Target/TargetBackend.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_MAPTOGRID
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// What one thread of a device may do in sequence, about 0.2 ms: more takes the
/// host less time, transfers included.
static constexpr int64_t kMostSteps = 4096;

/// Ops that have a form on a grid.
static bool isLaunchable(Operation *op) {
  return isa<linalg::LinalgOp, AnchorOpInterface, PackColumnsOp,
             memref::CopyOp>(op);
}

/// Functions of the entry's sizes are for the host's memory.
static bool answersSizes(func::FuncOp function) {
  return function->hasAttr(kOutputSizesAttr) ||
         function->hasAttr(kBufferBytesAttr);
}

static bool hasStaticShapes(Operation *op) {
  return llvm::all_of(op->getOperandTypes(), [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return !shaped || shaped.hasStaticShape();
  });
}

/// Has it one result for each point of its parallel loops? Scans have more.
static bool hasResultsOfSums(linalg::LinalgOp op) {
  SmallVector<unsigned> sums;
  op.getReductionDims(sums);
  return llvm::none_of(op.getDpsInitsMutable(), [&](OpOperand &out) {
    return llvm::any_of(sums, [&](unsigned dim) {
      return op.getMatchingIndexingMap(&out).isFunctionOfDim(dim);
    });
  });
}

/// Does `memory` lie on the host's stack?
static bool isOnStack(Value memory) {
  while (auto view = memory.getDefiningOp<ViewLikeOpInterface>())
    memory = view.getViewSource();
  return memory.getDefiningOp<memref::AllocaOp>();
}

static bool isEmpty(Operation *op) {
  return llvm::any_of(op->getOperandTypes(), [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped && shaped.hasStaticShape() && shaped.getNumElements() == 0;
  });
}

namespace {
/// The values that a kernel gets, and the ops that it repeats to compute
/// others.
struct Captures {
  llvm::SetVector<Value> arguments;
  llvm::SetVector<Operation *> repeated;

  void add(Value value) {
    Operation *def = value.getDefiningOp();
    if (!def || def->getNumRegions() != 0 || !isMemoryEffectFree(def) ||
        // A place in the arena, which has no size of its own.
        isa<memref::AllocOp, memref::ViewOp>(def)) {
      arguments.insert(value);
      return;
    }
    if (repeated.contains(def))
      return;
    for (Value operand : def->getOperands())
      add(operand);
    repeated.insert(def);
  }

  void addAllOf(Operation *op) {
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (!op->isAncestor(operand.getParentRegion()->getParentOp()) ||
            operand.getParentRegion() == op->getParentRegion())
          add(operand);
    });
  }
};

/// Can a grid of threads compute `op`, and reach what it needs?
bool canLaunch(Operation *op) {
  if (!isLaunchable(op) || !hasStaticShapes(op))
    return false;
  auto loops = dyn_cast<linalg::LinalgOp>(op);
  if (loops && !hasResultsOfSums(loops))
    return false;
  Captures captures;
  captures.addAllOf(op);
  return llvm::all_of(captures.arguments, [](Value value) {
    auto memory = dyn_cast<MemRefType>(value.getType());
    return !memory || (memory.hasStaticShape() && !isOnStack(value));
  });
}

/// The first op that has to be computed by the host, null if there is none:
/// addresses, calls and loops around launches are not counted.
Operation *findMisfit(Block &block) {
  for (Operation &op : block) {
    if (canLaunch(&op) || isa<func::CallOp>(op) ||
        op.hasTrait<OpTrait::IsTerminator>() ||
        (op.getNumRegions() == 0 && isMemoryEffectFree(&op)))
      continue;
    auto loop = dyn_cast<scf::ForOp>(op);
    Operation *misfit = loop ? findMisfit(*loop.getBody()) : &op;
    if (misfit)
      return misfit;
  }
  return nullptr;
}

/// How often the innermost ops of `op` run, at least; kMostSteps + 1 for more
/// than that or where it is not known.
int64_t countSteps(Operation *op) {
  int64_t steps = 1;
  for (Region &region : op->getRegions())
    for (Operation &inner : region.getOps())
      steps = std::min(kMostSteps + 1, steps + countSteps(&inner));
  std::optional<int64_t> count = 1;
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    std::optional<APInt> trips = loop.getStaticTripCount();
    count = trips ? std::optional(trips->getSExtValue()) : std::nullopt;
  } else if (auto loops = dyn_cast<linalg::LinalgOp>(op)) {
    for (int64_t range : loops.getStaticLoopRanges())
      count = std::min(kMostSteps + 1, *count * range);
  } else if (isa<LoopLikeOpInterface>(op)) {
    count = std::nullopt;
  }
  if (!count || *count > kMostSteps)
    return kMostSteps + 1;
  return std::min(kMostSteps + 1, steps * *count);
}

/// Is one thread of the device enough for all of `kernel`?
bool fitsOneThread(func::FuncOp kernel) {
  bool fits = llvm::all_of(kernel.getArgumentTypes(), [](Type type) {
    auto memory = dyn_cast<MemRefType>(type);
    return !memory || memory.getLayout().isIdentity();
  });
  kernel.getBody().walk([&](Operation *op) {
    fits &= hasStaticShapes(op) &&
            !isa<memref::AllocOp, memref::AllocaOp, AnchorOpInterface,
                 PackColumnsOp, func::CallOp, cf::AssertOp>(op);
  });
  return fits && countSteps(kernel) <= kMostSteps;
}

struct MapToGrid : mopt::impl::MapToGridBase<MapToGrid> {
  using MapToGridBase::MapToGridBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    MapToGridBase::getDependentDialects(registry);
    registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    b.getUnitAttr());
    device = gpu::GPUModuleOp::create(b, module.getLoc(), "device");
    TargetAttr target = TargetAttr::lookup(module);
    options = {reassociate, target && multipliesInWarpgroups(target)};
    resolveReshapes(module);
    bool failed = mlir::failed(checkInputs(module));
    if (failed)
      return signalPassFailure();
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (!function.isDeclaration() && !answersSizes(function) &&
          mlir::failed(map(function)))
        failed = true;
    if (failed)
      signalPassFailure();
  }

  /// Those of known shape read none from memory.
  static void resolveReshapes(ModuleOp module) {
    SmallVector<memref::ReshapeOp> ops;
    module.walk([&](memref::ReshapeOp op) { ops.push_back(op); });
    for (memref::ReshapeOp op : ops) {
      auto source = dyn_cast<MemRefType>(op.getSource().getType());
      auto result = dyn_cast<MemRefType>(op.getType());
      if (!source || !result || !result.hasStaticShape() ||
          !source.getLayout().isIdentity() || !result.getLayout().isIdentity())
        continue;
      OpBuilder b(op);
      Value cast = memref::ReinterpretCastOp::create(
          b, op.getLoc(), result, op.getSource(), /*offset=*/0,
          result.getShape(), result.getStridesAndOffset().first);
      op.replaceAllUsesWith(cast);
      op.erase();
    }
  }

  /// Sizes that callers choose are none of those that only values tell: with
  /// them nothing would be left for the device.
  static LogicalResult checkInputs(ModuleOp module) {
    for (auto entry : module.getOps<func::FuncOp>()) {
      if (!entry->hasAttr(kEntryAttr) || entry.isDeclaration())
        continue;
      bool isStatic = true;
      for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
        isStatic &= !isModelInput(entry, i) ||
                    cast<ShapedType>(type).hasStaticShape();
      if (isStatic)
        continue;
      // The first in program order that has a node's name.
      Operation *first = nullptr;
      auto find = [&](Operation *op) {
        if (!isLaunchable(op) || hasStaticShapes(op))
          return WalkResult::advance();
        first = op;
        return WalkResult::interrupt();
      };
      entry.walk([&](Operation *op) {
        auto call = dyn_cast<func::CallOp>(op);
        auto callee =
            call ? module.lookupSymbol<func::FuncOp>(call.getCallee())
                 : func::FuncOp();
        return callee ? callee.walk(find) : find(op);
      });
      if (!first)
        first = entry;
      return first->emitError("has sizes that only run time knows, which is "
                              "not supported for devices yet; fix the inputs' "
                              "with --shape or --dim");
    }
    return success();
  }

  LogicalResult map(func::FuncOp function) {
    Block &body = function.getBody().front();
    Operation *misfit = findMisfit(body);
    if (misfit && function->hasAttr(kKernelAttr)) {
      if (fitsOneThread(function))
        return mapToOneThread(function);
      warn(misfit);
      // All of it, for what it computes in between would only travel.
      bool hasAnchors = function
                            .walk([](Operation *op) {
                              return isa<AnchorOpInterface, PackColumnsOp>(op)
                                         ? WalkResult::interrupt()
                                         : WalkResult::advance();
                            })
                            .wasInterrupted();
      if (!hasAnchors)
        return success();
    } else if (misfit) {
      warn(misfit);
    }
    return mapBlock(body);
  }

  /// Nothing is slow without a word.
  static void warn(Operation *misfit) {
    InFlightDiagnostic warning = emitWarning(getNamedLoc(misfit));
    if (isLaunchable(misfit) && !hasStaticShapes(misfit))
      warning << "is computed by the host, not by the device, because sizes "
                 "depend on values";
    else
      warning << "'" << misfit->getName()
              << "' is computed by the host, not by the device, for which it "
                 "has no parallel form";
  }

  /// That of `op`, or of the first op that needs it and has the name of a node.
  static Location getNamedLoc(Operation *op) {
    llvm::SetVector<Operation *> needs;
    needs.insert(op);
    for (size_t i = 0; i < needs.size(); ++i) {
      if (!getNodeNames(needs[i]->getLoc()).empty())
        return needs[i]->getLoc();
      for (Operation *user : needs[i]->getUsers())
        needs.insert(user);
    }
    return op->getLoc();
  }

  LogicalResult mapBlock(Block &block) {
    LogicalResult result = success();
    SmallVector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      ops.push_back(&op);
    for (size_t i = 0; i < ops.size(); ++i) {
      Operation *op = ops[i];
      if (!isLaunchable(op)) {
        for (Region &region : op->getRegions())
          for (Block &inner : region)
            if (failed(mapBlock(inner)))
              result = failure();
        continue;
      }
      if (isEmpty(op)) {
        op->erase();
        continue;
      }
      if (auto pack = dyn_cast<PackColumnsOp>(op))
        if (ContractAnchorOp anchor = findReader(pack)) {
          FailureOr<bool> isDone = launchUnpacked(pack, anchor);
          if (failed(isDone))
            return failure();
          if (*isDone) {
            ops.erase(llvm::find(ops, anchor));
            continue;
          }
        }
      // The host does what is left, except for products.
      if (!canLaunch(op) && !isa<AnchorOpInterface, PackColumnsOp>(op))
        continue;
      // As far as nothing else comes between.
      ArrayRef<Operation *> next =
          ArrayRef(ops).drop_front(i).take_while([](Operation *op) {
            return canLaunch(op) ||
                   (op->getNumRegions() == 0 && isMemoryEffectFree(op));
          });
      if (reassociate) {
        RowChain chain = findRowChain(next);
        if (!chain.members.empty()) {
          Operation *last = chain.members.back().op;
          if (failed(launchRows(chain)))
            return failure();
          while (ops[i] != last)
            ++i;
          continue;
        }
      }
      Value initial;
      if (auto fill = dyn_cast<linalg::FillOp>(op))
        if (Operation *sum = findSumOf(fill, next.drop_front(1))) {
          initial = fill.getInputs().front();
          // What lies between only computes addresses.
          while (ops[i] != sum)
            ++i;
          op = sum;
          fill.erase();
        }
      if (failed(launch(op, initial)))
        result = failure();
    }
    return result;
  }

  /// The contraction that alone reads what `pack` writes, and follows it.
  static ContractAnchorOp findReader(PackColumnsOp pack) {
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

  /// What `pack` would write, as a view of what it reads: its last block may
  /// end behind the last column. Null where there is none.
  static Value viewUnpacked(OpBuilder &b, PackColumnsOp pack) {
    auto type = cast<MemRefType>(pack.getSource().getType());
    SmallVector<int64_t> from;
    int64_t offset;
    if (pack.getInterleave() != 1 || !type.hasStaticShape() ||
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
    auto packed = cast<MemRefType>(pack.getInit().getType());
    auto view = MemRefType::get(
        packed.getShape(), type.getElementType(),
        StridedLayoutAttr::get(b.getContext(), offset, strides),
        type.getMemorySpace());
    return memref::ReinterpretCastOp::create(b, pack.getLoc(), view,
                                             pack.getSource(), offset,
                                             packed.getShape(), strides);
  }

  /// Launches `anchor` so that it reads what `pack` reads, without that, if its
  /// kernel has a form that can; else does nothing.
  FailureOr<bool> launchUnpacked(PackColumnsOp pack, ContractAnchorOp anchor) {
    if (!options.reassociate || !options.hasWarpgroupProducts ||
        !hasStaticShapes(anchor))
      return false;
    OpBuilder b(anchor);
    Value view = viewUnpacked(b, pack);
    if (!view)
      return false;
    auto direct = cast<ContractAnchorOp>(b.clone(*anchor));
    direct.getRhsMutable().assign(view);
    FailureOr<bool> isDone = launchProduct(direct);
    direct.erase();
    if (succeeded(isDone) && *isDone) {
      pack.erase();
      anchor.erase();
    }
    // The kernel has one of its own.
    view.getDefiningOp()->erase();
    return isDone;
  }

  /// Launches a product by groups of warps, if it is one; leaves the op.
  FailureOr<bool> launchProduct(ContractAnchorOp op) {
    Captures captures;
    captures.addAllOf(op);
    IRMapping mapping;
    FailureOr<gpu::GPUFuncOp> kernel = createKernel(op, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    auto clone = cast<AnchorOpInterface>(b.clone(*op, mapping));
    gpu::ReturnOp::create(b, op.getLoc());
    std::unique_ptr<ProductAccess> access = createProductAccess(clone);
    if (!access)
      return failure();
    std::optional<LaunchShape> shape = emitWarpgroupProduct(clone, *access);
    if (!shape) {
      kernel->erase();
      return false;
    }
    clone.erase();
    OpBuilder host(op);
    createLaunch(host, op.getLoc(), *kernel, captures, *shape);
    return true;
  }

  /// All members in one kernel.
  LogicalResult launchRows(const RowChain &chain) {
    Captures captures;
    for (const RowChain::Member &member : chain.members) {
      captures.addAllOf(linalg::LinalgOp(member.op));
      if (member.initial)
        captures.add(member.initial);
    }
    Operation *last = linalg::LinalgOp(chain.members.back().op);
    IRMapping mapping;
    FailureOr<gpu::GPUFuncOp> kernel = createKernel(last, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    RowChain inner;
    inner.rowSizes = chain.rowSizes;
    for (const RowChain::Member &member : chain.members) {
      Operation *clone = b.clone(*linalg::LinalgOp(member.op), mapping);
      inner.members.push_back(
          {cast<linalg::LinalgOp>(clone),
           member.initial ? mapping.lookupOrDefault(member.initial) : Value(),
           {}});
    }
    gpu::ReturnOp::create(b, last->getLoc());
    LaunchShape shape = emitRows(inner);
    OpBuilder host(last);
    createLaunch(host, last->getLoc(), *kernel, captures, shape);
    for (RowChain::Member member : chain.members) {
      if (member.fill)
        member.fill.erase();
      member.op->erase();
    }
    return success();
  }

  /// A kernel with `captures` as its arguments, empty. Those whose elements do
  /// not lie one after the other become what describes them, in front of `op`.
  FailureOr<gpu::GPUFuncOp> createKernel(Operation *op, Captures &captures,
                                         IRMapping &mapping) {
    SmallVector<Value> whole;
    llvm::SetVector<Value> arguments;
    SmallVector<memref::ExtractStridedMetadataOp> parts;
    OpBuilder host(op);
    for (Value value : captures.arguments) {
      auto memref = dyn_cast<MemRefType>(value.getType());
      if (memref && !memref.hasStaticShape())
        return op->emitError("needs a buffer of type ")
               << memref << ", which is not supported for devices yet";
      if (!memref || memref.getLayout().isIdentity()) {
        arguments.insert(value);
        continue;
      }
      auto metadata = memref::ExtractStridedMetadataOp::create(
          host, op->getLoc(), value);
      whole.push_back(value);
      parts.push_back(metadata);
      arguments.insert(metadata.getBaseBuffer());
      for (OpFoldResult number : getLayout(metadata))
        if (auto dynamic = dyn_cast<Value>(number))
          arguments.insert(dynamic);
    }
    captures.arguments = std::move(arguments);
    SmallVector<Type> types = llvm::map_to_vector(
        captures.arguments, [](Value value) { return value.getType(); });
    auto parent = op->getParentOfType<func::FuncOp>();
    std::string name =
        (parent ? parent : cast<func::FuncOp>(op)).getName().str();
    name += "_" + std::to_string(kernels++);
    OpBuilder b = OpBuilder::atBlockEnd(device.getBody());
    auto kernel = gpu::GPUFuncOp::create(b, op->getLoc(), name,
                                         b.getFunctionType(types, {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    Block &entry = kernel.getBody().front();
    mapping.map(captures.arguments.getArrayRef(),
                entry.getArguments().take_front(types.size()));
    b.setInsertionPointToEnd(&entry);
    for (auto [value, metadata] : llvm::zip_equal(whole, parts)) {
      auto type = cast<MemRefType>(value.getType());
      SmallVector<OpFoldResult> layout;
      for (OpFoldResult number : getLayout(metadata)) {
        auto dynamic = dyn_cast<Value>(number);
        layout.push_back(dynamic ? mapping.lookup(dynamic) : number);
      }
      mapping.map(value, memref::ReinterpretCastOp::create(
                             b, op->getLoc(), type,
                             mapping.lookup(metadata.getBaseBuffer()),
                             layout.front(),
                             getAsIndexOpFoldResult(&getContext(),
                                                    type.getShape()),
                             ArrayRef(layout).drop_front()));
    }
    for (Operation *repeated : captures.repeated) {
      if (auto use = dyn_cast<memref::GetGlobalOp>(repeated))
        addConstant(use);
      b.clone(*repeated, mapping);
    }
    return kernel;
  }

  /// The offset, then the strides.
  static SmallVector<OpFoldResult>
  getLayout(memref::ExtractStridedMetadataOp metadata) {
    SmallVector<OpFoldResult> layout{metadata.getConstifiedMixedOffset()};
    llvm::append_range(layout, metadata.getConstifiedMixedStrides());
    return layout;
  }

  /// The device has constants of kernels of its own.
  void addConstant(memref::GetGlobalOp use) {
    if (device.lookupSymbol(use.getName()))
      return;
    auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
        use, use.getNameAttr());
    OpBuilder b = OpBuilder::atBlockBegin(device.getBody());
    b.clone(*global);
  }

  void createLaunch(OpBuilder &b, Location loc, gpu::GPUFuncOp kernel,
                    const Captures &captures, const LaunchShape &shape) {
    kernel.setKnownBlockSizeAttr(
        b.getDenseI32ArrayAttr({static_cast<int32_t>(shape.threads), 1, 1}));
    SmallVector<Value> arguments(captures.arguments.getArrayRef());
    SmallVector<int32_t> maps;
    for (const TensorMap &map : shape.maps) {
      maps.push_back(map.argument);
      arguments.push_back(arguments[map.buffer]);
    }
    if (!maps.empty())
      kernel->setAttr(kTensorMapsAttr, b.getDenseI32ArrayAttr(maps));
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    Value one = index(1);
    auto launch = gpu::LaunchFuncOp::create(
        b, loc, kernel,
        gpu::KernelDim3{index(shape.blocksX), index(shape.blocksY), one},
        gpu::KernelDim3{index(shape.threads), one, one}, Value(), arguments);
    if (shape.sharedBytes > 0)
      launch->setAttr(kLaunchDescAttr,
                      b.getDenseI64ArrayAttr(describeLaunch(shape)));
  }

  /// What the runtime reads as MoptLaunchDesc.
  static SmallVector<int64_t> describeLaunch(const LaunchShape &shape) {
    SmallVector<int64_t> words{shape.sharedBytes, shape.isPersistent,
                               static_cast<int64_t>(shape.maps.size())};
    for (const TensorMap &map : shape.maps) {
      words.append({map.argument, map.elementBytes, map.offset,
                    static_cast<int64_t>(map.dims.size())});
      for (size_t dim = 0; dim < TensorMap::kMostDims; ++dim)
        if (dim < map.dims.size())
          words.append({map.dims[dim].size, map.dims[dim].stride,
                        map.dims[dim].box});
        else
          words.append(3, 0);
    }
    return words;
  }

  LogicalResult launch(Operation *op, Value initial) {
    if (!hasStaticShapes(op))
      return op->emitError("has sizes that depend on values, which is not "
                           "supported for products on devices yet");
    Captures captures;
    captures.addAllOf(op);
    if (initial)
      captures.add(initial);
    IRMapping mapping;
    FailureOr<gpu::GPUFuncOp> kernel = createKernel(op, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    Operation *clone = b.clone(*op, mapping);
    gpu::ReturnOp::create(b, op->getLoc());
    if (auto copy = dyn_cast<memref::CopyOp>(clone)) {
      b.setInsertionPoint(copy);
      clone = linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(),
                                     copy.getTarget());
      copy.erase();
    }
    FailureOr<LaunchShape> shape = failure();
    if (auto anchor = dyn_cast<AnchorOpInterface>(clone))
      shape = emitAnchor(anchor, options);
    else if (auto pack = dyn_cast<PackColumnsOp>(clone))
      shape = emitPack(pack);
    else
      shape = emitLinalg(cast<linalg::LinalgOp>(clone),
                         initial ? mapping.lookupOrDefault(initial) : Value(),
                         options);
    if (failed(shape))
      return failure();
    OpBuilder host(op);
    createLaunch(host, op->getLoc(), *kernel, captures, *shape);
    op->erase();
    return success();
  }

  /// The whole of `function` in program order. Slow, and right for whatever
  /// cannot be cut.
  LogicalResult mapToOneThread(func::FuncOp function) {
    Block &body = function.getBody().front();
    Captures captures;
    for (BlockArgument argument : body.getArguments())
      captures.arguments.insert(argument);
    IRMapping mapping;
    FailureOr<gpu::GPUFuncOp> kernel =
        createKernel(function, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    for (Operation &op : body.without_terminator())
      b.clone(op, mapping);
    body.walk([&](memref::GetGlobalOp use) { addConstant(use); });
    gpu::ReturnOp::create(b, function.getLoc());
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> loops;
    kernel->walk([&](linalg::LinalgOp op) { loops.push_back(op); });
    for (linalg::LinalgOp op : loops) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::linalgOpToLoops(rewriter, op)))
        return op.emitError("could not be turned into loops");
      rewriter.eraseOp(op);
    }
    Operation *end = body.getTerminator();
    while (Operation *last = end->getPrevNode())
      last->erase();
    OpBuilder host(end);
    createLaunch(host, function.getLoc(), *kernel, captures, LaunchShape());
    return success();
  }

  gpu::GPUModuleOp device;
  EmitOptions options;
  unsigned kernels = 0;
};
} // namespace
