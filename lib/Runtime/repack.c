/* repack.c: weights in the form of the variant that a model is made of, where
 * the library stores another variant's. In memory of the model; what is stored
 * in the right form stays where it is. */
#include "Repack.h"
#include "Model.h"

static void patch(const MoptRepack *repack, const char *weights, char *target) {
  const char *positions = weights + repack->patch_positions;
  const char *values = weights + repack->patch_values;
  size_t bytes = (size_t)repack->element_bytes;
  for (int64_t i = 0; i < repack->patch_count; ++i) {
    uint32_t position;
    memcpy(&position, positions + i * (int64_t)sizeof(position),
           sizeof(position));
    memcpy(target + position * bytes, values + (size_t)i * bytes, bytes);
  }
}

MoptStatus mopt_rt_repack_weights(MoptModel *model, MoptRun *run) {
  const MoptModelDesc *desc = model->desc;
  if (desc->repack_count == 0)
    return MOPT_OK;
  char *repacked = mopt_rt_allocate(&model->allocator, desc->repacked_bytes);
  if (!repacked)
    return mopt_rt_error(run, MOPT_OUT_OF_MEMORY,
                         "no memory for %lld bytes of weights for '%s'",
                         (long long)desc->repacked_bytes, desc->target);
  model->repacked = repacked;
  memset(repacked, 0, (size_t)desc->repacked_bytes);
  const char *weights = model->weights;
  for (int64_t i = 0; i < desc->repack_count; ++i) {
    const MoptRepack *repack = &desc->repacks[i];
    mopt_rt_repack(repack, weights + repack->source, repacked + repack->target);
    patch(repack, weights, repacked + repack->target);
  }
  return MOPT_OK;
}

void mopt_rt_free_repacked(MoptModel *model) {
  if (model->repacked)
    mopt_rt_deallocate(&model->allocator, model->repacked,
                       model->desc->repacked_bytes);
  model->repacked = NULL;
}
