"""Quantized graphs: each operator between DequantizeLinear and QuantizeLinear gives what
ONNX Runtime gives without optimizations, up to one step."""

import pathlib

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import exact_onnxruntime
import mopt

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
TARGETS = [name for name, flags in {"x86-64-v2": {"sse4_2"}, "x86-64-v3": {"avx2", "fma"},
                                    "icelake-server": {"avx512_vnni", "avx512_vbmi2"}}.items()
           if flags <= FLAGS]
INPUTS = {"u8": np.uint8, "s8": np.int8}


def run_reference(model, feeds):
    """ONNX Runtime without optimizations, which approximate, the first output."""
    return exact_onnxruntime.run(model, feeds)[0]


class Graph:
    """A graph under construction: quantized inputs, constants and nodes."""

    def __init__(self, seed, dtype):
        self.random = np.random.default_rng(seed)
        self.dtype = dtype
        self.nodes, self.constants, self.inputs, self.feeds = [], [], [], {}

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def draw(self, dtype, shape):
        info = np.iinfo(dtype)
        return self.random.integers(info.min, info.max + 1, shape).astype(dtype)

    def input(self, *shape, scale=0.05, zero=None, dynamic=None):
        """A quantized input, dequantized."""
        name = f"x{len(self.inputs)}"
        dims = ["batch" if dynamic == i else size for i, size in enumerate(shape)]
        self.inputs.append(helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype)), dims))
        self.feeds[name] = self.draw(self.dtype, shape)
        zero = self.draw(self.dtype, ()) if zero is None else self.dtype(zero)
        return self.node("DequantizeLinear", [name, self.constant(np.float32(scale)),
                                              self.constant(zero)])

    def weights(self, *shape, axis=None, dtype=np.int8, zero=0):
        """Quantized weights, dequantized; a scale for each position along `axis`."""
        count = () if axis is None else (shape[axis],)
        scales = self.random.uniform(0.005, 0.02, count).astype(np.float32)
        zeros = np.full(count, zero, dtype)
        attributes = {} if axis is None else {"axis": axis}
        return self.node("DequantizeLinear", [
            self.constant(self.draw(dtype, shape)), self.constant(scales),
            self.constant(zeros)], **attributes)

    def bias(self, count, scale=0.0005):
        values = self.random.integers(-3000, 3000, count).astype(np.int32)
        return self.node("DequantizeLinear", [self.constant(values),
                                              self.constant(np.float32(scale))])

    def quantize(self, x, scale, zero=7):
        return self.node("QuantizeLinear", [x, self.constant(np.float32(scale)),
                                            self.constant(self.dtype(zero))])

    def check(self, output, target, arguments=(), opset=21):
        dtype = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        graph = helper.make_graph(self.nodes, "quantized", self.inputs,
                                  [helper.make_tensor_value_info(output, dtype, None)],
                                  self.constants)
        model = helper.make_model(graph, ir_version=10,
                                  opset_imports=[helper.make_opsetid("", opset)])
        wanted = run_reference(model, self.feeds)
        found = mopt.InferenceSession(
            mopt.compile(model, target=target, arguments=arguments)).run(None, self.feeds)[0]
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        difference = np.abs(found.astype(np.int64) - wanted.astype(np.int64))
        assert difference.max(initial=0) <= 1
        # A tie between two steps is rare.
        assert (difference > 0).sum() <= 1 + 0.01 * difference.size
        # Something was computed: not all of it saturates.
        assert wanted.size == 0 or len(np.unique(wanted)) > 1


def conv(g, **options):
    shape = options.pop("shape", (1, 8, 9, 11))
    outputs, kernel = options.pop("outputs", 24), options.pop("kernel", (3, 3))
    group = options.pop("group", 1)
    weights = g.weights(outputs, shape[1] // group, *kernel, axis=options.pop("axis", None),
                        dtype=options.pop("dtype", np.int8), zero=options.pop("zero", 0))
    dynamic = options.pop("dynamic", None)
    y = g.node("Conv", [g.input(*shape, dynamic=dynamic), weights, g.bias(outputs)],
               group=group, **options)
    return g.node("Relu", [y])


def gelu(g):
    x = g.input(5, 33, scale=0.03)
    half = g.node("Mul", [x, g.constant(np.float32(0.70710677))])
    return g.node("Mul", [x, g.node("Add", [g.node("Erf", [half]), g.constant(np.float32(1))])])


