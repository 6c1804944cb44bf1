//===- Concurrency.h - several modules at the same time ---------*- C++ -*-===//

#ifndef MOPT_SUPPORT_CONCURRENCY_H
#define MOPT_SUPPORT_CONCURRENCY_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/ThreadPool.h"

namespace mopt {

/// A pool without threads: who adds a task runs it. A context with one expects
/// to be used by several threads, but does not use any itself.
class CallerThreadPool final : public llvm::ThreadPoolInterface {
public:
  void wait() override {}
  void wait(llvm::ThreadPoolTaskGroup &) override {}
  unsigned getMaxConcurrency() const override { return 1; }

private:
  void asyncEnqueue(llvm::unique_function<void()> task,
                    llvm::ThreadPoolTaskGroup *) override {
    task();
  }
};

/// Calls `run` with 0 to `count - 1`, up to `threads` at the same time, and
/// with none after one failed. Each call stays on one thread, and its
/// diagnostics in `context` follow those of lower numbers.
llvm::LogicalResult
runConcurrently(mlir::MLIRContext *context, unsigned threads, size_t count,
                llvm::function_ref<llvm::LogicalResult(size_t)> run);

} // namespace mopt

#endif // MOPT_SUPPORT_CONCURRENCY_H
