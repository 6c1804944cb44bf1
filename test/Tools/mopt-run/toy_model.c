/* toy_model.c: a library as mopt-compile makes them, with its model written by
 * hand. Inputs x [batch, 3] of float32 and i [n] of int64; outputs y = 2 x, the
 * indices of the elements of x above 0, and the bfloat16 1.5, -2. A negative
 * i is an error of the data. */
#include "Runtime.h"

enum { SPECS = 5, DIMS = 7 };

static const char names[] = "x\0i\0y\0positive/indices\0constant\0";
static const int32_t dtypes[SPECS] = {MOPT_FLOAT32, MOPT_INT64, MOPT_FLOAT32,
                                      MOPT_INT64, MOPT_BFLOAT16};
static const int32_t ranks[SPECS] = {2, 1, 2, 1, 1};
static const int64_t dims[DIMS] = {-1, 3, -1, -1, 3, -1, 2};
static const char dim_names[] = "batch\0\0n\0batch\0\0\0\0";
static const int32_t output_kinds[] = {MOPT_RT_OUTPUT_DESTINATION,
                                       MOPT_RT_OUTPUT_RESULT,
                                       MOPT_RT_OUTPUT_RESULT};
static const _Alignas(64) uint16_t weights[] = {0x3fc0, 0xc000};

typedef struct Frame {
  const float *x;
  float *y;
} Frame;

static void scale(MoptRun *run, void *data, int64_t begin, int64_t end) {
  (void)run;
  Frame *frame = data;
  for (int64_t i = 3 * begin; i < 3 * end; ++i)
    frame->y[i] = 2 * frame->x[i];
}

static int32_t entry(MoptRun *run, const MoptTensor *inputs,
                     MoptTensor *outputs) {
  int64_t batch = inputs[0].dims[0], count = 0;
  Frame frame = {inputs[0].data, outputs[0].data};
  mopt_rt_parallel_for(run, scale, &frame, batch);
  const int64_t *indices = inputs[1].data;
  for (int64_t i = 0; i < inputs[1].dims[0]; ++i)
    if (indices[i] < 0)
      mopt_rt_fail(run, MOPT_INVALID_DATA, "node 'gather': an index is below 0");
  int64_t *positive = mopt_rt_alloc(run, 8 * 3 * batch);
  for (int64_t i = 0; i < 3 * batch; ++i)
    if (frame.x[i] > 0)
      positive[count++] = i;
  outputs[1].data = positive;
  outputs[1].dims[0] = count;
  outputs[2].data = (void *)mopt_rt_weights(run);
  return MOPT_OK;
}

static int64_t storage[MOPT_RT_STORAGE_BYTES(SPECS, DIMS) / 8];
static MoptStatus create(const MoptModelOptions *options, MoptModel **model);

static const MoptModelDesc desc = {
    .version = MOPT_RT_DESC_VERSION,
    .desc_bytes = sizeof(desc),
    .name = "toy",
    .build_info_json = "{\"tool\": \"hand\"}",
    .input_count = 2,
    .output_count = 3,
    .dim_count = DIMS,
    .names = names,
    .dtypes = dtypes,
    .ranks = ranks,
    .dims = dims,
    .dim_names = dim_names,
    .output_kinds = output_kinds,
    .weights = weights,
    .weights_bytes = sizeof(weights),
    .entry = entry,
    .create = create,
    .storage = storage,
    .storage_bytes = sizeof(storage),
};

static MoptStatus create(const MoptModelOptions *options, MoptModel **model) {
  return mopt_rt_create(&desc, options, model);
}

#define EXPORT __attribute__((visibility("default")))
EXPORT const MoptModelApi *mopt_model_toy(void);
EXPORT const MoptModelApi *mopt_model(void);
const MoptModelApi *mopt_model_toy(void) { return mopt_rt_api(&desc); }
const MoptModelApi *mopt_model(void) { return mopt_rt_api(&desc); }
