//===- PoolTest.cpp - Threads, shared pools, several contexts -------------===//
#include "TestModel.h"
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

/// Runs AddModel `runs` times in its own context and checks each sum.
void addRepeatedly(const MoptModelApi *api, MoptModel *model, int64_t batch,
                   int runs) {
  MoptContext *context;
  ASSERT_EQ(api->context_create(model, &context), MOPT_OK);
  std::vector<float> x(3 * batch), y(3 * batch), z(3 * batch);
  std::vector<int64_t> dims = {batch, 3}, zDims = {0, 0};
  MoptTensor inputs[] = {tensor(MOPT_FLOAT32, x, dims),
                         tensor(MOPT_FLOAT32, y, dims)};
  MoptTensor output = tensor(MOPT_FLOAT32, z, zDims);
  for (int run = 0; run < runs; ++run) {
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = float(run);
      y[i] = float(i);
    }
    ASSERT_EQ(api->run(context, inputs, 2, &output, 1), MOPT_OK)
        << api->last_error(context);
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_EQ(z[i], float(run) + float(i));
  }
  api->context_destroy(context);
}

MoptPool *makePool(int32_t threads, int32_t spinUs = 0) {
  MoptPoolOptions options = {sizeof(options), threads, spinUs, 0};
  MoptPool *pool = nullptr;
  EXPECT_EQ(TestModel<AddModel>::api()->pool_create(&options, &pool), MOPT_OK);
  return pool;
}

struct Pieces {
  std::atomic<int64_t> sum{0}, calls{0};
  static void body(void *data, int64_t begin, int64_t end) {
    Pieces *pieces = static_cast<Pieces *>(data);
    ++pieces->calls;
    for (int64_t i = begin; i < end; ++i)
      pieces->sum += i;
  }
};

TEST(Pool, CoversTheRange) {
  for (int32_t threads : {1, 2, 3, 8}) {
    for (int32_t spin : {-1, 0, 50}) {
      MoptPool *pool = makePool(threads, spin);
      EXPECT_EQ(pool->thread_count(pool), threads);
      for (int64_t count : {0, 1, 2, 3, 7, 8, 9, 100, 1001, 100003}) {
        Pieces pieces;
        pool->parallel_for(pool, count, Pieces::body, &pieces);
        EXPECT_EQ(pieces.sum, count * (count - 1) / 2);
        EXPECT_GE(pieces.calls, std::min<int64_t>(count, threads));
        EXPECT_LE(pieces.calls, count);
      }
      pool->release(pool);
    }
  }
}

TEST(Pool, SleepsAndWakes) {
  MoptPool *pool = makePool(3, 20);
  for (int i = 0; i < 50; ++i) {
    Pieces pieces;
    pool->parallel_for(pool, 10, Pieces::body, &pieces);
    EXPECT_EQ(pieces.sum, 45);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
  }
  pool->release(pool);
}

// Threads that sleep may wake when others have run their pieces: each runs once.
TEST(Pool, RunsPiecesOfLateThreads) {
  MoptPool *pool = makePool(8, -1);
  std::atomic<int> runs[8] = {};
  for (int loop = 1; loop <= 2000; ++loop) {
    pool->parallel_for(
        pool, 8,
        [](void *data, int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i)
            ++static_cast<std::atomic<int> *>(data)[i];
        },
        runs);
    for (std::atomic<int> &count : runs)
      ASSERT_EQ(count, loop);
  }
  pool->release(pool);
}

// A thread that is slow keeps the piece that it has begun, and no more.
TEST(Pool, TakesPiecesOfSlowThreads) {
  MoptPool *pool = makePool(2);
  struct Slow {
    std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> done{0};
  };
  for (int loop = 0; loop < 200; ++loop) {
    Slow slow;
    pool->parallel_for(
        pool, 10,
        [](void *data, int64_t begin, int64_t end) {
          Slow *slow = static_cast<Slow *>(data);
          ASSERT_EQ(end, begin + 1);
          if (std::this_thread::get_id() != slow->caller)
            while (slow->done < 9)
              std::this_thread::yield();
          ++slow->done;
        },
        &slow);
    ASSERT_EQ(slow.done, 10);
  }
  pool->release(pool);
}

TEST(Pool, NestedLoopsRunInline) {
  MoptPool *pool = makePool(4);
  struct Nest {
    MoptPool *pool;
    Pieces pieces;
  } nest = {pool, {}};
  pool->parallel_for(
      pool, 8,
      [](void *data, int64_t begin, int64_t end) {
        Nest *nest = static_cast<Nest *>(data);
        for (int64_t i = begin; i < end; ++i)
          nest->pool->parallel_for(nest->pool, 10, Pieces::body, &nest->pieces);
      },
      &nest);
  EXPECT_EQ(nest.pieces.sum, 8 * 45);
  EXPECT_EQ(nest.pieces.calls, 8);
  pool->release(pool);
}

