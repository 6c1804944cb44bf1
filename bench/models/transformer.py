"""Pieces of transformers, decomposed into the primitives that exporters write."""

import numpy as np


def linear(g, value, name, size_in, size_out, deviation=None, bias=True):
    """MatMul by a weight of [in, out], then Add of the bias."""
    deviation = deviation or (1 / size_in) ** 0.5
    weight = g.random(f"{name}.weight", [size_in, size_out], deviation=deviation)
    value = g.op("MatMul", value, weight, name=f"/{name}/MatMul")
    if bias:
        value = g.op("Add", g.random(f"{name}.bias", [size_out], deviation=0.02), value,
                     name=f"/{name}/Add")
    return value


def norm_weights(g, name, size):
    return (g.random(f"{name}.weight", [size], low=0.8, high=1.2),
            g.random(f"{name}.bias", [size], deviation=0.05))


def layer_norm(g, value, name, size, epsilon=1e-12, weights=None):
    """Layer norm over the last axis in nine primitives."""
    scale, shift = weights or norm_weights(g, name, size)
    mean = g.op("ReduceMean", value, axes=[-1], name=f"/{name}/ReduceMean")
    centered = g.op("Sub", value, mean, name=f"/{name}/Sub")
    squared = g.op("Pow", centered, g.scalar(2.0), name=f"/{name}/Pow")
    variance = g.op("ReduceMean", squared, axes=[-1], name=f"/{name}/ReduceMean_1")
    shifted = g.op("Add", variance, g.scalar(epsilon), name=f"/{name}/Add")
    deviation = g.op("Sqrt", shifted, name=f"/{name}/Sqrt")
    normal = g.op("Div", centered, deviation, name=f"/{name}/Div")
    scaled = g.op("Mul", normal, scale, name=f"/{name}/Mul")
    return g.op("Add", scaled, shift, name=f"/{name}/Add_1")


def gelu_erf(g, value, name):
    inner = g.op("Div", value, g.scalar(2.0**0.5), name=f"/{name}/Div")
    inner = g.op("Erf", inner, name=f"/{name}/Erf")
    inner = g.op("Add", inner, g.scalar(1.0), name=f"/{name}/Add")
    inner = g.op("Mul", value, inner, name=f"/{name}/Mul")
    return g.op("Mul", inner, g.scalar(0.5), name=f"/{name}/Mul_1")


def gelu_tanh(g, value, name):
    half = g.op("Mul", value, g.scalar(0.5), name=f"/{name}/Mul")
    cube = g.op("Pow", value, g.scalar(3.0), name=f"/{name}/Pow")
    cube = g.op("Mul", cube, g.scalar(0.044715), name=f"/{name}/Mul_1")
    inner = g.op("Add", value, cube, name=f"/{name}/Add")
    inner = g.op("Mul", inner, g.scalar((2 / np.pi) ** 0.5), name=f"/{name}/Mul_2")
    inner = g.op("Tanh", inner, name=f"/{name}/Tanh")
    inner = g.op("Add", inner, g.scalar(1.0), name=f"/{name}/Add_1")
    return g.op("Mul", half, inner, name=f"/{name}/Mul_3")


def dim(g, value, axis):
    """The extent of an axis as a one-element int64 tensor."""
    shape = g.op("Shape", value)
    extent = g.op("Gather", shape, g.constant(axis), axis=0)
    return g.op("Unsqueeze", extent, g.constant([0]))


def split_heads(g, value, heads, head_size, perm):
    """[batch, length, heads * size] to four axes, then the permutation."""
    shape = g.op("Concat", dim(g, value, 0), dim(g, value, 1), g.constant([heads]),
                 g.constant([head_size]), axis=0)
    return g.op("Transpose", g.op("Reshape", value, shape), perm=perm)


def merge_heads(g, value, size):
    value = g.op("Transpose", value, perm=[0, 2, 1, 3])
    shape = g.op("Concat", dim(g, value, 0), dim(g, value, 1), g.constant([size]), axis=0)
    return g.op("Reshape", value, shape)


def padding_bias(g, mask):
    """[batch, length] of ones and zeros to 0 and the lowest float, [batch, 1, 1, length]."""
    mask = g.op("Unsqueeze", mask, g.constant([1]))
    mask = g.op("Unsqueeze", mask, g.constant([2]))
    mask = g.op("Cast", mask, to=1)
    mask = g.op("Sub", g.scalar(1.0), mask)
    return g.op("Mul", mask, g.scalar(np.finfo(np.float32).min))
