/* cuda.c: a model on an NVIDIA device, through the driver's library, which is
 * loaded when the first model is created. The first run of a context records
 * its launches as a graph; it and later ones then replay that. */
#include "Cuda.h"
#include "Device.h"
#include <pthread.h>
#include <string.h>

/* Of the places of inputs and outputs: what the driver aligns memory to. */
#define DEVICE_ALIGNMENT 256

MoptStatus mopt_rt_cuda_error(MoptRun *run, const CudaDriver *driver,
                              CudaResult code, const char *what) {
  const char *text = NULL;
  driver->cuGetErrorString(code, &text);
  return mopt_rt_error(
      run, code == CUDA_OUT_OF_MEMORY ? MOPT_OUT_OF_MEMORY : MOPT_DEVICE_ERROR,
      "%s: the device's driver says '%s' (%d)", what,
      text ? text : "an unknown error", code);
}

static int64_t aligned(int64_t bytes) {
  return (bytes + DEVICE_ALIGNMENT - 1) / DEVICE_ALIGNMENT * DEVICE_ALIGNMENT;
}

/* An allocation of no bytes is an error of the driver. */
static int64_t at_least_one(int64_t bytes) { return bytes > 0 ? bytes : 1; }

/* Loads the code and says what the driver's compiler said about it. */
static MoptStatus load_code(CudaModel *device, const MoptModelDesc *desc,
                            MoptRun *run) {
  char log[256] = "";
  int options[] = {CUDA_JIT_ERROR_LOG, CUDA_JIT_ERROR_LOG_BYTES};
  void *values[] = {log, (void *)(uintptr_t)sizeof(log)};
  /* Machine code is for one kind of device; the text may suit others. */
  CudaResult code = CUDA_NO_BINARY_FOR_GPU;
  if (desc->device_image)
    code = device->driver->cuModuleLoadDataEx(
        &device->module, desc->device_image, 2, options, values);
  if (code)
    code = device->driver->cuModuleLoadDataEx(
        &device->module, desc->device_code, 2, options, values);
  if (!code)
    return MOPT_OK;
  const char *text = NULL;
  device->driver->cuGetErrorString(code, &text);
  return mopt_rt_error(run, MOPT_UNSUPPORTED,
                       "the device cannot run the library's code, perhaps "
                       "because it was compiled for another one: the driver "
                       "says '%s' (%d) %.200s",
                       text ? text : "an unknown error", code, log);
}

/* Memory of the device, or what the host reaches too. */
static CudaResult allocate(const CudaModel *device, CudaAddress *address,
                           size_t bytes) {
  return device->shared ? device->driver->cuMemAllocManaged(
                              address, bytes, CUDA_MEMORY_ATTACH_GLOBAL)
                        : device->driver->cuMemAlloc(address, bytes);
}

static MoptStatus upload(CudaModel *device, CudaAddress *address,
                         const void *data, int64_t bytes, MoptRun *run) {
  const CudaDriver *driver = device->driver;
  MoptStatus status = MOPT_OK;
  CudaResult code = allocate(device, address, (size_t)at_least_one(bytes));
  if (code)
    status = mopt_rt_cuda_error(run, driver, code, "weights");
  if (bytes > 0)
    CHECKED(status, run, driver, "weights",
            cuMemcpyHtoD(*address, data, (size_t)bytes));
  return status;
}

static MoptStatus prepare(CudaModel *device, const MoptModel *model,
                          MoptRun *run) {
  const MoptModelDesc *desc = model->desc;
  MoptStatus status = load_code(device, desc, run);
  if (!status)
    status = upload(device, &device->weights, model->weights,
                    desc->weights_bytes, run);
  if (!status && desc->repacked_bytes > 0)
    status = upload(device, &device->repacked, model->repacked,
                    desc->repacked_bytes, run);
  /* They may still be on their way, and streams of contexts do not wait for
   * the default one. */
  CHECKED(status, run, device->driver, "weights", cuStreamSynchronize(NULL));
  return status;
}

