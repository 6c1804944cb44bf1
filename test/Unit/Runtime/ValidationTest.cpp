//===- ValidationTest.cpp - What a run refuses, and with which words ------===//
#include "TestModel.h"

namespace {

struct Validation : testing::Test {
  Session session{TestModel<AddModel>::api()};
  std::vector<float> x = {1, 2, 3, 4, 5, 6}, y = {10, 20, 30, 40, 50, 60};
  std::vector<float> z = std::vector<float>(6);
  std::vector<int64_t> xDims = {2, 3}, yDims = {2, 3}, zDims = {0, 0};
  std::vector<MoptTensor> inputs = {tensor(MOPT_FLOAT32, x, xDims),
                                    tensor(MOPT_FLOAT32, y, yDims)};
  std::vector<MoptTensor> outputs = {tensor(MOPT_FLOAT32, z, zDims)};

  void expectFailure(MoptStatus status, const std::string &message) {
    EXPECT_EQ(session.run(inputs, outputs), status);
    EXPECT_EQ(session.error(), message);
  }
};

TEST_F(Validation, DescribesTheModel) {
  const MoptModelApi *api = session.api;
  EXPECT_EQ(api->abi_version, unsigned(MOPT_MODEL_ABI_VERSION));
  EXPECT_EQ(api->struct_bytes, sizeof(MoptModelApi));
  ASSERT_EQ(api->input_count, 2);
  EXPECT_STREQ(api->inputs[1].name, "y");
  EXPECT_STREQ(api->outputs[0].name, "z");
  EXPECT_EQ(api->outputs[0].rank, 2);
  EXPECT_EQ(api->outputs[0].dims[0], -1);
  EXPECT_EQ(api->outputs[0].dims[1], 3);
  EXPECT_STREQ(api->outputs[0].dim_names[0], "batch");
  EXPECT_EQ(api->outputs[0].dim_names[1], nullptr);
  EXPECT_STREQ(api->status_name(MOPT_BUSY), "MOPT_BUSY");
  EXPECT_STREQ(api->status_name(-5), "unknown status");
}

TEST_F(Validation, Runs) {
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(z, (std::vector<float>{11, 22, 33, 44, 55, 66}));
  EXPECT_EQ(zDims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(session.error(), "");
}

TEST_F(Validation, RunsWithoutElements) {
  xDims[0] = yDims[0] = 0;
  inputs[0].data = inputs[1].data = nullptr;
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(zDims, (std::vector<int64_t>{0, 3}));
}

TEST_F(Validation, ElementType) {
  inputs[1].dtype = MOPT_INT64;
  expectFailure(MOPT_INVALID_TYPE,
                "input 'y': expected element type float32, found int64 (7)");
  inputs[1].dtype = 1000;
  expectFailure(MOPT_INVALID_TYPE,
                "input 'y': expected element type float32, found  (1000)");
  inputs[1].dtype = MOPT_FLOAT32;
  outputs[0].dtype = MOPT_FLOAT16;
  expectFailure(MOPT_INVALID_TYPE,
                "output 'z': expected element type float32, found float16 "
                "(10)");
}

TEST_F(Validation, Shape) {
  inputs[0].rank = 1;
  expectFailure(MOPT_INVALID_SHAPE, "input 'x': expected rank 2, found 1");
  inputs[0].rank = 2;
  xDims[1] = 4;
  expectFailure(MOPT_INVALID_SHAPE,
                "input 'x': expected 3 in dimension 1, found 4");
  xDims = {-2, 3};
  expectFailure(MOPT_INVALID_SHAPE,
                "input 'x': dimension 0 is negative, found -2");
  xDims = {1, 3};
  expectFailure(MOPT_INVALID_SHAPE,
                "input 'y': expected 1 in dimension 0, since dimension 'batch' "
                "has that size elsewhere, found 2");
  xDims = yDims = {INT64_MAX / 2, 3};
  expectFailure(MOPT_INVALID_SHAPE, "input 'x': its size in bytes overflows");
}

TEST_F(Validation, Counts) {
  inputs.pop_back();
  expectFailure(MOPT_INVALID_ARGUMENT, "expected 2 inputs, found 1");
  inputs.push_back(inputs[0]);
  outputs.clear();
  expectFailure(MOPT_INVALID_ARGUMENT, "expected 1 outputs, found 0");
}

TEST_F(Validation, Nulls) {
  inputs[0].data = nullptr;
  expectFailure(MOPT_INVALID_ARGUMENT, "input 'x': expected data, found null");
  inputs[0].dims = nullptr;
  expectFailure(MOPT_INVALID_ARGUMENT,
                "input 'x': expected dimensions, found null");
  const MoptModelApi *api = session.api;
  EXPECT_EQ(api->run(nullptr, nullptr, 0, nullptr, 0), MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(api->run(session.context, nullptr, 2, outputs.data(), 1),
            MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(session.error(),
            "expected arrays of inputs and outputs, found null");
  EXPECT_EQ(api->create(nullptr, nullptr), MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(api->context_create(nullptr, nullptr), MOPT_INVALID_ARGUMENT);
  MoptContext *context;
  EXPECT_EQ(api->context_create(nullptr, &context), MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(api->infer_output_dims(nullptr, nullptr, nullptr),
            MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(api->workspace_bytes(nullptr, nullptr), -1);
  EXPECT_STRNE(api->last_error(nullptr), "");
  api->destroy(nullptr);
  api->context_destroy(nullptr);
}

TEST_F(Validation, Buffers) {
  outputs[0].capacity_bytes = 20;
  expectFailure(MOPT_BUFFER_TOO_SMALL,
                "output 'z': expected room for 24 bytes, found 20");
  outputs[0].capacity_bytes = 24;
  inputs[0].capacity_bytes = 23;
  expectFailure(MOPT_INVALID_ARGUMENT,
                "input 'x': expected 24 bytes, found 23");
  inputs[0].capacity_bytes = 0;
  outputs[0].rank = 1;
  expectFailure(MOPT_INVALID_SHAPE,
                "output 'z': expected room for 2 dimensions, found 1");
  outputs[0].rank = 2;
  inputs[0].data = reinterpret_cast<char *>(x.data()) + 1;
  EXPECT_EQ(session.run(inputs, outputs), MOPT_INVALID_ARGUMENT);
  EXPECT_NE(session.error().find("aligned"), std::string::npos);
}

TEST_F(Validation, AskingForDims) {
  const MoptModelApi *api = session.api;
  int64_t in[] = {5, 3, 5, 3}, out[2];
  EXPECT_EQ(api->infer_output_dims(session.model, in, out), MOPT_OK);
  EXPECT_EQ(out[0], 5);
  EXPECT_EQ(out[1], 3);
  in[2] = 4;
  EXPECT_EQ(api->infer_output_dims(session.model, in, out), MOPT_INVALID_SHAPE);
  EXPECT_EQ(api->infer_output_dims(session.model, nullptr, out),
            MOPT_INVALID_SHAPE);
  EXPECT_EQ(api->workspace_bytes(session.model, in), -1);
}

TEST_F(Validation, Options) {
  const MoptModelApi *api = session.api;
  MoptModel *model = nullptr;
  char error[100] = "";
  MoptModelOptions options = withThreads(1);
  options.error = error;
  options.error_bytes = sizeof(error);
  MoptAllocator allocator = {};
  options.allocator = &allocator;
  EXPECT_EQ(api->create(&options, &model), MOPT_INVALID_ARGUMENT);
  EXPECT_EQ(model, nullptr);
  EXPECT_STREQ(error,
               "options: expected two functions in 'allocator', found null");
  options.struct_bytes = sizeof(options) + 8;
  EXPECT_EQ(api->create(&options, &model), MOPT_UNSUPPORTED);
  options.struct_bytes = 0;
  EXPECT_EQ(api->create(&options, &model), MOPT_INVALID_ARGUMENT);
}

} // namespace
