/* Cuda.h: the part of the driver's interface (cuda.h) that the runtime calls,
 * declared here so that neither building mopt nor a model needs a toolkit. */
#ifndef MOPT_RUNTIME_CUDA_H
#define MOPT_RUNTIME_CUDA_H

#include "Model.h"
#include <stddef.h>

typedef int CudaResult;
typedef void *CudaHandle;
typedef unsigned long long CudaAddress;

enum {
  CUDA_OUT_OF_MEMORY = 2,
  CUDA_NO_BINARY_FOR_GPU = 209,
  CUDA_JIT_ERROR_LOG = 5,
  CUDA_JIT_ERROR_LOG_BYTES = 6,
  CUDA_STREAM_NON_BLOCKING = 1,
  CUDA_MULTIPROCESSORS = 16,
  CUDA_MOST_DYNAMIC_SHARED_BYTES = 8,
  CUDA_OVERLAPS_KERNEL_BEFORE = 6,
  CUDA_UINT8 = 0,
  CUDA_UINT16 = 1,
  CUDA_UINT32 = 2,
  CUDA_NO_INTERLEAVE = 0,
  CUDA_NO_SWIZZLE = 0,
  CUDA_SWIZZLE_64 = 2,
  CUDA_SWIZZLE_128 = 3,
  CUDA_PROMOTE_256 = 3,
  CUDA_FILL_ZEROS = 0,
  CUDA_EVENT_DISABLE_TIMING = 2,
  CUDA_MEMORY_ATTACH_GLOBAL = 1,
  CUDA_CONCURRENT_MANAGED_ACCESS = 89,
  CUDA_POINTER_MEMORY_TYPE = 2,
  CUDA_MEMORY_OF_DEVICE = 2,
  CUDA_CAPTURE_THREAD_LOCAL = 1
};

/// What a launch is given besides its arguments (CUlaunchAttribute).
typedef struct CudaLaunchAttribute {
  int id;
  int unused;
  union {
    char bytes[64];
    int flag;
  } value;
} CudaLaunchAttribute;

/// CUlaunchConfig.
typedef struct CudaLaunch {
  unsigned grid[3];
  unsigned block[3];
  unsigned shared_bytes;
  CudaHandle stream;
  CudaLaunchAttribute *attributes;
  unsigned attribute_count;
} CudaLaunch;

/// Entry points by the names that the driver exports, see cuda_driver.c.
typedef struct CudaDriver {
  CudaResult (*cuInit)(unsigned flags);
  CudaResult (*cuGetErrorString)(CudaResult code, const char **text);
  CudaResult (*cuDeviceGet)(int *device, int number);
  CudaResult (*cuDeviceGetAttribute)(int *value, int attribute, int device);
  CudaResult (*cuDevicePrimaryCtxRetain)(CudaHandle *context, int device);
  CudaResult (*cuDevicePrimaryCtxRelease)(int device);
  CudaResult (*cuCtxPushCurrent)(CudaHandle context);
  CudaResult (*cuCtxPopCurrent)(CudaHandle *context);
  CudaResult (*cuModuleLoadDataEx)(CudaHandle *module, const void *image,
                                   unsigned count, int *options, void **values);
  CudaResult (*cuModuleUnload)(CudaHandle module);
  CudaResult (*cuModuleGetFunction)(CudaHandle *function, CudaHandle module,
                                    const char *name);
  CudaResult (*cuMemAlloc)(CudaAddress *address, size_t bytes);
  CudaResult (*cuMemAllocManaged)(CudaAddress *address, size_t bytes,
                                  unsigned flags);
  CudaResult (*cuMemFree)(CudaAddress address);
  CudaResult (*cuMemcpyHtoD)(CudaAddress to, const void *from, size_t bytes);
  /// From and to the host's memory or the device's.
  CudaResult (*cuMemcpyAsync)(CudaAddress to, CudaAddress from, size_t bytes,
                              CudaHandle stream);
  CudaResult (*cuPointerGetAttribute)(void *value, int attribute,
                                      CudaAddress address);
  CudaResult (*cuStreamCreate)(CudaHandle *stream, unsigned flags);
  CudaResult (*cuStreamDestroy)(CudaHandle stream);
  CudaResult (*cuStreamSynchronize)(CudaHandle stream);
  CudaResult (*cuStreamWaitEvent)(CudaHandle stream, CudaHandle event,
                                  unsigned flags);
  CudaResult (*cuStreamBeginCapture)(CudaHandle stream, int mode);
  CudaResult (*cuStreamEndCapture)(CudaHandle stream, CudaHandle *graph);
  CudaResult (*cuEventCreate)(CudaHandle *event, unsigned flags);
  CudaResult (*cuEventDestroy)(CudaHandle event);
  CudaResult (*cuEventRecord)(CudaHandle event, CudaHandle stream);
  CudaResult (*cuEventSynchronize)(CudaHandle event);
  CudaResult (*cuGraphInstantiate)(CudaHandle *executable, CudaHandle graph,
                                   unsigned long long flags);
  CudaResult (*cuGraphLaunch)(CudaHandle executable, CudaHandle stream);
  CudaResult (*cuGraphDestroy)(CudaHandle graph);
  CudaResult (*cuGraphExecDestroy)(CudaHandle executable);
  CudaResult (*cuLaunchKernel)(CudaHandle function, unsigned grid_x,
                               unsigned grid_y, unsigned grid_z,
                               unsigned block_x, unsigned block_y,
                               unsigned block_z, unsigned shared_bytes,
                               CudaHandle stream, void **arguments,
                               void **extra);
  CudaResult (*cuFuncSetAttribute)(CudaHandle function, int attribute,
                                   int value);
  /* May be null. */
  CudaResult (*cuTensorMapEncodeTiled)(void *map, int type, unsigned rank,
                                       void *address,
                                       const unsigned long long *sizes,
                                       const unsigned long long *strides,
                                       const unsigned *box,
                                       const unsigned *steps, int interleave,
                                       int swizzle, int promotion, int fill);
  /* May be null. */
  CudaResult (*cuTensorMapEncodeIm2col)(void *map, int type, unsigned rank,
                                        void *address,
                                        const unsigned long long *sizes,
                                        const unsigned long long *strides,
                                        const int *first, const int *last,
                                        unsigned channels, unsigned windows,
                                        const unsigned *steps, int interleave,
                                        int swizzle, int promotion, int fill);
  /* May be null. */
  CudaResult (*cuLaunchKernelEx)(const CudaLaunch *launch, CudaHandle function,
                                 void **arguments, void **extra);
} CudaDriver;