/* The device that the caller chose by its number. */
static MoptStatus find_device(CudaModel *device, int32_t number, MoptRun *run) {
  const CudaDriver *driver = device->driver;
  CudaResult code = driver->cuDeviceGet(&device->device, number);
  if (code) {
    const char *text = NULL;
    driver->cuGetErrorString(code, &text);
    return mopt_rt_error(run, MOPT_UNSUPPORTED,
                         "device %d: the device's driver says '%s' (%d)",
                         number, text ? text : "an unknown error", code);
  }
  int concurrent = 0;
  if (device->shared &&
      (driver->cuDeviceGetAttribute(&concurrent, CUDA_CONCURRENT_MANAGED_ACCESS,
                                    device->device) ||
       !concurrent))
    return mopt_rt_error(run, MOPT_UNSUPPORTED,
                         "device %d: the host computes a part of the model, "
                         "and cannot share memory with this device",
                         number);
  return MOPT_OK;
}

MoptStatus mopt_rt_cuda_open(MoptModel *model, const MoptModelOptions *options,
                             int shared, MoptRun *run) {
  const CudaDriver *driver = NULL;
  MoptStatus status = mopt_rt_cuda_driver(&driver, run);
  if (status)
    return status;
  CudaModel *device = mopt_rt_allocate(&model->allocator, sizeof(*device));
  if (!device)
    return mopt_rt_error(run, MOPT_OUT_OF_MEMORY, "no memory for a model");
  memset(device, 0, sizeof(*device));
  device->driver = driver;
  device->shared = shared;
  model->device = device;
  status = find_device(device, options->device, run);
  /* The one that others in the process use too. */
  CHECKED(status, run, driver, "device",
          cuDevicePrimaryCtxRetain(&device->device_context, device->device));
  CHECKED(status, run, driver, "device",
          cuCtxPushCurrent(device->device_context));
  if (status)
    return status;
  status = prepare(device, model, run);
  CudaHandle popped;
  driver->cuCtxPopCurrent(&popped);
  return status;
}

static MoptStatus cuda_open(MoptModel *model, const MoptModelOptions *options,
                            MoptRun *run) {
  return mopt_rt_cuda_open(model, options, /*shared=*/0, run);
}

void mopt_rt_cuda_close(MoptModel *model) {
  CudaModel *device = model->device;
  if (!device)
    return;
  if (device->device_context) {
    const CudaDriver *driver = device->driver;
    CudaHandle popped;
    if (!driver->cuCtxPushCurrent(device->device_context)) {
      if (device->repacked)
        driver->cuMemFree(device->repacked);
      if (device->weights)
        driver->cuMemFree(device->weights);
      if (device->module)
        driver->cuModuleUnload(device->module);
      driver->cuCtxPopCurrent(&popped);
    }
    driver->cuDevicePrimaryCtxRelease(device->device);
  }
  mopt_rt_deallocate(&model->allocator, device, sizeof(*device));
  model->device = NULL;
}

/* The bytes of the arena, then of each input and output in its place. An output
 * whose size values decide has none. */
static int64_t place_tensors(const MoptModel *model, CudaContext *context,
                             CudaAddress base) {
  const MoptModelDesc *desc = model->desc;
  int64_t total = aligned(desc->arena_bytes);
  const int64_t *output_dims = context->output_dims;
  for (int32_t i = 0; i < desc->input_count + desc->output_count; ++i) {
    const MoptTensorSpec *spec = &model->inputs[i];
    MoptTensor *tensor = &context->inputs[i];
    const int64_t *dims = spec->dims;
    if (i >= desc->input_count) {
      /* The file may leave open what inputs decide. */
      dims = output_dims;
      output_dims += spec->rank;
    }
    tensor->data = (void *)(uintptr_t)(base + (CudaAddress)total);
    tensor->rank = spec->rank;
    tensor->dtype = spec->dtype;
    tensor->capacity_bytes =
        mopt_rt_tensor_bytes(spec->dtype, spec->rank, dims);
    if (tensor->capacity_bytes > 0)
      total += aligned(tensor->capacity_bytes);
  }
  return total;
}

