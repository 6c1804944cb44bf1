// Common refinements of shapes, see the header.
#include "RowSpace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

std::optional<RowSpace> RowSpace::find(ArrayRef<int64_t> first,
                                       ArrayRef<int64_t> second) {
  RowSpace space;
  space.first.resize(first.size());
  space.second.resize(second.size());
  size_t i = 0, j = 0;
  // What is left of the current dimensions.
  int64_t x = first.empty() ? 1 : first[0], y = second.empty() ? 1 : second[0];
  while (i < first.size() && j < second.size()) {
    int64_t size = std::min(x, y);
    if (size == 0 || x % size != 0 || y % size != 0)
      return std::nullopt;
    unsigned dim = space.sizes.size();
    space.sizes.push_back(size);
    space.first[i].push_back(dim);
    space.second[j].push_back(dim);
    x /= size;
    y /= size;
    // A dimension of size 1 is taken by itself.
    if (x == 1 && ++i < first.size())
      x = first[i];
    if (y == 1 && ++j < second.size())
      y = second[j];
  }
  // What is left of either has size 1.
  for (; i < first.size(); ++i)
    if (first[i] != 1)
      return std::nullopt;
  for (; j < second.size(); ++j)
    if (second[j] != 1)
      return std::nullopt;
  return space;
}

RowSpace RowSpace::get(ArrayRef<int64_t> shape) {
  RowSpace space;
  space.sizes.assign(shape.begin(), shape.end());
  for (unsigned dim = 0; dim < shape.size(); ++dim)
    space.first.push_back({dim});
  space.second = space.first;
  return space;
}

SpaceView mopt::viewInSpace(OpBuilder &b, Value tensor, AffineMap map,
                            const DimGroups &groups, ArrayRef<int64_t> sizes) {
  SpaceView view{tensor, {}, {}};
  SmallVector<AffineExpr> exprs;
  SmallVector<int64_t> shape;
  bool isExpanded = false;
  MLIRContext *context = map.getContext();
  for (auto [number, expr] : llvm::enumerate(map.getResults())) {
    auto &group = view.reassociation.emplace_back();
    auto dim = dyn_cast<AffineDimExpr>(expr);
    ArrayRef<unsigned> dims;
    if (dim)
      dims = groups[dim.getPosition()];
    int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(number);
    if (dims.size() < 2) {
      group.push_back(exprs.size());
      exprs.push_back(dims.empty() ? getAffineConstantExpr(0, context)
                                   : getAffineDimExpr(dims.front(), context));
      shape.push_back(size);
      continue;
    }
    isExpanded = true;
    for (unsigned part : dims) {
      group.push_back(exprs.size());
      exprs.push_back(getAffineDimExpr(part, context));
      shape.push_back(sizes[part]);
    }
  }
  view.map = AffineMap::get(sizes.size(), 0, exprs, context);
  if (!isExpanded) {
    view.reassociation.clear();
    return view;
  }
  auto type = cast<RankedTensorType>(tensor.getType()).clone(shape);
  view.tensor = tensor::ExpandShapeOp::create(b, tensor.getLoc(), type, tensor,
                                              view.reassociation);
  return view;
}
