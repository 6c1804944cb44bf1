"""Products of bytes are exact on every kind of machine: extreme values, all signs, sizes
that no vector divides."""

import ctypes
import mmap
import pathlib

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import mopt

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
NEEDS = {"x86-64-v2": {"sse4_2"}, "x86-64-v3": {"avx2", "fma"},
         "x86-64-v4": {"avx512bw", "avx512vl"}, "icelake-server": {"avx512_vnni", "avx512_vbmi2"}}
TARGETS = [name for name, flags in NEEDS.items() if flags <= FLAGS]

TYPES = [(np.uint8, np.int8), (np.int8, np.int8), (np.uint8, np.uint8), (np.int8, np.uint8)]


def draw(random, dtype, shape):
    """Half of the values are the extreme ones."""
    info = np.iinfo(dtype)
    values = random.integers(info.min, info.max + 1, shape)
    extremes = random.choice([info.min, info.max], shape)
    return np.where(random.random(shape) < 0.5, extremes, values).astype(dtype)


def at_end_of_page(array):
    """A copy behind whose last element reading faults."""
    size = -(-max(array.nbytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = mmap.mmap(-1, size + mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + size), mmap.PAGESIZE, 0) == 0
    copy = np.frombuffer(pages, array.dtype, array.size, size - array.nbytes)
    copy = copy.reshape(array.shape)
    copy[...] = array
    return copy


def build(op, inputs, names, constants, attributes, dynamic):
    """A model of one node with the inputs `constants` as initializers; the first dimension
    of the others is dynamic if asked for."""
    def info(name):
        shape = list(inputs[name].shape)
        if dynamic and len(shape) > 1:
            shape[-2] = "rows"
        dtype = helper.np_dtype_to_tensor_dtype(inputs[name].dtype)
        return helper.make_tensor_value_info(name, dtype, shape)
    node = helper.make_node(op, names, ["y"], **attributes)
    graph = helper.make_graph(
        [node], op, [info(name) for name in inputs if name not in constants],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        [numpy_helper.from_array(inputs[name], name) for name in constants])
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 19)])
    return model


def check(op, inputs, names, constants, target, attributes=None, dynamic=False):
    model = build(op, inputs, names, constants, attributes or {}, dynamic)
    fed = {name: value for name, value in inputs.items() if name not in constants}
    wanted = ReferenceEvaluator(model).run(None, fed)[0]
    library = mopt.compile(model, target=target)
    for threads in (1, 2):
        found = mopt.InferenceSession(library, threads=threads).run(None, fed)[0]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("types", TYPES, ids=lambda t: "".join(d.__name__[0] for d in t))
@pytest.mark.parametrize("m, n, k", [(1, 1, 1), (1, 200, 64), (7, 70, 33), (33, 24, 7),
                                     (5, 48, 16), (13, 131, 130), (0, 5, 8), (3, 5, 0)])
