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
  CUDA_CAPTURE_THREAD_LOCAL = 1,
  CUDA_MULTIPROCESSORS = 16,
  CUDA_MOST_DYNAMIC_SHARED_BYTES = 8,
  CUDA_UINT8 = 0,
  CUDA_UINT16 = 1,
  CUDA_NO_INTERLEAVE = 0,
  CUDA_SWIZZLE_128 = 3,
  CUDA_PROMOTE_256 = 3,
  CUDA_FILL_ZEROS = 0
};

/// Entry points by the names that the driver exports, see cuda_driver.c.
typedef struct CudaDriver {
  CudaResult (*cuInit)(unsigned flags);
  CudaResult (*cuGetErrorString)(CudaResult code, const char **text);
  CudaResult (*cuDeviceGet)(int *device, int number);
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
  CudaResult (*cuMemFree)(CudaAddress address);
  CudaResult (*cuMemcpyHtoD)(CudaAddress to, const void *from, size_t bytes);
  CudaResult (*cuMemcpyHtoDAsync)(CudaAddress to, const void *from,
                                  size_t bytes, CudaHandle stream);
  CudaResult (*cuMemcpyDtoHAsync)(void *to, CudaAddress from, size_t bytes,
                                  CudaHandle stream);
  CudaResult (*cuStreamCreate)(CudaHandle *stream, unsigned flags);
  CudaResult (*cuStreamDestroy)(CudaHandle stream);
  CudaResult (*cuStreamSynchronize)(CudaHandle stream);
  CudaResult (*cuStreamBeginCapture)(CudaHandle stream, int mode);
  CudaResult (*cuStreamEndCapture)(CudaHandle stream, CudaHandle *graph);
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
  CudaResult (*cuDeviceGetAttribute)(int *value, int attribute, int device);
  CudaResult (*cuFuncSetAttribute)(CudaHandle function, int attribute,
                                   int value);
  CudaResult (*cuTensorMapEncodeTiled)(
      void *map, int type, unsigned rank, void *address,
      const unsigned long long *sizes, const unsigned long long *strides,
      const unsigned *box, const unsigned *steps, int interleave, int swizzle,
      int promotion, int fill);
} CudaDriver;

/// The driver, initialized. Without one, or without a device, MOPT_UNSUPPORTED
/// with a sentence in `run`.
MoptStatus mopt_rt_cuda_driver(const CudaDriver **driver, MoptRun *run);

#endif
