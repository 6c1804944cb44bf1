/* A hand-written library with the interface of an emitted one: what the Python side of
 * Model.h is tested with, apart from the compiler.
 *   x: f32 [n]        -> y: f32 [n]      x + 1
 *   p: int4 [n]       -> q: int4 [n]     p
 *                     -> i: i64 [?]      indices where x is not 0, in context memory
 */
#include "mopt-c/Model.h"

#include <stdlib.h>
#include <string.h>

struct MoptModel {
  int32_t threads;
};
struct MoptContext {
  const char *error;
  int64_t *found;
  int64_t found_dims[1];
};

static const int64_t dynamic[1] = {-1};
static const char *const named[1] = {"n"};
static const char *const unnamed[1] = {0};

static const MoptTensorSpec inputs[2] = {
    {"x", dynamic, named, 1, MOPT_FLOAT32, 0, 0},
    {"p", dynamic, named, 1, MOPT_INT4, 0, 0}};
static const MoptTensorSpec outputs[3] = {
    {"y", dynamic, named, 1, MOPT_FLOAT32, 0, 0},
    {"q", dynamic, named, 1, MOPT_INT4, 0, 0},
    {"i", dynamic, unnamed, 1, MOPT_INT64, MOPT_SPEC_DATA_DEPENDENT, 0}};

static MoptStatus create(const MoptModelOptions *options, MoptModel **model) {
  if (options->struct_bytes > sizeof(MoptModelOptions) || options->threads > 64) {
    strncpy(options->error, "too many threads", options->error_bytes);
    return MOPT_INVALID_ARGUMENT;
  }
  *model = calloc(1, sizeof(**model));
  (*model)->threads = options->threads;
  return MOPT_OK;
}

static void destroy(MoptModel *model) { free(model); }

static MoptStatus context_create(MoptModel *model, MoptContext **context) {
  *context = calloc(1, sizeof(**context));
  (*context)->error = "";
  return MOPT_OK;
}

static void context_destroy(MoptContext *context) {
  free(context->found);
  free(context);
}

static int64_t workspace_bytes(const MoptModel *model, const int64_t *dims) { return 0; }

static MoptStatus infer(const MoptModel *model, const int64_t *dims, int64_t *out) {
  if (dims[0] != dims[1])
    return MOPT_INVALID_SHAPE;
  out[0] = out[1] = dims[0];
  out[2] = -1;
  return MOPT_OK;
}

static MoptStatus run(MoptContext *context, const MoptTensor *in, size_t in_count,
                      MoptTensor *out, size_t out_count) {
  int64_t n = in[0].dims[0];
  if (in[1].dims[0] != n) {
    context->error = "dimension 'n': expected equal sizes";
    return MOPT_INVALID_SHAPE;
  }
  const float *x = in[0].data;
  float *y = out[0].data;
  free(context->found);
  context->found = malloc(sizeof(int64_t) * (n + 1));
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = x[i] + 1.0f;
    if (x[i] != 0.0f)
      context->found[count++] = i;
  }
  if (n)
    memcpy(out[1].data, in[1].data, (n + 1) / 2);
  context->found_dims[0] = count;
  out[0].dims = out[1].dims = in[0].dims;
  out[0].rank = out[1].rank = out[2].rank = 1;
  out[2].data = context->found;
  out[2].dims = context->found_dims;
  out[2].flags = MOPT_TENSOR_CONTEXT_OWNED | MOPT_TENSOR_CONTEXT_DIMS;
  return MOPT_OK;
}

static const char *last_error(const MoptContext *context) { return context->error; }
static const char *status_name(MoptStatus status) {
  return status == MOPT_INVALID_SHAPE ? "MOPT_INVALID_SHAPE" : "MOPT_INVALID_ARGUMENT";
}

static const MoptModelApi api = {
    MOPT_MODEL_ABI_VERSION, sizeof(MoptModelApi), "fixture", "{\"tool\": \"none\"}", 2, 3,
    inputs, outputs, create, destroy, context_create, context_destroy, workspace_bytes, infer,
    run, last_error, status_name, 0};

__attribute__((visibility("default"))) const MoptModelApi *mopt_model(void) { return &api; }