def normalization(g):
    return g.node("LayerNormalization", [
        g.input(4, 40), g.constant(g.random.uniform(0.5, 2, 40).astype(np.float32)),
        g.constant(g.random.normal(size=40).astype(np.float32))])


def residual(g):
    """A sum of two branches that share what was quantized. No scale is a multiple of
    another, which would put many values right between two steps."""
    x = g.node("DequantizeLinear", [
        g.quantize(g.node("Conv", [g.input(1, 8, 7, 7), g.weights(16, 8, 1, 1)]), 0.0937),
        g.constant(np.float32(0.0937)), g.constant(g.dtype(7))])
    y = g.node("DequantizeLinear", [
        g.quantize(g.node("Conv", [x, g.weights(16, 16, 3, 3)], pads=[1, 1, 1, 1]), 0.1831),
        g.constant(np.float32(0.1831)), g.constant(g.dtype(7))])
    return g.node("Relu", [g.node("Add", [x, y])])


def moved(g):
    """Bytes move; nothing is computed before the product."""
    x = g.node("Transpose", [g.input(2, 6, 3, 5)], perm=[0, 2, 3, 1])
    x = g.node("Reshape", [x, g.constant(np.array([2, 15, 6]))])
    return g.node("MatMul", [x, g.weights(6, 20)])


