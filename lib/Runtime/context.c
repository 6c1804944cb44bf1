/* context.c: contexts, and what generated code asks of them. */
#include "Device.h"
#include "Model.h"
#include <setjmp.h>
#include <string.h>

/* The arena, and where the weights are for the entry. */
static MoptStatus open_memory(MoptContext *context) {
  MoptModel *model = context->model;
  if (model->desc->device)
    return model->desc->device->context_create(context);
  context->run.arena =
      mopt_rt_allocate(&model->allocator, model->desc->arena_bytes);
  context->run.weights = model->weights;
  context->run.repacked = model->repacked;
  return context->run.arena ? MOPT_OK : MOPT_OUT_OF_MEMORY;
}

/* A context is one allocation: the struct, then its arrays of 8-byte fields. */
MoptStatus mopt_rt_context_create(MoptModel *model, MoptContext **result) {
  if (!result)
    return MOPT_INVALID_ARGUMENT;
  *result = NULL;
  if (!model)
    return MOPT_INVALID_ARGUMENT;
  const MoptModelDesc *desc = model->desc;
  int64_t tensors = (int64_t)desc->input_count + desc->output_count;
  int64_t bytes =
      (int64_t)sizeof(MoptContext) + (int64_t)sizeof(MoptTensor) * tensors +
      (int64_t)sizeof(int64_t) * (desc->dim_count + model->symbol_count) +
      (int64_t)sizeof(MoptKernelCounter) * desc->kernel_count;
  MoptContext *context = mopt_rt_allocate(&model->allocator, bytes);
  if (!context)
    return MOPT_OUT_OF_MEMORY;
  memset(context, 0, (size_t)bytes);
  mopt_rt_region_init(&context->run.region, &model->allocator);
  mopt_rt_region_init(&context->staging, &model->allocator);
  context->model = model;
  context->bytes = bytes;
  MoptStatus status = open_memory(context);
  if (status) {
    mopt_rt_context_destroy(context);
    return status;
  }
  context->run.pool = model->pool;
  context->inputs = (MoptTensor *)(context + 1);
  context->outputs = context->inputs + desc->input_count;
  context->dims = (int64_t *)(context->outputs + desc->output_count);
  context->symbol_values = context->dims + desc->dim_count;
  context->run.kernels =
      (MoptKernelCounter *)(context->symbol_values + model->symbol_count);
  *result = context;
  return MOPT_OK;
}

void mopt_rt_context_destroy(MoptContext *context) {
  if (!context)
    return;
  const MoptAllocator *allocator = &context->model->allocator;
  mopt_rt_plan_destroy(&context->run);
  mopt_rt_region_destroy(&context->run.region);
  mopt_rt_region_destroy(&context->staging);
  if (context->model->desc->device)
    context->model->desc->device->context_destroy(context);
  else
    mopt_rt_deallocate(allocator, context->run.arena,
                       context->model->desc->arena_bytes);
  mopt_rt_deallocate(allocator, context, context->bytes);
}

const char *mopt_rt_last_error(const MoptContext *context) {
  return context ? context->run.error : "expected a context, found null";
}

void *mopt_rt_arena(MoptRun *run) { return run->arena; }

const void *mopt_rt_weights(MoptRun *run) { return run->weights; }

const void *mopt_rt_repacked(MoptRun *run) { return run->repacked; }

void mopt_rt_out_of_memory(MoptRun *run, int64_t bytes) {
  /* A product of sizes that overflowed comes as a negative number. */
  if (bytes < 0)
    mopt_rt_error(run, MOPT_OUT_OF_MEMORY, "no memory of such a size");
  else
    mopt_rt_error(run, MOPT_OUT_OF_MEMORY, "no memory for %lld bytes",
                  (long long)bytes);
  mopt_rt_leave(run);
}

void mopt_rt_leave(MoptRun *run) {
  /* Between here and the run there is generated code only. */
  if (!run->in_parallel && run->escape)
    longjmp(*(jmp_buf *)run->escape, 1);
}

void *mopt_rt_alloc(MoptRun *run, int64_t bytes) {
  void *data = mopt_rt_region_alloc(&run->region, bytes);
  if (!data)
    mopt_rt_out_of_memory(run, bytes);
  return data;
}

int64_t mopt_rt_alloc_mark(MoptRun *run) {
  return mopt_rt_region_position(&run->region);
}

void mopt_rt_alloc_release(MoptRun *run, int64_t mark) {
  mopt_rt_region_release(&run->region, mark);
}

typedef struct Loop {
  MoptRun *run;
  void (*body)(MoptRun *run, void *data, int64_t begin, int64_t end);
  void *data;
} Loop;

static void loop_piece(void *data, int64_t begin, int64_t end) {
  Loop *loop = data;
  loop->body(loop->run, loop->data, begin, end);
}

void mopt_rt_parallel_for(MoptRun *run,
                          void (*body)(MoptRun *run, void *data, int64_t begin,
                                       int64_t end),
                          void *data, int64_t count) {
  if (count <= 0)
    return;
  if (!run->pool || count == 1 || run->in_parallel) {
    body(run, data, 0, count);
    return;
  }
  Loop loop = {run, body, data};
  run->in_parallel = 1;
  run->pool->parallel_for(run->pool, count, loop_piece, &loop);
  run->in_parallel = 0;
}
