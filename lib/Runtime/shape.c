/* shape.c: dimensions of inputs and outputs. */
#include "Model.h"
#include <string.h>

void mopt_rt_clear_symbols(const MoptModel *model, int64_t *symbol_values) {
  for (int32_t i = 0; i < model->symbol_count; ++i)
    symbol_values[i] = -1;
}

MoptStatus mopt_rt_check_dims(const MoptModel *model, int32_t index,
                              const int64_t *dims, int64_t *symbol_values,
                              MoptRun *run) {
  const MoptTensorSpec *spec = &model->inputs[index];
  const int32_t *symbols = model->symbols + (spec->dims - model->inputs->dims);
  for (int32_t i = 0; i < spec->rank; ++i) {
    long long found = dims[i];
    if (found < 0)
      return mopt_rt_error(run, MOPT_INVALID_SHAPE,
                           "input '%s': dimension %d is negative, found %lld",
                           spec->name, i, found);
    if (spec->dims[i] >= 0 && spec->dims[i] != found)
      return mopt_rt_error(
          run, MOPT_INVALID_SHAPE,
          "input '%s': expected %lld in dimension %d, found %lld", spec->name,
          (long long)spec->dims[i], i, found);
    if (symbols[i] < 0)
      continue;
    int64_t *value = &symbol_values[symbols[i]];
    if (*value >= 0 && *value != found)
      return mopt_rt_error(
          run, MOPT_INVALID_SHAPE,
          "input '%s': expected %lld in dimension %d, since dimension '%s' has "
          "that size elsewhere, found %lld",
          spec->name, (long long)*value, i, spec->dim_names[i], found);
    *value = found;
  }
  return MOPT_OK;
}

void mopt_rt_output_dims(const MoptModel *model, const int64_t *input_dims,
                         const int64_t *symbol_values, int64_t *output_dims) {
  if (model->desc->infer_dims) {
    model->desc->infer_dims(input_dims, output_dims);
    return;
  }
  const int64_t *dims = model->desc->dims + model->input_dims;
  const int32_t *symbols = model->symbols + model->input_dims;
  for (int64_t i = 0; i < model->output_dims; ++i) {
    output_dims[i] = dims[i];
    if (dims[i] < 0 && symbols[i] >= 0)
      output_dims[i] = symbol_values[symbols[i]];
  }
}

/* Checks the dimensions of all inputs; `values` has one entry per name. */
static MoptStatus check_all(const MoptModel *model, const int64_t *input_dims,
                            int64_t *values) {
  mopt_rt_clear_symbols(model, values);
  const int64_t *dims = input_dims;
  for (int32_t i = 0; i < model->desc->input_count; ++i) {
    MoptStatus status = mopt_rt_check_dims(model, i, dims, values, NULL);
    if (status)
      return status;
    dims += model->inputs[i].rank;
  }
  return MOPT_OK;
}

/* The dimensions to use for what the caller gave: null stands for those of the
 * model. */
static const int64_t *dims_or_static(const MoptModel *model,
                                     const int64_t *input_dims) {
  return input_dims ? input_dims : model->desc->dims;
}

MoptStatus mopt_rt_infer_output_dims(const MoptModel *model,
                                     const int64_t *input_dims,
                                     int64_t *output_dims) {
  if (!model || (!output_dims && model->output_dims > 0))
    return MOPT_INVALID_ARGUMENT;
  int64_t *values =
      mopt_rt_allocate(&model->allocator, 8 * (int64_t)model->symbol_count);
  if (!values)
    return MOPT_OUT_OF_MEMORY;
  input_dims = dims_or_static(model, input_dims);
  MoptStatus status = check_all(model, input_dims, values);
  if (!status)
    mopt_rt_output_dims(model, input_dims, values, output_dims);
  mopt_rt_deallocate(&model->allocator, values,
                     8 * (int64_t)model->symbol_count);
  return status;
}

int64_t mopt_rt_workspace_bytes(const MoptModel *model,
                                const int64_t *input_dims) {
  if (!model)
    return -1;
  int64_t *values =
      mopt_rt_allocate(&model->allocator, 8 * (int64_t)model->symbol_count);
  if (!values)
    return -1;
  input_dims = dims_or_static(model, input_dims);
  MoptStatus status = check_all(model, input_dims, values);
  mopt_rt_deallocate(&model->allocator, values,
                     8 * (int64_t)model->symbol_count);
  if (status)
    return -1;
  int64_t bytes = 0;
  if (model->desc->dynamic_bytes)
    bytes = model->desc->dynamic_bytes(input_dims);
  else
    for (int64_t i = 0; i < model->desc->dim_count; ++i)
      if (model->desc->dims[i] < 0)
        return -1;
  return bytes < 0 ? -1 : bytes + model->desc->arena_bytes;
}
