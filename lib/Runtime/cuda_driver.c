/* cuda_driver.c: the driver's library, loaded once for all models of a process
 * and never unloaded: contexts of others may live in it. */
#include "Cuda.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define LIBRARY "libcuda.so.1"

/* The names carry the version of the interface that Cuda.h declares. */
static const char *const symbols[] = {"cuInit",
                                      "cuGetErrorString",
                                      "cuDeviceGet",
                                      "cuDeviceGetAttribute",
                                      "cuDevicePrimaryCtxRetain",
                                      "cuDevicePrimaryCtxRelease_v2",
                                      "cuCtxPushCurrent_v2",
                                      "cuCtxPopCurrent_v2",
                                      "cuModuleLoadDataEx",
                                      "cuModuleUnload",
                                      "cuModuleGetFunction",
                                      "cuMemAlloc_v2",
                                      "cuMemAllocManaged",
                                      "cuMemFree_v2",
                                      "cuMemcpyHtoD_v2",
                                      "cuMemcpyAsync",
                                      "cuPointerGetAttribute",
                                      "cuStreamCreate",
                                      "cuStreamDestroy_v2",
                                      "cuStreamSynchronize",
                                      "cuStreamWaitEvent",
                                      "cuStreamBeginCapture_v2",
                                      "cuStreamEndCapture",
                                      "cuEventCreate",
                                      "cuEventDestroy_v2",
                                      "cuEventRecord",
                                      "cuEventSynchronize",
                                      "cuGraphInstantiateWithFlags",
                                      "cuGraphLaunch",
                                      "cuGraphDestroy",
                                      "cuGraphExecDestroy",
                                      "cuLaunchKernel",
                                      "cuFuncSetAttribute",
                                      "cuTensorMapEncodeTiled",
                                      "cuTensorMapEncodeIm2col",
                                      "cuLaunchKernelEx"};

enum {
  SYMBOLS = sizeof(symbols) / sizeof(symbols[0]),
  /* Maps of tensors and launches that overlap came with the devices that have
   * them; kernels of others need none. */
  REQUIRED = SYMBOLS - 3
};
typedef char EverySymbolHasAField[sizeof(CudaDriver) == SYMBOLS * sizeof(void *)
                                      ? 1
                                      : -1];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static CudaDriver loaded;
static int is_loaded;

static MoptStatus load(MoptRun *run) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return mopt_rt_error(run, MOPT_UNSUPPORTED,
                         "the library's code is for a GPU, and this machine "
                         "has no NVIDIA driver ('" LIBRARY "' was not found)");
  CudaDriver driver;
  for (int i = 0; i < SYMBOLS; ++i) {
    void *function = dlsym(library, symbols[i]);
    if (!function && i < REQUIRED) {
      dlclose(library);
      return mopt_rt_error(
          run, MOPT_UNSUPPORTED,
          "the NVIDIA driver is too old: '" LIBRARY "' lacks '%s'", symbols[i]);
    }
    memcpy((char *)&driver + (size_t)i * sizeof(void *), &function,
           sizeof(void *));
  }
  CudaResult code = driver.cuInit(0);
  if (code) {
    const char *text = NULL;
    driver.cuGetErrorString(code, &text);
    mopt_rt_error(run, MOPT_UNSUPPORTED,
                  "the library's code is for a GPU, and the NVIDIA driver "
                  "cannot use one: '%s' (%d)",
                  text ? text : "an unknown error", code);
    /* The text was in it. */
    dlclose(library);
    return MOPT_UNSUPPORTED;
  }
  loaded = driver;
  is_loaded = 1;
  return MOPT_OK;
}

MoptStatus mopt_rt_cuda_driver(const CudaDriver **driver, MoptRun *run) {
  pthread_mutex_lock(&mutex);
  MoptStatus status = is_loaded ? MOPT_OK : load(run);
  pthread_mutex_unlock(&mutex);
  *driver = &loaded;
  return status;
}
