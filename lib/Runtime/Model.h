/* Model.h: what a model and a context consist of, and the steps of a run. */
#ifndef MOPT_RUNTIME_MODEL_H
#define MOPT_RUNTIME_MODEL_H

#include "Memory.h"
#include <stdarg.h>
#include <stdatomic.h>

struct MoptModel {
  /// Of the variant. What it says of inputs and outputs equals what the first
  /// one says, to which the specs point.
  const MoptModelDesc *desc;
  MoptAllocator allocator;
  const MoptTensorSpec *inputs;
  const MoptTensorSpec *outputs;
  /// Sums of the ranks.
  int64_t input_dims;
  int64_t output_dims;
  /// One per dimension of the inputs, then the outputs: which name it has, -1
  /// without a name.
  int32_t *symbols;
  int32_t symbol_count;
  const void *weights;
  /// Weights in the form of this variant, null where none need another.
  void *repacked;
  /// The mapped weight file, null for embedded weights.
  void *mapping;
  size_t mapping_bytes;
  /// What the device's interface keeps; null for the processor.
  void *device;
  /// Null where one thread does everything.
  MoptPool *pool;
  /// What `pool` points to for a caller's parallel loop.
  struct MoptCallbackPool {
    MoptPool interface;
    int32_t threads;
    void (*parallel_for)(void *user, int64_t count, MoptLoopBody body,
                         void *data);
    void *user;
  } callback;
};

enum { MOPT_ERROR_BYTES = 512 };

/// What is counted of a place that calls a kernel.
typedef struct MoptKernelCounter {
  int64_t calls;
  int64_t nanoseconds;
} MoptKernelCounter;

/// Where the buffers of a run lie whose sizes follow from its inputs.
typedef struct MoptPlan {
  /// The sizes that `offsets` are for; null before the first run.
  int64_t *bytes;
  int64_t *offsets;
  int64_t count;
  void *arena;
  int64_t arena_bytes;
} MoptPlan;

/// The part of a context that generated code uses.
struct MoptRun {
  void *arena;
  const void *weights;
  const void *repacked;
  /// What the device's interface keeps; null for the processor.
  void *device;
  MoptPool *pool;
  /// Whether a parallel loop is under way. Written by the calling thread only
  /// before and after the loop, which orders it for the others.
  int in_parallel;
  /// 0, or 1 once an error is recorded.
  atomic_int failed;
  MoptStatus status;
  char error[MOPT_ERROR_BYTES];
  MoptRegion region;
  MoptPlan plan;
  /// Where mopt_rt_alloc jumps without memory.
  void *escape;
  /// One per place of the descriptor, and when the kernel under way began.
  MoptKernelCounter *kernels;
  int64_t kernel_begin;
};

struct MoptContext {
  /// First, so that a run is its context.
  MoptRun run;
  MoptModel *model;
  atomic_int busy;
  /// Bytes of this struct with its arrays.
  int64_t bytes;
  /// Copies of inputs that lie in memory of this context, such as an output of
  /// the last run.
  MoptRegion staging;
  /// What the entry gets.
  MoptTensor *inputs;
  MoptTensor *outputs;
  /// The dimensions of all inputs, then all outputs.
  int64_t *dims;
  /// The value of each named dimension in this run, -1 if unknown.
  int64_t *symbol_values;
};

/* dtype.c */

/// "" for a number that is no type.
const char *mopt_rt_dtype_name(MoptDType dtype);
/// 0 for a number that is no type.
int mopt_rt_dtype_bits(MoptDType dtype);
/// MoptModelApi.status_name.
const char *mopt_rt_status_name(MoptStatus status);
/// Bytes of a tensor, -1 if a dimension is negative or the size overflows.
int64_t mopt_rt_tensor_bytes(MoptDType dtype, int32_t rank,
                             const int64_t *dims);

/* error.c */

/// Records an error of `run`, if it is the first, and returns `status`. A null
/// run is allowed.
MoptStatus mopt_rt_error(MoptRun *run, MoptStatus status, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));

/* place.c */

/// Frees the plan of a run and its arena.
void mopt_rt_plan_destroy(MoptRun *run);

/* shape.c */