void mopt_rt_cuda_context_destroy(MoptContext *owner) {
  CudaContext *context = owner->run.device;
  if (!context)
    return;
  const CudaDriver *driver = context->driver;
  CudaHandle popped;
  if (!driver->cuCtxPushCurrent(context->model->device_context)) {
    if (context->unfinished)
      driver->cuEventSynchronize(context->end);
    if (context->graph)
      driver->cuGraphExecDestroy(context->graph);
    if (context->end)
      driver->cuEventDestroy(context->end);
    if (context->own_stream)
      driver->cuStreamDestroy(context->own_stream);
    if (context->memory)
      driver->cuMemFree(context->memory);
    driver->cuCtxPopCurrent(&popped);
  }
  mopt_rt_deallocate(&owner->model->allocator, context, context->bytes);
  owner->run.device = NULL;
}

MoptStatus mopt_rt_cuda_context_create(MoptContext *owner) {
  const MoptModel *model = owner->model;
  const MoptModelDesc *desc = model->desc;
  CudaModel *device = model->device;
  const CudaDriver *driver = device->driver;
  int64_t tensors = (int64_t)desc->input_count + desc->output_count;
  int64_t bytes = (int64_t)sizeof(CudaContext) +
                  (int64_t)sizeof(MoptTensor) * tensors +
                  (int64_t)sizeof(int64_t) * model->output_dims;
  CudaContext *context = mopt_rt_allocate(&model->allocator, bytes);
  if (!context)
    return MOPT_OUT_OF_MEMORY;
  memset(context, 0, (size_t)bytes);
  context->driver = driver;
  context->model = device;
  context->bytes = bytes;
  context->inputs = (MoptTensor *)(context + 1);
  context->outputs = context->inputs + desc->input_count;
  context->output_dims = (int64_t *)(context->inputs + tensors);
  owner->run.device = context;
  MoptRun *run = &owner->run;
  /* Those of the inputs, which are static, come first. */
  MoptStatus status =
      mopt_rt_infer_output_dims(model, desc->dims, context->output_dims);
  CHECKED(status, run, driver, "context",
          cuCtxPushCurrent(device->device_context));
  if (status)
    return status;
  size_t total = (size_t)at_least_one(place_tensors(model, context, 0));
  CudaResult code = allocate(device, &context->memory, total);
  if (code)
    status = mopt_rt_cuda_error(run, driver, code, "memory of the device");
  CHECKED(status, run, driver, "stream",
          cuStreamCreate(&context->own_stream, CUDA_STREAM_NON_BLOCKING));
  CHECKED(status, run, driver, "event",
          cuEventCreate(&context->end, CUDA_EVENT_DISABLE_TIMING));
  CudaHandle popped;
  driver->cuCtxPopCurrent(&popped);
  context->stream = context->own_stream;
  place_tensors(model, context, context->memory);
  owner->run.arena = (void *)(uintptr_t)context->memory;
  owner->run.weights = (const void *)(uintptr_t)device->weights;
  owner->run.repacked = (const void *)(uintptr_t)device->repacked;
  return status;
}

enum {
  MOST_ARGUMENTS = 128,
  MOST_MAPS = 4,
  MOST_DIMS =
      sizeof(((MoptTensorMap *)0)->dims) / sizeof(((MoptTensorMap *)0)->dims[0])
};

/* The driver's form of a map. */
typedef struct CudaTensorMap {
  _Alignas(64) unsigned char bytes[128];
} CudaTensorMap;

