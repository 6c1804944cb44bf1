"""Quantized models as ONNX Runtime computes them exactly on every machine. Its products of u8 and
s8 saturate where a processor has neither VNNI nor AMX: vpmaddubsw cuts sums of two products to 16
bits. Products of u8 and u8 do not, and give the same integers for weights and zero points that are
128 higher. Its own such rewriting, `session.x64quantprecision`, is one of its optimizations, which
a reference runs without.
"""

import functools

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mopt.peers import onnxruntime_session

# Where an operator has the zero point of its left side, its weights and their zero point.
_OPERANDS = {
    ("", "QLinearConv"): (2, 3, 5),
    ("", "QLinearMatMul"): (2, 3, 5),
    ("", "ConvInteger"): (2, 1, 3),
    ("", "MatMulInteger"): (2, 1, 3),
    ("com.microsoft", "QGemm"): (2, 3, 5),
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


def convert(model):
    """Replaces s8 constants that are weights of u8 by u8 ones, in place; other users keep the old
    ones. Whether there were any."""
    return any([_convert_graph(graph) for graph in _graphs(model.graph)])


def _graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _graphs(inner)


def _convert_graph(graph):
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made = {}

    def is_signed(name):
        return name in constants and constants[name].data_type == TensorProto.INT8

    def shift(name):
        if name not in made:
            value = numpy_helper.to_array(constants[name]) if name else np.zeros((), np.int8)
            made[name] = f"{name}.unsigned"
            graph.initializer.append(numpy_helper.from_array(
                (value.astype(np.int16) + 128).astype(np.uint8), made[name]))
        return made[name]

    for node in graph.node:
        places = _OPERANDS.get((node.domain, node.op_type))
        if not places:
            continue
        left, weights, zero = ((*node.input, "", "", "", "", "")[at] for at in places)
        # Without a zero point the left side may be of s8.
        if not is_signed(weights) or is_signed(left) or not left or (
                zero and not is_signed(zero)):
            continue
        while len(node.input) <= places[2]:
            node.input.append("")
        node.input[places[1]] = shift(weights)
        node.input[places[2]] = shift(zero)
    return bool(made)
