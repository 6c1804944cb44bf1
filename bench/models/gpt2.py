"""GPT-2 small with a key-value cache, in decomposed operators: Conv1D layers as
Reshape, Gemm, Reshape; the causal mask as a slice of a stored triangle."""

import numpy as np

from . import transformer as t
from .graph import Graph

SIZE, LAYERS, HEADS, VOCABULARY, POSITIONS = 768, 12, 12, 50257, 1024
HEAD = SIZE // HEADS


def _conv1d(g, value, name, size_in, size_out, deviation):
    batch, length = t.dim(g, value, 0), t.dim(g, value, 1)
    flat = g.op("Reshape", value, g.constant([-1, size_in]))
    flat = g.op("Gemm", flat, g.random(f"{name}.weight", [size_in, size_out], deviation=deviation),
                g.random(f"{name}.bias", [size_out], deviation=0.02), name=f"/{name}/Gemm")
    shape = g.op("Concat", batch, length, g.constant([size_out]), axis=0)
    return g.op("Reshape", flat, shape)


def _attention(g, value, name, layer, triangle, bias):
    qkv = _conv1d(g, value, f"{name}.c_attn", SIZE, 3 * SIZE, (1 / SIZE) ** 0.5)
    query, key, values = g.op("Split", qkv, g.constant([SIZE] * 3), axis=2, outputs=3)
    query, key, values = (t.split_heads(g, part, HEADS, HEAD, [0, 2, 1, 3])
                          for part in (query, key, values))
    past_key = g.input(f"past_key_values.{layer}.key", np.float32, ["batch", HEADS, "past", HEAD])
    past_value = g.input(f"past_key_values.{layer}.value", np.float32,
                         ["batch", HEADS, "past", HEAD])
    key = g.op("Concat", past_key, key, axis=2, output=f"present.{layer}.key")
    values = g.op("Concat", past_value, values, axis=2, output=f"present.{layer}.value")
    g.output(key, np.float32, ["batch", HEADS, "total", HEAD])
    g.output(values, np.float32, ["batch", HEADS, "total", HEAD])

    scores = g.op("MatMul", query, g.op("Transpose", key, perm=[0, 1, 3, 2]))
    scores = g.op("Div", scores, g.scalar(HEAD**0.5))
    total, length = t.dim(g, key, 2), t.dim(g, query, 2)
    seen = g.op("Slice", triangle, g.op("Sub", total, length), total, g.constant([2]),
                g.constant([1]))
    seen = g.op("Slice", seen, g.constant([0]), total, g.constant([3]), g.constant([1]))
    scores = g.op("Where", seen, scores, g.scalar(np.finfo(np.float32).min))
    scores = g.op("Add", scores, bias)
    weights = g.op("Softmax", scores, axis=-1)
    mixed = t.merge_heads(g, g.op("MatMul", weights, values), SIZE)
    return _conv1d(g, mixed, f"{name}.c_proj", SIZE, SIZE, (1 / SIZE) ** 0.5)


def make():
    g = Graph("gpt2_small", opset=13)
    ids = g.input("input_ids", np.int64, ["batch", "sequence"])
    mask = g.input("attention_mask", np.int64, ["batch", "total"])
    positions = g.input("position_ids", np.int64, ["batch", "sequence"])
    embedding = g.random("wte.weight", [VOCABULARY, SIZE], deviation=0.1)
    value = g.op("Add", g.op("Gather", embedding, ids),
                 g.op("Gather", g.random("wpe.weight", [POSITIONS, SIZE], deviation=0.05),
                      positions))
    triangle = g.weight("attn.bias", np.tril(np.ones((1, 1, POSITIONS, POSITIONS), bool)))
    bias = t.padding_bias(g, mask)
    g.output("logits", np.float32, ["batch", "sequence", VOCABULARY])
    for layer in range(LAYERS):
        name = f"h.{layer}"
        normal = t.layer_norm(g, value, f"{name}.ln_1", SIZE, epsilon=1e-5)
        value = g.op("Add", _attention(g, normal, f"{name}.attn", layer, triangle, bias), value)
        normal = t.layer_norm(g, value, f"{name}.ln_2", SIZE, epsilon=1e-5)
        inner = _conv1d(g, normal, f"{name}.mlp.c_fc", SIZE, 4 * SIZE, (1 / SIZE) ** 0.5)
        inner = t.gelu_tanh(g, inner, f"{name}.mlp.act")
        inner = _conv1d(g, inner, f"{name}.mlp.c_proj", 4 * SIZE, SIZE, (0.25 / SIZE) ** 0.5)
        value = g.op("Add", value, inner)
    value = t.layer_norm(g, value, "ln_f", SIZE, epsilon=1e-5)
    # The head is tied to the embedding in training; exporters store it transposed.
    head = g.random("lm_head.weight", [SIZE, VOCABULARY], deviation=0.1)
    g.op("MatMul", value, head, name="/lm_head/MatMul", output="logits")
    return g.model()
