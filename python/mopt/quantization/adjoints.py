"""Reverse mode by operator: nodes that make, out of how a number changes with a node's
result, how it changes with the node's inputs. Shapes are static."""

import numpy as np

from .graph import attributes
from .products import explicit_pads


def rule_of(node, shapes):
    """The function that makes the adjoints of `node`, or None. It takes `Maker`, the node,
    the adjoint of its first result and an input's index, and returns the name of that
    input's adjoint. `shapes` are by value's name; the rules need those of the node."""
    rule = _RULES.get(node.op_type)
    if rule is None or node.domain not in ("", "ai.onnx") or any(node.output[1:]):
        return None
    known = [node.output[0], *(name for name in node.input if name)]
    if any(name not in shapes for name in known):
        return None
    return rule if _CAN.get(node.op_type, _always)(node, shapes) else None


def has_adjoint(node, index):
    """Whether a rule of the node's operator makes the adjoint of this input."""
    return index == 0 or node.op_type not in _OF_FIRST


class Maker:
    """Emits nodes into `nodes` (`emit.Nodes`); `shapes` by name, `constant` arrays by name."""

    def __init__(self, nodes, shapes):
        self.nodes, self.shapes = nodes, shapes

    def make(self, op, *inputs, **values):
        return self.nodes.node(op, list(inputs), f"{inputs[0]}_{op.lower()}", **values)

    def numbers(self, *values):
        return self.nodes.constant(np.array(values, np.int64), "numbers")

    def scalar(self, value):
        return self.nodes.constant(np.float32(value), "scalar")

    def array(self, name):
        return self.nodes.graph.constant(name)

    def reshape(self, x, shape):
        return self.make("Reshape", x, self.numbers(*shape))

    def sum(self, x, axes, keepdims=0):
        return self.make("ReduceSum", x, self.numbers(*axes), keepdims=keepdims)

    def times(self, x, factor):
        return self.make("Mul", x, self.scalar(factor))

    def where(self, condition, x):
        return self.make("Where", condition, x, self.scalar(0))

    def shrink(self, dy, shape, target):
        """The adjoint of a broadcast from `target` to `shape`."""
        lead = len(shape) - len(target)
        axes = [i for i in range(len(shape))
                if i < lead or target[i - lead] == 1 != shape[i]]
        if not axes:
            return dy
        return self.reshape(self.sum(dy, axes), target)

    def swap_last(self, x, rank):
        return self.make("Transpose", x, perm=[*range(rank - 2), rank - 1, rank - 2])


def _always(node, shapes):
    return True