/// Forgets all named dimensions.
void mopt_rt_clear_symbols(const MoptModel *model, int64_t *symbol_values);
/// Checks the dimensions of input `index` and binds its named ones.
MoptStatus mopt_rt_check_dims(const MoptModel *model, int32_t index,
                              const int64_t *dims, int64_t *symbol_values,
                              MoptRun *run);
/// Writes the dimensions of all outputs, -1 for unknown ones.
void mopt_rt_output_dims(const MoptModel *model, const int64_t *input_dims,
                         const int64_t *symbol_values, int64_t *output_dims);
/// MoptModelApi.infer_output_dims and .workspace_bytes.
MoptStatus mopt_rt_infer_output_dims(const MoptModel *model,
                                     const int64_t *input_dims,
                                     int64_t *output_dims);
int64_t mopt_rt_workspace_bytes(const MoptModel *model,
                                const int64_t *input_dims);

/* weights.c */

/// Finds the weights of `model->desc`, in the library or in the file at `path`
/// (null: beside the library).
MoptStatus mopt_rt_open_weights(MoptModel *model, const char *path,
                                MoptRun *run);
void mopt_rt_close_weights(MoptModel *model);

/* tensors.c */

/// Checks the caller's inputs and makes `context->inputs` of them.
MoptStatus mopt_rt_take_inputs(MoptContext *context, const MoptTensor *inputs);
/// Checks the caller's outputs and makes `context->outputs` of them.
MoptStatus mopt_rt_prepare_outputs(MoptContext *context,
                                   const MoptTensor *outputs);
/// Brings the results to the caller.
MoptStatus mopt_rt_deliver_outputs(MoptContext *context, MoptTensor *outputs);

/* profile.c */

/// MoptModelApi.profile.
int32_t mopt_rt_profile(const MoptContext *context, MoptKernelProfile *kernels,
                        int32_t capacity);

/* repack.c */

/// Lays out what `model->desc` needs in another form than the weights have.
MoptStatus mopt_rt_repack_weights(MoptModel *model, MoptRun *run);
void mopt_rt_free_repacked(MoptModel *model);

/* variants.c */

/// Of the descriptors that begin with `first`, the one to make a model of: the
/// first that fits of those for a device, if `first` is for one, or of those
/// for processors alone, which `on_processor` asks for; or the one that
/// MOPT_TARGET names. Null with an error if none fits.
const MoptModelDesc *mopt_rt_choose_variant(const MoptModelDesc *first,
                                            int on_processor, MoptRun *run);
/// Whether MOPT_TARGET names a variant.
int mopt_rt_variant_is_forced(const MoptModelDesc *first);
/// MoptModelApi.target.
const char *mopt_rt_target(const MoptModel *model);

/* The rest of MoptModelApi: model.c, context.c, run.c */

void mopt_rt_destroy(MoptModel *model);
MoptStatus mopt_rt_context_create(MoptModel *model, MoptContext **context);
void mopt_rt_context_destroy(MoptContext *context);
MoptStatus mopt_rt_run(MoptContext *context, const MoptTensor *inputs,
                       size_t input_count, MoptTensor *outputs,
                       size_t output_count);
const char *mopt_rt_last_error(const MoptContext *context);
MoptStatus mopt_rt_run_with(MoptContext *context, const MoptTensor *inputs,
                            size_t input_count, MoptTensor *outputs,
                            size_t output_count, const MoptRunOptions *options);
/// Whether the context is to provide the memory of an output.
int mopt_rt_wants_memory(const MoptTensor *output);
/// The entry on tensors of its own, until it returns or leaves.
MoptStatus mopt_rt_call_entry(MoptContext *context, const MoptTensor *inputs,
                              MoptTensor *outputs);
/// Ends the run from within generated code, unless it is in a parallel loop.
void mopt_rt_leave(MoptRun *run);
/// Records that there is no memory for `bytes` and ends the run, unless it is
/// in a parallel loop: then it returns.
void mopt_rt_out_of_memory(MoptRun *run, int64_t bytes);

/// The options of a caller, of `bytes` or older and shorter, which then ends in
/// zeros; null is all zeros. They begin with their own size.
MoptStatus mopt_rt_read_options(void *chosen, size_t bytes,
                                const void *options);

#endif
