/* Runtime.h: the protocol between generated code and the runtime that is
 * linked into each emitted library. Internal: both sides are built together,
 * so nothing here is stable. C99, and valid C++ for the compiler's side.
 *
 * Generated code emits MoptModelDesc as constant data: pointers to flat arrays
 * of i32, i64 or characters, and functions; no arrays of pointers.
 */
#ifndef MOPT_RUNTIME_RUNTIME_H
#define MOPT_RUNTIME_RUNTIME_H

#include "mopt-c/Model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MOPT_RT_DESC_VERSION 1

/// Alignment of the arena, of weights and of what mopt_rt_alloc returns.
#define MOPT_RT_ALIGNMENT 64

/// One run of a model. Generated functions pass it on and never look inside.
typedef struct MoptRun MoptRun;

/// How the entry delivers an output.
enum {
  /// The entry stores `data` and `dims` of a contiguous result: memory from
  /// mopt_rt_alloc, the arena, an input or the weights.
  MOPT_RT_OUTPUT_RESULT = 0,
  /// The entry writes to the `data` that it finds. Its dimensions must be
  /// static, named by inputs, or answered by `infer_dims`; they are in `dims`.
  MOPT_RT_OUTPUT_DESTINATION = 1,
  /// As MOPT_RT_OUTPUT_RESULT, with dimensions that `infer_dims` answers.
  MOPT_RT_OUTPUT_SIZED_RESULT = 2
};

/// Bytes of zeroed, 8-byte aligned, writable memory that `storage` points to:
/// `specs` is input_count + output_count, `dims` is dim_count.
#define MOPT_RT_STORAGE_BYTES(specs, dims) (256 + 40 * (specs) + 8 * (dims))

/// A feature of a processor that generated code needs, and how to ask for it.
typedef struct MoptFeature {
  /// As FeatureRow in mopt/Target/TargetSchema.td.
  uint32_t leaf, subleaf, word, bit;
  /// The parts of the processor's state that the operating system must save.
  uint64_t state;
} MoptFeature; /* 24 bytes */

/// How a matrix of constants is packed for one variant out of what is stored
/// for another. A packed matrix is blocks of `columns` columns, and in a block
/// groups of `interleave` neighbours along the depth, column by column; what
/// reaches beyond the depth or the width is 0. Row-major order is one block of
/// all columns with groups of one. With `word_rows` the matrix is weights of
/// few bits (#mopt.block_weights): the depth counts their groups, and of each a
/// block has that many rows of 4 bytes a column, then one of `scale_bytes` and
/// one of `zero_bytes`, up to a multiple of 32 bytes.
typedef struct MoptRepack {
  /// Offsets into the weights and into the repacked bytes.
  int64_t source, target;
  int64_t element_bytes;
  int64_t batches, depth, width;
  int64_t source_columns, source_interleave;
  int64_t columns, interleave;
  int64_t word_rows, scale_bytes, zero_bytes;
  /// Elements that differ all the same: offsets into the weights of their
  /// positions (uint32_t, counted in elements of the target) and values.
  int64_t patch_count, patch_positions, patch_values;
} MoptRepack; /* 128 bytes */

