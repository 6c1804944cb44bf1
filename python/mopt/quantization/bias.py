"""Bias correction (Nagel et al., Data-Free Quantization, 2019): changed weights shift the
mean of each output by their change times the mean of the input, which the bias takes
back."""

import numpy as np


def mean_inputs(layer, statistics):
    """The mean of the layer's input for each position of `as_rows`, [groups, depth], or
    None where it is not known."""
    return _by_depth(layer, statistics.mean)


def power_inputs(layer, statistics):
    """The mean square likewise."""
    return _by_depth(layer, statistics.power)


def _by_depth(layer, channels):
    if np.ndim(channels) == 0 or layer.is_recurrent:
        return None
    if layer.node.op_type != "Conv":
        return channels.reshape(1, -1) if channels.size == layer.depth else None
    per_group = layer.weights.shape[1]
    if channels.size != per_group * layer.group:
        return None
    # Borders aside, each position of the kernel sees the same channels.
    return np.tile(channels.reshape(layer.group, per_group), (1, layer.depth // per_group))


def shift_of(layer, change, means):
    """By how much a `change` [outputs, depth] of the weights moves each output's mean."""
    groups, depth = means.shape
    return np.einsum("gok,gk->go", change.reshape(groups, -1, depth).astype(np.float64),
                     means).reshape(-1).astype(np.float32)


def correct(layer, change, statistics):
    """The layer's bias after correction, or as it is where it cannot be corrected: no
    place for a bias, or unknown means."""
    means = mean_inputs(layer, statistics) if statistics is not None else None
    outputs = len(change)
    if means is None or not can_hold_bias(layer, outputs):
        return layer.bias
    bias = layer.bias if layer.bias is not None else np.zeros(outputs, np.float32)
    return (bias - shift_of(layer, change, means)).astype(np.float32)


def can_hold_bias(layer, outputs):
    if layer.bias is not None:
        return layer.bias.shape == (outputs,)
    return layer.node.op_type in ("Conv", "Gemm") and (
        len(layer.node.input) < 3 or not layer.node.input[2])