TEST(Pool, OneModelManyThreads) {
  const MoptModelApi *api = TestModel<AddModel>::api();
  MoptModelOptions options = withThreads(3);
  MoptModel *model;
  ASSERT_EQ(api->create(&options, &model), MOPT_OK);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([=] { addRepeatedly(api, model, 5 + i, 200); });
  for (std::thread &caller : callers)
    caller.join();
  api->destroy(model);
}

/// The same computation as another library: its own descriptor and table.
struct OtherAddModel : AddModel {};

TEST(Pool, SharedByTwoModels) {
  MoptPool *pool = makePool(2);
  const MoptModelApi *apis[] = {TestModel<AddModel>::api(),
                                TestModel<OtherAddModel>::api()};
  ASSERT_NE(apis[0], apis[1]);
  MoptModelOptions options = withThreads(0);
  options.pool = pool;
  MoptModel *models[2];
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(apis[i]->create(&options, &models[i]), MOPT_OK);
  // The models keep the pool alive.
  pool->release(pool);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back(
        [&, i] { addRepeatedly(apis[i % 2], models[i % 2], 7, 200); });
  for (std::thread &caller : callers)
    caller.join();
  for (int i = 0; i < 2; ++i)
    apis[i]->destroy(models[i]);
}

TEST(Pool, CallersLoop) {
  const MoptModelApi *api = TestModel<AddModel>::api();
  MoptModelOptions options = withThreads(2);
  std::atomic<int> loops{0};
  options.parallel_for = [](void *user, int64_t count, MoptLoopBody body,
                            void *data) {
    ++*static_cast<std::atomic<int> *>(user);
    std::thread half([=] { body(data, 0, count / 2); });
    body(data, count / 2, count);
    half.join();
  };
  options.parallel_for_user = &loops;
  MoptModel *model;
  ASSERT_EQ(api->create(&options, &model), MOPT_OK);
  addRepeatedly(api, model, 9, 3);
  EXPECT_EQ(loops, 3);
  api->destroy(model);
  MoptPool *pool = makePool(2);
  options.pool = pool;
  EXPECT_EQ(api->create(&options, &model), MOPT_INVALID_ARGUMENT);
  options.parallel_for = nullptr;
  pool->abi_version = 99;
  EXPECT_EQ(api->create(&options, &model), MOPT_UNSUPPORTED);
  pool->release(pool);
}

TEST(Pool, BusyContext) {
  struct Waiting {
    static ModelSpec spec() { return ModelSpec(); }
    static std::atomic<int> &stage() {
      static std::atomic<int> stage{0};
      return stage;
    }
    static int32_t entry(MoptRun *, const MoptTensor *, MoptTensor *) {
      stage() = 1;
      while (stage() == 1)
        std::this_thread::yield();
      return MOPT_OK;
    }
  };
  Waiting::stage() = 0;
  Session session(TestModel<Waiting>::api());
  std::vector<MoptTensor> none;
  std::thread other([&] { EXPECT_EQ(session.run(none, none), MOPT_OK); });
  while (Waiting::stage() == 0)
    std::this_thread::yield();
  std::vector<MoptTensor> mine;
  EXPECT_EQ(session.run(mine, mine), MOPT_BUSY);
  Waiting::stage() = 2;
  other.join();
}

TEST(Pool, ThreadCountFromEnvironment) {
  setenv("MOPT_NUM_THREADS", "3", 1);
  MoptPool *pool = makePool(0);
  EXPECT_EQ(pool->thread_count(pool), 3);
  pool->release(pool);
  setenv("MOPT_NUM_THREADS", "many", 1);
  pool = makePool(0);
  EXPECT_GE(pool->thread_count(pool), 1);
  pool->release(pool);
  unsetenv("MOPT_NUM_THREADS");
}

#if !__has_feature(thread_sanitizer)
TEST(Pool, WorksAfterFork) {
  MoptPool *pool = makePool(3);
  Pieces before;
  pool->parallel_for(pool, 10, Pieces::body, &before);
  pid_t child = fork();
  if (child == 0) {
    Pieces pieces;
    pool->parallel_for(pool, 10, Pieces::body, &pieces);
    pool->release(pool);
    _exit(pieces.sum == 45 && pieces.calls == 10 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  pool->release(pool);
}
#endif

} // namespace
