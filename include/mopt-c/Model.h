/* Model.h: the ABI of the libraries that mopt-compile emits.
 *
 * A library exports one function per model, `mopt_model_<entry>`, and
 * `mopt_model` besides when it holds one model. Each returns a table that
 * describes the model and holds every function that works on it. C99, and
 * valid C++. Plain data; nothing here depends on the compiler.
 *
 *   const MoptModelApi *api = mopt_model();
 *   MoptModel *model;
 *   MoptContext *context;
 *   api->create(NULL, &model);
 *   api->context_create(model, &context);
 *   api->run(context, inputs, api->input_count, outputs, api->output_count);
 */
#ifndef MOPT_C_MODEL_H
#define MOPT_C_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version of the layouts and meanings in this file. A change that old callers
/// cannot ignore raises it; additions at the end of a struct do not, they
/// raise that struct's `struct_bytes`.
#define MOPT_MODEL_ABI_VERSION 1

/// What every fallible function returns. `last_error` of the context says
/// more, in words.
typedef int32_t MoptStatus;
enum {
  /// Success.
  MOPT_OK = 0,
  /// A null pointer, a wrong count, a misaligned or overlapping buffer.
  MOPT_INVALID_ARGUMENT = 1,
  /// An element type differs from the model's.
  MOPT_INVALID_TYPE = 2,
  /// A rank or dimension differs from the model's, or dimensions that the
  /// model names alike differ from each other.
  MOPT_INVALID_SHAPE = 3,
  /// An output buffer of the caller is smaller than the output.
  MOPT_BUFFER_TOO_SMALL = 4,
  /// The allocator returned null.
  MOPT_OUT_OF_MEMORY = 5,
  /// The weight file is missing, unreadable, or belongs to another model.
  MOPT_IO_ERROR = 6,
  /// The model found its input values unusable, for example an index that
  /// lies outside a tensor.
  MOPT_INVALID_DATA = 7,
  /// A struct comes from a newer header than the library understands, or the
  /// machine lacks what the library was compiled for.
  MOPT_UNSUPPORTED = 8,
  /// The context is running in another thread.
  MOPT_BUSY = 9,
  /// A broken invariant: a defect of mopt.
  MOPT_INTERNAL = 10,
  /// The device that the library's code runs on, or its driver, failed.
  MOPT_DEVICE_ERROR = 11
};

/// Element types, numbered as ONNX numbers TensorProto.DataType.
/// Types under a byte are packed from the low bits of each byte on; a bool is
/// one byte, 0 or 1; a complex number is its real, then its imaginary part; a
/// string tensor is an array of `const char *`, each NUL-terminated UTF-8.
typedef int32_t MoptDType;
enum {
  MOPT_UNDEFINED = 0,
  MOPT_FLOAT32 = 1,
  MOPT_UINT8 = 2,
  MOPT_INT8 = 3,
  MOPT_UINT16 = 4,
  MOPT_INT16 = 5,
  MOPT_INT32 = 6,
  MOPT_INT64 = 7,
  MOPT_STRING = 8,
  MOPT_BOOL = 9,
  MOPT_FLOAT16 = 10,
  MOPT_FLOAT64 = 11,
  MOPT_UINT32 = 12,
  MOPT_UINT64 = 13,
  MOPT_COMPLEX64 = 14,
  MOPT_COMPLEX128 = 15,
  MOPT_BFLOAT16 = 16,
  MOPT_FLOAT8E4M3FN = 17,
  MOPT_FLOAT8E4M3FNUZ = 18,
  MOPT_FLOAT8E5M2 = 19,
  MOPT_FLOAT8E5M2FNUZ = 20,
  MOPT_UINT4 = 21,
  MOPT_INT4 = 22,
  MOPT_FLOAT4E2M1 = 23,
  MOPT_FLOAT8E8M0 = 24,
  MOPT_UINT2 = 25,
  MOPT_INT2 = 26
};

/// Bits of `MoptTensor.flags`.
enum {
  /// Set by `run` on an output whose `data` the context owns: it is valid
  /// until the next run or the destruction of the context. A later run treats
  /// such a tensor as one without a buffer, so it may be passed again as it
  /// is, as an output or as an input.
  MOPT_TENSOR_CONTEXT_OWNED = 1,
  /// The same for its `dims`.
  MOPT_TENSOR_CONTEXT_DIMS = 2
};

