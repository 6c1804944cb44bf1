// State of the processor that a process must ask for.
#include "TestModel.h"

#include <gtest/gtest.h>

namespace {
struct NeedsState {
  static ModelSpec spec() {
    ModelSpec spec{{{"x", MOPT_FLOAT32, {1}}}, {{"y", MOPT_FLOAT32, {1}}}};
    // No processor has such a part.
    spec.desc.processor_state = 63;
    return spec;
  }
  static int32_t entry(MoptRun *, const MoptTensor *, MoptTensor *) {
    return MOPT_OK;
  }
};
} // namespace

TEST(State, RefusalIsAnError) {
  MoptModelOptions options = {};
  char error[256] = "";
  options.struct_bytes = sizeof(options);
  options.error = error;
  options.error_bytes = sizeof(error);
  MoptModel *model = nullptr;
  EXPECT_EQ(TestModel<NeedsState>::api()->create(&options, &model),
            MOPT_UNSUPPORTED);
  EXPECT_EQ(model, nullptr);
  EXPECT_NE(std::string(error).find("registers for matrices"),
            std::string::npos)
      << error;
}
