//===- OutputsTest.cpp - Whose memory an output is in ---------------------===//
#include "TestModel.h"
#include <cstring>

namespace {

/// The indices of the elements of x [n] above 0, and x itself.
struct PositiveModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"x", MOPT_FLOAT32, {-1}, {"n"}}};
    spec.outputs = {{"indices", MOPT_INT64, {-1}, {}, MOPT_RT_OUTPUT_RESULT},
                    {"same", MOPT_FLOAT32, {-1}, {"n"}, MOPT_RT_OUTPUT_RESULT}};
    return spec;
  }
  static int32_t entry(MoptRun *run, const MoptTensor *inputs,
                       MoptTensor *outputs) {
    int64_t n = inputs[0].dims[0], count = 0;
    const float *x = static_cast<const float *>(inputs[0].data);
    // A temporary before the result, so that the result is not the first block.
    memset(mopt_rt_alloc(run, 100000), 1, 100000);
    int64_t *indices = static_cast<int64_t *>(mopt_rt_alloc(run, 8 * n));
    for (int64_t i = 0; i < n; ++i)
      if (x[i] > 0)
        indices[count++] = i;
    outputs[0].data = indices;
    outputs[0].dims[0] = count;
    outputs[1].data = inputs[0].data;
    outputs[1].dims[0] = n;
    return MOPT_OK;
  }
};

struct Outputs : testing::Test {
  Session session{TestModel<PositiveModel>::api()};
  std::vector<float> x = {-1, 2, 0, 4};
  std::vector<int64_t> dims = {4};
  std::vector<MoptTensor> inputs = {tensor(MOPT_FLOAT32, x, dims)};
  std::vector<MoptTensor> outputs = {noBuffer(), noBuffer()};
};

TEST_F(Outputs, ContextOwned) {
  EXPECT_EQ(session.api->outputs[0].flags, unsigned(MOPT_SPEC_DATA_DEPENDENT));
  for (int repeat = 0; repeat < 3; ++repeat) {
    ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
    EXPECT_EQ(outputs[0].rank, 1);
    EXPECT_EQ(outputs[0].dims[0], 2);
    EXPECT_EQ(outputs[0].dtype, MOPT_INT64);
    EXPECT_EQ(outputs[0].flags,
              unsigned(MOPT_TENSOR_CONTEXT_OWNED | MOPT_TENSOR_CONTEXT_DIMS));
    EXPECT_EQ(outputs[0].capacity_bytes, 16);
    EXPECT_EQ(static_cast<int64_t *>(outputs[0].data)[1], 3);
    // The input is the caller's, so the result is a copy.
    EXPECT_NE(outputs[1].data, x.data());
    EXPECT_EQ(static_cast<float *>(outputs[1].data)[3], 4);
  }
}

TEST_F(Outputs, CallersBuffers) {
  std::vector<int64_t> indices(2), indexDims(1);
  std::vector<float> same(4);
  std::vector<int64_t> sameDims(3);
  outputs = {tensor(MOPT_INT64, indices, indexDims),
             tensor(MOPT_FLOAT32, same, sameDims)};
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(indices, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(indexDims[0], 2);
  EXPECT_EQ(same, x);
  EXPECT_EQ(outputs[1].rank, 1);
  // Too little room shows after the run.
  x[0] = 1;
  EXPECT_EQ(session.run(inputs, outputs), MOPT_BUFFER_TOO_SMALL);
  EXPECT_EQ(session.error(),
            "output 'indices': expected room for 24 bytes, found 16");
}

TEST_F(Outputs, ResultOnInput) {
  outputs[1] = inputs[0];
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(x, (std::vector<float>{-1, 2, 0, 4}));
}

TEST_F(Outputs, OverlappingOutputs) {
  std::vector<int64_t> buffer(4), indexDims(1), sameDims(1);
  outputs = {tensor(MOPT_INT64, buffer, indexDims),
             tensor(MOPT_FLOAT32, buffer, sameDims)};
  EXPECT_EQ(session.run(inputs, outputs), MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(session.error(), "outputs 'indices' and 'same': expected separate "
                             "buffers, found overlapping ones");
}

/// Shifts x [4] by one to the left into y, cyclically: wrong where y is x.
struct ShiftModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"x", MOPT_FLOAT32, {4}}};
    spec.outputs = {{"y", MOPT_FLOAT32, {4}}};
    return spec;
  }
  static int32_t entry(MoptRun *, const MoptTensor *inputs,
                       MoptTensor *outputs) {
    const float *x = static_cast<const float *>(inputs[0].data);
    float *y = static_cast<float *>(outputs[0].data);
    for (int i = 0; i < 4; ++i)
      y[i] = x[(i + 1) % 4];
    return MOPT_OK;
  }
};

TEST(OutputsOverlap, DestinationOnInput) {
  Session session(TestModel<ShiftModel>::api());
  std::vector<float> x = {1, 2, 3, 4};
  std::vector<int64_t> dims = {4};
  std::vector<MoptTensor> inputs = {tensor(MOPT_FLOAT32, x, dims)};
  std::vector<MoptTensor> outputs = inputs;
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(x, (std::vector<float>{2, 3, 4, 1}));
}

TEST(OutputsOverlap, OutputFedBack) {
  Session session(TestModel<ShiftModel>::api());
  std::vector<float> x = {1, 2, 3, 4};
  std::vector<int64_t> dims = {4};
  std::vector<MoptTensor> inputs = {tensor(MOPT_FLOAT32, x, dims)};
  std::vector<MoptTensor> outputs = {noBuffer()};
  for (int repeat = 0; repeat < 3; ++repeat) {
    ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
    inputs = outputs;
  }
  EXPECT_EQ(static_cast<float *>(outputs[0].data)[0], 4);
}

/// Swaps two inputs by returning them.
struct SwapModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"a", MOPT_INT32, {2}}, {"b", MOPT_INT32, {2}}};
    spec.outputs = {{"c", MOPT_INT32, {2}, {}, MOPT_RT_OUTPUT_RESULT},
                    {"d", MOPT_INT32, {2}, {}, MOPT_RT_OUTPUT_RESULT}};
    return spec;
  }
  static int32_t entry(MoptRun *, const MoptTensor *inputs,
                       MoptTensor *outputs) {
    outputs[0].data = inputs[1].data;
    outputs[1].data = inputs[0].data;
    return MOPT_OK;
  }
};

TEST(OutputsOverlap, SwapInPlace) {
  Session session(TestModel<SwapModel>::api());
  std::vector<int32_t> a = {1, 2}, b = {3, 4};
  std::vector<int64_t> dims = {2};
  std::vector<MoptTensor> inputs = {tensor(MOPT_INT32, a, dims),
                                    tensor(MOPT_INT32, b, dims)};
  std::vector<MoptTensor> outputs = inputs;
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(a, (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(b, (std::vector<int32_t>{1, 2}));
}

/// Leaves its output empty.
struct EmptyHandedModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.outputs = {{"y", MOPT_INT32, {2}, {}, MOPT_RT_OUTPUT_RESULT}};
    return spec;
  }
  static int32_t entry(MoptRun *, const MoptTensor *, MoptTensor *) {
    return MOPT_OK;
  }
};

TEST(OutputsOverlap, MissingResult) {
  Session session(TestModel<EmptyHandedModel>::api());
  std::vector<MoptTensor> inputs, outputs = {noBuffer()};
  EXPECT_EQ(session.run(inputs, outputs), MOPT_INTERNAL);
  EXPECT_EQ(outputs[0].data, nullptr);
}

} // namespace
