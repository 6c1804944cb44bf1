"""Quantized models as ONNX Runtime computes them exactly on every machine. Its products of u8 and
s8 saturate where a processor has neither VNNI nor AMX: vpmaddubsw cuts sums of two products to 16
bits. Products of u8 and u8 do not, and give the same integers for weights and zero points that are
128 higher. Its own such rewriting, `session.x64quantprecision`, is one of its optimizations, which
a reference runs without too, and fails for some models.
"""

import functools
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mopt.peers import onnxruntime_session

# Where an operator has its weights and their zero point.
_OPERANDS = {
    ("", "QLinearConv"): (3, 5),
    ("", "QLinearMatMul"): (3, 5),
    ("", "ConvInteger"): (1, 3),
    ("", "MatMulInteger"): (1, 3),
    ("com.microsoft", "QGemm"): (3, 5),
    ("com.microsoft", "MatMulIntegerToFloat"): (1, 5),
    ("com.microsoft", "DynamicQuantizeMatMul"): (1, 3),
}


@functools.cache
def saturates():
    """Whether ONNX Runtime's products of u8 and s8 do on this machine."""
    weights = numpy_helper.from_array(np.full((64, 16), 127, np.int8), "b")
    model = helper.make_model(helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "probe",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, [16, 64])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [16, 16])], [weights]),
        opset_imports=[helper.make_opsetid("", 10)], ir_version=8)
    (found,) = onnxruntime_session(model.SerializeToString(), optimized=False).run(
        None, {"a": np.full((16, 64), 255, np.uint8)})
    return bool((found != 64 * 255 * 127).any())


def make_exact(model, values=None):
    """Bytes or the path of a model that computes what `model` (the same, or a ModelProto) does,
    without products that may saturate here. `values` are those of inputs by name, of which some
    may be weights."""
    is_proto = isinstance(model, onnx.ModelProto)
    if saturates():
        if is_proto:
            copy = onnx.ModelProto()
            copy.CopyFrom(model)
        else:
            copy = (onnx.load_from_string(model) if isinstance(model, bytes)
                    else onnx.load(os.fspath(model)))
        if convert(copy, values):
            return copy.SerializeToString()
    return model.SerializeToString() if is_proto else model


def convert(model, values=None):
    """Replaces s8 constants, or inputs with known `values`, that are weights of u8 by u8 ones, in
    place; other users keep the old ones. Whether there were any."""
    return any([_convert_graph(graph, values or {}) for graph in _graphs(model.graph)])


def _graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _graphs(inner)


class _Graph:
    """One whose weights are being replaced."""

    def __init__(self, graph, values):
        self._graph = graph
        self._values = dict(values)
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._kinds = {value.name: value.type.tensor_type.elem_type for value in graph.input}
        self._kinds.update((name, tensor.data_type) for name, tensor in self._constants.items())
        self._producers = {name: node for node in graph.node for name in node.output}
        self.made = {}

    def convert_operands(self, node):
        """Of an operator on integers. What has no known type comes from DynamicQuantizeLinear, or
        is quantized by the operator: u8."""
        if self._kinds.get(node.input[0], TensorProto.UINT8) != TensorProto.INT8:
            self._replace(node, *_OPERANDS[node.domain, node.op_type])

    def convert_dequantized(self, node):
        """Of one on floats, whose sides ONNX Runtime takes before they are dequantized."""
        left, right = (self._producers.get(_get(node, at)) for at in (0, 1))
        if all(side is not None and side.op_type == "DequantizeLinear" for side in (left, right)):
            # Without a zero point the left side is of s8 as often.
            if self._kinds.get(_get(left, 2)) == TensorProto.UINT8:
                self._replace(right, 0, 2, scale=_get(right, 1))

    def _load(self, name):
        """A constant's value, or an input's; nothing where it is not known."""
        if name not in self._values and name in self._constants:
            self._values[name] = numpy_helper.to_array(self._constants[name])
        return self._values.get(name)

    def _replace(self, node, weights, zero, scale=""):
        """`scale` names what has the shape of the zero point where there is none."""
        name, shape = _get(node, zero), ()
        if not self._is_known(_get(node, weights)) or (name and not self._is_known(name)):
            return
        if scale:
            if self._load(scale) is None:
                return
            shape = np.shape(self._load(scale))
        while len(node.input) <= zero:
            node.input.append("")
        node.input[weights] = self._shift(node.input[weights])
        node.input[zero] = (self._shift(name) if name
                            else self._add(f"zero.{scale}", np.zeros(shape, np.int8)))

    def _is_known(self, name):
        return self._kinds.get(name) == TensorProto.INT8 and self._load(name) is not None

    def _shift(self, name):
        return self._add(name, self._load(name))

    def _add(self, name, value):
        """The name of a constant that is 128 higher than `value`, once for each `name`."""
        if name not in self.made:
            self.made[name] = f"{name}.unsigned"
            self._graph.initializer.append(numpy_helper.from_array(
                (value.astype(np.int16) + 128).astype(np.uint8), self.made[name]))
        return self.made[name]


def _get(node, at):
    return node.input[at] if at < len(node.input) else ""


def _convert_graph(graph, values):
    converted = _Graph(graph, values)
    for node in graph.node:
        if (node.domain, node.op_type) in _OPERANDS:
            converted.convert_operands(node)
        elif node.op_type in ("Conv", "MatMul", "Gemm"):
            converted.convert_dequantized(node)
    return bool(converted.made)
