"""A vision transformer of the tiny size: 16x16 patches of 224x224, 192 wide,
12 layers, 3 heads, with the LayerNormalization operator of opset 17."""

import numpy as np

from . import transformer as t
from .graph import Graph

SIZE, LAYERS, HEADS, PATCHES, CLASSES = 192, 12, 3, 196, 1000


def _norm(g, value, name):
    scale, shift = t.norm_weights(g, name, SIZE)
    return g.op("LayerNormalization", value, scale, shift, axis=-1, epsilon=1e-6,
                name=f"/{name}/LayerNormalization")


def _attention(g, value, name):
    head = SIZE // HEADS
    qkv = t.linear(g, value, f"{name}.qkv", SIZE, 3 * SIZE)
    shape = g.op("Concat", t.dim(g, value, 0), g.constant([PATCHES + 1]), g.constant([3]),
                 g.constant([HEADS]), g.constant([head]), axis=0)
    qkv = g.op("Transpose", g.op("Reshape", qkv, shape), perm=[2, 0, 3, 1, 4])
    query, key, values = (g.op("Gather", qkv, g.constant(i), axis=0) for i in range(3))
    query = g.op("Mul", query, g.scalar(head**-0.5))
    scores = g.op("MatMul", query, g.op("Transpose", key, perm=[0, 1, 3, 2]))
    weights = g.op("Softmax", scores, axis=-1)
    mixed = t.merge_heads(g, g.op("MatMul", weights, values), SIZE)
    return t.linear(g, mixed, f"{name}.proj", SIZE, SIZE)


def make():
    g = Graph("vit_tiny", opset=17)
    image = g.input("pixel_values", np.float32, ["batch", 3, 224, 224])
    value = g.op("Conv", image, g.random("patch.weight", [SIZE, 3, 16, 16], deviation=0.05),
                 g.random("patch.bias", [SIZE], deviation=0.02), kernel_shape=[16, 16],
                 strides=[16, 16])
    value = g.op("Reshape", value, g.constant([0, SIZE, PATCHES]))
    value = g.op("Transpose", value, perm=[0, 2, 1])
    token = g.op("Expand", g.random("cls_token", [1, 1, SIZE], deviation=0.5),
                 g.op("Concat", t.dim(g, value, 0), g.constant([1]), g.constant([SIZE]), axis=0))
    value = g.op("Concat", token, value, axis=1)
    value = g.op("Add", value, g.random("pos_embed", [1, PATCHES + 1, SIZE], deviation=0.5))
    for layer in range(LAYERS):
        name = f"blocks.{layer}"
        value = g.op("Add", value, _attention(g, _norm(g, value, f"{name}.norm1"), f"{name}.attn"))
        inner = t.linear(g, _norm(g, value, f"{name}.norm2"), f"{name}.mlp.fc1", SIZE, 4 * SIZE)
        inner = t.gelu_erf(g, inner, f"{name}.mlp.act")
        value = g.op("Add", value, t.linear(g, inner, f"{name}.mlp.fc2", 4 * SIZE, SIZE))
    value = _norm(g, value, "norm")
    first = g.op("Gather", value, g.constant(0), axis=1)
    g.op("Gemm", first, g.random("head.weight", [CLASSES, SIZE], deviation=0.1),
         g.random("head.bias", [CLASSES], deviation=0.05), transB=1, output="logits")
    g.output("logits", np.float32, ["batch", CLASSES])
    return g.model()
