/* Repack.h: how one packed form of a matrix becomes another. The compiler
 * includes it too: what it leaves out of a library is what this gives back. */
#ifndef MOPT_RUNTIME_REPACK_H
#define MOPT_RUNTIME_REPACK_H

#include "Runtime.h"
#include <string.h>

/* Bytes of a group of weights of few bits in a block. */
static inline int64_t mopt_rt_group_bytes(const MoptRepack *r,
                                          int64_t columns) {
  int64_t column_bytes = 4 * r->word_rows + r->scale_bytes + r->zero_bytes;
  return (columns * column_bytes + 31) & ~(int64_t)31;
}

static inline int64_t mopt_rt_packed_bytes(const MoptRepack *r, int64_t columns,
                                           int64_t interleave) {
  int64_t blocks = (r->width + columns - 1) / columns;
  if (r->word_rows)
    return r->batches * blocks * r->depth * mopt_rt_group_bytes(r, columns);
  int64_t steps = (r->depth + interleave - 1) / interleave;
  return r->batches * blocks * steps * columns * interleave * r->element_bytes;
}

/* Copies `count` columns of one group from groups of one size to groups of
 * another, element by element. */
static inline void mopt_rt_repack_columns(const MoptRepack *r, int64_t group,
                                          const char *source,
                                          int64_t source_step, char *target,
                                          int64_t count) {
  int64_t bytes = r->element_bytes;
  for (int64_t i = 0; i < r->interleave; ++i) {
    int64_t k = group * r->interleave + i;
    if (k >= r->depth)
      return;
    const char *from = source + k / r->source_interleave * source_step +
                       k % r->source_interleave * bytes;
    char *to = target + i * bytes;
    int64_t from_stride = r->source_interleave * bytes,
            to_stride = r->interleave * bytes;
    /* Sizes that the compiler knows become single moves. */
    switch (bytes) {
    case 1:
      for (int64_t n = 0; n < count; ++n)
        to[n * to_stride] = from[n * from_stride];
      break;
    case 4:
      for (int64_t n = 0; n < count; ++n)
        memcpy(to + n * to_stride, from + n * from_stride, 4);
      break;
    default:
      for (int64_t n = 0; n < count; ++n)
        memcpy(to + n * to_stride, from + n * from_stride, (size_t)bytes);
    }
  }
}

/* The rows of a group: `count` columns from column `source_at` of a block of
 * the source's to column `at` of one of the target's. */
static inline void mopt_rt_repack_group(const MoptRepack *r, const char *source,
                                        int64_t source_at, char *target,
                                        int64_t at, int64_t count) {
  for (int64_t row = 0; row < r->word_rows; ++row) {
    memcpy(target + 4 * at, source + 4 * source_at, (size_t)(4 * count));
    source += 4 * r->source_columns;
    target += 4 * r->columns;
  }
  memcpy(target + r->scale_bytes * at, source + r->scale_bytes * source_at,
         (size_t)(r->scale_bytes * count));
  source += r->scale_bytes * r->source_columns;
  target += r->scale_bytes * r->columns;
  memcpy(target + r->zero_bytes * at, source + r->zero_bytes * source_at,
         (size_t)(r->zero_bytes * count));
}

/* Fills `target`, which is zero, from the packed matrix at `source`. */
static inline void mopt_rt_repack(const MoptRepack *r, const char *source,
                                  char *target) {
  int64_t groups = (r->depth + r->interleave - 1) / r->interleave;
  int64_t source_groups =
      (r->depth + r->source_interleave - 1) / r->source_interleave;
  int64_t step = r->columns * r->interleave * r->element_bytes;
  int64_t source_step =
      r->source_columns * r->source_interleave * r->element_bytes;
  if (r->word_rows) {
    step = mopt_rt_group_bytes(r, r->columns);
    source_step = mopt_rt_group_bytes(r, r->source_columns);
  }
  int64_t blocks = (r->width + r->columns - 1) / r->columns;
  int64_t source_blocks =
      (r->width + r->source_columns - 1) / r->source_columns;
  for (int64_t batch = 0; batch < r->batches; ++batch)
    for (int64_t n = 0, count; n < r->width; n += count) {
      /* As many columns as are in one block of either side. */
      int64_t at = n % r->columns, source_at = n % r->source_columns;
      count = r->columns - at;
      if (count > r->source_columns - source_at)
        count = r->source_columns - source_at;
      if (count > r->width - n)
        count = r->width - n;
      const char *from =
          source + (batch * source_blocks + n / r->source_columns) *
                       source_groups * source_step;
      char *to = target + (batch * blocks + n / r->columns) * groups * step;
      const char *from_column =
          from + source_at * r->source_interleave * r->element_bytes;
      char *to_column = to + at * r->interleave * r->element_bytes;
      for (int64_t group = 0; group < groups; ++group)
        if (r->word_rows)
          mopt_rt_repack_group(r, from + group * source_step, source_at,
                               to + group * step, at, count);
        else if (r->interleave == r->source_interleave)
          memcpy(to_column + group * step, from_column + group * source_step,
                 (size_t)(count * r->interleave * r->element_bytes));
        else
          mopt_rt_repack_columns(r, group, from_column, source_step,
                                 to_column + group * step, count);
    }
}

#endif
