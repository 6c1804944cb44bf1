// Calls on threads of their own. A pool that is shared with what they call may
// run one of them inside of another, on the same thread.
#include "mopt/Support/Concurrency.h"

#include "mlir/IR/Diagnostics.h"
#include <atomic>

using namespace mlir;
using namespace mopt;

LogicalResult
mopt::runConcurrently(MLIRContext *context, unsigned threads, size_t count,
                      llvm::function_ref<LogicalResult(size_t)> run) {
  threads = std::min<size_t>(threads, count);
  if (threads <= 1) {
    for (size_t i = 0; i < count; ++i)
      if (failed(run(i)))
        return failure();
    return success();
  }
  ParallelDiagnosticHandler handler(context);
  std::atomic<size_t> next = 0;
  std::atomic<bool> hasFailed = false;
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (unsigned t = 0; t < threads; ++t)
    pool.async([&] {
      for (size_t i; !hasFailed && (i = next++) < count;) {
        handler.setOrderIDForThread(i);
        if (failed(run(i)))
          hasFailed = true;
        handler.eraseOrderIDForThread();
      }
    });
  pool.wait();
  return failure(hasFailed);
}