def _conv(m, node, dy, index):
    x, w = node.input[:2]
    values = attributes(node)
    shape, kernel = m.shapes[x], m.shapes[w][2:]
    rank = len(kernel)
    if index == 2:
        return m.sum(dy, [0, *range(2, rank + 2)])
    strides = values.get("strides", [1] * rank)
    dilations = values.get("dilations", [1] * rank)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    pads = explicit_pads(values, shape[2:], spans, strides)
    group = values.get("group", 1)
    if index == 0:
        rest = [(size + sum(pad) - span) % stride
                for size, pad, span, stride in zip(shape[2:], pads, spans, strides)]
        return m.make("ConvTranspose", dy, w, strides=strides, dilations=dilations, group=group,
                      pads=[a for a, _ in pads] + [b for _, b in pads], output_padding=rest)
    if any(a or b for a, b in pads):
        both = [0, 0, *(a for a, _ in pads), 0, 0, *(b for _, b in pads)]
        x = m.make("Pad", x, m.numbers(*both))
    sizes = m.shapes[node.output[0]][2:]
    outputs, depth = m.shapes[w][:2]
    lines = shape[0] * int(np.prod(sizes))
    by_channel = depth == 1 and group == outputs
    if not by_channel:
        # Channels first: at each position of the kernel a product of matrices.
        x, dy = (m.make("Transpose", v, perm=[1, 0, *range(2, rank + 2)]) for v in (x, dy))
        dy = m.reshape(dy, [group, outputs // group, lines])
    parts = []
    for position in np.ndindex(*kernel):
        starts = [i * d for i, d in zip(position, dilations)]
        ends = [a + (size - 1) * s + 1 for a, size, s in zip(starts, sizes, strides)]
        part = x
        if any(size > 1 for size in kernel) or any(s > 1 for s in strides):
            part = m.make("Slice", x, m.numbers(*starts), m.numbers(*ends),
                          m.numbers(*range(2, rank + 2)), m.numbers(*strides))
        if by_channel:
            found = m.sum(m.make("Mul", part, dy), [0, *range(2, rank + 2)])
        else:
            part = m.swap_last(m.reshape(part, [group, depth, lines]), 3)
            found = m.make("MatMul", dy, part)
        parts.append(m.reshape(found, [outputs, depth, 1]))
    found = m.make("Concat", *parts, axis=2) if len(parts) > 1 else parts[0]
    return m.reshape(found, m.shapes[w])


def _can_multiply(node, shapes):
    a, b = (shapes[name] for name in node.input)
    return len(a) >= 2 and (len(b) == 2 or len(b) > 2 and a[:-2] == b[:-2])


def _matmul(m, node, dy, index):
    a, b = node.input
    first, second = m.shapes[a], m.shapes[b]
    if index == 0:
        return m.make("MatMul", dy, m.swap_last(b, len(second)))
    if len(second) == 2 < len(first):
        a = m.reshape(a, [-1, first[-1]])
        dy = m.reshape(dy, [-1, second[-1]])
        return m.make("MatMul", m.swap_last(a, 2), dy)
    return m.make("MatMul", m.swap_last(a, len(first)), dy)


def _can_gemm(node, shapes):
    values = attributes(node)
    return values.get("alpha", 1) == values.get("beta", 1) == 1 and not values.get("transA", 0)


def _gemm(m, node, dy, index):
    is_turned = attributes(node).get("transB", 0)
    if index == 0:
        return m.make("Gemm", dy, node.input[1], transB=1 - is_turned)
    if index == 2:
        return m.shrink(dy, m.shapes[node.output[0]], m.shapes[node.input[2]])
    a, b = (dy, node.input[0]) if is_turned else (node.input[0], dy)
    return m.make("Gemm", a, b, transA=1)


def _add(m, node, dy, index):
    return m.shrink(dy, m.shapes[node.output[0]], m.shapes[node.input[index]])


def _sub(m, node, dy, index):
    return _add(m, node, m.make("Neg", dy) if index else dy, index)


def _mul(m, node, dy, index):
    return _add(m, node, m.make("Mul", dy, node.input[1 - index]), index)


def _relu(m, node, dy, index):
    return m.where(m.make("Greater", node.input[0], m.scalar(0)), dy)


def _clip(m, node, dy, index):
    for limit, op in zip(node.input[1:], ("Greater", "Less")):
        if limit:
            dy = m.where(m.make(op, node.input[0], limit), dy)
    return dy


def _tanh(m, node, dy, index):
    y = node.output[0]
    return m.make("Mul", dy, m.make("Sub", m.scalar(1), m.make("Mul", y, y)))


def _sigmoid(m, node, dy, index):
    y = node.output[0]
    return m.make("Mul", dy, m.make("Mul", y, m.make("Sub", m.scalar(1), y)))


def _pool(m, node, dy, index):
    shape = m.shapes[node.input[0]]
    share = m.times(dy, 1 / np.prod(shape[2:]))
    return m.make("Expand", share, m.numbers(*shape))


def _reshape(m, node, dy, index):
    return m.reshape(dy, m.shapes[node.input[0]])


def _transpose(m, node, dy, index):
    rank = len(m.shapes[node.input[0]])
    perm = attributes(node).get("perm", list(range(rank))[::-1])
    return m.make("Transpose", dy, perm=[int(i) for i in np.argsort(perm)])


def _concat(m, node, dy, index):
    axis = attributes(node)["axis"]
    sizes = [m.shapes[name][axis] for name in node.input]
    start = sum(sizes[:index])
    return m.make("Slice", dy, m.numbers(start), m.numbers(start + sizes[index]),
                  m.numbers(axis))


def _is_one_slice(node, shapes):
    return shapes[node.input[1]] == ()


def _gather(m, node, dy, index):
    shape = m.shapes[node.input[0]]
    axis = attributes(node).get("axis", 0) % len(shape)
    one_hot = m.make("Equal", m.numbers(*range(shape[axis])), node.input[1])
    one_hot = m.reshape(one_hot, [-1] + [1] * (len(shape) - axis - 1))
    return m.where(one_hot, m.make("Unsqueeze", dy, m.numbers(axis)))


def _mean_axes(m, node):
    rank = len(m.shapes[node.input[0]])
    axes = attributes(node).get("axes")
    if axes is None and len(node.input) > 1:
        axes = m.array(node.input[1])
    return sorted(int(axis) % rank for axis in (range(rank) if axes is None else axes))


def _can_average(node, shapes):
    return len(node.input) < 2


def _reduce_mean(m, node, dy, index):
    shape, axes = m.shapes[node.input[0]], _mean_axes(m, node)
    kept = [1 if i in axes else size for i, size in enumerate(shape)]
    share = m.times(m.reshape(dy, kept), 1 / np.prod([shape[i] for i in axes]))
    return m.make("Expand", share, m.numbers(*shape))


def _softmax(m, node, dy, index):
    y, axis = node.output[0], attributes(node).get("axis", -1)
    total = m.sum(m.make("Mul", dy, y), [axis], keepdims=1)
    return m.make("Mul", y, m.make("Sub", dy, total))


def _is_over_last(node, shapes):
    return attributes(node).get("axis", -1) in (-1, len(shapes[node.input[0]]) - 1)


def _layer_normalization(m, node, dy, index):
    x, scale = node.input[:2]
    shape = m.shapes[x]
    if index == 2:
        return m.shrink(dy, shape, m.shapes[node.input[2]])

    def mean(value):
        return m.times(m.sum(value, [-1], keepdims=1), 1 / shape[-1])

    centered = m.make("Sub", x, mean(x))
    epsilon = m.scalar(attributes(node).get("epsilon", 1e-5))
    variance = mean(m.make("Mul", centered, centered))
    deviation = m.make("Sqrt", m.make("Add", variance, epsilon))
    normal = m.make("Div", centered, deviation)
    if index == 1:
        return m.shrink(m.make("Mul", dy, normal), shape, m.shapes[scale])
    dy = m.make("Mul", dy, scale)
    along = m.make("Mul", normal, mean(m.make("Mul", dy, normal)))
    rest = m.make("Sub", m.make("Sub", dy, mean(dy)), along)
    return m.make("Div", rest, deviation)


_RULES = {
    "Add": _add, "Clip": _clip, "Concat": _concat, "Conv": _conv, "Flatten": _reshape,
    "Gather": _gather, "Gemm": _gemm, "GlobalAveragePool": _pool,
    "Identity": lambda m, node, dy, index: dy, "LayerNormalization": _layer_normalization,
    "MatMul": _matmul, "Mul": _mul, "ReduceMean": _reduce_mean, "Relu": _relu,
    "Reshape": _reshape, "Sigmoid": _sigmoid, "Softmax": _softmax, "Squeeze": _reshape,
    "Sub": _sub, "Tanh": _tanh, "Transpose": _transpose, "Unsqueeze": _reshape,
}
# Of these only the first input has an adjoint.
_OF_FIRST = {"Clip", "Gather", "ReduceMean", "Reshape", "Squeeze", "Unsqueeze"}
_CAN = {"Gather": _is_one_slice, "Gemm": _can_gemm, "LayerNormalization": _is_over_last,
        "MatMul": _can_multiply, "ReduceMean": _can_average}
