/* tensors.c: the way of the caller's tensors into and out of a run. Nothing of
 * the caller's is changed before every check has passed; and whatever overlaps
 * (an input in this context's memory, an output on an input) is copied, so
 * that generated code never reads what it has overwritten. */
#include "Model.h"
#include <string.h>

static int context_owns(const MoptContext *context, const void *data,
                        int64_t bytes) {
  return mopt_rt_overlap(context->run.arena, context->model->desc->arena_bytes,
                         data, bytes) ||
         mopt_rt_overlap(context->run.plan.arena,
                         context->run.plan.arena_bytes, data, bytes) ||
         mopt_rt_region_overlaps(&context->run.region, data, bytes);
}

int mopt_rt_wants_memory(const MoptTensor *output) {
  return !output->data || (output->flags & MOPT_TENSOR_CONTEXT_OWNED);
}

static int misaligned(MoptDType dtype, const void *data) {
  int bytes = mopt_rt_dtype_bits(dtype) / 8;
  int alignment = bytes > 8 ? 8 : bytes;
  return alignment > 1 && (uintptr_t)data % (uintptr_t)alignment != 0;
}

static MoptStatus check_input(MoptContext *context, int32_t index,
                              const MoptTensor *input) {
  MoptRun *run = &context->run;
  const MoptTensorSpec *spec = &context->model->inputs[index];
  if (input->dtype != spec->dtype)
    return mopt_rt_error(run, MOPT_INVALID_TYPE,
                         "input '%s': expected element type %s, found %s (%d)",
                         spec->name, mopt_rt_dtype_name(spec->dtype),
                         mopt_rt_dtype_name(input->dtype), input->dtype);
  if (input->rank != spec->rank)
    return mopt_rt_error(run, MOPT_INVALID_SHAPE,
                         "input '%s': expected rank %d, found %d", spec->name,
                         spec->rank, input->rank);
  if (spec->rank > 0 && !input->dims)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "input '%s': expected dimensions, found null",
                         spec->name);
  MoptStatus status = mopt_rt_check_dims(context->model, index, input->dims,
                                         context->symbol_values, run);
  if (status)
    return status;
  int64_t bytes = mopt_rt_tensor_bytes(spec->dtype, spec->rank, input->dims);
  if (bytes < 0)
    return mopt_rt_error(run, MOPT_INVALID_SHAPE,
                         "input '%s': its size in bytes overflows", spec->name);
  if (bytes > 0 && !input->data)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "input '%s': expected data, found null", spec->name);
  if (input->capacity_bytes != 0 && input->capacity_bytes < bytes)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "input '%s': expected %lld bytes, found %lld",
                         spec->name, (long long)bytes,
                         (long long)input->capacity_bytes);
  if (bytes > 0 && misaligned(spec->dtype, input->data))
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "input '%s': expected data aligned to its elements, "
                         "found address %p",
                         spec->name, input->data);
  return MOPT_OK;
}

MoptStatus mopt_rt_take_inputs(MoptContext *context, const MoptTensor *inputs) {
  mopt_rt_clear_symbols(context->model, context->symbol_values);
  mopt_rt_region_reset(&context->staging);
  int64_t *dims = context->dims;
  for (int32_t i = 0; i < context->model->desc->input_count; ++i) {
    const MoptTensor *input = &inputs[i];
    MoptStatus status = check_input(context, i, input);
    if (status)
      return status;
    for (int32_t d = 0; d < input->rank; ++d)
      dims[d] = input->dims[d];
    MoptTensor taken = *input;
    taken.dims = dims;
    taken.capacity_bytes =
        mopt_rt_tensor_bytes(input->dtype, input->rank, dims);
    if (context_owns(context, taken.data, taken.capacity_bytes)) {
      taken.data =
          mopt_rt_region_alloc(&context->staging, taken.capacity_bytes);
      if (!taken.data)
        return mopt_rt_error(&context->run, MOPT_OUT_OF_MEMORY,
                             "no memory for %lld bytes",
                             (long long)taken.capacity_bytes);
      memcpy(taken.data, input->data, (size_t)taken.capacity_bytes);
    }
    context->inputs[i] = taken;
    dims += input->rank;
  }
  return MOPT_OK;
}

