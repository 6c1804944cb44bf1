"""Small float models for the tests of mopt.quantize and mopt.prune."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import exact_onnxruntime


class Builder:
    """Nodes and random constants of a float graph."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.inputs = [], [], []

    def input(self, name, *dims):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))
        return name

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weights(self, *shape):
        depth = max(1, int(np.prod(shape[1:])))
        return self.constant((self.random.normal(size=shape) / np.sqrt(depth)).astype(np.float32))

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [f"n{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0] + op, **attributes))
        return names[0]

    def conv(self, x, inputs, outputs, kernel=3, group=1, bias=True, **attributes):
        operands = [x, self.weights(outputs, inputs // group, kernel, kernel)]
        if bias:
            operands.append(self.weights(outputs))
        pads = [kernel // 2] * 4
        return self.node("Conv", *operands, group=group, pads=pads, **attributes)

    def model(self, *outputs, opset=17):
        graph = helper.make_graph(
            self.nodes, "small", self.inputs,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.constants)
        return helper.make_model(graph, ir_version=8,
                                 opset_imports=[helper.make_opsetid("", opset)])


def residual():
    """Convolutions, a batch norm, a residual sum, a concatenation, pooling, a Gemm."""
    b = Builder(1)
    x = b.node("Relu", b.conv(b.input("x", "n", 3, 13, 11), 3, 16, bias=False))
    norm = [b.constant(np.asarray(b.random.uniform(0.5, 1.5, 16), np.float32)) for _ in range(4)]
    y = b.node("Relu", b.node("BatchNormalization", b.conv(x, 16, 16), *norm))
    y = b.node("Add", b.conv(y, 16, 16, group=16), x)
    y = b.node("Concat", b.node("Relu", y), x, axis=1)
    y = b.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = b.node("Relu", b.conv(y, 32, 24, kernel=1))
    y = b.node("Flatten", b.node("GlobalAveragePool", y))
    return b.model(b.node("Gemm", y, b.weights(10, 24), b.weights(10), transB=1, alpha=0.5))


def perceptron():
    """MatMul with a bias behind it, twice, and a Gemm without one."""
    b = Builder(2)
    x = b.node("Add", b.node("MatMul", b.input("x", "n", 5, 40), b.weights(40, 64)),
               b.weights(64))
    x = b.node("Add", b.weights(48), b.node("MatMul", b.node("Tanh", x), b.weights(64, 48)))
    x = b.node("Reshape", x, b.constant(np.array([-1, 48], np.int64)))
    return b.model(b.node("Gemm", b.node("Relu", x), b.weights(48, 7)))


def recurrent():
    b = Builder(3)
    x = b.input("x", 6, 2, 20)
    b.node("LSTM", x, b.weights(1, 128, 20), b.weights(1, 128, 32), b.weights(1, 256),
           outputs=2, hidden_size=32)
    y = b.node("MatMul", "n0_1", b.weights(32, 33))
    return b.model(y)


SHAPES = {"residual": (2, 3, 13, 11), "perceptron": (3, 5, 40), "recurrent": (6, 2, 20)}
MODELS = {"residual": residual, "perceptron": perceptron, "recurrent": recurrent}


def feeds(name, count=4, seed=5):
    random = np.random.default_rng(seed)
    return [{"x": random.normal(size=SHAPES[name]).astype(np.float32)} for _ in range(count)]


def run_onnxruntime(model, data, optimized=True):
    session = exact_onnxruntime.open_session(model, optimized=optimized)
    return [session.run(None, feed)[0] for feed in data]


def relative_error(found, wanted):
    found, wanted = np.concatenate(found), np.concatenate(wanted)
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
