"""Cross-layer equalization (Nagel et al., Data-Free Quantization, 2019): scales of the
channels between two layers are moved so that both have like ranges for each of them.
What the model computes does not change."""

import numpy as np

# Functions with f(s * x) = s * f(x) for s > 0, by channel.
_HOMOGENEOUS = {"Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool",
                "Identity"}


def equalize(graph, layers, rounds=4):
    """Changes weights and biases of `layers`; returns how many pairs it found."""
    by_input = {}
    for layer in layers:
        if not layer.reason and not layer.is_recurrent and layer.weights.ndim >= 2:
            by_input.setdefault(layer.input, []).append(layer)
    pairs = []
    for layer in layers:
        following = None if layer.reason or layer.is_recurrent else _next(graph, layer, by_input)
        if following is not None:
            pairs.append((layer, following))
    for _ in range(rounds):
        for first, second in pairs:
            _equalize(first, second)
    changed = {id(layer): layer for pair in pairs for layer in pair}
    for layer in changed.values():
        store(graph, layer)
    return len(pairs)


def _next(graph, layer, by_input):
    """The only layer that reads what `layer` makes, through homogeneous functions."""
    value = (layer.bias_node or layer.node).output[0]
    if layer.node.op_type == "Gemm" and len(layer.node.input) > 2 and (
            layer.bias is None or layer.bias.shape != (len(layer.as_rows(layer.weights)),)):
        return None
    while True:
        reader = graph.sole_reader(value)
        if reader is None:
            return None
        found = [entry for entry in by_input.get(value, ()) if entry.node is reader]
        if found:
            second = found[0]
            matches = _input_ranges(second).shape == _output_ranges(layer).shape
            return second if matches else None
        if reader.op_type not in _HOMOGENEOUS or reader.domain:
            return None
        value = reader.output[0]


def _output_ranges(layer):
    return np.abs(layer.as_rows(layer.weights)).max(1)


def _input_ranges(layer):
    """The largest magnitude for each input channel."""
    weights = np.abs(layer.weights)
    if layer.node.op_type != "Conv":
        return weights.max(layer.channel_axis)
    groups = layer.group
    per_group = weights.reshape(groups, -1, *weights.shape[1:])
    return per_group.max((1, *range(3, per_group.ndim))).reshape(-1)


def _equalize(first, second):
    one, two = _output_ranges(first), _input_ranges(second)
    scale = np.where((one > 0) & (two > 0), np.sqrt(one * np.maximum(two, 1e-30))
                     / np.maximum(two, 1e-30), 1).astype(np.float32)
    shape = [1] * first.weights.ndim
    shape[first.channel_axis] = -1
    first.weights = (first.weights / scale.reshape(shape)).astype(np.float32)
    if first.bias is not None:
        first.bias = (first.bias / scale).astype(np.float32)
    if second.node.op_type == "Conv":
        outputs, channels = second.weights.shape[:2]
        spread = np.repeat(scale.reshape(second.group, channels), outputs // second.group, 0)
        factor = spread.reshape(outputs, channels, *[1] * (second.weights.ndim - 2))
    else:
        shape = [1] * second.weights.ndim
        shape[second.depth_axes[0]] = -1
        factor = scale.reshape(shape)
    second.weights = (second.weights * factor).astype(np.float32)


def store(graph, layer):
    """Writes a layer's weights and bias into the graph as new constants."""
    node = layer.node
    node.input[layer.operand] = graph.add_constant(layer.weights, node.input[layer.operand])
    if layer.bias is None:
        return
    if layer.bias_node is not None:
        side = 1 if layer.bias_node.input[0] == layer.output else 0
        layer.bias_node.input[side] = graph.add_constant(layer.bias, layer.bias_node.input[side])
    elif len(node.input) > 2 and node.input[2]:
        node.input[2] = graph.add_constant(layer.bias, node.input[2])
    else:
        del node.input[2:]
        node.input.append(graph.add_constant(layer.bias, f"{layer.output}_bias"))