/// A dense row-major tensor.
///
/// As an input: `data` (null only for a tensor without elements), aligned to
/// the element size, `rank` and its `dims` are read; `dtype` must be the
/// model's; `capacity_bytes` is checked unless it is 0.
///
/// As an output: with `data`, the result is written there and
/// `capacity_bytes` says how much room there is. With `data` null the context
/// provides the memory. With `dims`, `rank` entries must have room; they are
/// overwritten with the result's dimensions. With `dims` null the context
/// provides them, valid as long as its data. `dtype` may be MOPT_UNDEFINED.
/// After a run every field describes the result.
///
/// An output may overlap an input, at the cost of a copy. Two outputs may not.
///
/// Where a model runs on a device `data` may be memory of the host or of the
/// device.
typedef struct MoptTensor {
  void *data;
  int64_t *dims;
  /// Bytes of memory at `data`.
  int64_t capacity_bytes;
  int32_t rank;
  MoptDType dtype;
  uint32_t flags;
  uint32_t reserved;
} MoptTensor;

/// Bits of `MoptTensorSpec.flags`.
enum {
  /// The output's dimensions depend on the values of the inputs, not only on
  /// their dimensions: `infer_output_dims` answers -1 for those.
  MOPT_SPEC_DATA_DEPENDENT = 1
};

/// What the model expects of an input or promises of an output.
typedef struct MoptTensorSpec {
  const char *name;
  /// `rank` sizes, -1 for one that is chosen at run time.
  const int64_t *dims;
  /// `rank` names of dimensions, null where there is none. Dimensions of equal
  /// name are equal in one run.
  const char *const *dim_names;
  int32_t rank;
  MoptDType dtype;
  uint32_t flags;
  uint32_t reserved;
} MoptTensorSpec;

/// Where the model's memory comes from. Both functions may be called from any
/// thread that runs the model, and must outlive what was allocated.
typedef struct MoptAllocator {
  /// Passed through.
  void *user;
  /// Returns `bytes` (above 0) at a multiple of `alignment` (a power of two),
  /// or null.
  void *(*allocate)(void *user, size_t bytes, size_t alignment);
  void (*deallocate)(void *user, void *data, size_t bytes);
} MoptAllocator;

/// A piece [begin, end) of a parallel loop. It does not throw.
typedef void (*MoptLoopBody)(void *data, int64_t begin, int64_t end);

/// Threads that models, also those of different libraries, share. Made by
/// `pool_create` of any library, or by the caller as a struct of its own
/// functions. The library that made a pool must stay loaded while it is used.
typedef struct MoptPool MoptPool;
struct MoptPool {
  uint32_t abi_version;
  uint32_t struct_bytes;
  /// The most threads that run a loop, the calling one included.
  int32_t (*thread_count)(MoptPool *pool);
  /// Calls `body` for disjoint pieces that cover [0, count) and returns when
  /// all are done. Callable from several threads at once and from within a
  /// body; a busy pool may run the loop on the calling thread alone.
  void (*parallel_for)(MoptPool *pool, int64_t count, MoptLoopBody body,
                       void *data);
  /// A pool is born with one reference, and ends with its last one.
  void (*retain)(MoptPool *pool);
  void (*release)(MoptPool *pool);
};

/// Options of `pool_create`. Start from all zeros but `struct_bytes`.
typedef struct MoptPoolOptions {
  /// sizeof(MoptPoolOptions) of the caller.
  uint32_t struct_bytes;
  /// Threads including the caller's; 0 chooses: MOPT_NUM_THREADS where it is
  /// set, else the CPUs that the affinity mask and the cgroup allow.
  int32_t threads;
  /// How long an idle thread spins before it sleeps, in microseconds; 0 is the
  /// default of 200, a negative value is no spinning.
  int32_t spin_us;
  uint32_t reserved;
} MoptPoolOptions;

/// Options of `create`. Start from all zeros but `struct_bytes`. What is
/// pointed to must live as long as the call, `pool` and the functions as long
/// as the model.
typedef struct MoptModelOptions {
  /// sizeof(MoptModelOptions) of the caller.
  uint32_t struct_bytes;
  /// As in MoptPoolOptions. With `parallel_for`, how many pieces it wants.
  int32_t threads;
  /// As in MoptPoolOptions.
  int32_t spin_us;
  uint32_t reserved;
  /// Threads to use in place of the model's own. Excludes `parallel_for`.
  MoptPool *pool;
  /// The caller's parallel loop: as MoptPool.parallel_for, with
  /// `parallel_for_user` passed through.
  void (*parallel_for)(void *user, int64_t count, MoptLoopBody body,
                       void *data);
  void *parallel_for_user;
  /// Copied. Null: malloc and free.
  const MoptAllocator *allocator;
  /// Where the weight file is, for a library that was compiled to have one.
  /// Null: beside the library, under the name it was given.
  const char *weights_path;
  /// Room for the reason why `create` failed, or null.
  char *error;
  size_t error_bytes;
  /// Of a library for a device: which of the machine's it runs on, from 0 on.
  int32_t device;
  /// MOPT_FALLBACK_*.
  int32_t fallback;
} MoptModelOptions;

