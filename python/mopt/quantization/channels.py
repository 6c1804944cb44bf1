"""Which channels of a model are free to be put in another order: where everything that
makes or reads them can be changed with them, what the model computes stays the same."""

from dataclasses import dataclass, field

from .graph import attributes, outer_reads

# Nodes that compute each element, or each channel, by itself.
_PASSING = {"Abs", "AveragePool", "Clip", "Elu", "Erf", "Exp", "Gelu", "GlobalAveragePool",
            "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "MaxPool", "Neg",
            "Relu", "Sigmoid", "Softplus", "Sqrt", "Tanh"}
_JOINING = {"Add", "Div", "Max", "Min", "Mul", "Sub"}


@dataclass
class Channels:
    """`size` channels that have one order in all values they are in. `constants` move with
    it: (node, index of the input, axis). `readers` are the nodes that sum over them."""

    size: int
    constants: list = field(default_factory=list)
    readers: list = field(default_factory=list)
    is_free: bool = True


def free_channels(graph):
    """A list of `Channels`, each read by some Conv, MatMul or Gemm."""
    graph.index()
    walk = _Walk(graph)
    for node in graph.proto.node:
        walk.visit(node)
    for name in graph.outputs:
        walk.hold(name)
    unique = {id(entry): entry for entry, _ in walk.found.values()}
    return [entry for entry in unique.values() if entry.is_free and entry.readers]


class _Walk:
    def __init__(self, graph):
        self._graph = graph
        self._shapes = {value.name: value.type.tensor_type.shape.dim for value in
                        [*graph.proto.value_info, *graph.proto.input, *graph.proto.output]
                        if value.type.tensor_type.HasField("shape")}
        self.found = {}  # By value: its channels, and their axis.

    def visit(self, node):
        rule = {"Conv": self._conv, "MatMul": self._product, "Gemm": self._product,
                "BatchNormalization": self._normalization, "Flatten": self._flatten,
                "LayerNormalization": self._normalization}.get(node.op_type)
        if node.op_type in _PASSING:
            rule = self._pass
        elif node.op_type in _JOINING:
            rule = self._join
        if node.domain in ("", "ai.onnx") and rule and not any(node.output[1:]) and rule(node):
            return
        for name in [*node.input, *outer_reads(node)]:
            self.hold(name)

    def hold(self, name):
        """Something needs the channels of a value in the order they have."""
        if name in self.found:
            self.found[name][0].is_free = False

    def _rank(self, name):
        return len(self._shapes[name]) if name in self._shapes else None

    def _make(self, node, axis, size):
        entry = Channels(size)
        self.found[node.output[0]] = entry, axis
        return entry

    def _add(self, entry, node, index, axis):
        """A constant of one node moves with the channels."""
        name = node.input[index]
        if self._graph.sole_reader(name) is None:
            entry.is_free = False
        entry.constants.append((node, index, axis))

    def _constant(self, node, index):
        return self._graph.constant(node.input[index]) if len(node.input) > index else None

    def _has_loose_bias(self, node):
        return len(node.input) > 2 and node.input[2] and self._constant(node, 2) is None

    def _conv(self, node):
        weights, group = self._constant(node, 1), attributes(node).get("group", 1)
        if weights is None or self._has_loose_bias(node):
            return False
        known = self.found.get(node.input[0])
        if group == 1:
            if known and known[1] == 1:
                self._add(known[0], node, 1, 1)
                known[0].readers.append(node)
            else:
                self.hold(node.input[0])
            entry = self._make(node, 1, len(weights))
        elif group == len(weights) and weights.shape[1] == 1 and (
                known and known[1] == 1):
            entry = known[0]
            self.found[node.output[0]] = known
        else:
            return False
        self._add(entry, node, 1, 0)
        if self._constant(node, 2) is not None:
            self._add(entry, node, 2, 0)
        return True

    def _product(self, node):
        weights, rank = self._constant(node, 1), self._rank(node.input[0])
        values = attributes(node)
        if (weights is None or weights.ndim != 2 or rank is None or values.get("transA", 0)
                or self._has_loose_bias(node)):
            return False
        output = 0 if values.get("transB", 0) else 1
        known = self.found.get(node.input[0])
        if known and known[1] == rank - 1:
            self._add(known[0], node, 1, 1 - output)
            known[0].readers.append(node)
        else:
            self.hold(node.input[0])
        entry = self._make(node, rank - 1, weights.shape[output])
        self._add(entry, node, 1, output)
        bias = self._constant(node, 2)
        if bias is not None and bias.ndim and bias.shape[-1] > 1:
            self._add(entry, node, 2, bias.ndim - 1)
        return True

    def _normalization(self, node):
        known = self.found.get(node.input[0])
        rank = self._rank(node.input[0])
        constants = [self._constant(node, index) for index in range(1, len(node.input))]
        if not known or any(array is None or array.ndim != 1 for array in constants):
            return False
        over_last = node.op_type == "LayerNormalization"
        if over_last and (rank is None or known[1] != rank - 1
                          or attributes(node).get("axis", -1) not in (-1, rank - 1)):
            return False
        for index in range(1, len(node.input)):
            self._add(known[0], node, index, 0)
        self.found[node.output[0]] = known
        return True

    def _pass(self, node):
        known = self.found.get(node.input[0])
        limits = [self._constant(node, i) for i in range(1, len(node.input)) if node.input[i]]
        if not known or any(limit is None or limit.size != 1 for limit in limits):
            return False
        self.found[node.output[0]] = known
        return True

    def _flatten(self, node):
        known, dims = self.found.get(node.input[0]), self._shapes.get(node.input[0])
        if (not known or dims is None or known[1] != 1 or attributes(node).get("axis", 1) != 1
                or any(dim.dim_value != 1 for dim in dims[2:])):
            return False
        self.found[node.output[0]] = known
        return True

    def _join(self, node):
        known = [self.found.get(name) for name in node.input]
        ranks = [self._rank(name) for name in node.input]
        if len(known) != 2 or not any(known):
            return False
        if all(known):
            (one, axis), (other, second) = known
            if axis != second or ranks[0] is None or ranks[0] != ranks[1] or (
                    one.size != other.size):
                return False
            self._merge(one, other)
            self.found[node.output[0]] = known[0]
            return True
        index = 0 if known[1] else 1
        entry, axis = known[1 - index]
        array, rank = self._constant(node, index), ranks[1 - index]
        if array is None or rank is None or array.ndim > rank:
            return False
        position = axis - (rank - array.ndim)
        if position >= 0 and array.shape[position] != 1:
            if array.shape[position] != entry.size:
                return False
            self._add(entry, node, index, position)
        self.found[node.output[0]] = known[1 - index]
        return True

    def _merge(self, one, other):
        if one is other:
            return
        one.constants += other.constants
        one.readers += other.readers
        one.is_free = one.is_free and other.is_free
        for name, (entry, axis) in self.found.items():
            if entry is other:
                self.found[name] = one, axis
