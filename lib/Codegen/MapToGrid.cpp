// Level in and out: buffer. What computes becomes kernels of a grid of threads
// in the module @device, and their launches in program order; functions then
// only compute addresses. Buffers are places in memory of the device.
#include "Grid/CopyGroup.h"
#include "Grid/Emit.h"
#include "Grid/RowChain.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
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
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_MAPTOGRID
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Ops that have a form on a grid.
static bool isLaunchable(Operation *op) {
  return isa<linalg::LinalgOp, AnchorOpInterface, PackColumnsOp,
             memref::CopyOp>(op);
}

/// What stays with the host: addresses, calls of kernels, loops around them.
static bool staysOnHost(Operation *op) {
  if (isa<func::CallOp, func::ReturnOp>(op))
    return true;
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return llvm::all_of(loop.getBody()->without_terminator(),
                        [](Operation &inner) {
                          return isLaunchable(&inner) || staysOnHost(&inner);
                        });
  return op->getNumRegions() == 0 && isMemoryEffectFree(op);
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
    options = {reassociate};
    bool failed = false;
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (!function.isDeclaration() && !answersSizes(function) &&
          mlir::failed(map(function)))
        failed = true;
    if (failed)
      signalPassFailure();
  }

  LogicalResult map(func::FuncOp function) {
    Operation *misfit = nullptr;
    for (Operation &op : function.getBody().front())
      if (!isLaunchable(&op) && !staysOnHost(&op)) {
        misfit = &op;
        break;
      }
    if (!misfit)
      return mapBlock(function.getBody().front());
    if (!function->hasAttr(kKernelAttr))
      return misfit->emitError("'")
             << misfit->getName()
             << "' depends on values that a device computes, which is not "
                "supported yet";
    return mapToOneThread(function);
  }

  LogicalResult mapBlock(Block &block) {
    LogicalResult result = success();
    SmallVector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      ops.push_back(&op);
    for (size_t i = 0; i < ops.size(); ++i) {
      Operation *op = ops[i];
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        if (failed(mapBlock(*loop.getBody())))
          result = failure();
        continue;
      }
      if (!isLaunchable(op))
        continue;
      if (isEmpty(op)) {
        op->erase();
        continue;
      }
      SmallVector<Operation *> copies = findCopies(ArrayRef(ops).drop_front(i));
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
        RowChain chain = findRowChain(ArrayRef(ops).drop_front(i));
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
        if (Operation *sum = findSumOf(fill, ArrayRef(ops).drop_front(i + 1))) {
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

  /// All of them in one kernel, in front of the last.
  LogicalResult launchCopies(ArrayRef<Operation *> copies) {
    Captures captures;
    for (Operation *copy : copies)
      captures.addAllOf(copy);
    IRMapping mapping;
    Operation *last = copies.back();
    FailureOr<gpu::GPUFuncOp> kernel = createKernel(last, captures, mapping);
    if (failed(kernel))
      return failure();
    OpBuilder b = OpBuilder::atBlockEnd(&kernel->getBody().front());
    SmallVector<Operation *> inner;
    for (Operation *copy : copies)
      inner.push_back(b.clone(*copy, mapping));
    gpu::ReturnOp::create(b, last->getLoc());
    LaunchShape shape = emitCopies(inner);
    OpBuilder host(last);
    createLaunch(host, last->getLoc(), *kernel, captures, shape);
    return success();
  }

  /// A kernel with `captures` as its arguments, empty, and its launch in front
  /// of `op`.
  FailureOr<gpu::GPUFuncOp>
  createKernel(Operation *op, const Captures &captures, IRMapping &mapping) {
    SmallVector<Type> types;
    for (Value value : captures.arguments) {
      auto memref = dyn_cast<MemRefType>(value.getType());
      if (memref &&
          !(memref.hasStaticShape() && memref.getLayout().isIdentity()))
        return op->emitError("needs a buffer of type ")
               << memref
               << ", which is not supported for devices yet; fix the inputs' "
                  "sizes with --shape or --dim";
      types.push_back(value.getType());
    }
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
    for (Operation *repeated : captures.repeated) {
      if (auto use = dyn_cast<memref::GetGlobalOp>(repeated))
        addConstant(use);
      b.clone(*repeated, mapping);
    }
    return kernel;
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
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    Value one = index(1);
    gpu::LaunchFuncOp::create(
        b, loc, kernel,
        gpu::KernelDim3{index(shape.blocksX), index(shape.blocksY), one},
        gpu::KernelDim3{index(shape.threads), one, one}, Value(),
        captures.arguments.getArrayRef());
  }

  LogicalResult launch(Operation *op, Value initial) {
    if (!hasStaticShapes(op))
      return op->emitError("has sizes that only run time knows, which is not "
                           "supported for devices yet; fix the inputs' with "
                           "--shape or --dim");
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
    auto checked = body.walk([&](Operation *op) {
      if (!isa<memref::AllocOp, AnchorOpInterface, PackColumnsOp, func::CallOp>(
              op) &&
          hasStaticShapes(op))
        return WalkResult::advance();
      op->emitError("'") << op->getName()
                         << "' in a kernel of one thread is not supported for "
                            "devices yet";
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      return failure();
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
