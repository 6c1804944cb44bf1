/* run.c: one run: check, compute, deliver. */
#include "Device.h"
#include "Model.h"
#include <setjmp.h>

/* Apart from the rest, so that no variable lives across the jump. */
static MoptStatus call_entry(MoptContext *context) {
  jmp_buf escape;
  MoptRun *run = &context->run;
  MoptStatus status = MOPT_OK;
  run->escape = &escape;
  if (_setjmp(escape) == 0)
    status =
        context->model->desc->entry(run, context->inputs, context->outputs);
  context->run.escape = NULL;
  return status;
}

static MoptStatus run_checked(MoptContext *context, const MoptTensor *inputs,
                              size_t input_count, MoptTensor *outputs,
                              size_t output_count) {
  const MoptModelDesc *desc = context->model->desc;
  MoptRun *run = &context->run;
  if (input_count != (size_t)desc->input_count)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "expected %d inputs, found %zu", desc->input_count,
                         input_count);
  if (output_count != (size_t)desc->output_count)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "expected %d outputs, found %zu", desc->output_count,
                         output_count);
  if ((input_count && !inputs) || (output_count && !outputs))
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "expected arrays of inputs and outputs, found null");
  MoptStatus status = mopt_rt_take_inputs(context, inputs);
  if (status)
    return status;
  mopt_rt_region_reset(&run->region);
  status = mopt_rt_prepare_outputs(context, outputs);
  if (status)
    return status;
  status = desc->device ? desc->device->run(context) : call_entry(context);
  if (mopt_rt_failed(run))
    return run->status;
  if (status)
    return mopt_rt_error(run, status, "the model failed with %s",
                         mopt_rt_status_name(status));
  return mopt_rt_deliver_outputs(context, outputs);
}

MoptStatus mopt_rt_run(MoptContext *context, const MoptTensor *inputs,
                       size_t input_count, MoptTensor *outputs,
                       size_t output_count) {
  if (!context)
    return MOPT_INVALID_ARGUMENT;
  if (atomic_exchange(&context->busy, 1))
    return MOPT_BUSY;
  context->run.status = MOPT_OK;
  context->run.error[0] = '\0';
  atomic_store(&context->run.failed, 0);
  context->run.in_parallel = 0;
  MoptStatus status =
      run_checked(context, inputs, input_count, outputs, output_count);
  atomic_store(&context->busy, 0);
  return status;
}
