// Level in and out: buffer, after mopt-map-to-grid. Where the host reads or
// writes memory after launches it waits for them, and the module is marked:
// host and device then need memory that both can reach.
#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_WAITFORDEVICE
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct WaitForDevice : mopt::impl::WaitForDeviceBase<WaitForDevice> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      // Functions of sizes get memory of their caller's.
      if (!function.isDeclaration() && !function->hasAttr(kOutputSizesAttr) &&
          !function->hasAttr(kBufferBytesAttr))
        functions.push_back(function);
    for (func::FuncOp function : functions)
      classify(function, symbols);
    for (func::FuncOp function : functions) {
      // Who calls one that does not launch waits for it. What brings the inputs
      // is under way when the entry is called.
      if (launching.contains(function) || function->hasAttr(kEntryAttr))
        addWaits(function.getBody().front(), /*pending=*/true);
      else
        isShared |= touchesMemory(function);
      // What the run places or allocates serves the device as well.
      isShared |= function
                      .walk([](Operation *op) {
                        return isa<memref::AllocOp, PlaceBuffersOp>(op)
                                   ? WalkResult::interrupt()
                                   : WalkResult::advance();
                      })
                      .wasInterrupted();
    }
    if (isShared)
      module->setAttr(kSharedMemoryAttr, UnitAttr::get(&getContext()));
  }

  /// Does `function` launch, and does it touch memory itself? Callees first:
  /// calls do not recurse.
  void classify(func::FuncOp function, SymbolTable &symbols) {
    if (!known.insert(function).second)
      return;
    function.walk([&](Operation *op) {
      if (isa<gpu::LaunchFuncOp>(op))
        launching.insert(function);
      auto call = dyn_cast<func::CallOp>(op);
      if (!call)
        return;
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isDeclaration())
        return;
      classify(callee, symbols);
      callees[call] = callee;
      if (launching.contains(callee))
        launching.insert(function);
    });
  }

  bool launches(Operation *op) {
    return op
        ->walk([&](Operation *inner) {
          return isa<gpu::LaunchFuncOp>(inner) ||
                         launching.contains(callees.lookup(inner))
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  /// Does the host read or write with `op`?
  bool touchesMemory(Operation *op) {
    return op
        ->walk([&](Operation *inner) {
          if (func::FuncOp callee = callees.lookup(inner))
            // One that launches waits by itself.
            return launching.contains(callee) ||
                           !touchesMemory(callee.getOperation())
                       ? WalkResult::advance()
                       : WalkResult::interrupt();
          auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
          return effects &&
                         (effects.hasEffect<MemoryEffects::Read>() ||
                          effects.hasEffect<MemoryEffects::Write>()) &&
                         !isa<gpu::LaunchFuncOp, cf::AssertOp>(inner)
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  /// `pending`: may launches be under way?
  void addWaits(Block &block, bool pending) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (launches(&op)) {
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            addWaits(inner, /*pending=*/true);
        pending = true;
        continue;
      }
      if (!touchesMemory(&op))
        continue;
      isShared = true;
      if (!pending)
        continue;
      OpBuilder b(&op);
      func::CallOp::create(b, op.getLoc(), getWait());
      pending = false;
    }
  }

  func::FuncOp getWait() {
    if (wait)
      return wait;
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    wait = func::FuncOp::create(b, getOperation().getLoc(), "mopt_rt_wait",
                                b.getFunctionType({}, {}));
    wait.setPrivate();
    wait->setAttr(kRuntimeAttr, b.getUnitAttr());
    return wait;
  }

  DenseSet<Operation *> known, launching;
  DenseMap<Operation *, func::FuncOp> callees;
  func::FuncOp wait;
  bool isShared = false;
};
} // namespace