static MoptStatus too_small(MoptContext *context, int32_t index,
                            int64_t expected, int64_t found) {
  return mopt_rt_error(&context->run, MOPT_BUFFER_TOO_SMALL,
                       "output '%s': expected room for %lld bytes, found %lld",
                       context->model->outputs[index].name, (long long)expected,
                       (long long)found);
}

/* `bytes` is the size of the output, -1 if it is not known yet. */
static MoptStatus check_output(MoptContext *context, int32_t index,
                               const MoptTensor *output, int64_t bytes) {
  MoptRun *run = &context->run;
  const MoptTensorSpec *spec = &context->model->outputs[index];
  if (output->dtype != MOPT_UNDEFINED && output->dtype != spec->dtype)
    return mopt_rt_error(run, MOPT_INVALID_TYPE,
                         "output '%s': expected element type %s, found %s (%d)",
                         spec->name, mopt_rt_dtype_name(spec->dtype),
                         mopt_rt_dtype_name(output->dtype), output->dtype);
  if (output->dims && !(output->flags & MOPT_TENSOR_CONTEXT_DIMS) &&
      output->rank < spec->rank)
    return mopt_rt_error(run, MOPT_INVALID_SHAPE,
                         "output '%s': expected room for %d dimensions, found "
                         "%d",
                         spec->name, spec->rank, output->rank);
  if (mopt_rt_wants_memory(output))
    return MOPT_OK;
  if (output->capacity_bytes < bytes || output->capacity_bytes < 0)
    return too_small(context, index, bytes < 0 ? 0 : bytes,
                     output->capacity_bytes);
  if (misaligned(spec->dtype, output->data))
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "output '%s': expected data aligned to its elements, "
                         "found address %p",
                         spec->name, output->data);
  return MOPT_OK;
}

/* The caller's buffers must be apart. `extents` of earlier outputs are in
 * `context->outputs`. */
static MoptStatus check_apart(MoptContext *context, int32_t index,
                              const MoptTensor *outputs) {
  for (int32_t i = 0; i < index && !mopt_rt_wants_memory(&outputs[index]); ++i)
    if (!mopt_rt_wants_memory(&outputs[i]) &&
        mopt_rt_overlap(outputs[i].data, context->outputs[i].capacity_bytes,
                        outputs[index].data,
                        context->outputs[index].capacity_bytes))
      return mopt_rt_error(&context->run, MOPT_INVALID_ARGUMENT,
                           "outputs '%s' and '%s': expected separate buffers, "
                           "found overlapping ones",
                           context->model->outputs[i].name,
                           context->model->outputs[index].name);
  return MOPT_OK;
}

static int overlaps_input(const MoptContext *context, const void *data,
                          int64_t bytes) {
  for (int32_t i = 0; i < context->model->desc->input_count; ++i)
    if (mopt_rt_overlap(context->inputs[i].data,
                        context->inputs[i].capacity_bytes, data, bytes))
      return 1;
  return 0;
}

MoptStatus mopt_rt_prepare_outputs(MoptContext *context,
                                   const MoptTensor *outputs) {
  const MoptModel *model = context->model;
  int64_t *dims = context->dims + model->input_dims;
  mopt_rt_output_dims(model, context->dims, context->symbol_values, dims);
  for (int32_t i = 0; i < model->desc->output_count; ++i) {
    const MoptTensorSpec *spec = &model->outputs[i];
    MoptTensor *prepared = &context->outputs[i];
    int64_t bytes = mopt_rt_tensor_bytes(spec->dtype, spec->rank, dims);
    MoptStatus status = check_output(context, i, &outputs[i], bytes);
    if (status)
      return status;
    MoptTensor empty = {NULL, dims, bytes, spec->rank, spec->dtype, 0, 0};
    *prepared = empty;
    if (bytes < 0)
      prepared->capacity_bytes = outputs[i].capacity_bytes;
    status = check_apart(context, i, outputs);
    if (status)
      return status;
    dims += spec->rank;
    if (model->desc->output_kinds[i] != MOPT_RT_OUTPUT_DESTINATION)
      continue;
    if (bytes < 0)
      return mopt_rt_error(&context->run, MOPT_INTERNAL,
                           "output '%s': its size is not known before the run",
                           spec->name);
    prepared->data = outputs[i].data;
    if (mopt_rt_wants_memory(&outputs[i]) ||
        overlaps_input(context, outputs[i].data, bytes))
      prepared->data = mopt_rt_region_alloc(&context->run.region, bytes);
    if (bytes > 0 && !prepared->data)
      return mopt_rt_error(&context->run, MOPT_OUT_OF_MEMORY,
                           "no memory for %lld bytes", (long long)bytes);
  }
  return MOPT_OK;
}

