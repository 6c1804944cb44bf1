"""Reverse mode as nodes: gradients against differences of the distance, both by ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from quantization_models import SHAPES, Builder, perceptron, recurrent, residual

from mopt.quantization.gradients import with_gradients
from mopt.quantization.layers import find_layers
from mopt.quantization.prepare import prepare


def run(model, feed):
    session = onnxruntime.InferenceSession(model.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feed)


def check(model, shape):
    """The names of the constants that have a gradient, which is right along a direction."""
    graph = prepare(model)
    find_layers(graph)
    constants = {tensor.name: numpy_helper.to_array(tensor)
                 for tensor in graph.proto.initializer
                 if tensor.data_type == onnx.TensorProto.FLOAT}
    outputs = [value.name for value in graph.proto.output]
    found = with_gradients(graph.model, {"x": shape}, list(constants),
                           dict.fromkeys(outputs, 0.5))
    if found is None:
        return []
    onnx.checker.check_model(found.model, full_check=True)
    random = np.random.default_rng(1)
    x = random.normal(size=shape).astype(np.float32)
    wanted = [(y + random.normal(size=y.shape)).astype(np.float32)
              for y in run(graph.model, {"x": x})]

    def feed(changed=()):
        values = {name: constants[name] for name in found.parameters} | dict(changed)
        return {"x": x} | values | {f"{name}_wanted": y for name, y in zip(outputs, wanted)}

    distance, *gradients = run(found.model, feed())
    assert distance == pytest.approx(0.5 * sum(
        np.square(a - b).sum() for a, b in zip(run(graph.model, {"x": x}), wanted)), rel=1e-4)
    for name, gradient in zip(found.parameters, gradients):
        assert gradient.shape == constants[name].shape
        direction = random.normal(size=gradient.shape).astype(np.float32)
        direction *= 3e-3 / np.linalg.norm(direction)
        ahead, behind = (run(found.model, feed({name: constants[name] + sign * direction}))[0]
                         for sign in (1, -1))
        along = float((gradient * direction).sum())
        size = float(np.linalg.norm(gradient) * np.linalg.norm(direction))
        assert (ahead - behind) / 2 == pytest.approx(along, abs=0.02 * size), name
    return found.parameters


@pytest.mark.parametrize("attributes", [
    {}, {"strides": [2, 1], "pads": [1, 0, 2, 1]}, {"strides": [3, 2]}, {"dilations": [2, 1]},
    {"group": 2}, {"group": 4}, {"group": 4, "pads": [1, 1, 1, 1], "strides": [2, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "SAME_LOWER"}])
def test_convolutions(attributes):
    """The second one's input has a gradient, too."""
    b = Builder(3)
    x = b.node("Conv", b.input("x", 2, 3, 9, 8), b.weights(4, 3, 1, 1), b.weights(4))
    group = attributes.get("group", 1)
    y = b.node("Conv", x, b.weights(8, 4 // group, 3, 3), b.weights(8), **attributes)
    assert len(check(b.model(y), (2, 3, 9, 8))) == 4


@pytest.mark.parametrize("name, model, count", [
    ("perceptron", perceptron, 5), ("residual", residual, 4), ("recurrent", recurrent, 1)])
def test_models(name, model, count):
    """Of the residual network what is behind the MaxPool, of the recurrent one its last layer:
    the others' operators have no rule."""
    assert len(check(model(), SHAPES[name])) == count


def test_inverted_residual():
    b = Builder(4)
    low, high = b.constant(np.float32(-1)), b.constant(np.float32(1))
    x = b.node("Clip", b.conv(b.input("x", 2, 3, 6, 6), 3, 6), low, high)
    y = b.node("Relu", b.conv(b.node("Tanh", b.conv(x, 6, 12, 1)), 12, 12, group=12))
    y = b.node("Add", b.conv(y, 12, 6, 1), x)
    y = b.node("Sub", b.node("Concat", y, x, axis=1), b.weights(12, 1, 1))
    y = b.node("Flatten", b.node("GlobalAveragePool", b.node("Mul", y, b.node("Sigmoid", y))))
    assert len(check(b.model(b.node("MatMul", y, b.weights(12, 3))), (2, 3, 6, 6))) >= 9


def test_attention():
    b = Builder(5)
    x = b.node("LayerNormalization", b.input("x", 2, 5, 8), b.weights(8), b.weights(8))
    parts = b.node("Reshape", b.node("MatMul", x, b.weights(8, 24)),
                   b.constant(np.array([-1, 5, 3, 2, 4])))
    parts = b.node("Transpose", parts, perm=[2, 0, 3, 1, 4])
    q, k, v = (b.node("Gather", parts, b.constant(np.int64(i)), axis=0) for i in range(3))
    weights = b.node("Softmax", b.node("MatMul", q, b.node("Transpose", k, perm=[0, 1, 3, 2])))
    y = b.node("Transpose", b.node("MatMul", weights, v), perm=[0, 2, 1, 3])
    y = b.node("Reshape", y, b.constant(np.array([-1, 5, 8])))
    y = b.node("Add", b.node("MatMul", y, b.weights(8, 8)), x)
    y = b.node("ReduceMean", y, axes=[1], keepdims=0)
    assert len(check(b.model(y), (2, 5, 8))) == 4