def test_matrices(target, types, m, n, k):
    random = np.random.default_rng(m * n + k)
    inputs = {"a": draw(random, types[0], (m, k)), "b": draw(random, types[1], (k, n))}
    check("MatMulInteger", inputs, ["a", "b"], ["b"], target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("types", TYPES, ids=lambda t: "".join(d.__name__[0] for d in t))
def test_zero_points(target, types):
    random = np.random.default_rng(3)
    inputs = {"a": draw(random, types[0], (2, 9, 37)), "b": draw(random, types[1], (37, 50)),
              "x": np.array(5, types[0]), "z": draw(random, types[1], (50,))}
    check("MatMulInteger", inputs, ["a", "b", "x", "z"], ["b", "x", "z"], target)
    # Known at run time only.
    check("MatMulInteger", inputs, ["a", "b", "x", "z"], ["b"], target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("largest", [64, 127])
@pytest.mark.parametrize("m, n, k", [(1, 200, 64), (9, 70, 33), (5, 40, 3), (6, 131, 130)])
def test_neighbours_that_sum_up(target, largest, m, n, k):
    """All unsigned bytes are 255 and whole columns of weights of one sign: sums of two
    products are as large as they get. Those with weights up to 64 fit into 16 bits, the
    others would saturate there."""
    inputs = {"a": np.full((m, k), 255, np.uint8),
              "b": np.tile(np.array([largest, -largest, -largest, largest], np.int8),
                           (k, n // 4 + 1))[:, :n].copy()}
    inputs["b"][:, -1] = np.resize(np.array([-128, 0, 1, -128], np.int8), k)
    check("MatMulInteger", inputs, ["a", "b"], ["b"], target)


# Sums in words of few weights are too large: of two neighbours, or of four of two groups.
OUTLIERS = pytest.mark.parametrize("largest, share", [(40, 0.005), (25, 0.0005)])


def draw_outliers(random, shape, largest, share):
    """Weights of which few are so large that they saturate a sum of products in 16 bits:
    groups of neighbours that are multiplied twice."""
    values = random.integers(-largest, largest + 1, shape)
    return np.where(random.random(shape) < share, random.choice([-128, 127], shape),
                    values).astype(np.int8)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("m, n, k", [(1, 200, 64), (9, 70, 256), (3, 17, 1000), (6, 131, 130)])
@OUTLIERS
def test_few_neighbours_that_sum_up(target, m, n, k, largest, share):
    random = np.random.default_rng(m + n)
    inputs = {"a": random.choice(np.array([255, 254, 0], np.uint8), (m, k), p=[0.8, 0.1, 0.1]),
              "b": draw_outliers(random, (k, n), largest, share)}
    check("MatMulInteger", inputs, ["a", "b"], ["b"], target)
    check("MatMulInteger", inputs, ["a", "b"], ["b"], target, dynamic=True)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("k, n", [(64, 96), (37, 50), (3, 130)])
def test_right_side_at_run_time(target, k, n):
    random = np.random.default_rng(4)
    inputs = {"a": draw(random, np.uint8, (3, 9, k)), "b": draw(random, np.int8, (3, k, n))}
    check("MatMulInteger", inputs, ["a", "b"], [], target)


@pytest.mark.parametrize("target", TARGETS)
def test_dynamic_rows(target):
    random = np.random.default_rng(5)
    for rows in (1, 2, 7, 40):
        inputs = {"a": draw(random, np.uint8, (rows, 66)), "b": draw(random, np.int8, (66, 70))}
        check("MatMulInteger", inputs, ["a", "b"], ["b"], target, dynamic=True)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("types", TYPES, ids=lambda t: "".join(d.__name__[0] for d in t))
def test_dynamic_depth(target, types):
    """Nothing behind the last element is read: it stands at the end of a page."""
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "depth",
            [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(t)), s)
             for name, t, s in zip("ab", types, ([2, "m", "k"], [2, "k", 70]))],
            [helper.make_tensor_value_info("y", TensorProto.INT32, None)]),
        ir_version=9, opset_imports=[helper.make_opsetid("", 19)])
    random = np.random.default_rng(6)
    session = mopt.InferenceSession(mopt.compile(model, target=target))
    for m, k in [(1, 1), (5, 2), (13, 3), (1, 4), (9, 37), (3, 66), (7, 128), (4, 0), (0, 5)]:
        a, b = draw(random, types[0], (2, m, k)), draw(random, types[1], (2, k, 70))
        found = session.run(None, {"a": at_end_of_page(a), "b": at_end_of_page(b)})[0]
        np.testing.assert_array_equal(found, a.astype(np.int32) @ b.astype(np.int32))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("types", TYPES, ids=lambda t: "".join(d.__name__[0] for d in t))
@pytest.mark.parametrize("channels, outputs, group, kernel, attributes", [
    (3, 20, 1, (7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    (64, 64, 1, (3, 3), {"pads": [1, 1, 1, 1]}),
    (5, 50, 1, (1, 1), {}),
    (16, 33, 1, (1, 1), {"strides": [2, 2]}),
    (8, 12, 2, (3, 3), {"pads": [1, 0, 0, 1], "dilations": [2, 1]}),
    (6, 6, 2, (3, 2), {}),
    (40, 40, 40, (3, 3), {"pads": [1, 1, 1, 1]}),
    (24, 24, 24, (5, 5), {"pads": [2, 2, 2, 2], "strides": [2, 2]}),
    (6, 12, 6, (3, 3), {})])
def test_convolutions(target, types, channels, outputs, group, kernel, attributes):
    random = np.random.default_rng(channels + outputs)
    inputs = {"a": draw(random, types[0], (2, channels, 15, 13)),
              "b": draw(random, types[1], (outputs, channels // group, *kernel)),
              "x": np.array(7, types[0])}
    check_convolution(target, inputs, group, kernel, attributes)


@pytest.mark.parametrize("target", TARGETS)
@OUTLIERS
@pytest.mark.parametrize("channels, outputs, group, shape, kernel, attributes", [
    (3, 70, 1, (15, 13), (7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    (64, 40, 1, (15, 13), (3, 3), {"pads": [1, 1, 1, 1], "dilations": [2, 1]}),
    (100, 50, 1, (15, 13), (1, 1), {}),
    (32, 90, 2, (15, 13), (3, 2), {}),
    (33, 24, 1, (29,), (5,), {"pads": [2, 2]}),
    (20, 30, 1, (5, 6, 7), (2, 3, 2), {"strides": [1, 2, 1]})])
def test_convolutions_with_few_large_weights(target, channels, outputs, group, shape, kernel,
                                             attributes, largest, share):
    random = np.random.default_rng(channels + outputs)
    inputs = {"a": random.choice(np.array([255, 250, 0], np.uint8), (2, channels, *shape)),
              "b": draw_outliers(random, (outputs, channels // group, *kernel), largest, share),
              "x": np.array(7, np.uint8)}
    check_convolution(target, inputs, group, kernel, attributes)


def check_convolution(target, inputs, group, kernel, attributes):
    attributes = {**attributes, "group": group, "kernel_shape": kernel}
    # ONNX's evaluator has no groups here; floats of 64 bits sum such products exactly.
    a, b = inputs["a"].astype(np.float64) - 7, inputs["b"].astype(np.float64)
    floats = helper.make_model(
        helper.make_graph(
            [helper.make_node("Conv", ["a", "b"], ["y"], **attributes)], "conv",
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in "ab"],
            [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)]),
        ir_version=9, opset_imports=[helper.make_opsetid("", 19)])
    wanted = ReferenceEvaluator(floats).run(None, {"a": a, "b": b})[0]
    model = build("ConvInteger", inputs, ["a", "b", "x"], ["b", "x"], attributes, False)
    found = mopt.InferenceSession(mopt.compile(model, target=target)).run(
        None, {"a": inputs["a"]})[0]
    np.testing.assert_array_equal(found, wanted.astype(np.int32))
