"""Layers with constant weights: what quantization and pruning work on."""

from dataclasses import dataclass, field

import numpy as np

from .graph import attributes
from .prepare import normalize_gemm

PRODUCTS = ("Conv", "MatMul", "Gemm")
_RECURRENT = ("LSTM", "GRU", "RNN")


@dataclass
class Layer:
    """A node and one of its weights. `channel_axis` of the weights is the output's
    channel; sums run along `depth_axes`. A recurrent node has a layer for each weight."""

    name: str
    node: object
    operand: int
    weights: np.ndarray
    channel_axis: int
    depth_axes: tuple
    reason: str = ""  # Why it stays as it is, if it does.
    bias: np.ndarray = None
    bias_node: object = None  # The Add that holds the bias, where the node has none.
    attributes: dict = field(default_factory=dict)

    @property
    def input(self):
        return self.node.input[0]

    @property
    def output(self):
        return self.node.output[0]

    @property
    def is_recurrent(self):
        return self.node.op_type in _RECURRENT

    @property
    def group(self):
        return self.attributes.get("group", 1)

    @property
    def depth(self):
        return int(np.prod([self.weights.shape[axis] for axis in self.depth_axes]))

    def as_rows(self, array):
        """`array`, shaped like the weights, as [outputs, depth]; for filters the input
        channels run fastest."""
        moved = np.moveaxis(array, self.channel_axis, 0)
        if self.node.op_type == "Conv":
            moved = np.moveaxis(moved, 1, -1)
        return np.ascontiguousarray(moved.reshape(moved.shape[0], -1))

    def from_rows(self, rows):
        shape = list(self.weights.shape)
        moved = [shape.pop(self.channel_axis), *shape]
        if self.node.op_type == "Conv":
            moved.append(moved.pop(1))
            array = np.moveaxis(rows.reshape(moved), -1, 1)
        else:
            array = rows.reshape(moved)
        return np.ascontiguousarray(np.moveaxis(array, 0, self.channel_axis))


def find_layers(graph, exclude=()):
    """Every product with constant weights, in the graph's order; those that have a
    `reason` are to be left alone. Raises ValueError for an excluded name that no layer
    has."""
    types = graph.types()
    layers = []
    for node in graph.proto.node:
        if node.domain not in ("", "ai.onnx"):
            continue
        if node.op_type in PRODUCTS:
            layers.extend(_product(graph, node))
        elif node.op_type in _RECURRENT:
            layers.extend(_recurrent(graph, node))
    for layer in layers:
        if not layer.reason and layer.weights.dtype != np.float32:
            layer.reason = f"its weights are {layer.weights.dtype}"
        if not layer.reason and types.get(layer.input, 1) not in (0, 1):
            layer.reason = "its input is not f32"
        if not layer.reason and not np.isfinite(layer.weights).all():
            layer.reason = "its weights are not all finite"
        if not layer.reason and layer.weights.size == 0:
            layer.reason = "its weights are empty"
    _exclude(layers, exclude)
    return layers


def _exclude(layers, names):
    for name in names:
        found = [layer for layer in layers
                 if name in (layer.name, layer.node.op_type, layer.output)]
        if not found:
            known = ", ".join(layer.name for layer in layers) or "none"
            raise ValueError(f"no layer to exclude is called '{name}'; layers: {known}")
        for layer in found:
            layer.reason = "excluded"


def _product(graph, node):
    weights = graph.constant(node.input[1])
    if weights is None:
        return []
    values = attributes(node)
    bias = None
    bias_node = None
    reason = ""
    if node.op_type == "Conv":
        channel, depth = 0, tuple(range(1, weights.ndim))
        if len(node.input) > 2 and node.input[2]:
            bias = graph.constant(node.input[2])
            reason = "" if bias is not None else "its bias is no constant"
    elif node.op_type == "Gemm":
        if not normalize_gemm(graph, node):
            reason = "its bias is scaled and no constant"
        weights = graph.constant(node.input[1])
        channel = 0 if values.get("transB", 0) else 1
        depth = (1 - channel,)
        if len(node.input) > 2 and node.input[2]:
            bias = graph.constant(node.input[2])
    else:
        if weights.ndim < 2:
            return []
        channel, depth = weights.ndim - 1, (weights.ndim - 2,)
        bias, bias_node = _added(graph, node, weights.shape[channel])
        if weights.ndim > 2:
            reason = "its weights are a batch of matrices"
    return [Layer(node.name, node, 1, weights, channel, depth, reason, bias, bias_node, values)]


def _added(graph, node, channels):
    """The constant that the next node adds to a product, one number per column."""
    reader = graph.sole_reader(node.output[0])
    if reader is None or reader.op_type != "Add" or reader.input[0] == reader.input[1]:
        return None, None
    other = graph.constant(reader.input[1 if reader.input[0] == node.output[0] else 0])
    if other is None or other.dtype != np.float32 or other.shape != (channels,):
        return None, None
    return other, reader


def _recurrent(graph, node):
    layers = []
    for operand, letter in ((1, "W"), (2, "R")):
        weights = graph.constant(node.input[operand])
        if weights is not None:
            layers.append(Layer(f"{node.name}.{letter}", node, operand, weights, 1, (2,),
                                attributes=attributes(node)))
    return layers


def channel_axis(layer):
    """Where the input channels of a layer's activations are."""
    if layer.node.op_type == "Conv":
        return 1
    return 0 if layer.attributes.get("transA", 0) else -1
