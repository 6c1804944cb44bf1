/* cuda_tensors.c: the way of tensors between the caller's memory, the host's or
 * a device's, and their places on the device. The driver tells addresses of
 * the host from those of devices. And what surrounds a run. */
#include "Cuda.h"
#include <string.h>

static CudaAddress address(const void *data) {
  return (CudaAddress)(uintptr_t)data;
}

MoptStatus mopt_rt_cuda_begin(MoptContext *owner, CudaHandle stream) {
  CudaContext *context = owner->run.device;
  const CudaDriver *driver = context->driver;
  MoptRun *run = &owner->run;
  MoptStatus status = MOPT_OK;
  /* All runs use the same places. */
  if (context->unfinished)
    CHECKED(status, run, driver, "run",
            cuStreamWaitEvent(stream, context->end, 0));
  for (int32_t i = 0; i < owner->model->desc->input_count; ++i)
    if (context->inputs[i].capacity_bytes > 0)
      CHECKED(status, run, driver, owner->model->inputs[i].name,
              cuMemcpyAsync(address(context->inputs[i].data),
                            address(owner->inputs[i].data),
                            (size_t)context->inputs[i].capacity_bytes, stream));
  return status;
}

MoptStatus mopt_rt_cuda_deliver(MoptContext *owner, int32_t index,
                                const MoptTensor *outputs, CudaHandle stream) {
  CudaContext *context = owner->run.device;
  MoptRun *run = &owner->run;
  const MoptTensor *result = &context->outputs[index];
  MoptTensor *output = &owner->outputs[index];
  if (result->capacity_bytes <= 0)
    return MOPT_OK;
  /* Not what stands for a buffer that overlaps an input: that was copied. */
  if (!mopt_rt_wants_memory(&outputs[index]))
    output->data = outputs[index].data;
  /* What the entry returns lies where it says. */
  if (!output->data)
    output->data = mopt_rt_region_alloc(&run->region, result->capacity_bytes);
  if (!output->data)
    return mopt_rt_error(run, MOPT_OUT_OF_MEMORY, "no memory for %lld bytes",
                         (long long)result->capacity_bytes);
  MoptStatus status = MOPT_OK;
  CHECKED(status, run, context->driver, owner->model->outputs[index].name,
          cuMemcpyAsync(address(output->data), address(result->data),
                        (size_t)result->capacity_bytes, stream));
  return status;
}

static int is_on_device(const CudaDriver *driver, const void *data) {
  unsigned type = 0;
  /* It does not know what was allocated without it. */
  return !driver->cuPointerGetAttribute(&type, CUDA_POINTER_MEMORY_TYPE,
                                        address(data)) &&
         type == CUDA_MEMORY_OF_DEVICE;
}

MoptStatus mopt_rt_cuda_end(MoptContext *owner, const MoptTensor *outputs,
                            CudaHandle stream, MoptStatus status) {
  CudaContext *context = owner->run.device;
  const CudaDriver *driver = context->driver;
  MoptRun *run = &owner->run;
  int waits = stream == context->own_stream || status;
  for (int32_t i = 0; i < owner->model->desc->output_count && !waits; ++i)
    waits = context->outputs[i].capacity_bytes > 0 &&
            (mopt_rt_wants_memory(&outputs[i]) ||
             !is_on_device(driver, outputs[i].data));
  CudaResult code = waits ? driver->cuStreamSynchronize(stream)
                          : driver->cuEventRecord(context->end, stream);
  if (!status && code)
    status = mopt_rt_cuda_error(run, driver, code, "run");
  context->unfinished = !waits;
  return status;
}

MoptStatus mopt_rt_cuda_run(MoptContext *owner, const MoptTensor *outputs,
                            CudaHandle stream, CudaRun *run_on) {
  CudaContext *context = owner->run.device;
  const CudaDriver *driver = context->driver;
  MoptStatus status = MOPT_OK;
  CHECKED(status, &owner->run, driver, "run",
          cuCtxPushCurrent(context->model->device_context));
  if (status)
    return status;
  status = run_on(owner, outputs, stream ? stream : context->own_stream);
  CudaHandle popped;
  driver->cuCtxPopCurrent(&popped);
  return status;
}
