/* Stands in for the driver where there is no device: memory is the host's, and
 * what is asked of it is printed. FAKE_FAIL names a function that fails.
 * fake_allocate gives a test memory that counts as the device's. */
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
int cuDeviceGet(int *device, int number) {
  *device = number;
  if (number > 1)
    return 101;
  if (number)
    printf("device %d\n", number);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = 1;
  return called("attribute");
}
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
/* The device's memory, where it was allocated. */
static struct {
  Address begin, end;
} ranges[256];
static int range_count;
static int is_on_device(Address address) {
  for (int i = 0; i < range_count; ++i)
    if (ranges[i].begin <= address && address < ranges[i].end)
      return 1;
  return 0;
}
void *fake_allocate(size_t bytes) {
  void *data = aligned_alloc(256, (bytes + 255) / 256 * 256);
  memset(data, 0, bytes);
  ranges[range_count].begin = (Address)(size_t)data;
  ranges[range_count++].end = (Address)(size_t)data + bytes;
  return data;
}
int cuMemAlloc_v2(Address *address, size_t bytes) {
  *address = (Address)(size_t)fake_allocate(bytes);
  return called("allocate");
}
int cuMemAllocManaged(Address *address, size_t bytes, unsigned flags) {
  *address = (Address)(size_t)fake_allocate(bytes);
  return called("allocate shared");
}
int cuMemFree_v2(Address address) {
  for (int i = 0; i < range_count; ++i)
    if (ranges[i].begin == address)
      ranges[i] = ranges[--range_count];
  free((void *)(size_t)address);
  return called("free");
}
int cuMemcpyHtoD_v2(Address to, const void *from, size_t bytes) {
  memcpy((void *)(size_t)to, from, bytes);
  printf("upload %zu\n", bytes);
  return 0;
}
int cuMemcpyAsync(Address to, Address from, size_t bytes, Handle stream) {
  memcpy((void *)(size_t)to, (void *)(size_t)from, bytes);
  printf("%s %zu\n",
         !is_on_device(from) ? "in"
         : is_on_device(to)  ? "move"
                             : "out",
         bytes);
  return 0;
}
int cuPointerGetAttribute(void *value, int attribute, Address address) {
  *(unsigned *)value = 2;
  return is_on_device(address) ? 0 : 1;
}
int cuStreamCreate(Handle *stream, unsigned flags) {
  return make("stream", stream);
}
int cuStreamDestroy_v2(Handle stream) { return called("destroy stream"); }
int cuStreamSynchronize(Handle stream) { return called("wait"); }
int cuStreamWaitEvent(Handle stream, Handle event, unsigned flags) {
  return called("wait for the last run");
}
int cuEventCreate(Handle *event, unsigned flags) {
  *event = &object;
  return 0;
}
int cuEventDestroy_v2(Handle event) { return 0; }
int cuEventRecord(Handle event, Handle stream) {
  return called("note the end");
}
int cuEventSynchronize(Handle event) { return called("wait for the end"); }
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
int cuFuncSetAttribute(Handle function, int attribute, int value) {
  printf("attribute %d of %s: %d\n", attribute, (const char *)function, value);
  return called("function attribute");
}
#ifndef WITHOUT_MAPS
int cuTensorMapEncodeTiled(void *map, int type, unsigned rank, void *address,
                           const Address *sizes, const Address *strides,
                           const unsigned *box, const unsigned *steps,
                           int interleave, int swizzle, int promotion,
                           int fill) {
  printf("map of type %d, swizzle %d:", type, swizzle);
  for (unsigned i = 0; i < rank; ++i)
    printf(" %llu/%llu/%u", sizes[i], i ? strides[i - 1] : 0, box[i]);
  printf("\n");
  return (unsigned long long)map % 64 ? 1 : called("map");
}
int cuTensorMapEncodeIm2col(void *map, int type, unsigned rank, void *address,
                            const Address *sizes, const Address *strides,
                            const int *first, const int *last,
                            unsigned channels, unsigned windows,
                            const unsigned *steps, int interleave, int swizzle,
                            int promotion, int fill) {
  printf("map of %u windows of %u, type %d, swizzle %d:", windows, channels,
         type, swizzle);
  for (unsigned i = 0; i < rank; ++i)
    printf(" %llu/%llu/%u", sizes[i], i ? strides[i - 1] : 0, steps[i]);
  for (unsigned i = 0; i + 2 < rank; ++i)
    printf(" from %d to %d", first[i], last[i]);
  printf("\n");
  return (unsigned long long)map % 64 ? 1 : called("map");
}
#endif
int cuLaunchKernel(Handle function, unsigned grid_x, unsigned grid_y,
                   unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared_bytes, Handle stream,
                   void **arguments, void **extra) {
  printf("launch %s %ux%u of %u\n", (const char *)function, grid_x, grid_y,
         block_x);
  return called("launch");
}
#ifndef WITHOUT_MAPS
typedef struct {
  unsigned grid[3], block[3], shared_bytes;
  Handle stream;
  struct {
    int id, unused, value[16];
  } *attributes;
  unsigned attribute_count;
} Launch;
int cuLaunchKernelEx(const Launch *launch, Handle function, void **arguments,
                     void **extra) {
  if (launch->attribute_count != 1 || launch->attributes->id != 6 ||
      launch->attributes->value[0] != 1)
    return 1;
  return cuLaunchKernel(function, launch->grid[0], launch->grid[1],
                        launch->grid[2], launch->block[0], launch->block[1],
                        launch->block[2], launch->shared_bytes, launch->stream,
                        arguments, extra);
}
#endif
