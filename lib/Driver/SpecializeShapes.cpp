// L0 in and out: --shape and --dim become static dimensions of the entry's
// arguments, in their types and in the names that the file gives them.
#include "Compilation.h"

#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mopt;

static func::FuncOp findEntry(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr(kEntryAttr))
      return func;
  return {};
}

namespace {
/// Sizes of the dimensions that have names, with what fixed them.
struct NamedSizes {
  llvm::StringMap<int64_t> sizes;
  llvm::StringSet<> used;

  LogicalResult fix(Operation *op, StringRef name, int64_t size) {
    auto [entry, isNew] = sizes.try_emplace(name, size);
    if (isNew || entry->second == size)
      return success();
    return op->emitError() << "dimension '" << name << "' is fixed to "
                           << entry->second << " and to " << size;
  }
};
} // namespace

/// Checks --shape for one input against what the file says, and collects the
/// sizes that it gives to named dimensions.
static LogicalResult readShape(func::FuncOp func, unsigned index,
                               StringRef name, ArrayRef<int64_t> shape,
                               NamedSizes &named) {
  auto type = dyn_cast<RankedTensorType>(func.getArgumentTypes()[index]);
  if (!type)
    return func.emitError() << "--shape for input '" << name
                            << "': expected a tensor of known rank, found "
                            << func.getArgumentTypes()[index];
  if (static_cast<size_t>(type.getRank()) != shape.size())
    return func.emitError() << "--shape for input '" << name << "': expected "
                            << type.getRank() << " dimensions, found "
                            << shape.size();
  auto names = func.getArgAttrOfType<ArrayAttr>(index, onnx::kDimsAttr);
  for (auto [dim, size] : llvm::enumerate(shape)) {
    if (size < 0)
      continue;
    if (!type.isDynamicDim(dim) && type.getDimSize(dim) != size)
      return func.emitError()
             << "--shape for input '" << name << "': expected "
             << type.getDimSize(dim) << " for dimension " << dim << ", found "
             << size;
    if (auto symbol = names ? dyn_cast<StringAttr>(names[dim]) : StringAttr())
      if (failed(named.fix(func, symbol, size)))
        return failure();
  }
  return success();
}

/// The dims attribute with every size that is now known.
static ArrayAttr fixDims(ArrayAttr dims, ArrayRef<int64_t> shape,
                         NamedSizes &named) {
  if (!dims)
    return dims;
  SmallVector<Attribute> result(dims.begin(), dims.end());
  Builder builder(dims.getContext());
  for (auto [index, dim] : llvm::enumerate(result)) {
    if (index < shape.size() && shape[index] >= 0)
      dim = builder.getI64IntegerAttr(shape[index]);
    auto name = dyn_cast<StringAttr>(dim);
    if (!name || !named.sizes.contains(name))
      continue;
    dim = builder.getI64IntegerAttr(named.sizes.lookup(name));
    named.used.insert(name);
  }
  return builder.getArrayAttr(result);
}

static Type fixType(Type type, ArrayAttr dims, ArrayRef<int64_t> shape) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type;
  SmallVector<int64_t> sizes(tensor.getShape());
  for (auto [index, size] : llvm::enumerate(sizes)) {
    if (index < shape.size() && shape[index] >= 0)
      size = shape[index];
    if (auto known = dims && index < dims.size()
                         ? dyn_cast<IntegerAttr>(dims[index])
                         : IntegerAttr())
      size = known.getInt();
  }
  return tensor.clone(sizes);
}

LogicalResult mopt::specializeShapes(ModuleOp module,
                                     const CompileOptions &options) {
  if (options.shapes.empty() && options.dims.empty())
    return success();
  func::FuncOp func = findEntry(module);
  if (!func)
    return module.emitError() << "has no entry, expected a function with the "
                                 "attribute 'mopt.entry'";
  NamedSizes named;
  for (auto &[name, size] : options.dims)
    named.sizes[name] = size;

  SmallVector<ArrayRef<int64_t>> shapes(func.getNumArguments());
  for (auto &[name, shape] : options.shapes) {
    bool found = false;
    for (unsigned index = 0; index < func.getNumArguments(); ++index) {
      auto argName = func.getArgAttrOfType<StringAttr>(index, onnx::kNameAttr);
      if (!argName || argName != name)
        continue;
      found = true;
      shapes[index] = shape;
      if (failed(readShape(func, index, name, shape, named)))
        return failure();
    }
    if (!found)
      return func.emitError() << "--shape: no input is called '" << name << "'";
  }

  SmallVector<Type> types;
  for (unsigned index = 0; index < func.getNumArguments(); ++index) {
    ArrayAttr dims = fixDims(
        func.getArgAttrOfType<ArrayAttr>(index, onnx::kDimsAttr),
        shapes[index], named);
    if (dims)
      func.setArgAttr(index, onnx::kDimsAttr, dims);
    types.push_back(
        fixType(func.getArgumentTypes()[index], dims, shapes[index]));
    func.getArgument(index).setType(types.back());
  }
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    if (ArrayAttr dims = fixDims(
            func.getResultAttrOfType<ArrayAttr>(index, onnx::kDimsAttr), {},
            named))
      func.setResultAttr(index, onnx::kDimsAttr, dims);
  for (auto &[name, size] : options.dims)
    if (!named.used.contains(name))
      return func.emitError() << "--dim: no input's dimension is called '"
                              << name << "'";
  func.setType(FunctionType::get(module.getContext(), types,
                                 func.getResultTypes()));
  return success();
}
