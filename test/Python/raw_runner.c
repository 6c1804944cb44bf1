/* Runs a model on raw inputs, twice, on a machine with nothing but libc.
 * usage: raw_runner LIBRARY THREADS OUTPUTS FILE:SIZExSIZE... (one per input;
 * of a scalar FILE: alone). Output i goes to OUTPUTS.<i>, its dimensions to
 * standard output. With MODEL defined that model is linked in and LIBRARY
 * ignored. */
#include "mopt-c/Model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 64, MAX_RANK = 8 };

#ifdef MODEL
const MoptModelApi *MODEL(void);
static const MoptModelApi *open_model(const char *path) {
  (void)path;
  return MODEL();
}
#else
static const MoptModelApi *open_model(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  MoptModelFunction function =
      library ? (MoptModelFunction)dlsym(library, "mopt_model") : NULL;
  if (!function)
    fprintf(stderr, "%s\n", dlerror());
  return function ? function() : NULL;
}
#endif

static void die(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* The whole file, with room for an empty one. */
static void *read_file(const char *path, int64_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file)
    die(path, "cannot be read");
  fseek(file, 0, SEEK_END);
  *bytes = ftell(file);
  rewind(file);
  void *data = aligned_alloc(64, ((size_t)*bytes + 64) / 64 * 64);
  if (!data || fread(data, 1, (size_t)*bytes, file) != (size_t)*bytes)
    die(path, "cannot be read");
  fclose(file);
  return data;
}

/* A tensor of FILE:SIZExSIZE; `dims` has room for MAX_RANK. */
static MoptTensor read_tensor(char *argument, int64_t *dims, MoptDType dtype) {
  MoptTensor tensor;
  memset(&tensor, 0, sizeof(tensor));
  char *sizes = strrchr(argument, ':');
  if (!sizes)
    die(argument, "expected FILE:SIZES");
  *sizes++ = '\0';
  for (char *next; *sizes && tensor.rank < MAX_RANK; sizes = next) {
    dims[tensor.rank++] = strtoll(sizes, &next, 10);
    if (next == sizes)
      die(argument, "expected sizes with an x between them");
    next += *next == 'x';
  }
  tensor.dims = dims;
  tensor.dtype = dtype;
  tensor.data = read_file(argument, &tensor.capacity_bytes);
  return tensor;
}

static void write_output(const char *prefix, int number,
                         const MoptTensor *output) {
  char path[4096];
  snprintf(path, sizeof(path), "%s.%d", prefix, number);
  FILE *file = fopen(path, "wb");
  size_t bytes = (size_t)output->capacity_bytes;
  if (!file || fwrite(output->data, 1, bytes, file) != bytes || fclose(file))
    die(path, "cannot be written");
  for (int d = 0; d < output->rank; ++d)
    printf("%s%lld", d ? "x" : "", (long long)output->dims[d]);
  printf("\n");
}

int main(int argc, char **argv) {
  const MoptModelApi *api = argc < 4 ? NULL : open_model(argv[1]);
  if (!api)
    die("usage", "raw_runner LIBRARY THREADS OUTPUTS FILE:SIZES...");
  MoptTensor inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  int64_t dims[MAX_TENSORS][MAX_RANK];
  if (argc - 4 != api->input_count || api->output_count > MAX_TENSORS ||
      api->input_count > MAX_TENSORS)
    die(api->name, "expected one file per input");
  for (int i = 0; i < api->input_count; ++i)
    inputs[i] = read_tensor(argv[4 + i], dims[i], api->inputs[i].dtype);
  memset(outputs, 0, sizeof(outputs));

  MoptModelOptions options;
  char error[256] = "";
  memset(&options, 0, sizeof(options));
  options.struct_bytes = sizeof(options);
  options.threads = atoi(argv[2]);
  options.error = error;
  options.error_bytes = sizeof(error);
  MoptModel *model;
  MoptContext *context;
  if (api->create(&options, &model) || api->context_create(model, &context))
    die("cannot create", error);
  /* The second run meets the memory that the first one left. */
  for (int i = 0; i < 2; ++i)
    if (api->run(context, inputs, (size_t)api->input_count, outputs,
                 (size_t)api->output_count))
      die("cannot run", api->last_error(context));
  for (int i = 0; i < api->output_count; ++i)
    write_output(argv[3], i, &outputs[i]);
  api->context_destroy(context);
  api->destroy(model);
  for (int i = 0; i < api->input_count; ++i)
    free(inputs[i].data);
  return 0;
}
