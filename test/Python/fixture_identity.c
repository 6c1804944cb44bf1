/* A hand-written library whose output is its input, [rows, 3] of the element type that
 * TEST_DTYPE and TEST_BITS say: what the Python side's element types are tested with. */
#include "mopt-c/Model.h"

#include <stdlib.h>
#include <string.h>

struct MoptModel {
  int unused;
};
struct MoptContext {
  int unused;
};

static struct MoptModel model;
static struct MoptContext context;
static const int64_t dims[2] = {-1, 3};
static const char *const names[2] = {"rows", 0};
static const MoptTensorSpec input = {"x", dims, names, 2, TEST_DTYPE, 0, 0};
static const MoptTensorSpec output = {"y", dims, names, 2, TEST_DTYPE, 0, 0};

static MoptStatus create(const MoptModelOptions *options, MoptModel **result) {
  *result = &model;
  return MOPT_OK;
}
static void destroy(MoptModel *m) {}
static MoptStatus context_create(MoptModel *m, MoptContext **result) {
  *result = &context;
  return MOPT_OK;
}
static void context_destroy(MoptContext *c) {}
static int64_t workspace_bytes(const MoptModel *m, const int64_t *in) { return 0; }

static MoptStatus infer(const MoptModel *m, const int64_t *in, int64_t *out) {
  out[0] = in[0];
  out[1] = in[1];
  return MOPT_OK;
}

static MoptStatus run(MoptContext *c, const MoptTensor *in, size_t in_count, MoptTensor *out,
                      size_t out_count) {
  int64_t bytes = (in->dims[0] * in->dims[1] * TEST_BITS + 7) / 8;
  if (in->rank != 2 || in->dtype != TEST_DTYPE || in->capacity_bytes != bytes)
    return MOPT_INVALID_SHAPE;
  if (out->data)
    memcpy(out->data, in->data, bytes);
  else
    out->data = in->data;
  out->dims = in->dims;
  out->rank = 2;
  return MOPT_OK;
}

static const char *last_error(const MoptContext *c) { return "unexpected input"; }
static const char *status_name(MoptStatus status) { return "MOPT_INVALID_SHAPE"; }

static const MoptModelApi api = {
    MOPT_MODEL_ABI_VERSION, sizeof(MoptModelApi), "identity", "{}", 1, 1, &input, &output,
    create, destroy, context_create, context_destroy, workspace_bytes, infer, run, last_error,
    status_name, 0};

__attribute__((visibility("default"))) const MoptModelApi *mopt_model(void) { return &api; }
