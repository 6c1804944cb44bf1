/* Runs the model of add.mlir: loaded from argv[1], or linked in (STATIC). */
#include "mopt-c/Model.h"

#include <stdio.h>
#include <string.h>

#ifdef STATIC
#include "add.h"
#ifdef SECOND
#include "sum.h"
#endif
#else
#include <dlfcn.h>
#endif

static int run(const MoptModelApi *api) {
  float x[4] = {0.5f, 1.5f, 2.5f, 3.5f}, y[4] = {0};
  int64_t dims[1] = {4};
  MoptTensor input, output;
  MoptModel *model;
  MoptContext *context;
  MoptStatus status;
  MoptModelOptions options;
  char error[512] = "";
  memset(&options, 0, sizeof(options));
  options.struct_bytes = sizeof(options);
  options.error = error;
  options.error_bytes = sizeof(error);
  memset(&input, 0, sizeof(input));
  input.data = x;
  input.dims = dims;
  input.rank = 1;
  input.dtype = MOPT_FLOAT32;
  output = input;
  output.data = y;
  output.capacity_bytes = sizeof(y);
  if (!api)
    return printf("no table\n"), 1;
  status = api->create(&options, &model);
  if (status)
    return printf("%s: %s\n", api->status_name(status), error), 1;
  if (api->context_create(model, &context))
    return printf("cannot create a context\n"), 1;
  status = api->run(context, &input, 1, &output, 1);
  printf("%s: %s %s:", api->name, api->status_name(status),
         api->last_error(context));
  for (int i = 0; i < 4; ++i)
    printf(" %g", y[i]);
  printf("\n");
  api->context_destroy(context);
  api->destroy(model);
  return status;
}

int main(int argc, char **argv) {
#ifdef STATIC
  int failed = run(mopt_model_add());
#ifdef SECOND
  failed |= run(mopt_model_sum());
#endif
  return failed;
#else
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library)
    return printf("%s\n", dlerror()), 1;
  return run(((MoptModelFunction)dlsym(library, "mopt_model"))());
#endif
}
