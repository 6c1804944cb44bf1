"""Which values of a statically quantized model go through integers, and in which steps:
inputs of its layers, and what lies between layers and would otherwise force floats."""

from dataclasses import dataclass

import numpy as np

from .ranges import choose_range, steps

# Only move elements: both sides have the same steps.
_MOVERS = {"MaxPool", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice",
           "Gather", "Identity", "Concat"}
# Computed from integers if their operands are integers.
_COMPUTED = {"Add", "Mul", "AveragePool", "GlobalAveragePool"}
# Computed where their operand is made.
_ACTIVATIONS = {"Relu", "Clip", "LeakyRelu", "HardSigmoid", "HardSwish", "Sigmoid"}
# A concatenation of values whose ranges differ by more keeps the steps of each.
_MOST_LOST = 4.0


@dataclass(frozen=True)
class Steps:
    """Real numbers as integers: x = scale * (q - zero)."""

    scale: np.float32
    zero: int
    dtype: type

    def constants(self):
        return np.float32(self.scale), self.dtype(self.zero)


def static_values(graph, layers, types):
    """Names of the values to quantize for `layers`, those nearer to the inputs last."""
    names = list(dict.fromkeys(layer.input for layer in layers if not layer.is_recurrent))
    for name in names:  # Grows while it is read.
        node, kinds = graph.producers.get(name), _MOVERS | _COMPUTED
        while node is not None and node.op_type in _ACTIVATIONS and not node.domain:
            node, kinds = graph.producers.get(node.input[0]), _COMPUTED
        if node is None or node.domain or node.op_type not in kinds:
            continue
        operands = _operands(node)
        if any(types.get(x, 1) not in (0, 1) for x in operands):
            continue
        names.extend(x for x in operands if x not in names and graph.constant(x) is None)
    return names


def _operands(node):
    if node.op_type == "Concat":
        return list(node.input)
    return list(node.input[:2] if node.op_type in ("Add", "Mul") else node.input[:1])


def choose_steps(graph, names, statistics, options):
    """`Steps` by name. Values that a mover connects share a range that holds both."""
    dtype = np.dtype(options.activation_type).type
    ranges = {name: choose_range(statistics[name], options.method,
                                 percentile=options.percentile) for name in names}
    leader = {name: name for name in names}

    def find(name):
        while leader[name] != name:
            name = leader[name]
        return name

    for name in names:
        node = graph.producers.get(name)
        if node is None or node.op_type not in _MOVERS or node.domain:
            continue
        for other in _operands(node):
            if other in ranges and find(other) != find(name) and _may_share(
                    node, ranges[find(name)], ranges[find(other)]):
                one, two = find(name), find(other)
                ranges[one] = (min(ranges[one][0], ranges[two][0]),
                               max(ranges[one][1], ranges[two][1]))
                leader[two] = one
    found = {}
    for name in names:
        low, high = ranges[find(name)]
        scale, zero = steps(low, high, dtype, options.symmetric_activations)
        found[name] = Steps(scale, zero, dtype)
    return found


def _may_share(node, one, two):
    if node.op_type != "Concat":
        return True
    spans = sorted(high - low for low, high in (one, two))
    return spans[0] * _MOST_LOST >= spans[1]
