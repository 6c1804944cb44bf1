// Positions of image dimensions and the lists that describe windows.
#include "mopt/Dialect/Mopt/IR/Indexing.h"

#include "mopt/Dialect/Mopt/IR/ShapeInference.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace mopt;

SpatialLayout::SpatialLayout(int64_t spatialRank, bool channelsLast)
    : channel(channelsLast ? spatialRank + 1 : 1) {
  int64_t first = channelsLast ? 1 : 2;
  spatial = llvm::to_vector(llvm::seq<int64_t>(first, first + spatialRank));
}

LogicalResult mopt::verifyWindowLists(std::optional<Location> location,
                                      int64_t spatialRank,
                                      ArrayRef<int64_t> strides,
                                      ArrayRef<int64_t> dilations,
                                      ArrayRef<int64_t> padsBegin,
                                      ArrayRef<int64_t> padsEnd) {
  auto check = [&](StringRef name, ArrayRef<int64_t> list,
                   int64_t least) -> LogicalResult {
    if (static_cast<int64_t>(list.size()) != spatialRank)
      return inferError(location, "expected ", spatialRank, " values in '",
                        name, "', found ", list.size());
    for (int64_t value : list)
      if (value < least)
        return inferError(location, "expected values of at least ", least,
                          " in '", name, "', found ", value);
    return success();
  };
  if (failed(check("strides", strides, 1)) ||
      failed(check("dilations", dilations, 1)) ||
      failed(check("pads_begin", padsBegin, 0)) ||
      failed(check("pads_end", padsEnd, 0)))
    return failure();
  return success();
}
