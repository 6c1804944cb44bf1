/* dtype.c: names and sizes of element types, names of statuses. */
#include "Model.h"

static const struct {
  const char *name;
  int bits;
} types[] = {
    [MOPT_FLOAT32] = {"float32", 32},
    [MOPT_UINT8] = {"uint8", 8},
    [MOPT_INT8] = {"int8", 8},
    [MOPT_UINT16] = {"uint16", 16},
    [MOPT_INT16] = {"int16", 16},
    [MOPT_INT32] = {"int32", 32},
    [MOPT_INT64] = {"int64", 64},
    [MOPT_STRING] = {"string", 8 * sizeof(char *)},
    [MOPT_BOOL] = {"bool", 8},
    [MOPT_FLOAT16] = {"float16", 16},
    [MOPT_FLOAT64] = {"float64", 64},
    [MOPT_UINT32] = {"uint32", 32},
    [MOPT_UINT64] = {"uint64", 64},
    [MOPT_COMPLEX64] = {"complex64", 64},
    [MOPT_COMPLEX128] = {"complex128", 128},
    [MOPT_BFLOAT16] = {"bfloat16", 16},
    [MOPT_FLOAT8E4M3FN] = {"float8e4m3fn", 8},
    [MOPT_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8},
    [MOPT_FLOAT8E5M2] = {"float8e5m2", 8},
    [MOPT_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8},
    [MOPT_UINT4] = {"uint4", 4},
    [MOPT_INT4] = {"int4", 4},
    [MOPT_FLOAT4E2M1] = {"float4e2m1", 4},
    [MOPT_FLOAT8E8M0] = {"float8e8m0", 8},
    [MOPT_UINT2] = {"uint2", 2},
    [MOPT_INT2] = {"int2", 2},
};

static int known(MoptDType dtype) {
  return dtype > 0 && dtype < (MoptDType)(sizeof(types) / sizeof(types[0]));
}

const char *mopt_rt_dtype_name(MoptDType dtype) {
  return known(dtype) ? types[dtype].name : "";
}

int mopt_rt_dtype_bits(MoptDType dtype) {
  return known(dtype) ? types[dtype].bits : 0;
}

const char *mopt_rt_status_name(MoptStatus status) {
  static const char *const names[] = {
      "MOPT_OK",
      "MOPT_INVALID_ARGUMENT",
      "MOPT_INVALID_TYPE",
      "MOPT_INVALID_SHAPE",
      "MOPT_BUFFER_TOO_SMALL",
      "MOPT_OUT_OF_MEMORY",
      "MOPT_IO_ERROR",
      "MOPT_INVALID_DATA",
      "MOPT_UNSUPPORTED",
      "MOPT_BUSY",
      "MOPT_INTERNAL",
      "MOPT_DEVICE_ERROR",
  };
  int in_range =
      status >= 0 && status < (MoptStatus)(sizeof(names) / sizeof(names[0]));
  return in_range ? names[status] : "unknown status";
}

int64_t mopt_rt_tensor_bytes(MoptDType dtype, int32_t rank,
                             const int64_t *dims) {
  /* A product with a zero is zero, however large its other factors. */
  int empty = 0;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return -1;
    empty |= dims[i] == 0;
  }
  if (empty)
    return 0;
  int64_t bits = mopt_rt_dtype_bits(dtype);
  for (int32_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(bits, dims[i], &bits))
      return -1;
  return bits / 8 + (bits % 8 != 0);
}