/* `windows` are those of a map that has some. */
static MoptStatus encode(MoptRun *run, const CudaDriver *driver,
                         const char *name, const MoptTensorMap *map,
                         const MoptMapWindows *windows, int64_t address,
                         CudaTensorMap *encoded) {
  unsigned long long sizes[MOST_DIMS], strides[MOST_DIMS];
  unsigned box[MOST_DIMS], steps[MOST_DIMS];
  int first[MOST_DIMS], last[MOST_DIMS];
  int64_t rank = map->rank < 0 ? -map->rank : map->rank;
  int type = map->element_bytes == 1   ? CUDA_UINT8
             : map->element_bytes == 2 ? CUDA_UINT16
                                       : CUDA_UINT32;
  int64_t row_bytes = map->dims[0].box * map->element_bytes;
  int swizzle = row_bytes > 128   ? CUDA_NO_SWIZZLE
                : row_bytes == 64 ? CUDA_SWIZZLE_64
                                  : CUDA_SWIZZLE_128;
  void *begin = (void *)(uintptr_t)(address + map->offset);
  if (!driver->cuTensorMapEncodeTiled || !driver->cuTensorMapEncodeIm2col)
    return mopt_rt_error(run, MOPT_UNSUPPORTED,
                         "the NVIDIA driver is too old for kernel '%s': it has "
                         "no maps of tensors",
                         name);
  for (int64_t i = 0; i < rank; ++i) {
    sizes[i] = (unsigned long long)map->dims[i].size;
    /* That of the innermost dimension follows from the type. */
    if (i > 0)
      strides[i - 1] = (unsigned long long)map->dims[i].stride;
    box[i] = (unsigned)map->dims[i].box;
    steps[i] = 1;
  }
  MoptStatus status = MOPT_OK;
  if (rank == map->rank) {
    CHECKED(status, run, driver, name,
            cuTensorMapEncodeTiled(encoded, type, (unsigned)rank, begin, sizes,
                                   strides, box, steps, CUDA_NO_INTERLEAVE,
                                   swizzle, CUDA_PROMOTE_256, CUDA_FILL_ZEROS));
    return status;
  }
  for (int64_t i = 0; i < rank - 2; ++i) {
    first[i] = (int)windows->dims[i].first;
    last[i] = (int)windows->dims[i].last;
    steps[i + 1] = (unsigned)windows->dims[i].step;
  }
  CHECKED(status, run, driver, name,
          cuTensorMapEncodeIm2col(encoded, type, (unsigned)rank, begin, sizes,
                                  strides, first, last, box[0], box[rank - 1],
                                  steps, CUDA_NO_INTERLEAVE, swizzle,
                                  CUDA_PROMOTE_256, CUDA_FILL_ZEROS));
  return status;
}

/* Generated code calls this, while the stream records if the host computes
 * nothing. */
