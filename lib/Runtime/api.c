/* api.c: the public table of a model, built from its descriptor in memory that
 * the descriptor provides. */
#include "Model.h"
#include "Pool.h"
#include <pthread.h>
#include <string.h>

typedef char TableFits[sizeof(MoptModelApi) <= 256 ? 1 : -1];
typedef char SpecFits[sizeof(MoptTensorSpec) == 40 ? 1 : -1];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static const char *next_string(const char **strings) {
  const char *string = *strings;
  *strings += strlen(string) + 1;
  return string;
}

/* Every count is checked, so that a table never reaches beyond its storage. */
static int usable(const MoptModelDesc *desc) {
  if (!desc || desc->version != MOPT_RT_DESC_VERSION ||
      desc->desc_bytes != (int32_t)sizeof(MoptModelDesc) ||
      desc->input_count < 0 || desc->output_count < 0 || !desc->storage ||
      !desc->entry || !desc->create || desc->kernel_count < 0 ||
      desc->kernel_count > INT32_MAX ||
      (desc->kernel_count > 0 && !desc->kernels))
    return 0;
  int64_t specs = (int64_t)desc->input_count + desc->output_count, dims = 0;
  for (int64_t i = 0; i < specs; ++i) {
    if (desc->ranks[i] < 0)
      return 0;
    dims += desc->ranks[i];
  }
  return dims == desc->dim_count &&
         desc->storage_bytes >= MOPT_RT_STORAGE_BYTES(specs, dims);
}

static uint32_t spec_flags(const MoptModelDesc *desc, int64_t spec,
                           const int64_t *dims) {
  int64_t output = spec - desc->input_count;
  if (output < 0 || desc->output_kinds[output] != MOPT_RT_OUTPUT_RESULT)
    return 0;
  for (int32_t i = 0; i < desc->ranks[spec]; ++i)
    if (dims[i] < 0)
      return MOPT_SPEC_DATA_DEPENDENT;
  return 0;
}

static void fill(const MoptModelDesc *desc, MoptModelApi *api) {
  char *storage = desc->storage;
  int64_t specs = (int64_t)desc->input_count + desc->output_count;
  MoptTensorSpec *spec = (MoptTensorSpec *)(storage + 256);
  const char **dim_names = (const char **)(spec + specs);
  const char *names = desc->names, *dim_strings = desc->dim_names;
  api->inputs = spec;
  api->outputs = spec + desc->input_count;
  const int64_t *dims = desc->dims;
  for (int64_t i = 0; i < specs; ++i, ++spec) {
    spec->name = next_string(&names);
    spec->dims = dims;
    spec->dim_names = dim_names;
    spec->rank = desc->ranks[i];
    spec->dtype = desc->dtypes[i];
    spec->flags = spec_flags(desc, i, dims);
    for (int32_t d = 0; d < spec->rank; ++d) {
      const char *dim_name = next_string(&dim_strings);
      *dim_names++ = *dim_name ? dim_name : NULL;
    }
    dims += spec->rank;
  }
  api->struct_bytes = sizeof(*api);
  api->name = desc->name;
  api->build_info_json = desc->build_info_json;
  api->input_count = desc->input_count;
  api->output_count = desc->output_count;
  api->create = desc->create;
  api->destroy = mopt_rt_destroy;
  api->context_create = mopt_rt_context_create;
  api->context_destroy = mopt_rt_context_destroy;
  api->workspace_bytes = mopt_rt_workspace_bytes;
  api->infer_output_dims = mopt_rt_infer_output_dims;
  api->run = mopt_rt_run;
  api->last_error = mopt_rt_last_error;
  api->status_name = mopt_rt_status_name;
  api->pool_create = mopt_rt_pool_create;
  api->profile = mopt_rt_profile;
  api->target = mopt_rt_target;
  api->run_with = mopt_rt_run_with;
}

const MoptModelApi *mopt_rt_api(const MoptModelDesc *desc) {
  if (!usable(desc))
    return NULL;
  MoptModelApi *api = desc->storage;
  pthread_mutex_lock(&mutex);
  if (!api->abi_version) {
    fill(desc, api);
    api->abi_version = MOPT_MODEL_ABI_VERSION;
  }
  pthread_mutex_unlock(&mutex);
  return api;
}
