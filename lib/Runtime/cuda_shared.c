/* cuda_shared.c: a model of which the host computes a part, such as conditions
 * and sizes that depend on values. Its memory is managed: host and device reach
 * it at the same addresses, and the driver moves pages to who touches them. A
 * run calls the entry, which launches, waits and computes. */
#include "Cuda.h"
#include "Device.h"
#include <string.h>

/* Managed memory for regions and plans of runs. */
static void *allocate_managed(void *user, size_t bytes, size_t alignment) {
  const CudaModel *device = user;
  const CudaDriver *driver = device->driver;
  /* The driver aligns to more than anyone asks for. */
  (void)alignment;
  CudaAddress address = 0;
  CudaHandle popped;
  if (driver->cuCtxPushCurrent(device->device_context))
    return NULL;
  if (driver->cuMemAllocManaged(&address, bytes, CUDA_MEMORY_ATTACH_GLOBAL))
    address = 0;
  driver->cuCtxPopCurrent(&popped);
  return (void *)(uintptr_t)address;
}

static void free_managed(void *user, void *data, size_t bytes) {
  const CudaModel *device = user;
  const CudaDriver *driver = device->driver;
  (void)bytes;
  CudaHandle popped;
  if (driver->cuCtxPushCurrent(device->device_context))
    return;
  driver->cuMemFree((CudaAddress)(uintptr_t)data);
  driver->cuCtxPopCurrent(&popped);
}

static MoptStatus shared_open(MoptModel *model, const MoptModelOptions *options,
                              MoptRun *run) {
  MoptStatus status = mopt_rt_cuda_open(model, options, /*shared=*/1, run);
  if (status)
    return status;
  CudaModel *device = model->device;
  MoptAllocator memory = {device, allocate_managed, free_managed};
  device->memory = memory;
  return MOPT_OK;
}

static MoptStatus shared_context_create(MoptContext *owner) {
  CudaModel *device = owner->model->device;
  mopt_rt_region_destroy(&owner->run.region);
  mopt_rt_region_init(&owner->run.region, &device->memory);
  return mopt_rt_cuda_context_create(owner);
}

void mopt_rt_wait(MoptRun *run) {
  CudaContext *context = run->device;
  if (context->pending && !mopt_rt_failed(run)) {
    CudaResult code = context->driver->cuStreamSynchronize(context->stream);
    if (code)
      mopt_rt_cuda_error(run, context->driver, code, "run");
    context->pending = 0;
  }
  /* What was not computed must not be read. */
  if (mopt_rt_failed(run))
    mopt_rt_leave(run);
}

/* What the entry returned to the caller's buffers; what lies in managed memory
 * may stay there where there is none. */
static MoptStatus deliver(MoptContext *owner, int32_t index,
                          const MoptTensor *outputs) {
  CudaContext *context = owner->run.device;
  MoptTensor *result = &context->outputs[index];
  MoptTensor *output = &owner->outputs[index];
  int64_t bytes =
      mopt_rt_tensor_bytes(result->dtype, result->rank, output->dims);
  int is_given = !mopt_rt_wants_memory(&outputs[index]);
  /* The caller's way to learn the size of what has no room. */
  if (bytes <= 0 || (is_given && outputs[index].capacity_bytes < bytes) ||
      (!is_given && !output->data)) {
    output->data = result->data;
    return MOPT_OK;
  }
  result->capacity_bytes = bytes;
  return mopt_rt_cuda_deliver(owner, index, outputs, context->stream);
}

static MoptStatus run_on(MoptContext *owner, const MoptTensor *outputs,
                         CudaHandle stream) {
  CudaContext *context = owner->run.device;
  const CudaDriver *driver = context->driver;
  const MoptModelDesc *desc = owner->model->desc;
  MoptRun *run = &owner->run;
  context->stream = stream;
  MoptStatus status = mopt_rt_cuda_begin(owner, stream);
  context->pending = 1;
  for (int32_t i = 0; i < desc->input_count; ++i)
    context->inputs[i].dims = owner->inputs[i].dims;
  /* The entry writes data and dimensions of what it returns. */
  MoptTensor *tensors = context->outputs;
  for (int32_t i = 0; i < desc->output_count; ++i)
    tensors[i].dims = owner->outputs[i].dims;
  if (!status)
    status = mopt_rt_call_entry(owner, context->inputs, tensors);
  if (mopt_rt_failed(run))
    status = run->status;
  CudaResult code = driver->cuStreamSynchronize(stream);
  if (!status && code)
    status = mopt_rt_cuda_error(run, driver, code, "run");
  for (int32_t i = 0; i < desc->output_count && !status; ++i)
    status = deliver(owner, i, outputs);
  /* Results may lie in memory that the next run overwrites. */
  code = driver->cuStreamSynchronize(stream);
  if (!status && code)
    status = mopt_rt_cuda_error(run, driver, code, "run");
  context->pending = 0;
  context->unfinished = 0;
  return status;
}

static MoptStatus shared_run(MoptContext *owner, const MoptTensor *outputs,
                             void *stream) {
  return mopt_rt_cuda_run(owner, outputs, stream, run_on);
}

const MoptDeviceInterface mopt_rt_shared_device = {
    shared_open, mopt_rt_cuda_close, shared_context_create,
    mopt_rt_cuda_context_destroy, shared_run};
