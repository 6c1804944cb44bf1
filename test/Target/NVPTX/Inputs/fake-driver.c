/* Stands in for the driver where there is no device: memory is the host's, and
 * what is asked of it is printed. FAKE_FAIL names a function that fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *Handle;
typedef unsigned long long Address;
static int object;

static int called(const char *name) {
  const char *failing = getenv("FAKE_FAIL");
  if (failing && strcmp(failing, name) == 0)
    return 999;
  printf("%s\n", name);
  fflush(stdout);
  return 0;
}
static int make(const char *name, Handle *made) {
  *made = &object;
  return called(name);
}

int cuInit(unsigned flags) { return called("cuInit"); }
int cuGetErrorString(int code, const char **text) {
  *text = "a fake error";
  return 0;
}
int cuDeviceGet(int *device, int number) { return *device = 0; }
int cuDevicePrimaryCtxRetain(Handle *context, int device) {
  return make("retain", context);
}
int cuDevicePrimaryCtxRelease_v2(int device) { return called("release"); }
int cuCtxPushCurrent_v2(Handle context) { return 0; }
int cuCtxPopCurrent_v2(Handle *context) { return 0; }
int cuModuleLoadDataEx(Handle *module, const void *image, unsigned count,
                       int *options, void **values) {
  int is_text = memcmp(image, "\177ELF", 4) != 0;
  return make(is_text ? "load text" : "load image", module);
}
int cuModuleUnload(Handle module) { return called("unload"); }
int cuModuleGetFunction(Handle *function, Handle module, const char *name) {
  *function = (Handle)name;
  return 0;
}
int cuMemAlloc_v2(Address *address, size_t bytes) {
  *address = (Address)(size_t)calloc(1, bytes);
  return called("allocate");
}
int cuMemFree_v2(Address address) {
  free((void *)(size_t)address);
  return called("free");
}
int cuMemcpyHtoD_v2(Address to, const void *from, size_t bytes) {
  memcpy((void *)(size_t)to, from, bytes);
  printf("upload %zu\n", bytes);
  return 0;
}
int cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes,
                         Handle stream) {
  memcpy((void *)(size_t)to, from, bytes);
  printf("in %zu\n", bytes);
  return 0;
}
int cuMemcpyDtoHAsync_v2(void *to, Address from, size_t bytes, Handle stream) {
  memcpy(to, (void *)(size_t)from, bytes);
  printf("out %zu\n", bytes);
  return 0;
}
int cuStreamCreate(Handle *stream, unsigned flags) {
  return make("stream", stream);
}
int cuStreamDestroy_v2(Handle stream) { return called("destroy stream"); }
int cuStreamSynchronize(Handle stream) { return called("wait"); }
int cuStreamBeginCapture_v2(Handle stream, int mode) {
  return called("begin recording");
}
int cuStreamEndCapture(Handle stream, Handle *graph) {
  return make("end recording", graph);
}
int cuGraphInstantiateWithFlags(Handle *executable, Handle graph,
                                unsigned long long flags) {
  return make("instantiate", executable);
}
int cuGraphLaunch(Handle executable, Handle stream) { return called("replay"); }
int cuGraphDestroy(Handle graph) { return 0; }
int cuGraphExecDestroy(Handle executable) { return called("destroy graph"); }
int cuLaunchKernel(Handle function, unsigned grid_x, unsigned grid_y,
                   unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared_bytes, Handle stream,
                   void **arguments, void **extra) {
  printf("launch %s %ux%u of %u\n", (const char *)function, grid_x, grid_y,
         block_x);
  return called("launch");
}
