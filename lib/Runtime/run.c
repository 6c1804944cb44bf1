/* run.c: one run: check, compute, deliver. */
#include "Device.h"
#include "Model.h"
#include <setjmp.h>
#include <string.h>

/* Apart from the rest, so that no variable lives across the jump. */
MoptStatus mopt_rt_call_entry(MoptContext *context, const MoptTensor *inputs,
                              MoptTensor *outputs) {
  jmp_buf escape;
  MoptRun *run = &context->run;
  MoptStatus status = MOPT_OK;
  run->escape = &escape;
  if (_setjmp(escape) == 0)
    status = context->model->desc->entry(run, inputs, outputs);
  context->run.escape = NULL;
  return status;
}

static MoptStatus run_checked(MoptContext *context, const MoptTensor *inputs,
                              size_t input_count, MoptTensor *outputs,
                              size_t output_count, void *stream) {
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
  if (stream && !desc->device)
    return mopt_rt_error(run, MOPT_INVALID_ARGUMENT,
                         "options: a stream is for a device, and the model "
                         "runs on the processor");
  MoptStatus status = mopt_rt_take_inputs(context, inputs);
  if (status)
    return status;
  mopt_rt_region_reset(&run->region);
  status = mopt_rt_prepare_outputs(context, outputs);
  if (status)
    return status;
  status = desc->device
               ? desc->device->run(context, outputs, stream)
               : mopt_rt_call_entry(context, context->inputs, context->outputs);
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
  return mopt_rt_run_with(context, inputs, input_count, outputs, output_count,
                          NULL);
}

MoptStatus mopt_rt_run_with(MoptContext *context, const MoptTensor *inputs,
                            size_t input_count, MoptTensor *outputs,
                            size_t output_count,
                            const MoptRunOptions *options) {
  if (!context)
    return MOPT_INVALID_ARGUMENT;
  MoptRunOptions chosen;
  MoptStatus read = mopt_rt_read_options(&chosen, sizeof(chosen), options);
  if (read)
    return read;
  if (atomic_exchange(&context->busy, 1))
    return MOPT_BUSY;
  context->run.status = MOPT_OK;
  context->run.error[0] = '\0';
  atomic_store(&context->run.failed, 0);
  context->run.in_parallel = 0;
  MoptStatus status = run_checked(context, inputs, input_count, outputs,
                                  output_count, chosen.stream);
  atomic_store(&context->busy, 0);
  return status;
}
