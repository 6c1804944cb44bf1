//===- PlaceTest.cpp - The arena of buffers of dynamic size ---------------===//
#include "TestModel.h"
#include <cstring>
#include <random>

namespace {

const int32_t kLifetimes[] = {0, 1, 1, 2, 2, 3};

/// y = x through three buffers of n floats, each alive until the next is full.
struct ChainModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"x", MOPT_FLOAT32, {-1}}};
    spec.outputs = {{"y", MOPT_FLOAT32, {-1}}};
    spec.desc.infer_dims = [](const int64_t *in, int64_t *out) {
      out[0] = in[0];
    };
    spec.desc.dynamic_bytes = [](const int64_t *in) {
      int64_t bytes[] = {4 * in[0], 4 * in[0], 4 * in[0]};
      return mopt_rt_planned_bytes(bytes, kLifetimes, 3);
    };
    return spec;
  }
  static int32_t entry(MoptRun *run, const MoptTensor *inputs,
                       MoptTensor *outputs) {
    int64_t bytes = inputs[0].dims[0] * 4;
    int64_t sizes[] = {bytes, bytes, bytes};
    char *arena = static_cast<char *>(mopt_rt_place(run, sizes, kLifetimes, 3));
    last() = arena;
    memcpy(arena + sizes[0], inputs[0].data, bytes);
    memcpy(arena + sizes[1], arena + sizes[0], bytes);
    memcpy(arena + sizes[2], arena + sizes[1], bytes);
    memcpy(outputs[0].data, arena + sizes[2], bytes);
    return MOPT_OK;
  }
  static char *&last() {
    static char *arena;
    return arena;
  }
};

struct Place : testing::Test {
  Session session{TestModel<ChainModel>::api()};
  void run(int64_t n) {
    std::vector<float> x(n + 1, 2.5f);
    std::vector<int64_t> dims = {n};
    std::vector<MoptTensor> inputs = {tensor(MOPT_FLOAT32, x, dims)};
    std::vector<MoptTensor> outputs = {noBuffer()};
    ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
    ASSERT_EQ(outputs[0].dims[0], n);
    EXPECT_EQ(n ? memcmp(outputs[0].data, x.data(), 4 * n) : 0, 0);
  }
};

TEST_F(Place, KeepsItsMemory) {
  run(1000);
  char *arena = ChainModel::last();
  run(1000);
  run(10);
  run(0);
  run(1000);
  EXPECT_EQ(ChainModel::last(), arena);
  run(100000);
}

TEST_F(Place, SaysWhatItTakes) {
  int64_t dims = 1000, out = 0;
  // The first and the third buffer share bytes.
  EXPECT_EQ(session.api->workspace_bytes(session.model, &dims), 2 * 4032);
  EXPECT_EQ(session.api->infer_output_dims(session.model, &dims, &out),
            MOPT_OK);
  EXPECT_EQ(out, 1000);
  EXPECT_EQ(session.api->outputs[0].flags, 0u);
  dims = -1;
  EXPECT_EQ(session.api->workspace_bytes(session.model, &dims), -1);
}

/// Takes three buffers of its input's value in bytes.
struct GreedyModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"bytes", MOPT_INT64, {}}};
    spec.outputs = {{"y", MOPT_FLOAT32, {1}}};
    return spec;
  }
  static int32_t entry(MoptRun *run, const MoptTensor *inputs, MoptTensor *) {
    int64_t bytes = *static_cast<int64_t *>(inputs[0].data);
    int64_t sizes[] = {bytes, bytes, bytes};
    mopt_rt_place(run, sizes, kLifetimes, 3);
    EXPECT_LT(bytes, 1 << 20) << "the run goes on";
    return MOPT_OK;
  }
};

TEST(PlaceGreedy, EndsTheRun) {
  // An allocator with a limit, as sanitizers stop at what malloc refuses.
  MoptAllocator allocator = {
      nullptr,
      [](void *, size_t bytes, size_t alignment) -> void * {
        return bytes > 1 << 20 ? nullptr : aligned_alloc(alignment, bytes);
      },
      [](void *, void *data, size_t) { free(data); }};
  MoptModelOptions options = withThreads(1);
  options.allocator = &allocator;
  Session session(TestModel<GreedyModel>::api(), &options);
  std::vector<int64_t> bytes = {100}, none;
  std::vector<MoptTensor> inputs = {tensor(MOPT_INT64, bytes, none)};
  std::vector<MoptTensor> outputs = {noBuffer()};
  EXPECT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  bytes[0] = 1 << 20;
  EXPECT_EQ(session.run(inputs, outputs), MOPT_OUT_OF_MEMORY);
  EXPECT_EQ(session.error(), "no memory for 2097152 bytes");
  bytes[0] = int64_t(1) << 56;
  EXPECT_EQ(session.run(inputs, outputs), MOPT_OUT_OF_MEMORY);
  EXPECT_EQ(session.error(), "no memory for buffers of such sizes");
  bytes[0] = 100;
  EXPECT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
}

/// Random buffers, whose places the test looks at.
struct RandomModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.outputs = {{"y", MOPT_FLOAT32, {1}}};
    return spec;
  }
  static int32_t entry(MoptRun *run, const MoptTensor *, MoptTensor *) {
    std::mt19937 random(4);
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<int64_t> bytes(20), offsets;
      std::vector<int32_t> lifetimes;
      for (int64_t &size : bytes) {
        size = random() % 3 ? random() % 500 : 0;
        lifetimes.push_back(random() % 30);
        lifetimes.push_back(lifetimes.back() + random() % 10);
      }
      offsets = bytes;
      // The same buffers every time: only sizes may change between runs.
      static std::vector<int32_t> first = lifetimes;
      mopt_rt_place(run, offsets.data(), first.data(), 20);
      int64_t total = mopt_rt_planned_bytes(bytes.data(), first.data(), 20);
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(offsets[i] % MOPT_RT_ALIGNMENT, 0);
        EXPECT_LE(offsets[i] + bytes[i], total);
        for (int j = 0; j < i; ++j) {
          bool meet = first[2 * i] <= first[2 * j + 1] &&
                      first[2 * j] <= first[2 * i + 1];
          bool apart = offsets[i] + bytes[i] <= offsets[j] ||
                       offsets[j] + bytes[j] <= offsets[i];
          EXPECT_TRUE(!meet || apart || !bytes[i] || !bytes[j]);
        }
      }
    }
    return MOPT_OK;
  }
};

TEST(PlaceRandom, NothingOverlaps) {
  Session session(TestModel<RandomModel>::api());
  std::vector<MoptTensor> outputs = {noBuffer()};
  EXPECT_EQ(session.run({}, outputs), MOPT_OK) << session.error();
}

} // namespace
