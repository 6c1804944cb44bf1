/* model.c: creation and destruction of models. */
#include "Model.h"
#include "Device.h"
#include "Pool.h"
#include <stdio.h>
#include <string.h>

static int32_t callback_thread_count(MoptPool *pool) {
  return ((struct MoptCallbackPool *)pool)->threads;
}

static void callback_parallel_for(MoptPool *pool, int64_t count,
                                  MoptLoopBody body, void *data) {
  struct MoptCallbackPool *callback = (struct MoptCallbackPool *)pool;
  callback->parallel_for(callback->user, count, body, data);
}

/* The callback lives in its model. */
static void callback_keep(MoptPool *pool) { (void)pool; }

static MoptStatus open_pool(MoptModel *model, const MoptModelOptions *options,
                            MoptRun *run) {
  if (options->pool && options->parallel_for)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "options: expected 'pool' or 'parallel_for', found "
                         "both");
  if (options->pool) {
    MoptPool *pool = options->pool;
    if (pool->abi_version != MOPT_MODEL_ABI_VERSION ||
        pool->struct_bytes < sizeof(MoptPool))
      return mopt_rt_error(run, MOPT_UNSUPPORTED,
                           "options: expected a pool of version %d, found %u",
                           MOPT_MODEL_ABI_VERSION, pool->abi_version);
    pool->retain(pool);
    model->pool = pool;
    return MOPT_OK;
  }
  int32_t threads = mopt_rt_choose_threads(options->threads);
  if (options->parallel_for) {
    MoptPool interface = {MOPT_MODEL_ABI_VERSION, sizeof(MoptPool),
                          callback_thread_count,  callback_parallel_for,
                          callback_keep,          callback_keep};
    model->callback.interface = interface;
    model->callback.threads = threads;
    model->callback.parallel_for = options->parallel_for;
    model->callback.user = options->parallel_for_user;
    model->pool = &model->callback.interface;
    return MOPT_OK;
  }
  if (threads == 1)
    return MOPT_OK;
  MoptPoolOptions pool = {sizeof(pool), threads, options->spin_us, 0};
  MoptStatus status = mopt_rt_pool_create(&pool, &model->pool);
  if (status)
    mopt_rt_error(run, status, "no memory for a pool of %d threads", threads);
  return status;
}

/* Gives equal names equal numbers, in order of appearance. */
static void number_symbols(MoptModel *model) {
  const char *const *names =
      (const char *const *)(model->inputs + model->desc->input_count +
                            model->desc->output_count);
  for (int64_t i = 0; i < model->desc->dim_count; ++i) {
    model->symbols[i] = -1;
    if (!names[i])
      continue;
    for (int64_t j = 0; j < i && model->symbols[i] < 0; ++j)
      if (names[j] && strcmp(names[i], names[j]) == 0)
        model->symbols[i] = model->symbols[j];
    if (model->symbols[i] < 0)
      model->symbols[i] = model->symbol_count++;
  }
}

static int64_t model_bytes(const MoptModelDesc *desc) {
  return (int64_t)sizeof(MoptModel) +
         (int64_t)sizeof(int32_t) * desc->dim_count;
}

/* A model of one variant. */
static MoptStatus create_variant(const MoptModelApi *api,
                                 const MoptModelDesc *desc,
                                 const MoptModelOptions *options,
                                 MoptModel **result, MoptRun *run) {
  MoptAllocator allocator = mopt_rt_allocator(options->allocator);
  MoptModel *model = mopt_rt_allocate(&allocator, model_bytes(desc));
  if (!model)
    return mopt_rt_error(run, MOPT_OUT_OF_MEMORY, "no memory for a model");
  memset(model, 0, sizeof(*model));
  model->desc = desc;
  model->allocator = allocator;
  model->inputs = api->inputs;
  model->outputs = api->outputs;
  model->symbols = (int32_t *)(model + 1);
  model->input_dims = model->output_dims = 0;
  for (int32_t i = 0; i < desc->input_count; ++i)
    model->input_dims += desc->ranks[i];
  model->output_dims = desc->dim_count - model->input_dims;
  number_symbols(model);
  MoptStatus status = mopt_rt_open_weights(model, options->weights_path, run);
  /* A device needs no threads of the host. */
  if (!status)
    status = mopt_rt_repack_weights(model, run);
  if (!status)
    status = desc->device ? desc->device->open(model, options, run)
                          : open_pool(model, options, run);
  if (status)
    mopt_rt_destroy(model);
  else
    *result = model;
  return status;
}

static MoptStatus create(const MoptModelDesc *first,
                         const MoptModelOptions *options, MoptModel **result,
                         MoptRun *run) {
  const MoptModelApi *api = mopt_rt_api(first);
  if (!api)
    return mopt_rt_error(run, MOPT_INTERNAL,
                         "the library's description of the model is damaged");
  const MoptAllocator *custom = options->allocator;
  if (custom && (!custom->allocate || !custom->deallocate))
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "options: expected two functions in 'allocator', "
                         "found null");
  if (options->fallback != MOPT_FALLBACK_NONE &&
      options->fallback != MOPT_FALLBACK_PROCESSOR)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "options: expected a 'fallback' of 0 or 1, found %d",
                         options->fallback);
  const MoptModelDesc *desc = mopt_rt_choose_variant(first, 0, run);
  if (!desc)
    return run->status;
  MoptStatus status = create_variant(api, desc, options, result, run);
  if (status != MOPT_UNSUPPORTED || !desc->device ||
      options->fallback != MOPT_FALLBACK_PROCESSOR ||
      mopt_rt_variant_is_forced(first))
    return status;
  /* What the device's driver said is not what counts any more. */
  memset(run, 0, sizeof(*run));
  desc = mopt_rt_choose_variant(first, 1, run);
  return desc ? create_variant(api, desc, options, result, run) : run->status;
}

MoptStatus mopt_rt_read_options(void *chosen, size_t bytes,
                                const void *options) {
  memset(chosen, 0, bytes);
  if (!options)
    return MOPT_OK;
  uint32_t struct_bytes;
  memcpy(&struct_bytes, options, sizeof(struct_bytes));
  if (struct_bytes > bytes)
    return MOPT_UNSUPPORTED;
  if (struct_bytes < sizeof(struct_bytes))
    return MOPT_INVALID_ARGUMENT;
  memcpy(chosen, options, struct_bytes);
  return MOPT_OK;
}

MoptStatus mopt_rt_create(const MoptModelDesc *desc,
                          const MoptModelOptions *options, MoptModel **result) {
  if (!result)
    return MOPT_INVALID_ARGUMENT;
  *result = NULL;
  MoptModelOptions chosen;
  MoptStatus read = mopt_rt_read_options(&chosen, sizeof(chosen), options);
  if (read)
    return read;
  MoptRun run;
  memset(&run, 0, sizeof(run));
  MoptStatus status = create(desc, &chosen, result, &run);
  if (chosen.error && chosen.error_bytes > 0)
    snprintf(chosen.error, chosen.error_bytes, "%s", run.error);
  return status;
}

void mopt_rt_destroy(MoptModel *model) {
  if (!model)
    return;
  if (model->pool)
    model->pool->release(model->pool);
  mopt_rt_free_repacked(model);
  if (model->desc->device)
    model->desc->device->close(model);
  mopt_rt_close_weights(model);
  MoptAllocator allocator = model->allocator;
  mopt_rt_deallocate(&allocator, model, model_bytes(model->desc));
}
