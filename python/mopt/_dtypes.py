"""Element types: their numbers in Model.h (which are ONNX's), their NumPy types, their
names as ONNX Runtime spells them, and the packing of those under a byte."""

import ml_dtypes
import numpy as np

STRING = 8

# number: (NumPy type, name, bits)
_TABLE = {
    1: (np.float32, "float", 32),
    2: (np.uint8, "uint8", 8),
    3: (np.int8, "int8", 8),
    4: (np.uint16, "uint16", 16),
    5: (np.int16, "int16", 16),
    6: (np.int32, "int32", 32),
    7: (np.int64, "int64", 64),
    STRING: (np.object_, "string", 64),
    9: (np.bool_, "bool", 8),
    10: (np.float16, "float16", 16),
    11: (np.float64, "double", 64),
    12: (np.uint32, "uint32", 32),
    13: (np.uint64, "uint64", 64),
    14: (np.complex64, "complex64", 64),
    15: (np.complex128, "complex128", 128),
    16: (ml_dtypes.bfloat16, "bfloat16", 16),
    17: (ml_dtypes.float8_e4m3fn, "float8e4m3fn", 8),
    18: (ml_dtypes.float8_e4m3fnuz, "float8e4m3fnuz", 8),
    19: (ml_dtypes.float8_e5m2, "float8e5m2", 8),
    20: (ml_dtypes.float8_e5m2fnuz, "float8e5m2fnuz", 8),
    21: (ml_dtypes.uint4, "uint4", 4),
    22: (ml_dtypes.int4, "int4", 4),
    23: (ml_dtypes.float4_e2m1fn, "float4e2m1", 4),
    24: (ml_dtypes.float8_e8m0fnu, "float8e8m0", 8),
    25: (ml_dtypes.uint2, "uint2", 2),
    26: (ml_dtypes.int2, "int2", 2),
}
_SIGNED_PACKED = {22, 26}
_NUMBERS = {np.dtype(row[0]): number for number, row in _TABLE.items()}


def numpy_type(number):
    return np.dtype(_TABLE[number][0])


def name(number):
    return _TABLE[number][1]


def number_of(dtype):
    """The number of a NumPy type, or None where Model.h has none."""
    dtype = np.dtype(dtype)
    if dtype.kind in "UST":
        return STRING
    return _NUMBERS.get(dtype)


def is_packed(number):
    return _TABLE[number][2] < 8


def is_plain(number):
    """Whether NumPy itself has the type, so that its buffers say what they hold."""
    return numpy_type(number).isbuiltin == 1 and number != STRING


def carrier_type(number):
    """The integer that stands for a type of whole bytes that NumPy itself has not."""
    return np.dtype(f"uint{_TABLE[number][2]}")


def pack(array, number):
    """An array of one element per byte as bytes that hold several, lowest bits first."""
    bits = _TABLE[number][2]
    per_byte = 8 // bits
    flat = array.reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    padded = np.zeros(-(-flat.size // per_byte) * per_byte, np.uint8)
    padded[: flat.size] = flat
    packed = np.zeros(padded.size // per_byte, np.uint8)
    for index in range(per_byte):
        packed |= padded[index::per_byte] << (index * bits)
    return packed


def unpack(packed, number, shape):
    bits = _TABLE[number][2]
    per_byte = 8 // bits
    mask = (1 << bits) - 1
    flat = np.empty(packed.size * per_byte, np.uint8)
    for index in range(per_byte):
        flat[index::per_byte] = (packed >> (index * bits)) & mask
    flat = flat[: int(np.prod(shape, dtype=np.int64))]
    if number in _SIGNED_PACKED:
        # The sign goes through all bits of the byte that holds one element.
        flat = (flat << (8 - bits)).view(np.int8) >> (8 - bits)
    return flat.view(numpy_type(number)).reshape(shape)
