// Level in and out: buffer. What computes becomes kernels of a grid of threads
// in the module @device, and their launches in program order; functions then
// compute addresses, and what has no form on a grid. Buffers are places in
// memory of the device.
#include "Grid/ConstantMemory.h"
#include "Grid/CopyGroup.h"
#include "Grid/Emit.h"
#include "Grid/KernelBuilder.h"
#include "Grid/ProductAccess.h"
#include "Grid/RowChain.h"
#include "Grid/UnpackedSide.h"
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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
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
  return isa<linalg::LinalgOp, AnchorOpInterface, PackColumnsOp, AttentionOp,
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
    auto device = gpu::GPUModuleOp::create(b, module.getLoc(), "device");
    TargetAttr target = TargetAttr::lookup(module);
    options.reassociate = reassociate;
    options.hasWarpgroupProducts = target && multipliesInWarpgroups(target);
    builder.emplace(device, target && overlapsKernels(target));
    resolveReshapes(module);
    constants.emplace(module);
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
        isStatic &=
            !isModelInput(entry, i) || cast<ShapedType>(type).hasStaticShape();
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
        auto callee = call ? module.lookupSymbol<func::FuncOp>(call.getCallee())
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

  /// As far as nothing else comes between.
  static ArrayRef<Operation *> getNext(ArrayRef<Operation *> ops) {
    return ops.take_while([](Operation *op) {
      return canLaunch(op) ||
             (op->getNumRegions() == 0 && isMemoryEffectFree(op));
    });
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
      ArrayRef<Operation *> next = getNext(ArrayRef(ops).drop_front(i));
      SmallVector<Operation *> copies = findCopies(next);
      if (!copies.empty()) {
        if (failed(launchCopies(copies)))
          return failure();
        while (ops[i] != copies.back())
          ++i;
        for (Operation *copy : copies)
          copy->erase();
        continue;
      }
      if (reassociate) {
        RowChain chain = findRowChain(next);
        if (!chain.members.empty()) {
          findStored(chain);
          Operation *last = chain.members.back().op;
          if (failed(launchRows(chain)))
            return failure();
          while (ops[i] != last)
            ++i;
          continue;
        }
      }
      Value initial;
      auto fill = dyn_cast<linalg::FillOp>(op);
      Operation *sum = fill ? findSumOf(fill, next.drop_front(1)) : nullptr;
      if (sum) {
        initial = fill.getInputs().front();
        // What lies between only computes addresses.
        while (ops[i] != sum)
          ++i;
        op = sum;
      }
      linalg::LinalgOp reader;
      if (auto loops = dyn_cast<linalg::LinalgOp>(op))
        reader =
            findReader(loops, fill, getNext(ArrayRef(ops).drop_front(i + 1)));
      if (sum)
        fill.erase();
      if (reader)
        while (ops[i] != reader)
          ++i;
      if (failed(launch(op, initial, reader)))
        result = failure();
    }
    return result;
  }

  /// Launches `anchor` so that it reads what `pack` reads, without that, if its
  /// kernel has a form that can; else does nothing.
  FailureOr<bool> launchUnpacked(PackColumnsOp pack, ContractAnchorOp anchor) {
    auto product = cast<AnchorOpInterface>(anchor.getOperation());
    if (!options.hasWarpgroupProducts || !hasStaticShapes(anchor) ||
        (!options.reassociate && isa<FloatType>(product.getAccumulatorType())))
      return false;
    OpBuilder b(anchor);
    Value view = viewUnpacked(b, pack);
    if (!view)
      return false;
    auto direct = cast<ContractAnchorOp>(b.clone(*anchor));
    direct.getRhsMutable().assign(view);
    direct.setInterleave(1);
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
    FailureOr<gpu::GPUFuncOp> kernel =
        builder->createKernel(op, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    auto clone = cast<AnchorOpInterface>(b.clone(*op, mapping));
    gpu::ReturnOp::create(b, op.getLoc());
    std::unique_ptr<ProductAccess> access = createProductAccess(clone);
    if (!access)
      return failure();
    std::optional<LaunchShape> shape =
        emitWarpgroupProduct(clone, *access, /*sparesPacking=*/true);
    if (!shape) {
      kernel->erase();
      return false;
    }
    clone.erase();
    OpBuilder host(op);
    builder->createLaunch(host, op.getLoc(), *kernel, captures, *shape);
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
    FailureOr<gpu::GPUFuncOp> kernel =
        builder->createKernel(last, captures, mapping);
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
           {},
           member.isStored});
    }
    gpu::ReturnOp::create(b, last->getLoc());
    std::optional<LaunchShape> shape = emitRegisterRows(inner);
    if (!shape)
      shape = emitRows(inner);
    OpBuilder host(last);
    builder->createLaunch(host, last->getLoc(), *kernel, captures, *shape);
    for (RowChain::Member member : chain.members) {
      if (member.fill)
        member.fill.erase();
      member.op->erase();
    }
    return success();
  }

  /// All of them in one kernel, in front of the last.
  LogicalResult launchCopies(ArrayRef<Operation *> copies) {
    Captures captures;
    for (Operation *copy : copies)
      captures.addAllOf(copy);
    IRMapping mapping;
    Operation *last = copies.back();
    FailureOr<gpu::GPUFuncOp> kernel =
        builder->createKernel(last, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    SmallVector<Operation *> inner;
    for (Operation *copy : copies)
      inner.push_back(b.clone(*copy, mapping));
    gpu::ReturnOp::create(b, last->getLoc());
    LaunchShape shape = emitCopies(inner);
    OpBuilder host(last);
    builder->createLaunch(host, last->getLoc(), *kernel, captures, shape);
    return success();
  }

  /// With what `reader`, if there is one, makes of it.
  LogicalResult launch(Operation *op, Value initial, linalg::LinalgOp reader) {
    if (!hasStaticShapes(op))
      return op->emitError("has sizes that depend on values, which is not "
                           "supported for products on devices yet");
    // The right side of contractions and convolutions is the second operand.
    options.hasConstantRhs = isa<ContractAnchorOp, ConvAnchorOp>(op) &&
                             constants->holds(op->getOperand(1));
    Captures captures;
    captures.addAllOf(op);
    if (initial)
      captures.add(initial);
    if (reader)
      captures.addAllOf(reader);
    IRMapping mapping;
    FailureOr<gpu::GPUFuncOp> kernel =
        builder->createKernel(reader ? reader : op, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    Operation *clone = b.clone(*op, mapping);
    linalg::LinalgOp clonedReader;
    if (reader)
      clonedReader = cast<linalg::LinalgOp>(b.clone(*reader, mapping));
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
    else if (auto attention = dyn_cast<AttentionOp>(clone))
      shape = emitAttention(attention, options);
    else
      shape = emitLinalg(cast<linalg::LinalgOp>(clone),
                         initial ? mapping.lookupOrDefault(initial) : Value(),
                         options, clonedReader);
    if (failed(shape))
      return failure();
    OpBuilder host(reader ? reader : op);
    builder->createLaunch(host, op->getLoc(), *kernel, captures, *shape);
    op->erase();
    if (reader)
      reader->erase();
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
        builder->createKernel(function, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    for (Operation &op : body.without_terminator())
      b.clone(op, mapping);
    body.walk([&](memref::GetGlobalOp use) { builder->addConstant(use); });
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
    builder->createLaunch(host, function.getLoc(), *kernel, captures,
                          LaunchShape());
    return success();
  }

  EmitOptions options;
  std::optional<ConstantMemory> constants;
  std::optional<KernelBuilder> builder;
};
} // namespace
