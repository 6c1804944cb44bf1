// Functions of the device, and what launches them in the host's code.
#include "KernelBuilder.h"

#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Target/TargetBackend.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mopt;

void Captures::add(Value value) {
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

void Captures::addAllOf(Operation *op) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!op->isAncestor(operand.getParentRegion()->getParentOp()) ||
          operand.getParentRegion() == op->getParentRegion())
        add(operand);
  });
}

/// The offset, then the strides.
static SmallVector<OpFoldResult>
getLayout(memref::ExtractStridedMetadataOp metadata) {
  SmallVector<OpFoldResult> layout{metadata.getConstifiedMixedOffset()};
  llvm::append_range(layout, metadata.getConstifiedMixedStrides());
  return layout;
}

FailureOr<gpu::GPUFuncOp> KernelBuilder::createKernel(Operation *op, Captures &captures,
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
  // Starting takes a microsecond, which the kernel before this one hides, as
  // this one does that of the next. Memory waits.
  if (overlaps) {
    NVVM::GriddepcontrolOp::create(
        b, op->getLoc(), NVVM::GridDepActionKind::launch_dependents);
    NVVM::GriddepcontrolOp::create(b, op->getLoc(),
                                   NVVM::GridDepActionKind::wait);
  }
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
                           getAsIndexOpFoldResult(op->getContext(),
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

void KernelBuilder::addConstant(memref::GetGlobalOp use) {
  if (device.lookupSymbol(use.getName()))
    return;
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
      use, use.getNameAttr());
  OpBuilder b = OpBuilder::atBlockBegin(device.getBody());
  b.clone(*global);
}

void KernelBuilder::createLaunch(OpBuilder &b, Location loc, gpu::GPUFuncOp kernel,
                  const Captures &captures, const LaunchShape &shape) {
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(shape.threads), 1, 1}));
  if (shape.clusterBlocks > 1)
    kernel.setKnownClusterSizeAttr(b.getDenseI32ArrayAttr(
        {static_cast<int32_t>(shape.clusterBlocks), 1, 1}));
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
  if (shape.sharedBytes > 0 || overlaps)
    launch->setAttr(kLaunchDescAttr,
                    b.getDenseI64ArrayAttr(describeLaunch(shape)));
}

SmallVector<int64_t>
KernelBuilder::describeLaunch(const LaunchShape &shape) const {
  SmallVector<int64_t> words{shape.sharedBytes, shape.isPersistent, overlaps,
                             static_cast<int64_t>(shape.maps.size())};
  for (const TensorMap &map : shape.maps) {
    words.append({map.argument, map.elementBytes, map.offset,
                  map.windows.empty()
                      ? static_cast<int64_t>(map.dims.size())
                      : -static_cast<int64_t>(map.dims.size())});
    for (size_t dim = 0; dim < TensorMap::kMostDims; ++dim)
      if (dim < map.dims.size())
        words.append({map.dims[dim].size, map.dims[dim].stride,
                      map.dims[dim].box});
      else
        words.append(3, 0);
  }
  for (const TensorMap &map : shape.maps) {
    if (map.windows.empty())
      continue;
    for (size_t dim = 0; dim < TensorMap::kMostWindows; ++dim)
      if (dim < map.windows.size())
        words.append({map.windows[dim].first, map.windows[dim].last,
                      map.windows[dim].step});
      else
        words.append(3, 0);
  }
  return words;
}
