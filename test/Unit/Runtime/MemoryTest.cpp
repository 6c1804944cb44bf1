//===- MemoryTest.cpp - Allocation of runs --------------------------------===//
extern "C" {
#include "Memory.h"
}
#include "TestModel.h"
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

struct Counter {
  std::atomic<int64_t> live{0}, calls{0};
  int64_t limit = INT64_MAX;
  MoptAllocator allocator = {this, allocate, deallocate};

  static void *allocate(void *user, size_t bytes, size_t alignment) {
    Counter *self = static_cast<Counter *>(user);
    if (int64_t(bytes) > self->limit)
      return nullptr;
    self->live += bytes;
    ++self->calls;
    return aligned_alloc(alignment, bytes);
  }
  static void deallocate(void *user, void *data, size_t bytes) {
    static_cast<Counter *>(user)->live -= bytes;
    free(data);
  }
};

/// Allocates what x [3] says: how often, how many bytes; with x[2], in a
/// parallel loop. Keeps nothing of what a loop allocates between mark and
/// release.
struct AllocModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"x", MOPT_INT64, {3}}};
    spec.desc.arena_bytes = 1000;
    return spec;
  }
  static void allocate(MoptRun *run, void *data, int64_t begin, int64_t end) {
    const int64_t *x = static_cast<const int64_t *>(data);
    for (int64_t i = begin; i < end; ++i) {
      char *memory = static_cast<char *>(mopt_rt_alloc(run, x[1]));
      if (!memory)
        return;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % MOPT_RT_ALIGNMENT, 0u);
      memset(memory, int(i), size_t(x[1]));
    }
  }
  static int32_t entry(MoptRun *run, const MoptTensor *inputs, MoptTensor *) {
    memset(mopt_rt_arena(run), 0, 1000);
    int64_t *x = static_cast<int64_t *>(inputs[0].data);
    for (int i = 0; i < 100; ++i) {
      int64_t mark = mopt_rt_alloc_mark(run);
      allocate(run, x, 0, 3);
      mopt_rt_alloc_release(run, mark);
    }
    if (x[2])
      mopt_rt_parallel_for(run, allocate, x, x[0]);
    else
      allocate(run, x, 0, x[0]);
    return MOPT_OK;
  }
};

struct Memory : testing::Test {
  Counter counter;
  MoptModelOptions options = withThreads(4);
  std::vector<int64_t> x = {10, 100000, 0}, dims = {3};
  std::vector<MoptTensor> inputs = {tensor(MOPT_INT64, x, dims)}, outputs;
  Memory() { options.allocator = &counter.allocator; }
};

TEST_F(Memory, SteadyStateAllocatesNothing) {
  {
    Session session(TestModel<AllocModel>::api(), &options);
    for (int64_t parallel : {0, 1}) {
      x[2] = parallel;
      ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
      ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
      int64_t calls = counter.calls;
      for (int i = 0; i < 5; ++i)
        ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
      EXPECT_EQ(counter.calls, calls);
    }
    // The most at once was ten pieces.
    EXPECT_LT(counter.live, 1200000);
  }
  EXPECT_EQ(counter.live, 0);
}

TEST_F(Memory, OutOfMemoryEndsTheRun) {
  Session session(TestModel<AllocModel>::api(), &options);
  counter.limit = 1 << 20;
  for (int64_t bytes : {int64_t(1) << 21, int64_t(1) << 60, int64_t(-1)})
    for (int64_t parallel : {0, 1}) {
      x = {4, bytes, parallel};
      EXPECT_EQ(session.run(inputs, outputs), MOPT_OUT_OF_MEMORY);
      // A product of sizes that overflowed comes as a negative number.
      EXPECT_EQ(session.error(),
                bytes < 0 ? "no memory of such a size"
                          : "no memory for " + std::to_string(bytes) +
                                " bytes");
    }
  x = {10, 100, 0};
  EXPECT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
}

TEST_F(Memory, CreationWithoutMemory) {
  counter.limit = 10;
  Session session(TestModel<AllocModel>::api(), &options);
  EXPECT_EQ(session.status, MOPT_OUT_OF_MEMORY);
  counter.limit = 700;
  Session second(TestModel<AllocModel>::api(), &options);
  EXPECT_EQ(second.status, MOPT_OUT_OF_MEMORY);
}

TEST_F(Memory, WorkspaceOfStaticModel) {
  Session session(TestModel<AllocModel>::api());
  EXPECT_EQ(session.api->workspace_bytes(session.model, nullptr), 1000);
}

TEST(Region, ReleaseKeepsWhatCameBefore) {
  MoptAllocator allocator = mopt_rt_allocator(nullptr);
  MoptRegion region;
  mopt_rt_region_init(&region, &allocator);
  char *first = static_cast<char *>(mopt_rt_region_alloc(&region, 10));
  memset(first, 7, 10);
  int64_t mark = mopt_rt_region_position(&region);
  for (int i = 0; i < 4; ++i)
    memset(mopt_rt_region_alloc(&region, 60000 << i), 1, 60000 << i);
  mopt_rt_region_release(&region, mark);
  EXPECT_EQ(mopt_rt_region_position(&region), mark);
  EXPECT_EQ(first[9], 7);
  EXPECT_TRUE(mopt_rt_region_overlaps(&region, first + 9, 1));
  int other = 0;
  EXPECT_FALSE(mopt_rt_region_overlaps(&region, &other, sizeof(other)));
  mopt_rt_region_reset(&region);
  EXPECT_EQ(mopt_rt_region_position(&region), 0);
  mopt_rt_region_destroy(&region);
}

/// Records errors, from two iterations.
struct FailModel {
  static ModelSpec spec() { return ModelSpec(); }
  static int32_t entry(MoptRun *run, const MoptTensor *, MoptTensor *) {
    EXPECT_EQ(mopt_rt_failed(run), 0);
    mopt_rt_fail(run, MOPT_INVALID_DATA, "index 7 is out of range");
    mopt_rt_fail(run, MOPT_INTERNAL, "later");
    EXPECT_EQ(mopt_rt_failed(run), 1);
    return MOPT_OK;
  }
};

TEST(Failure, FirstErrorStays) {
  Session session(TestModel<FailModel>::api());
  std::vector<MoptTensor> inputs, outputs;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(session.run(inputs, outputs), MOPT_INVALID_DATA);
    EXPECT_EQ(session.error(), "index 7 is out of range");
  }
}

} // namespace
