/* Serves models of another machine to a Python process, under an emulator: one
 * process for many models, because it starts slowly. Reads lines, answers with
 * lines and ends each answer with "done", or ends itself with a reason.
 *   open LIBRARY THREADS    specifications: inputs, then outputs
 *   run PREFIX FILE:SIZExSIZE...    output i goes to PREFIX<i>
 * A tensor of strings is a file of texts with a 0 behind each. */
#include "mopt-c/Model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 64, MAX_RANK = 16, MAX_LINE = 1 << 16 };

static void *library;
static const MoptModelApi *api;
static MoptModel *model;
static MoptContext *context;

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

static int64_t count_elements(const MoptTensor *tensor) {
  int64_t count = 1;
  for (int d = 0; d < tensor->rank; ++d)
    count *= tensor->dims[d];
  return count;
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
    next += *next == 'x';
  }
  tensor.dims = dims;
  tensor.dtype = dtype;
  tensor.data = read_file(argument, &tensor.capacity_bytes);
  if (dtype != MOPT_STRING)
    return tensor;
  int64_t count = count_elements(&tensor);
  const char **texts = malloc(((size_t)count + 1) * sizeof(*texts));
  char *text = tensor.data;
  for (int64_t i = 0; i < count; ++i, text += strlen(text) + 1)
    texts[i] = text;
  tensor.data = texts;
  tensor.capacity_bytes = count * (int64_t)sizeof(*texts);
  return tensor;
}

static void write_output(const char *prefix, int number,
                         const MoptTensor *output) {
  char path[4096];
  snprintf(path, sizeof(path), "%s%d", prefix, number);
  FILE *file = fopen(path, "wb");
  if (!file)
    die(path, "cannot be written");
  if (output->dtype == MOPT_STRING)
    for (int64_t i = 0; i < count_elements(output); ++i)
      fwrite(((const char **)output->data)[i], 1,
             strlen(((const char **)output->data)[i]) + 1, file);
  else
    fwrite(output->data, 1, (size_t)output->capacity_bytes, file);
  if (fclose(file))
    die(path, "cannot be written");
  for (int d = 0; d < output->rank; ++d)
    printf("%s%lld", d ? " " : "", (long long)output->dims[d]);
  printf("\n");
}

/* DTYPE FLAGS NAME, and a line of sizes or names of dimensions. */
static void print_specs(const MoptTensorSpec *specs, int count) {
  printf("%d\n", count);
  for (int i = 0; i < count; ++i) {
    printf("%d %u %s\n", (int)specs[i].dtype, specs[i].flags, specs[i].name);
    for (int d = 0; d < specs[i].rank; ++d) {
      const char *name = specs[i].dim_names ? specs[i].dim_names[d] : NULL;
      if (specs[i].dims[d] < 0)
        printf("%s%s", d ? "\t" : "", name ? name : "?");
      else
        printf("%s%lld", d ? "\t" : "", (long long)specs[i].dims[d]);
    }
    printf("\n");
  }
}

static void open_model(const char *path, int threads) {
  if (api) {
    api->context_destroy(context);
    api->destroy(model);
    dlclose(library);
  }
  library = dlopen(path, RTLD_NOW);
  MoptModelFunction function =
      library ? (MoptModelFunction)dlsym(library, "mopt_model") : NULL;
  if (!function)
    die(path, dlerror());
  api = function();
  MoptModelOptions options;
  char error[256] = "";
  memset(&options, 0, sizeof(options));
  options.struct_bytes = sizeof(options);
  options.threads = threads;
  options.error = error;
  options.error_bytes = sizeof(error);
  if (api->input_count > MAX_TENSORS || api->output_count > MAX_TENSORS)
    die(path, "has too many inputs or outputs");
  if (api->create(&options, &model) || api->context_create(model, &context))
    die("cannot create", error);
  print_specs(api->inputs, api->input_count);
  print_specs(api->outputs, api->output_count);
}

static void run_model(const char *prefix) {
  MoptTensor inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  static int64_t dims[MAX_TENSORS][MAX_RANK];
  for (int i = 0; i < api->input_count; ++i) {
    char *argument = strtok(NULL, " \n");
    if (!argument)
      die(api->name, "expected one file per input");
    inputs[i] = read_tensor(argument, dims[i], api->inputs[i].dtype);
  }
  memset(outputs, 0, sizeof(outputs));
  /* The second run meets the memory that the first one left. */
  for (int i = 0; i < 2; ++i)
    if (api->run(context, inputs, (size_t)api->input_count, outputs,
                 (size_t)api->output_count))
      die("cannot run", api->last_error(context));
  for (int i = 0; i < api->output_count; ++i)
    write_output(prefix, i, &outputs[i]);
  for (int i = 0; i < api->input_count; ++i)
    free(inputs[i].data);
}

int main(void) {
  static char line[MAX_LINE];
  while (fgets(line, sizeof(line), stdin)) {
    const char *command = strtok(line, " \n"), *first = strtok(NULL, " \n");
    if (!command || !first)
      die("usage", "open LIBRARY THREADS, or run PREFIX FILE:SIZES...");
    if (!strcmp(command, "open"))
      open_model(first, atoi(strtok(NULL, " \n")));
    else
      run_model(first);
    printf("done\n");
    fflush(stdout);
  }
  return 0;
}