/// A model as generated code describes it. Arrays run over the inputs, then
/// the outputs. All fields are naturally aligned; there is no padding.
typedef struct MoptModelDesc {
  /* 0 */ int32_t version;
  /* 4 */ int32_t desc_bytes;
  /* 8 */ const char *name;
  /* 16 */ const char *build_info_json;
  /* 24 */ int32_t input_count;
  /* 28 */ int32_t output_count;
  /// Sum of all ranks.
  /* 32 */ int64_t dim_count;
  /// NUL-terminated strings one after the other, one per input and output.
  /* 40 */ const char *names;
  /// MoptDType, one per input and output.
  /* 48 */ const int32_t *dtypes;
  /* 56 */ const int32_t *ranks;
  /// dim_count sizes, -1 for dynamic ones.
  /* 64 */ const int64_t *dims;
  /// dim_count NUL-terminated strings, empty for a dimension without a name.
  /// A name on an output promises that it equals the input's dimension of that
  /// name.
  /* 72 */ const char *dim_names;
  /// MOPT_RT_OUTPUT_*, one per output.
  /* 80 */ const int32_t *output_kinds;
  /// Bytes that mopt_rt_arena provides.
  /* 88 */ int64_t arena_bytes;
  /// Embedded weights, 64-byte aligned, or null.
  /* 96 */ const void *weights;
  /* 104 */ int64_t weights_bytes;
  /// File name of the weights where they are not embedded, or null.
  /* 112 */ const char *weights_file;
  /// Equals MoptWeightsHeader.id of that file.
  /* 120 */ int64_t weights_id;
  /// Computes the outputs. Returns a MoptStatus; what mopt_rt_fail recorded
  /// counts as well. Inputs and outputs are arrays as in Model.h; every
  /// `dims` of an output has room for its rank.
  /* 128 */ int32_t (*entry)(MoptRun *run, const MoptTensor *inputs,
                             MoptTensor *outputs);
  /// Writes all output dimensions from all input dimensions, -1 for what
  /// depends on values. Null: static dimensions and names decide.
  /* 136 */ void (*infer_dims)(const int64_t *input_dims, int64_t *output_dims);
  /// Bytes that a run takes from mopt_rt_place. Null: not known.
  /* 144 */ int64_t (*dynamic_bytes)(const int64_t *input_dims);
  /// Calls mopt_rt_create with this descriptor.
  /* 152 */ MoptStatus (*create)(const MoptModelOptions *options,
                                 MoptModel **model);
  /// MOPT_RT_STORAGE_BYTES zeroed bytes for the table.
  /* 160 */ void *storage;
  /* 168 */ int64_t storage_bytes;
  /// Places whose calls of a kernel are counted; 0 without --profile.
  /* 176 */ int64_t kernel_count;
  /// Two NUL-terminated strings per place: the kernel's name, and the ONNX
  /// nodes, one per line. Null where there are none.
  /* 184 */ const char *kernels;
  /// The part of the processor's state that a process may use only after asking
  /// its operating system, as it is numbered there; 0 for none.
  /* 192 */ int64_t processor_state;
  /// The machine that the code is for, as MOPT_TARGET names it.
  /* 200 */ const char *target;
  /// What the code needs of the processor: NUL-terminated names, and how to ask
  /// for each. Null without any.
  /* 208 */ int64_t feature_count;
  /* 216 */ const char *feature_names;
  /* 224 */ const MoptFeature *features;
  /// Weights that are laid out anew when a model is made, and the bytes that
  /// they take then.
  /* 232 */ int64_t repack_count;
  /* 240 */ const MoptRepack *repacks;
  /* 248 */ int64_t repacked_bytes;
  /// What runs the kernels, null for the processor, and their code for it: text
  /// that ends with a NUL. The entry then only launches; its inputs, outputs,
  /// arena and weights lie in the device's memory.
  /* 256 */ const struct MoptDeviceInterface *device;
  /* 264 */ const char *device_code;
  /// The same as machine code, null where that could not be made.
  /* 272 */ const void *device_image;
  /// The same model for a machine that is less preferred, or null.
  /* 280 */ const struct MoptModelDesc *next;
} MoptModelDesc; /* 288 bytes */

/// The devices of the runtime, see Device.h: one that computes everything, and
/// one beside which the host computes a part, in memory that both reach.
typedef struct MoptDeviceInterface MoptDeviceInterface;
extern const MoptDeviceInterface mopt_rt_device, mopt_rt_shared_device;

/// A tensor of which a kernel's code moves boxes: `argument` is the number of
/// the kernel's argument, `offset` bytes behind whose address the tensor
/// begins. The innermost of the `rank` dimensions comes first; strides are in
/// bytes. Negative, -rank, for a map of windows: the box of its outermost
/// dimension is a number of windows.
typedef struct MoptTensorMap {
  int64_t argument, element_bytes, offset, rank;
  struct {
    int64_t size, stride, box;
  } dims[5];
} MoptTensorMap;

/// The windows of such a map along the dimensions between its innermost and its
/// outermost one: where the first begins, relative to the first element, and
/// the last, relative to the last element, and their distance.
typedef struct MoptMapWindows {
  struct {
    int64_t first, last, step;
  } dims[3];
} MoptMapWindows;

