// Which variant of a library a model is made of.
#include "TestModel.h"

#include <cstdlib>
#include <gtest/gtest.h>

extern "C" const MoptDeviceInterface mopt_test_no_device;

namespace {
// No processor is asked for such a leaf, nor has such an entry of the
// auxiliary vector.
constexpr MoptFeature kMissing = {0x7fffff00, 0, 0, 0, 0};

/// Two variants that say which of them ran; the first one needs what no
/// processor has.
struct TwoVariants {
  static ModelSpec spec() {
    static MoptModelDesc second;
    ModelSpec spec{{{"x", MOPT_INT32, {1}}}, {{"y", MOPT_INT32, {1}}}};
    spec.desc.feature_count = 1;
    spec.desc.feature_names = "flying";
    spec.desc.features = &kMissing;
    spec.desc.next = &second;
    spec.desc.target = "best";
    second.target = "plain";
    second.entry = [](MoptRun *, const MoptTensor *, MoptTensor *outputs) {
      *static_cast<int32_t *>(outputs[0].data) = 2;
      return int32_t(MOPT_OK);
    };
    second.input_count = second.output_count = 1;
    second.dim_count = 2;
    second.ranks = ranks;
    second.dims = dims;
    second.dtypes = dtypes;
    second.output_kinds = kinds;
    return spec;
  }
  static int32_t entry(MoptRun *, const MoptTensor *, MoptTensor *outputs) {
    *static_cast<int32_t *>(outputs[0].data) = 1;
    return MOPT_OK;
  }
  static constexpr int32_t ranks[] = {1, 1},
                           dtypes[] = {MOPT_INT32, MOPT_INT32},
                           kinds[] = {MOPT_RT_OUTPUT_DESTINATION};
  static constexpr int64_t dims[] = {1, 1};
};

struct OneVariant : TwoVariants {
  static ModelSpec spec() {
    ModelSpec spec = TwoVariants::spec();
    spec.desc.next = nullptr;
    return spec;
  }
};

/// The first one needs a part of the processor's state that no system has.
struct StateVariants : TwoVariants {
  static ModelSpec spec() {
    ModelSpec spec = TwoVariants::spec();
    spec.desc.feature_count = 0;
    spec.desc.processor_state = 63;
    return spec;
  }
};

/// A device that no machine has, and the same for processors.
struct DeviceVariants : TwoVariants {
  static ModelSpec spec() {
    ModelSpec spec = TwoVariants::spec();
    spec.desc.feature_count = 0;
    spec.desc.device = &mopt_test_no_device;
    spec.desc.target = "device,best";
    return spec;
  }
};

/// The device alone.
struct DeviceVariant : TwoVariants {
  static ModelSpec spec() {
    ModelSpec spec = DeviceVariants::spec();
    spec.desc.next = nullptr;
    return spec;
  }
};

/// The reason why a model cannot be made, "" if it can.
template <typename Definition>
std::string fail(const char *target, int32_t fallback = MOPT_FALLBACK_NONE) {
  if (target)
    setenv("MOPT_TARGET", target, 1);
  MoptModelOptions options = {};
  char error[512] = "";
  options.struct_bytes = sizeof(options);
  options.error = error;
  options.error_bytes = sizeof(error);
  options.fallback = fallback;
  MoptModel *model = nullptr;
  const MoptModelApi *api = TestModel<Definition>::api();
  MoptStatus status = api->create(&options, &model);
  unsetenv("MOPT_TARGET");
  EXPECT_EQ(status, *error ? MOPT_UNSUPPORTED : MOPT_OK) << error;
  EXPECT_EQ(model == nullptr, *error != '\0');
  api->destroy(model);
  return error;
}
} // namespace

TEST(Variants, ProcessorStandsInForADeviceWhereAsked) {
  EXPECT_EQ(fail<DeviceVariants>(nullptr), "no such device");
  EXPECT_EQ(fail<DeviceVariants>(nullptr, MOPT_FALLBACK_PROCESSOR), "");
  EXPECT_EQ(fail<DeviceVariant>(nullptr, MOPT_FALLBACK_PROCESSOR),
            "the library has no code for processors alone; compile it with "
            "--fallback=processor");
}

TEST(Variants, EnvironmentForcesADeviceOrNone) {
  EXPECT_EQ(fail<DeviceVariants>("plain"), "");
  EXPECT_EQ(fail<DeviceVariants>("device"), "no such device");
  EXPECT_EQ(fail<DeviceVariants>("device,best", MOPT_FALLBACK_PROCESSOR),
            "no such device");
  EXPECT_EQ(fail<DeviceVariants>("dev"),
            "MOPT_TARGET: expected one of: device,best plain, found 'dev'");
}

TEST(Variants, FallbackIsChecked) {
  MoptModelOptions options = {};
  options.struct_bytes = sizeof(options);
  options.fallback = 2;
  MoptModel *model = nullptr;
  EXPECT_EQ(TestModel<DeviceVariants>::api()->create(&options, &model),
            MOPT_INVALID_ARGUMENT);
}

TEST(Variants, FirstThatFitsIsTaken) {
  Session session(TestModel<TwoVariants>::api());
  ASSERT_EQ(session.status, MOPT_OK);
  std::vector<int32_t> x(1), y(1);
  std::vector<int64_t> dims = {1};
  std::vector<MoptTensor> outputs = {tensor(MOPT_INT32, y, dims)};
  ASSERT_EQ(session.run({tensor(MOPT_INT32, x, dims)}, outputs), MOPT_OK)
      << session.error();
  EXPECT_EQ(y[0], 2);
  EXPECT_STREQ(session.api->target(session.model), "plain");
  EXPECT_EQ(session.api->target(nullptr), nullptr);
}

TEST(Variants, StateThatIsRefusedLeavesTheNextOne) {
  EXPECT_EQ(fail<StateVariants>(nullptr), "");
  EXPECT_EQ(fail<StateVariants>("best"),
            "MOPT_TARGET: code for 'best' needs registers for matrices, which "
            "the operating system refuses");
}

TEST(Variants, MissingFeatureIsNamed) {
  EXPECT_EQ(fail<OneVariant>(nullptr),
            "code for 'best' needs flying, which this processor lacks or its "
            "operating system does not save; compile for a smaller target");
}

TEST(Variants, EnvironmentForcesOne) {
  EXPECT_EQ(fail<TwoVariants>("plain"), "");
  EXPECT_EQ(fail<TwoVariants>(""), "");
  EXPECT_EQ(fail<TwoVariants>("best"),
            "MOPT_TARGET: code for 'best' needs flying, which this processor "
            "lacks or its operating system does not save");
  EXPECT_EQ(fail<TwoVariants>("other"),
            "MOPT_TARGET: expected one of: best plain, found 'other'");
}

TEST(Variants, OneVariantIsNotForced) {
  EXPECT_EQ(fail<OneVariant>("other").find("MOPT_TARGET"), std::string::npos);
}
