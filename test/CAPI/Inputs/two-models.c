/* Two models linked statically, run by four threads at once: each thread has a
 * context of its own of both, and expects the bits that the main thread got
 * before. Once with a pool per model, once with one pool for both. */
#include "image.h"
#include "text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, RUNS = 6, BATCH = 3, LENGTH = 5, TEXT = BATCH * LENGTH };

static float image_x[IMAGE_X_ELEMENTS], image_y[IMAGE_Y_ELEMENTS];
static float text_x[TEXT * 32], text_y[TEXT * 64];
static int64_t positives;
static MoptModel *image, *text;

static void check(int condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "failed: %s\n", what);
  exit(1);
}

/* The second output belongs to the context. */
static int64_t run_text(MoptContext *context, const float *x, float *y) {
  int64_t x_dims[3] = {BATCH, LENGTH, 32}, y_dims[3];
  MoptTensor input, outputs[2];
  memset(&input, 0, sizeof(input));
  memset(outputs, 0, sizeof(outputs));
  input.data = (void *)x;
  input.dims = x_dims;
  input.rank = 3;
  input.dtype = MOPT_FLOAT32;
  outputs[0].data = y;
  outputs[0].dims = y_dims;
  outputs[0].rank = 3;
  outputs[0].capacity_bytes = sizeof(text_y);
  const MoptModelApi *api = mopt_model_text();
  check(api->run(context, &input, 1, outputs, 2) == MOPT_OK,
        api->last_error(context));
  check(outputs[1].rank == 2 && outputs[1].dims[0] == 3, "shape of 'i'");
  const int64_t *indices = outputs[1].data;
  int64_t count = outputs[1].dims[1];
  for (int64_t k = 0; k < count; ++k) {
    const int64_t *i = indices + k;
    int64_t at = (i[0] * LENGTH + i[count]) * 64 + i[2 * count];
    check(at >= 0 && at < TEXT * 64 && y[at] > 0, "values of 'i'");
  }
  return count;
}

static void *work(void *unused) {
  (void)unused;
  MoptContext *image_context, *text_context;
  check(!mopt_model_image()->context_create(image, &image_context), "context");
  check(!mopt_model_text()->context_create(text, &text_context), "context");
  for (int i = 0; i < RUNS; ++i) {
    float y[IMAGE_Y_ELEMENTS], z[TEXT * 64];
    check(!image_run(image_context, image_x, y), "run of 'image'");
    check(!memcmp(y, image_y, sizeof(y)), "bits of 'image'");
    check(run_text(text_context, text_x, z) == positives, "size of 'i'");
    check(!memcmp(z, text_y, sizeof(z)), "bits of 'text'");
  }
  mopt_model_image()->context_destroy(image_context);
  mopt_model_text()->context_destroy(text_context);
  return NULL;
}

/* What the threads compare with. */
static void run_once(void) {
  MoptContext *context;
  check(!mopt_model_image()->context_create(image, &context), "context");
  check(!image_run(context, image_x, image_y), "run of 'image'");
  mopt_model_image()->context_destroy(context);
  check(!mopt_model_text()->context_create(text, &context), "context");
  positives = run_text(context, text_x, text_y);
  mopt_model_text()->context_destroy(context);
}

static void run_threads(MoptPool *pool) {
  MoptModelOptions options;
  memset(&options, 0, sizeof(options));
  options.struct_bytes = sizeof(options);
  options.pool = pool;
  options.threads = pool ? 0 : 2;
  check(!mopt_model_image()->create(&options, &image), "creation of 'image'");
  check(!mopt_model_text()->create(&options, &text), "creation of 'text'");
  run_once();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i)
    check(!pthread_create(&threads[i], NULL, work, NULL), "a thread");
  for (int i = 0; i < THREADS; ++i)
    pthread_join(threads[i], NULL);
  mopt_model_image()->destroy(image);
  mopt_model_text()->destroy(text);
}

int main(void) {
  for (int i = 0; i < IMAGE_X_ELEMENTS; ++i)
    image_x[i] = (float)(i % 17) / 17;
  for (int i = 0; i < TEXT * 32; ++i)
    text_x[i] = (float)(i % 23) - 11;
  run_threads(NULL);
  MoptPoolOptions options = {sizeof(options), 3, 0, 0};
  MoptPool *pool;
  check(!mopt_model_text()->pool_create(&options, &pool), "a pool");
  run_threads(pool);
  pool->release(pool);
  float sum = 0;
  for (int i = 0; i < IMAGE_Y_ELEMENTS; ++i)
    sum += image_y[i];
  printf("probabilities %.3f, positive %s\n", sum,
         positives > 0 && positives < TEXT * 64 ? "some" : "none");
  return 0;
}
