"""Models of quantized operators give ONNX Runtime's bits, in default and in strict numerics:
which of two steps is nearer depends on the last bit of each float before it."""

import pathlib

import numpy as np
import pytest
from onnx import helper, numpy_helper

import exact_onnxruntime
import mopt

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
pytestmark = pytest.mark.skipif(not {"fma", "avx2"} <= FLAGS,
                                reason="ONNX Runtime fuses no products on this machine")


class Model:
    """A graph under construction, and what its inputs are fed with."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.inputs, self.feeds = [], [], [], {}

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def number(self, low, high):
        return np.float32(self.random.uniform(low, high))

    def input(self, value):
        name = f"x{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape))
        self.feeds[name] = value
        return name

    def bytes(self, *shape, dtype=np.uint8):
        info = np.iinfo(dtype)
        return self.random.integers(info.min, info.max + 1, shape).astype(dtype)

    def node(self, op, inputs, domain="", **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], domain=domain, **attributes))
        return name

    def steps(self, low=0.02, high=0.1, zero=None):
        """A scale and a zero point."""
        zero = self.random.integers(0, 256) if zero is None else zero
        return [self.constant(self.number(low, high)), self.constant(np.uint8(zero))]

    def dequantize(self, x, **options):
        return self.node("DequantizeLinear", [x, *self.steps(**options)])

    def quantize(self, x, **options):
        return self.node("QuantizeLinear", [x, *self.steps(**options)])

    def conv(self, x, channels, depth, kernel):
        weights = self.constant(self.bytes(channels, depth, kernel, kernel, dtype=np.int8))
        return self.node("QLinearConv", [
            x, *self.steps(0.02, 0.03), weights, self.constant(self.number(0.002, 0.003)),
            self.constant(np.int8(0)), *self.steps(0.08, 0.1)],
            pads=[kernel // 2] * 4, kernel_shape=[kernel, kernel])

    def normalize(self, x, channels):
        values = [self.random.uniform(0.5, 1.5, channels), self.random.normal(size=channels),
                  self.random.normal(size=channels), self.random.uniform(0.5, 2, channels)]
        return self.node("BatchNormalization",
                         [x, *(self.constant(v.astype(np.float32)) for v in values)])

    def check(self, outputs, numerics, target="native"):
        """Compares `outputs` with ONNX Runtime's, without its optimizations."""
        graph = helper.make_graph(
            self.nodes, "bits", self.inputs,
            [helper.make_empty_tensor_value_info(name) for name in outputs], self.constants)
        model = helper.make_model(graph, ir_version=10, opset_imports=[
            helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        wanted = exact_onnxruntime.run(model, self.feeds)
        found = mopt.InferenceSession(mopt.compile(
            model, target=target, arguments=[f"--numerics={numerics}"])).run(None, self.feeds)
        for w, f in zip(wanted, found, strict=True):
            assert len(np.unique(w)) > 2
            np.testing.assert_array_equal(f, w)


def residual(m):
    """The body of a ResNet: batch normalization in floats between quantized convolutions, and
    a sum that stays in floats until the next one."""
    x, trunk = m.input(m.bytes(1, 64, 28, 28)), None
    for _ in range(3):
        y = m.quantize(m.node("Relu", [m.normalize(m.dequantize(m.conv(x, 32, 64, 1)), 32)]),
                       zero=0)
        y = m.normalize(m.dequantize(m.conv(y, 64, 32, 3)), 64)
        trunk = m.node("Relu", [m.node("Sum", [y, trunk]) if trunk else y])
        x = m.quantize(trunk, zero=0)
    return [x]


def stem(m):
    y = m.normalize(m.dequantize(m.conv(m.input(m.bytes(1, 3, 64, 64)), 64, 3, 3)), 64)
    y = m.node("MaxPool", [m.node("Relu", [y])], kernel_shape=[3, 3], strides=[2, 2],
               pads=[1, 1, 1, 1])
    return [m.quantize(y, zero=0)]


def layer_normalization(m):
    """Its statistics from bytes and from floats, rows of sizes that are a multiple of eight."""
    outputs = []
    for x, size in [(m.dequantize(m.input(m.bytes(1, 197, 192))), 192),
                    (m.input(m.random.normal(0.3, 2, (61, 384)).astype(np.float32)), 384)]:
        y = m.node("LayerNormalization", [
            x, m.constant(m.random.uniform(0.5, 2, size).astype(np.float32)),
            m.constant(m.random.normal(size=size).astype(np.float32))], epsilon=1e-6)
        outputs += [m.quantize(y), y]
    return outputs


def written_out(m):
    """Layer normalization as exporters write it, each operator quantized."""
    x = m.dequantize(m.input(m.bytes(1, 128, 384)))
    centered = m.node("Sub", [x, m.node("ReduceMean", [x], axes=[-1])])
    centered = m.dequantize(m.quantize(centered))
    square = m.dequantize(m.quantize(m.node("Pow", [centered, m.constant(np.float32(2))]),
                                     zero=0))
    variance = m.node("ReduceMean", [square], axes=[-1])
    deviation = m.node("Sqrt", [variance])
    return [m.quantize(m.node("Div", [centered, deviation])), variance]


def gelu(m):
    """x * (1 + erf(x / sqrt 2)) with com.microsoft's operators."""
    x = m.input(m.bytes(128, 96))
    steps = m.steps(0.02, 0.05, 128)
    y = m.node("Div", [m.node("DequantizeLinear", [x, *steps]),
                       m.constant(np.float32(2 ** 0.5))])
    erf = m.steps(1 / 128, 1 / 127, 128)
    y = m.node("QuantizeLinear", [m.node("Erf", [y]), *erf])
    one, sum_steps = m.steps(1 / 255, 1 / 254, 0), m.steps(1 / 128, 1 / 127, 0)
    y = m.node("QLinearAdd", [y, *erf, m.constant(np.uint8(255)), *one, *sum_steps],
               domain="com.microsoft")
    return [m.node("QLinearMul", [x, *steps, y, *sum_steps, *m.steps()],
                   domain="com.microsoft")]


def functions(m):
    """As the compiler evaluates them: of a constant, and of bytes in a table of floats."""
    x = np.concatenate([m.random.normal(0, scale, 999) for scale in (0.01, 1, 10)])
    x = m.constant(x.astype(np.float32))
    return [m.node(op, [z]) for op in ["Erf", "Tanh", "Sigmoid"]
            for z in (x, m.dequantize(m.input(m.bytes(4, 256)), zero=128))]


def sums(m):
    """QLinearAdd of two tensors, of a vector on either side, of a tensor and a number."""
    def add(a, b):
        return m.node("QLinearAdd", [a, *m.steps(zero=120), b, *m.steps(zero=140),
                                     *m.steps(0.1, 0.2, 128)], domain="com.microsoft")

    x, y = m.input(m.bytes(1, 197, 192)), m.input(m.bytes(1, 197, 192))
    vector = m.constant(m.bytes(192))
    return [add(x, y), add(vector, x), add(x, vector), add(x, m.constant(m.bytes(1, 197, 192))),
            add(x, m.constant(np.uint8(77))), add(m.constant(np.uint8(77)), x)]


def softmax(m):
    """Rows whose sums and quotients round, of a few scales."""
    outputs = []
    for scale, width, shape in [(0.533, 8, (1, 12, 128, 128)), (0.121, 30, (1, 12, 128, 128)),
                                (0.0369, 60, (1, 3, 197, 197)), (0.533, 30, (45, 5000)),
                                (0.05, 40, (1, 50)), (0.05, 40, (9, 20, 7))]:
        x = np.clip(m.random.normal(128, width, shape), 0, 255).astype(np.uint8)
        outputs.append(m.node("QLinearSoftmax", [
            m.input(x), m.constant(np.float32(scale)), m.constant(np.uint8(128)),
            m.constant(np.float32(1 / 256)), m.constant(np.uint8(0))],
            domain="com.microsoft", axis=-1, opset=13))
    return outputs


def between_steps(m):
    """The floats on either side of each border between steps."""
    outputs = []
    for _ in range(8):
        scale, zero = m.number(0.001, 2), m.random.integers(0, 256)
        x = ((np.arange(-1, 256) - zero + 0.5) * np.float64(scale)).astype(np.float32)
        x = np.concatenate([np.nextafter(x, np.float32(to)) for to in (-np.inf, 0, np.inf)] +
                           [x, [np.inf, -np.inf, 3e38, -3e38, 0, -0.0]]).astype(np.float32)
        outputs.append(m.node("QuantizeLinear", [
            m.input(x), m.constant(scale), m.constant(np.uint8(zero))]))
    return outputs


GRAPHS = [residual, stem, layer_normalization, written_out, gelu, functions, sums, softmax,
          between_steps]


@pytest.mark.parametrize("target", ["native", "x86-64-v2"])
@pytest.mark.parametrize("numerics", ["default", "strict"])
@pytest.mark.parametrize("build", GRAPHS, ids=lambda f: f.__name__)
def test_equal(build, numerics, target):
    """The second target fuses no products."""
    m = Model(11)
    m.check(build(m), numerics, target)
