//===- ProfileTest.cpp - Counted kernels ----------------------------------===//
#include "TestModel.h"

namespace {
/// y = x; calls the first kernel once and the second x[0] times.
struct CountedModel {
  static ModelSpec spec() {
    static const char kernels[] = "copy\0a (Add)\nb (Mul)\0scale\0\0";
    ModelSpec spec;
    spec.inputs = {{"x", MOPT_INT64, {1}}};
    spec.outputs = {{"y", MOPT_INT64, {1}}};
    spec.desc.kernel_count = 2;
    spec.desc.kernels = kernels;
    return spec;
  }
  static int32_t entry(MoptRun *run, const MoptTensor *inputs,
                       MoptTensor *outputs) {
    int64_t x = *static_cast<int64_t *>(inputs[0].data);
    mopt_rt_kernel_begin(run);
    *static_cast<int64_t *>(outputs[0].data) = x;
    mopt_rt_kernel_end(run, 0);
    for (int64_t i = 0; i < x; ++i) {
      mopt_rt_kernel_begin(run);
      mopt_rt_kernel_end(run, 1);
    }
    return MOPT_OK;
  }
};

int64_t callsOf(const Session &session, int place) {
  MoptKernelProfile kernels[2];
  EXPECT_EQ(session.api->profile(session.context, kernels, 2), 2);
  EXPECT_GE(kernels[place].nanoseconds, 0);
  return kernels[place].calls;
}

MoptStatus runWith(Session &session, int64_t value) {
  std::vector<int64_t> x = {value}, y(1), xDims = {1}, yDims = {1};
  std::vector<MoptTensor> outputs = {tensor(MOPT_INT64, y, yDims)};
  return session.run({tensor(MOPT_INT64, x, xDims)}, outputs);
}
} // namespace

TEST(Profile, CountsCallsOfEachPlace) {
  Session session(TestModel<CountedModel>::api());
  ASSERT_EQ(session.status, MOPT_OK);
  EXPECT_EQ(callsOf(session, 0), 0);
  ASSERT_EQ(runWith(session, 3), MOPT_OK);
  ASSERT_EQ(runWith(session, 4), MOPT_OK);
  EXPECT_EQ(callsOf(session, 0), 2);
  EXPECT_EQ(callsOf(session, 1), 7);
}

TEST(Profile, NamesKernelsAndNodes) {
  Session session(TestModel<CountedModel>::api());
  MoptKernelProfile kernels[2];
  ASSERT_EQ(session.api->profile(session.context, kernels, 2), 2);
  EXPECT_STREQ(kernels[0].kernel, "copy");
  EXPECT_STREQ(kernels[0].nodes, "a (Add)\nb (Mul)");
  EXPECT_STREQ(kernels[1].kernel, "scale");
  EXPECT_STREQ(kernels[1].nodes, "");
}

TEST(Profile, ContextsCountByThemselves) {
  Session one(TestModel<CountedModel>::api()),
      two(TestModel<CountedModel>::api());
  ASSERT_EQ(runWith(one, 5), MOPT_OK);
  EXPECT_EQ(callsOf(one, 1), 5);
  EXPECT_EQ(callsOf(two, 1), 0);
}

TEST(Profile, WritesWhatThereIsRoomFor) {
  Session session(TestModel<CountedModel>::api());
  MoptKernelProfile kernels[2] = {};
  EXPECT_EQ(session.api->profile(session.context, kernels, 1), 2);
  EXPECT_STREQ(kernels[0].kernel, "copy");
  EXPECT_EQ(kernels[1].kernel, nullptr);
  EXPECT_EQ(session.api->profile(session.context, nullptr, 0), 2);
  EXPECT_EQ(session.api->profile(session.context, nullptr, 2), 2);
  EXPECT_EQ(session.api->profile(nullptr, kernels, 2), 0);
}

TEST(Profile, OtherModelsHaveNone) {
  Session session(TestModel<AddModel>::api());
  MoptKernelProfile kernel;
  EXPECT_EQ(session.api->profile(session.context, &kernel, 1), 0);
}
