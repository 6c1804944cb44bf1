// Packed forms of a matrix from one another, as variants of a library need
// them.
#include "Repack.h"
#include "TestModel.h"

#include <gtest/gtest.h>
#include <tuple>

namespace {
struct Form {
  int64_t columns, interleave;
};

/// Packs a row-major matrix the plain way, element by element.
std::vector<char> pack(const MoptRepack &r, const std::vector<char> &matrix,
                       Form form) {
  std::vector<char> packed(
      mopt_rt_packed_bytes(&r, form.columns, form.interleave));
  int64_t blocks = (r.width + form.columns - 1) / form.columns;
  int64_t groups = (r.depth + form.interleave - 1) / form.interleave;
  for (int64_t b = 0; b < r.batches; ++b)
    for (int64_t k = 0; k < r.depth; ++k)
      for (int64_t n = 0; n < r.width; ++n) {
        int64_t block = b * blocks + n / form.columns;
        int64_t group = block * groups + k / form.interleave;
        int64_t at =
            (group * form.columns + n % form.columns) * form.interleave +
            k % form.interleave;
        memcpy(&packed[at * r.element_bytes],
               &matrix[((b * r.depth + k) * r.width + n) * r.element_bytes],
               r.element_bytes);
      }
  return packed;
}

MoptRepack shape(int64_t bytes, int64_t batches, int64_t depth, int64_t width) {
  MoptRepack r = {};
  r.element_bytes = bytes;
  r.batches = batches;
  r.depth = depth;
  r.width = width;
  return r;
}
} // namespace

TEST(Repack, EveryFormFromEveryOther) {
  constexpr Form forms[] = {{16, 1}, {48, 1}, {16, 4},
                            {32, 4}, {64, 2}, {8, 3}};
  for (auto [bytes, batches, depth, width] :
       {std::tuple(4, 1, 7, 100), std::tuple(1, 2, 9, 33),
        std::tuple(2, 3, 4, 16), std::tuple(1, 1, 1, 1)}) {
    MoptRepack r = shape(bytes, batches, depth, width);
    std::vector<char> matrix(batches * depth * width * bytes);
    for (size_t i = 0; i < matrix.size(); ++i)
      matrix[i] = char(i * 7 + 1);
    std::vector<Form> all(std::begin(forms), std::end(forms));
    // Row-major and column-major.
    all.push_back({width, 1});
    all.push_back({width, depth});
    for (Form from : all)
      for (Form to : all) {
        r.source_columns = from.columns;
        r.source_interleave = from.interleave;
        r.columns = to.columns;
        r.interleave = to.interleave;
        std::vector<char> packed = pack(r, matrix, from),
                          expected = pack(r, matrix, to),
                          result(expected.size());
        mopt_rt_repack(&r, packed.data(), result.data());
        EXPECT_EQ(result, expected)
            << bytes << " bytes, " << batches << "x" << depth << "x" << width
            << ", " << from.columns << "/" << from.interleave << " to "
            << to.columns << "/" << to.interleave;
      }
  }
}

/// Rows of words, of scales and of zero points, which are padded together.
TEST(Repack, WeightsOfFewBits) {
  for (auto [rows, scale, zero] :
       {std::tuple(4, 2, 0), std::tuple(2, 4, 1), std::tuple(8, 2, 1)}) {
    MoptRepack r = shape(1, 1, 3, 37);
    r.word_rows = rows;
    r.scale_bytes = scale;
    r.zero_bytes = zero;
    r.interleave = r.source_interleave = 1;
    // What a column's place holds says which group, row and column it is of.
    auto fill = [&](int64_t columns) {
      std::vector<char> packed(mopt_rt_packed_bytes(&r, columns, 1));
      for (int64_t n = 0; n < r.width; ++n)
        for (int64_t g = 0; g < r.depth; ++g) {
          char *group = packed.data() + (n / columns * r.depth + g) *
                                            mopt_rt_group_bytes(&r, columns);
          for (int64_t row = 0; row < r.word_rows + 2; ++row) {
            int64_t size = row < r.word_rows    ? 4
                           : row == r.word_rows ? r.scale_bytes
                                                : r.zero_bytes;
            memset(group + n % columns * size, int(g * 50 + row * 7 + n + 1),
                   size);
            group += size * columns;
          }
        }
      return packed;
    };
    for (int64_t from : {8, 16, 64, 37})
      for (int64_t to : {8, 16, 64, 37}) {
        r.source_columns = from;
        r.columns = to;
        std::vector<char> source = fill(from), expected = fill(to),
                          result(expected.size());
        mopt_rt_repack(&r, source.data(), result.data());
        EXPECT_EQ(result, expected) << from << " to " << to;
      }
  }
}

namespace {
/// Stored row-major, 2x3 bytes, then the patch: position 1 is 9.
struct alignas(64) Stored {
  char matrix[64] = {1, 2, 3, 4, 5, 6};
  uint32_t positions[16] = {1};
  char values[64] = {9};
};

/// Hands out the repacked weights, in blocks of two columns.
struct RepackedModel {
  static ModelSpec spec() {
    static const Stored stored;
    static MoptRepack repack = [] {
      MoptRepack r = shape(1, 1, 2, 3);
      r.source_columns = 3;
      r.source_interleave = 1;
      r.columns = 2;
      r.interleave = 1;
      r.patch_count = 1;
      r.patch_positions = 64;
      r.patch_values = 128;
      return r;
    }();
    ModelSpec spec{{}, {{"y", MOPT_INT8, {8}, {}, MOPT_RT_OUTPUT_RESULT}}};
    spec.desc.weights = &stored;
    spec.desc.weights_bytes = sizeof(stored);
    spec.desc.repack_count = 1;
    spec.desc.repacks = &repack;
    spec.desc.repacked_bytes = 64;
    return spec;
  }
  static int32_t entry(MoptRun *run, const MoptTensor *, MoptTensor *outputs) {
    outputs[0].data = const_cast<void *>(mopt_rt_repacked(run));
    outputs[0].dims[0] = 8;
    return MOPT_OK;
  }
};
} // namespace

TEST(Repack, ModelHasItsOwn) {
  Session session(TestModel<RepackedModel>::api());
  ASSERT_EQ(session.status, MOPT_OK);
  std::vector<MoptTensor> outputs = {noBuffer()};
  ASSERT_EQ(session.run({}, outputs), MOPT_OK) << session.error();
  const char *y = static_cast<const char *>(outputs[0].data);
  EXPECT_EQ(std::vector<char>(y, y + 8),
            (std::vector<char>{1, 9, 4, 5, 3, 0, 6, 0}));
}

TEST(Repack, NoMemoryIsAnError) {
  MoptAllocator allocator = {nullptr,
                             [](void *, size_t bytes, size_t) -> void * {
                               return bytes == 64 ? nullptr : malloc(bytes);
                             },
                             [](void *, void *data, size_t) { free(data); }};
  MoptModelOptions options = {};
  char error[256] = "";
  options.struct_bytes = sizeof(options);
  options.allocator = &allocator;
  options.error = error;
  options.error_bytes = sizeof(error);
  MoptModel *model = nullptr;
  EXPECT_EQ(TestModel<RepackedModel>::api()->create(&options, &model),
            MOPT_OUT_OF_MEMORY);
  EXPECT_EQ(model, nullptr);
  EXPECT_NE(std::string(error).find("64 bytes of weights"), std::string::npos)
      << error;
}