void mopt_rt_launch(MoptRun *run, const char *name, int64_t blocks_x,
                    int64_t blocks_y, int64_t threads, int64_t *arguments,
                    int64_t count, const MoptLaunchDesc *desc) {
  CudaContext *context = run->device;
  const CudaDriver *driver = context->driver;
  if (mopt_rt_failed(run))
    return;
  void *addresses[MOST_ARGUMENTS];
  CudaTensorMap maps[MOST_MAPS];
  if (count > MOST_ARGUMENTS || (desc && desc->map_count > MOST_MAPS)) {
    mopt_rt_error(run, MOPT_INTERNAL, "kernel '%s' has too many arguments",
                  name);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    addresses[i] = &arguments[i];
  MoptStatus status = MOPT_OK;
  CudaHandle function = NULL;
  context->pending = 1;
  CHECKED(status, run, driver, name,
          cuModuleGetFunction(&function, context->model->module, name));
  int64_t shared_bytes = 0;
  if (desc) {
    shared_bytes = desc->shared_bytes;
    if (shared_bytes > 0)
      CHECKED(status, run, driver, name,
              cuFuncSetAttribute(function, CUDA_MOST_DYNAMIC_SHARED_BYTES,
                                 (int)shared_bytes));
    const MoptMapWindows *windows =
        (const MoptMapWindows *)(desc->maps + desc->map_count);
    for (int64_t i = 0; i < desc->map_count && !status; ++i) {
      int64_t argument = desc->maps[i].argument;
      status = encode(run, driver, name, &desc->maps[i], windows,
                      arguments[argument], &maps[i]);
      if (desc->maps[i].rank < 0)
        ++windows;
      addresses[argument] = &maps[i];
    }
    if (desc->is_persistent) {
      int multiprocessors = 1;
      CHECKED(status, run, driver, name,
              cuDeviceGetAttribute(&multiprocessors, CUDA_MULTIPROCESSORS,
                                   context->model->device));
      if (blocks_x > multiprocessors)
        blocks_x = multiprocessors;
    }
  }
  if (desc && desc->overlaps && driver->cuLaunchKernelEx) {
    CudaLaunchAttribute overlap = {.id = CUDA_OVERLAPS_KERNEL_BEFORE,
                                   .value.flag = 1};
    CudaLaunch launch = {{(unsigned)blocks_x, (unsigned)blocks_y, 1},
                         {(unsigned)threads, 1, 1},
                         (unsigned)shared_bytes,
                         context->stream,
                         &overlap,
                         1};
    CHECKED(status, run, driver, name,
            cuLaunchKernelEx(&launch, function, addresses, NULL));
    return;
  }
  CHECKED(status, run, driver, name,
          cuLaunchKernel(function, (unsigned)blocks_x, (unsigned)blocks_y, 1,
                         (unsigned)threads, 1, 1, (unsigned)shared_bytes,
                         context->stream, addresses, NULL));
}

/* The launches of a run as a graph. */
static MoptStatus record(MoptContext *owner) {
  CudaContext *context = owner->run.device;
  const CudaDriver *driver = context->driver;
  MoptRun *run = &owner->run;
  MoptStatus status = MOPT_OK;
  CHECKED(status, run, driver, "graph",
          cuStreamBeginCapture(context->stream, CUDA_CAPTURE_THREAD_LOCAL));
  if (status)
    return status;
  const MoptModelDesc *desc = owner->model->desc;
  for (int32_t i = 0; i < desc->input_count; ++i)
    context->inputs[i].dims = owner->inputs[i].dims;
  /* The entry writes those of what it returns. */
  for (int32_t i = 0; i < desc->output_count; ++i)
    context->outputs[i].dims = owner->outputs[i].dims;
  status = desc->entry(run, context->inputs, context->outputs);
  if (mopt_rt_failed(run))
    status = run->status;
  CudaHandle graph = NULL;
  CudaResult code = driver->cuStreamEndCapture(context->stream, &graph);
  if (!status && code)
    status = mopt_rt_cuda_error(run, driver, code, "graph");
  CHECKED(status, run, driver, "graph",
          cuGraphInstantiate(&context->graph, graph, 0));
  if (graph)
    driver->cuGraphDestroy(graph);
  return status;
}

static MoptStatus run_on(MoptContext *owner, const MoptTensor *outputs,
                         CudaHandle stream) {
  CudaContext *context = owner->run.device;
  const CudaDriver *driver = context->driver;
  MoptRun *run = &owner->run;
  MoptStatus status = context->graph ? MOPT_OK : record(owner);
  if (!status)
    status = mopt_rt_cuda_begin(owner, stream);
  CHECKED(status, run, driver, "run", cuGraphLaunch(context->graph, stream));
  for (int32_t i = 0; i < owner->model->desc->output_count && !status; ++i)
    status = mopt_rt_cuda_deliver(owner, i, outputs, stream);
  return mopt_rt_cuda_end(owner, outputs, stream, status);
}

static MoptStatus cuda_run(MoptContext *owner, const MoptTensor *outputs,
                           void *stream) {
  return mopt_rt_cuda_run(owner, outputs, stream, run_on);
}

const MoptDeviceInterface mopt_rt_device = {
    cuda_open, mopt_rt_cuda_close, mopt_rt_cuda_context_create,
    mopt_rt_cuda_context_destroy, cuda_run};