/// What a launch asks for besides its sizes: shared memory, no more blocks than
/// run at once, to begin while the kernel before it runs, for whose end it
/// waits itself, and maps in the place of arguments. Behind the maps are the
/// MoptMapWindows of those that have some, in their order.
typedef struct MoptLaunchDesc {
  int64_t shared_bytes, is_persistent, overlaps, map_count;
  MoptTensorMap maps[];
} MoptLaunchDesc;

/// Launches the kernel `name` of the device's code on a grid of blocks. Each
/// argument is an address in the device's memory or a number, in 8 bytes.
/// `desc` may be null.
void mopt_rt_launch(MoptRun *run, const char *name, int64_t blocks_x,
                    int64_t blocks_y, int64_t threads, int64_t *arguments,
                    int64_t count, const MoptLaunchDesc *desc);

/// Before the host reads or writes memory: waits for the inputs and the launches
/// so far. Ends the run if one failed.
void mopt_rt_wait(MoptRun *run);

/// The start of a weight file; the weights follow at `header_bytes`.
typedef struct MoptWeightsHeader {
  /// "moptwts" and a NUL.
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  int64_t weights_bytes;
  int64_t id;
  uint8_t zeros[32];
} MoptWeightsHeader; /* 64 bytes */

/// Called by `mopt_model_<entry>`: the table around a descriptor, null if the
/// descriptor is unusable.
const MoptModelApi *mopt_rt_api(const MoptModelDesc *desc);

/// Called by MoptModelDesc.create.
MoptStatus mopt_rt_create(const MoptModelDesc *desc,
                          const MoptModelOptions *options, MoptModel **model);

/// `bytes` of 64-byte aligned memory for this run; as (part of) an output until
/// the next run. Thread-safe. Without memory: outside of a parallel loop the
/// run ends here with an error; inside of one the error is recorded and null
/// returned, and the body must return.
void *mopt_rt_alloc(MoptRun *run, int64_t bytes);

/// The current extent of mopt_rt_alloc's memory, and the return to an earlier
/// extent: bounds the memory of loops. Not inside of a parallel loop.
int64_t mopt_rt_alloc_mark(MoptRun *run);
void mopt_rt_alloc_release(MoptRun *run, int64_t mark);

/// Calls `body` on pieces of [0, count), on several threads, and returns when
/// all are done. Nested calls run on the calling thread.
void mopt_rt_parallel_for(MoptRun *run,
                          void (*body)(MoptRun *run, void *data, int64_t begin,
                                       int64_t end),
                          void *data, int64_t count);

/// Places buffers in an arena that the context keeps: one that lives in
/// [lifetimes[2 i], lifetimes[2 i + 1]] shares no byte with another that is
/// alive then. `sizes` has their bytes and gets their offsets. Ends the run
/// without memory. Once per run, outside of parallel loops.
void *mopt_rt_place(MoptRun *run, int64_t *sizes, const int32_t *lifetimes,
                    int64_t count);

/// The bytes that mopt_rt_place would take, -1 for impossible ones.
int64_t mopt_rt_planned_bytes(const int64_t *bytes, const int32_t *lifetimes,
                              int64_t count);

/// The static arena.
void *mopt_rt_arena(MoptRun *run);

/// The weights, and those that were laid out anew for this variant.
const void *mopt_rt_weights(MoptRun *run);
const void *mopt_rt_repacked(MoptRun *run);

/// Around the call of a kernel at the place of that number. Calls do not nest.
void mopt_rt_kernel_begin(MoptRun *run);
void mopt_rt_kernel_end(MoptRun *run, int64_t place);

/// Records an error; the first one stays. Generated code then returns
/// normally. Thread-safe. `message` is copied.
void mopt_rt_fail(MoptRun *run, int32_t status, const char *message);

/// 1 after mopt_rt_fail, for loops that would not end otherwise.
int32_t mopt_rt_failed(MoptRun *run);

#ifdef __cplusplus
}
#endif

#endif /* MOPT_RUNTIME_RUNTIME_H */