/* Whether delivering another output would overwrite this result first. */
static int overlaps_other_output(const MoptContext *context, int32_t index,
                                 const MoptTensor *outputs) {
  const MoptTensor *result = &context->outputs[index];
  for (int32_t i = 0; i < context->model->desc->output_count; ++i)
    if (i != index && !mopt_rt_wants_memory(&outputs[i]) &&
        mopt_rt_overlap(outputs[i].data, outputs[i].capacity_bytes,
                        result->data, result->capacity_bytes))
      return 1;
  return 0;
}

/* Checks a result and moves it into the context's memory where it cannot stay:
 * inputs belong to the caller, weights are constant. */
static MoptStatus secure_result(MoptContext *context, int32_t index,
                                const MoptTensor *outputs) {
  const MoptTensorSpec *spec = &context->model->outputs[index];
  MoptTensor *result = &context->outputs[index];
  int64_t bytes = mopt_rt_tensor_bytes(spec->dtype, spec->rank, result->dims);
  if (bytes < 0 || (bytes > 0 && !result->data))
    return mopt_rt_error(&context->run, MOPT_INTERNAL,
                         "output '%s': the model left it without a valid value",
                         spec->name);
  result->capacity_bytes = bytes;
  int given = !mopt_rt_wants_memory(&outputs[index]);
  if (given && outputs[index].capacity_bytes < bytes)
    return too_small(context, index, bytes, outputs[index].capacity_bytes);
  if ((given && result->data == outputs[index].data) ||
      context_owns(context, result->data, bytes) ||
      (given && !overlaps_other_output(context, index, outputs)))
    return MOPT_OK;
  void *copy = mopt_rt_region_alloc(&context->run.region, bytes);
  if (!copy)
    return mopt_rt_error(&context->run, MOPT_OUT_OF_MEMORY,
                         "no memory for %lld bytes", (long long)bytes);
  if (bytes > 0)
    memcpy(copy, result->data, (size_t)bytes);
  result->data = copy;
  return MOPT_OK;
}

static void deliver(const MoptTensor *result, MoptTensor *output) {
  if (mopt_rt_wants_memory(output)) {
    output->data = result->data;
    output->capacity_bytes = result->capacity_bytes;
    output->flags |= MOPT_TENSOR_CONTEXT_OWNED;
  } else if (output->data != result->data && result->capacity_bytes > 0) {
    memmove(output->data, result->data, (size_t)result->capacity_bytes);
  }
  if (!output->dims || (output->flags & MOPT_TENSOR_CONTEXT_DIMS)) {
    output->dims = result->dims;
    output->flags |= MOPT_TENSOR_CONTEXT_DIMS;
  } else {
    for (int32_t d = 0; d < result->rank; ++d)
      output->dims[d] = result->dims[d];
  }
  output->rank = result->rank;
  output->dtype = result->dtype;
}

MoptStatus mopt_rt_deliver_outputs(MoptContext *context, MoptTensor *outputs) {
  int32_t count = context->model->desc->output_count;
  for (int32_t i = 0; i < count; ++i) {
    MoptStatus status = secure_result(context, i, outputs);
    if (status)
      return status;
  }
  for (int32_t i = 0; i < count; ++i)
    deliver(&context->outputs[i], &outputs[i]);
  return MOPT_OK;
}