/// What `create` does where a library for a device finds none that can run it.
enum {
  /// It returns MOPT_UNSUPPORTED.
  MOPT_FALLBACK_NONE = 0,
  /// It takes the library's code for processors, if it was compiled with
  /// --fallback=processor.
  MOPT_FALLBACK_PROCESSOR = 1
};

/// Options of `run_with`. Start from all zeros but `struct_bytes`.
typedef struct MoptRunOptions {
  /// sizeof(MoptRunOptions) of the caller.
  uint32_t struct_bytes;
  uint32_t reserved;
  /// A stream of the device that the model runs on (a CUstream;
  /// CU_STREAM_LEGACY is the default one). The run then begins after what the
  /// stream holds and returns without waiting, unless an output lies in the
  /// host's memory or the model depends on values that the host reads; inputs
  /// must stay until the stream has passed. Null: the context's own, and the
  /// run returns when the outputs are there.
  void *stream;
} MoptRunOptions;

/// The immutable part, usable from any number of threads at once.
typedef struct MoptModel MoptModel;
/// One caller's memory for runs. One run at a time.
typedef struct MoptContext MoptContext;

/// What was measured of one place of the model that calls a kernel.
typedef struct MoptKernelProfile {
  /// The kernel's name; places that compute the same have the same kernel.
  const char *kernel;
  /// The ONNX nodes that the call computes, "conv1 (Conv)", one per line.
  const char *nodes;
  int64_t calls;
  /// The sum over all calls.
  int64_t nanoseconds;
} MoptKernelProfile;

/// Everything about a model. Constant once returned; read `abi_version` first,
/// and no field that lies beyond `struct_bytes`.
typedef struct MoptModelApi {
  uint32_t abi_version;
  uint32_t struct_bytes;
  /// Name of the entry.
  const char *name;
  /// The certificate, a JSON object: versions of the tools, targets, options,
  /// hash of the weights, quantization and sparsity.
  const char *build_info_json;
  int32_t input_count;
  int32_t output_count;
  const MoptTensorSpec *inputs;
  const MoptTensorSpec *outputs;

  /// Makes a model. `options` may be null.
  MoptStatus (*create)(const MoptModelOptions *options, MoptModel **model);
  /// After all its contexts. Null is ignored.
  void (*destroy)(MoptModel *model);
  MoptStatus (*context_create)(MoptModel *model, MoptContext **context);
  /// Null is ignored.
  void (*context_destroy)(MoptContext *context);
  /// Bytes that a context holds for intermediate results when the inputs have
  /// the given dimensions: those of all inputs one after the other, null where
  /// all are static. What parallel loops take for each thread is not counted.
  /// -1 when the dimensions do not fit the model or the size depends on input
  /// values.
  int64_t (*workspace_bytes)(const MoptModel *model, const int64_t *input_dims);
  /// Writes the dimensions of all outputs one after the other, -1 for those
  /// that depend on input values.
  MoptStatus (*infer_output_dims)(const MoptModel *model,
                                  const int64_t *input_dims,
                                  int64_t *output_dims);
  /// Computes the outputs. Allocates nothing when shapes are static and the
  /// outputs have buffers, or from the second run on when sizes stay.
  MoptStatus (*run)(MoptContext *context, const MoptTensor *inputs,
                    size_t input_count, MoptTensor *outputs,
                    size_t output_count);
  /// Why the last run of the context failed, "" if it did not. Valid until the
  /// next run.
  const char *(*last_error)(const MoptContext *context);
  /// The enumerator's name, for messages.
  const char *(*status_name)(MoptStatus status);
  /// Makes a pool for `MoptModelOptions.pool` of this and other libraries.
  /// `options` may be null.
  MoptStatus (*pool_create)(const MoptPoolOptions *options, MoptPool **pool);
  /// What the runs of a context have measured so far, place by place in the
  /// order of the model. Writes at most `capacity` of them and returns how many
  /// there are: 0 in a library that was compiled without --profile. Not during
  /// a run of the context.
  int32_t (*profile)(const MoptContext *context, MoptKernelProfile *kernels,
                     int32_t capacity);
  /// The target whose code the model runs, of those in the certificate: a
  /// library for several machines chooses when a model is made. Null only for
  /// a null model.
  const char *(*target)(const MoptModel *model);
  /// As `run`, with options, which may be null.
  MoptStatus (*run_with)(MoptContext *context, const MoptTensor *inputs,
                         size_t input_count, MoptTensor *outputs,
                         size_t output_count, const MoptRunOptions *options);
} MoptModelApi;

/// The type of `mopt_model` and `mopt_model_<entry>`. Null only if the library
/// is damaged.
typedef const MoptModelApi *(*MoptModelFunction)(void);

#ifdef __cplusplus
}
#endif

#endif /* MOPT_C_MODEL_H */
