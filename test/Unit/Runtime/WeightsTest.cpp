//===- WeightsTest.cpp - Embedded and mapped weights ----------------------===//
#include "TestModel.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace {

alignas(64) const float embedded[4] = {1, 2, 3, 4};

int32_t firstWeights(MoptRun *run, const MoptTensor *, MoptTensor *outputs) {
  outputs[0].data = const_cast<void *>(mopt_rt_weights(run));
  return MOPT_OK;
}

ModelSpec weightsSpec() {
  ModelSpec spec;
  spec.outputs = {{"w", MOPT_FLOAT32, {4}, {}, MOPT_RT_OUTPUT_RESULT}};
  spec.desc.weights_bytes = sizeof(embedded);
  return spec;
}

struct EmbeddedModel {
  static ModelSpec spec() {
    ModelSpec spec = weightsSpec();
    spec.desc.weights = embedded;
    return spec;
  }
  static constexpr auto entry = firstWeights;
};

struct MappedModel {
  static ModelSpec spec() {
    ModelSpec spec = weightsSpec();
    spec.desc.weights_file = "mopt-no-such-file.weights";
    spec.desc.weights_id = 77;
    return spec;
  }
  static constexpr auto entry = firstWeights;
};

void expectWeights(Session &session) {
  ASSERT_EQ(session.status, MOPT_OK);
  std::vector<MoptTensor> inputs, outputs = {noBuffer()};
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(memcmp(outputs[0].data, embedded, sizeof(embedded)), 0);
  // Weights are constant, so the caller gets a copy.
  static_cast<float *>(outputs[0].data)[0] = 5;
  outputs[0] = noBuffer();
  ASSERT_EQ(session.run(inputs, outputs), MOPT_OK) << session.error();
  EXPECT_EQ(static_cast<float *>(outputs[0].data)[0], 1);
}

TEST(Weights, Embedded) {
  Session session(TestModel<EmbeddedModel>::api());
  expectWeights(session);
}

struct WeightFile : testing::Test {
  std::string path = testing::TempDir() + "mopt-weights-XXXXXX";
  MoptWeightsHeader header = {};
  char error[256] = "";

  WeightFile() {
    close(mkstemp(&path[0]));
    memcpy(header.magic, "moptwts", 8);
    header.version = 1;
    header.header_bytes = sizeof(header);
    header.weights_bytes = sizeof(embedded);
    header.id = 77;
  }
  ~WeightFile() override { unlink(path.c_str()); }

  void write(size_t bytes) {
    FILE *file = fopen(path.c_str(), "wb");
    fwrite(&header, 1, sizeof(header), file);
    fwrite(embedded, 1, bytes, file);
    fclose(file);
  }
  MoptModelOptions options() {
    MoptModelOptions options = withThreads(1);
    options.weights_path = path.c_str();
    options.error = error;
    options.error_bytes = sizeof(error);
    return options;
  }
  void expectRefusal(const std::string &reason) {
    MoptModelOptions chosen = options();
    Session session(TestModel<MappedModel>::api(), &chosen);
    EXPECT_EQ(session.status, MOPT_IO_ERROR);
    EXPECT_NE(std::string(error).find(reason), std::string::npos) << error;
  }
};

TEST_F(WeightFile, Mapped) {
  write(sizeof(embedded));
  MoptModelOptions chosen = options();
  Session session(TestModel<MappedModel>::api(), &chosen);
  expectWeights(session);
}

TEST_F(WeightFile, Refused) {
  write(sizeof(embedded) - 1);
  expectRefusal("expected 80 bytes, found 79");
  header.id = 78;
  write(sizeof(embedded));
  expectRefusal("belongs to another model than 'test'");
  header.magic[0] = 'x';
  write(sizeof(embedded));
  expectRefusal("not a weight file of version 1");
  fclose(fopen(path.c_str(), "wb"));
  expectRefusal("not a weight file of version 1");
  path = "/";
  expectRefusal("not a weight file of version 1");
  path = "/no/such/file";
  expectRefusal("No such file or directory");
}

TEST_F(WeightFile, BesideTheLibrary) {
  MoptModelOptions chosen = options();
  chosen.weights_path = nullptr;
  Session session(TestModel<MappedModel>::api(), &chosen);
  EXPECT_EQ(session.status, MOPT_IO_ERROR);
  EXPECT_NE(std::string(error).find("mopt-no-such-file.weights"),
            std::string::npos);
}

} // namespace