CASES = {
    "conv": (lambda g: conv(g, pads=[1, 1, 1, 1]), 0.1),
    "conv_channels": (lambda g: conv(g, pads=[1, 1, 1, 1], axis=0), 0.1),
    "conv_asymmetric": (lambda g: conv(g, shape=(1, 32, 5, 5), outputs=100, kernel=(1, 1),
                                       dtype=np.uint8, zero=119), 0.2),
    "conv_asymmetric_few": (lambda g: conv(g, dtype=np.uint8, zero=119), 0.2),
    "conv_groups": (lambda g: conv(g, group=2, strides=[2, 2], axis=0), 0.1),
    "conv_depthwise": (lambda g: conv(g, shape=(1, 24, 9, 11), group=24, pads=[1, 1, 1, 1],
                                      axis=0), 0.05),
    "conv_stem": (lambda g: conv(g, shape=(1, 3, 21, 17), kernel=(7, 7), pads=[3, 3, 3, 3],
                                 strides=[2, 2]), 0.1),
    "conv_dynamic": (lambda g: conv(g, shape=(3, 8, 9, 11), dynamic=0), 0.1),
    "matmul": (lambda g: g.node("MatMul", [g.input(2, 7, 37), g.weights(37, 50)]), 0.1),
    "matmul_channels": (lambda g: g.node("MatMul", [g.input(9, 64), g.weights(64, 70, axis=1)]),
                        0.1),
    "matmul_both": (lambda g: g.node("MatMul", [g.input(2, 3, 9, 16), g.input(2, 3, 16, 21)]), 1),
    "matmul_dynamic": (lambda g: g.node("MatMul", [g.input(5, 7, 64, dynamic=0),
                                                   g.weights(64, 48)]), 0.1),
    "gemm": (lambda g: g.node("Gemm", [g.input(4, 33), g.weights(20, 33, axis=0), g.bias(20)],
                              transB=1), 0.1),
    "add": (lambda g: g.node("Add", [g.input(2, 5, 7), g.input(5, 1, scale=0.02)]), 0.07),
    "max_pool": (lambda g: g.node("MaxPool", [g.input(1, 3, 9, 9)], kernel_shape=[3, 3],
                                  pads=[1, 1, 1, 1], strides=[2, 2]), 0.05),
    "average_pool": (lambda g: g.node("AveragePool", [g.input(1, 3, 9, 9)], kernel_shape=[2, 3]),
                     0.05),
    "global_average_pool": (lambda g: g.node("GlobalAveragePool", [g.input(2, 6, 5, 7, zero=5)]), 0.03),
    "concat": (lambda g: g.node("Concat", [g.input(2, 3, 4), g.input(2, 5, 4, scale=0.1)],
                                axis=1), 0.1),
    "pad": (lambda g: g.node("Pad", [g.input(2, 3), g.constant(np.array([1, 0, 0, 2]))]), 0.05),
    "gather": (lambda g: g.node("Gather", [g.input(9, 4), g.constant(np.array([3, -1, 0]))]),
               0.05),
    "clip": (lambda g: g.node("Clip", [g.input(4, 9), g.constant(np.float32(-1)),
                                       g.constant(np.float32(3))]), 0.05),
    "softmax": (lambda g: g.node("Softmax", [g.input(4, 9)], axis=-1), 1 / 256),
    "sigmoid": (lambda g: g.node("Sigmoid", [g.input(4, 9)]), 1 / 256),
    "gelu": (gelu, 0.03),
    "layer_normalization": (normalization, 0.05),
    "residual": (residual, 0.2113),
    "moved": (moved, 0.05),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", INPUTS)
@pytest.mark.parametrize("case", CASES)
def test_one_step(case, dtype, target):
    build, scale = CASES[case]
    g = Graph(sorted(CASES).index(case), INPUTS[dtype])
    g.check(g.quantize(build(g), scale), target)


@pytest.mark.parametrize("case", ["conv", "matmul_channels", "gelu", "residual"])
def test_strict(case):
    build, scale = CASES[case]
    g = Graph(1, np.int8)
    g.check(g.quantize(build(g), scale), "native", ["--numerics=strict"])


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_words(dtype):
    g = Graph(2, dtype)
    y = g.node("MatMul", [g.input(3, 17, scale=1e-4), g.weights(17, 12)])
    g.check(g.quantize(y, 1e-3), "native")


@pytest.mark.parametrize("dtype", [ml_dtypes.int4, ml_dtypes.uint4])
@pytest.mark.parametrize("block", [0, 16])
def test_nibbles(dtype, block):
    """Weights of 4 bits, with a scale for all or for each block along the depth."""
    g = Graph(3, np.uint8)
    low = -8 if dtype is ml_dtypes.int4 else 0
    weights = g.constant(g.random.integers(low, low + 16, (48, 20)).astype(dtype))
    shape = (3, 20) if block else ()
    scales = g.constant(g.random.uniform(0.05, 0.2, shape).astype(np.float32))
    attributes = {"axis": 0, "block_size": block} if block else {}
    w = g.node("DequantizeLinear", [weights, scales], **attributes)
    g.check(g.quantize(g.node("MatMul", [g.input(5, 48, zero=128), w]), 0.7, 128), "native")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("rows, depth, columns", [(1, 64, 200), (1, 37, 50), (4, 33, 70),
                                                  (9, 16, 20)])
def test_weights_alone(target, dtype, rows, depth, columns):
    """A product of floats with weights of 8 bits, which few rows read as bytes."""
    g = Graph(5, np.uint8)
    w = g.weights(depth, columns, axis=1, dtype=dtype, zero=128 if dtype is np.uint8 else 0)
    y = g.node("MatMul", ["a", w])
    feeds = {"a": g.random.normal(size=(rows, depth)).astype(np.float32)}
    model = helper.make_model(
        helper.make_graph(g.nodes, "weights", [helper.make_tensor_value_info(
            "a", TensorProto.FLOAT, [rows, depth])],
            [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)], g.constants),
        ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    wanted = run_reference(model, feeds)
    found = mopt.InferenceSession(mopt.compile(model, target=target)).run(None, feeds)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


def test_no_elements():
    g = Graph(4, np.uint8)
    g.check(g.quantize(g.node("MatMul", [g.input(0, 12), g.weights(12, 5)]), 0.1), "native")


def test_normalized_bits():
    """Strict numerics fold a BatchNormalization of floats as ONNX Runtime does, so that what is
    quantized behind it is the same where it lies between two steps."""
    random = np.random.default_rng(5)
    x = random.normal(size=(2, 37, 9, 11)).astype(np.float32) * 3
    values = {"s": random.normal(size=37), "b": random.normal(size=37),
              "m": random.normal(size=37), "v": random.uniform(0.1, 2, 37)}
    graph = helper.make_graph(
        [helper.make_node("BatchNormalization", ["x", *values], ["y"])], "normalized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.astype(np.float32), name)
         for name, value in values.items()])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 15)])
    found = mopt.InferenceSession(
        mopt.compile(model, arguments=["--numerics=strict"])).run(None, {"x": x})[0]
    np.testing.assert_array_equal(found, run_reference(model, {"x": x}))
