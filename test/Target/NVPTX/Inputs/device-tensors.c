/* Runs dense.so on tensors in the memory of the (fake) device, then mixed, with
 * and without a stream, and prints what the driver was asked. */
#include "mopt-c/Model.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static const MoptModelApi *api;
static MoptContext *context;
static int64_t in_dims[] = {100, 2}, out_dims[] = {100, 3};

static void run(const char *what, void *x, void *y, void *stream) {
  MoptTensor input = {x, in_dims, 800, 2, MOPT_FLOAT32, 0, 0};
  MoptTensor output = {y, out_dims, 1200, 2, MOPT_FLOAT32, 0, 0};
  MoptRunOptions options = {sizeof(options), 0, stream};
  printf("%s\n", what);
  MoptStatus status = api->run_with(context, &input, 1, &output, 1, &options);
  printf("%s%s%s\n", api->status_name(status),
         y && output.data != y ? " elsewhere" : "", api->last_error(context));
}

int main(int count, char **arguments) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  void *(*fake_allocate)(size_t) = (void *(*)(size_t))dlsym(driver,
                                                            "fake_allocate");
  void *library = dlopen(arguments[1], RTLD_NOW);
  api = ((MoptModelFunction)dlsym(library, "mopt_model"))();
  MoptModelOptions options = {sizeof(options)};
  char error[256] = "";
  MoptModel *model;
  options.error = error;
  options.error_bytes = sizeof(error);
  options.device = 7;
  printf("create: %d %s\n", api->create(&options, &model), error);
  options.device = 1;
  printf("create: %d\n", api->create(&options, &model));
  printf("target: %s\n", api->target(model));
  api->context_create(model, &context);
  void *x = fake_allocate(1200), *y = fake_allocate(1200);
  void *host_x = calloc(1, 800), *host_y = calloc(1, 1200);
  int stream;
  run("device", x, y, NULL);
  run("stream", x, y, &stream);
  run("stream again", x, y, &stream);
  run("stream to the host", x, host_y, &stream);
  run("host", host_x, host_y, NULL);
  run("in place", x, x, NULL);
  run("to the context", x, NULL, &stream);
  run("stream at last", x, y, &stream);
  api->context_destroy(context);
  api->destroy(model);
  return 0;
}
