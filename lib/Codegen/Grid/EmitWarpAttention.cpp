// Attention by warps: each has 16 queries.
#include "Emit.h"

using namespace mlir;
using namespace mopt;

FailureOr<LaunchShape> mopt::emitAttention(AttentionOp op,
                                           const EmitOptions &options) {
  std::optional<LaunchShape> shape;
  if (options.hasWarpgroupProducts)
    shape = emitWarpgroupAttention(op);
  if (!shape)
    return op.emitError("is not supported");
  op.erase();
  return *shape;
}
