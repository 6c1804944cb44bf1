// Squares of vectors, transposed in registers.
#include "TransposeSquare.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

SmallVector<Value> mopt::transposeSquare(IndexBuilder &ib,
                                         SmallVector<Value> rows) {
  int64_t lanes = rows.size();
  for (int64_t d = 1; d < lanes; d *= 2)
    for (int64_t i = 0; i < lanes; ++i) {
      if (i & d)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t j = 0; j < lanes; ++j) {
        low.push_back(j & d ? lanes + (j ^ d) : j);
        high.push_back(j & d ? lanes + j : j ^ d);
      }
      Value a = rows[i], c = rows[i | d];
      rows[i] = vector::ShuffleOp::create(ib.b, ib.loc, a, c, low);
      rows[i | d] = vector::ShuffleOp::create(ib.b, ib.loc, a, c, high);
    }
  return rows;
}