/// The driver, initialized. Without one, or without a device, MOPT_UNSUPPORTED
/// with a sentence in `run`.
MoptStatus mopt_rt_cuda_driver(const CudaDriver **driver, MoptRun *run);

typedef struct CudaModel {
  const CudaDriver *driver;
  CudaHandle device_context;
  CudaHandle module;
  CudaAddress weights;
  CudaAddress repacked;
  int device;
  /// Whether all memory is managed: the host reaches it too.
  int shared;
  /// Managed memory, for what a run allocates.
  MoptAllocator memory;
} CudaModel;

typedef struct CudaContext {
  const CudaDriver *driver;
  CudaModel *model;
  /// Where launches go: the context's own, but for runs that are not recorded
  /// and have a caller's.
  CudaHandle stream;
  CudaHandle own_stream;
  CudaHandle graph;
  /// The end of the last run on a caller's stream, while `unfinished`.
  CudaHandle end;
  int unfinished;
  /// Whether launches may be under way that the host has not waited for.
  int pending;
  CudaAddress memory;
  /// What the entry gets: tensors in `memory`.
  MoptTensor *inputs;
  MoptTensor *outputs;
  /// The dimensions of all outputs, -1 where values decide.
  int64_t *output_dims;
  int64_t bytes;
} CudaContext;

/* cuda.c */

/// Records an error of the driver.
MoptStatus mopt_rt_cuda_error(MoptRun *run, const CudaDriver *driver,
                              CudaResult code, const char *what);

/// Runs `call` unless an earlier one failed.
#define CHECKED(status, run, driver, what, call)                               \
  do {                                                                         \
    if (!(status)) {                                                           \
      CudaResult code_ = (driver)->call;                                       \
      if (code_)                                                               \
        (status) = mopt_rt_cuda_error(run, driver, code_, what);               \
    }                                                                          \
  } while (0)

/// MoptDeviceInterface.open and .context_create, with memory that the host
/// reaches too where `shared` is set.
MoptStatus mopt_rt_cuda_open(MoptModel *model, const MoptModelOptions *options,
                             int shared, MoptRun *run);
MoptStatus mopt_rt_cuda_context_create(MoptContext *owner);
/// MoptDeviceInterface.close and .context_destroy.
void mopt_rt_cuda_close(MoptModel *model);
void mopt_rt_cuda_context_destroy(MoptContext *owner);

/* cuda_tensors.c */

/// Lets `stream` (null: the context's own) wait for the last run's end, and
/// copies the inputs to their places.
MoptStatus mopt_rt_cuda_begin(MoptContext *owner, CudaHandle stream);
/// Copies output `index` from `context->outputs` to the caller's buffer, or to
/// one of the context's where there is none.
MoptStatus mopt_rt_cuda_deliver(MoptContext *owner, int32_t index,
                                const MoptTensor *outputs, CudaHandle stream);
/// Waits for the run, unless `stream` is the caller's and no output lies in the
/// host's memory: then the next run will.
MoptStatus mopt_rt_cuda_end(MoptContext *owner, const MoptTensor *outputs,
                            CudaHandle stream, MoptStatus status);

/// What a run does on a stream, while the device's context is current.
typedef MoptStatus CudaRun(MoptContext *owner, const MoptTensor *outputs,
                           CudaHandle stream);

/// Calls `run_on` for the caller's stream, or with null for the context's own.
MoptStatus mopt_rt_cuda_run(MoptContext *owner, const MoptTensor *outputs,
                            CudaHandle stream, CudaRun *run_on);

#endif
