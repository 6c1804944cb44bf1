"""Seeded numbers that any language can make again.

A tensor's values are a pure function of a 64-bit seed and the element's index
(splitmix64 of a counter), so a C program on a machine without Python can fill the
same weights and inputs, in any order and in parallel.
"""

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_CHUNK = 1 << 22


def seed_of(name):
    """The 64-bit FNV-1a hash of a name, which is the seed of that name's tensor."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def _bits(seed, begin, end):
    with np.errstate(over="ignore"):
        z = (np.arange(begin + 1, end + 1, dtype=np.uint64)) * _GOLDEN + np.uint64(seed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, shape, low, high):
    """float32 values in [low, high): low + (high - low) * (top 24 bits / 2^24)."""
    count = int(np.prod(shape, dtype=np.int64))
    out = np.empty(count, np.float32)
    seed = seed_of(name)
    span = np.float32(np.float32(high) - np.float32(low))
    for begin in range(0, count, _CHUNK):
        end = min(count, begin + _CHUNK)
        unit = (_bits(seed, begin, end) >> np.uint64(40)).astype(np.float32)
        out[begin:end] = np.float32(low) + unit * np.float32(2.0**-24) * span
    return out.reshape(shape)


def integers(name, shape, low, high, dtype=np.int64):
    """Integers in [low, high): low + (top 32 bits mod (high - low))."""
    count = int(np.prod(shape, dtype=np.int64))
    bits = _bits(seed_of(name), 0, count) >> np.uint64(32)
    return (low + (bits % np.uint64(high - low)).astype(np.int64)).astype(dtype).reshape(shape)


def centered(name, shape, deviation):
    """float32 values of mean 0 and the given standard deviation, bell-shaped as trained
    weights are: the sum of the 8 bytes of the element's bits, less its mean. Evenly spread
    values would leave quantized weights no small ones, whatever the largest."""
    count = int(np.prod(shape, dtype=np.int64))
    out = np.empty(count, np.float32)
    seed = seed_of(name)
    # The variance of a byte is (256^2 - 1) / 12.
    step = np.float32(deviation / (8 * (256**2 - 1) / 12) ** 0.5)
    for begin in range(0, count, _CHUNK):
        end = min(count, begin + _CHUNK)
        summed = _bits(seed, begin, end).view(np.uint8).reshape(-1, 8).sum(1, dtype=np.int32)
        out[begin:end] = (summed - 1020).astype(np.float32) * step
    return out.reshape(shape)
