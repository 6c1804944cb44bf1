"""Micro-kernels of AArch64 under qemu, on the processors that it knows: sizes that no vector
divides, every sign, rows that only run time knows. Integers are exact, floats as near as
sums of f32 are."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import emulated
import mopt
import test_block_weights as test_block_weights_cases
import test_quantized_bits
import test_sparsity
import text_models
import x86_rows
from test_integers import TYPES, build, draw

pytestmark = pytest.mark.skipif(bool(emulated.MISSING),
                                reason=f"needs {' and '.join(emulated.MISSING)}")

@pytest.fixture(scope="module", name="target", params=emulated.CPUS)
def emulated_target(request):
    with emulated.installed(request.param):
        yield request.param


def run(model, target, fed, *arguments):
    """The result with one thread, which two threads give as well."""
    library = mopt.compile(model, target=target, arguments=arguments)
    one, two = (mopt.InferenceSession(library, threads=count).run(None, fed)[0]
                for count in (1, 2))
    np.testing.assert_array_equal(one, two)
    return one


def check_integers(op, inputs, names, constants, target, attributes=None, dynamic=False):
    model = build(op, inputs, names, constants, attributes or {}, dynamic)
    fed = {name: value for name, value in inputs.items() if name not in constants}
    wanted = ReferenceEvaluator(model).run(None, fed)[0]
    np.testing.assert_array_equal(run(model, target, fed), wanted)


def make_floats(op, x, w, attributes=None, dynamic=False):
    shape = ["rows" if dynamic and axis == x.ndim - 2 else size
             for axis, size in enumerate(x.shape)]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w"], ["y"], **(attributes or {}))], op,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, "w")])
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])


def check_floats(op, x, w, target, attributes=None, dynamic=False):
    model = make_floats(op, x, w, attributes, dynamic)
    double = make_floats(op, x, w, attributes)
    wanted = ReferenceEvaluator(double).run(None, {"x": x})[0]
    found = run(model, target, {"x": x})
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max(initial=1))


# Every tile, and blocks of fewer rows and columns than it has; odd depths.
SHAPES = [(1, 1, 1), (1, 200, 64), (2, 48, 31), (7, 70, 33), (8, 12, 2), (33, 24, 7), (5, 16, 16),
          (13, 131, 130), (12, 8, 65), (17, 3, 40), (3, 5, 0)]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_floats(target, m, n, k, dynamic):
    random = np.random.default_rng(m * n + k)
    x, w = (random.standard_normal(shape, np.float32) for shape in ((m, k), (k, n)))
    check_floats("MatMul", x, w, target, dynamic=dynamic)


@pytest.mark.parametrize("channels, outputs, kernel, stride, group", [
    (3, 16, 3, 2, 1), (8, 20, 3, 1, 1), (12, 12, 3, 1, 12), (16, 24, 1, 1, 1), (10, 6, 3, 1, 2),
    (21, 21, 5, 2, 21)])
def test_convolutions(target, channels, outputs, kernel, stride, group):
    random = np.random.default_rng(channels + outputs)
    x = random.standard_normal((1, channels, 11, 13), np.float32)
    w = random.standard_normal((outputs, channels // group, kernel, kernel), np.float32)
    attributes = {"pads": [kernel // 2] * 4, "strides": [stride] * 2, "group": group}
    check_floats("Conv", x, w, target, attributes)
    for left, right in TYPES[:2]:
        inputs = {"x": draw(random, left, x.shape), "w": draw(random, right, w.shape),
                  "z": np.array(3, left)}
        check_integers("ConvInteger", inputs, ["x", "w", "z"], ["w", "z"], target, attributes)


@pytest.mark.parametrize("types", TYPES, ids=lambda t: "".join(d.__name__[0] for d in t))
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_integers(target, types, m, n, k):
    random = np.random.default_rng(m * n + k)
    inputs = {"a": draw(random, types[0], (m, k)), "b": draw(random, types[1], (k, n))}
    check_integers("MatMulInteger", inputs, ["a", "b"], ["b"], target, dynamic=m % 2 == 1)


def test_zero_points(target):
    random = np.random.default_rng(3)
    for left, right in TYPES:
        inputs = {"a": draw(random, left, (2, 9, 37)), "b": draw(random, right, (37, 50)),
                  "x": np.array(5, left), "z": draw(random, right, (50,))}
        check_integers("MatMulInteger", inputs, list(inputs), ["b", "x", "z"], target)
        # Known at run time only.
        check_integers("MatMulInteger", inputs, list(inputs), [], target)


def check_narrow(model, target, x, wanted, magnitude, precision):
    """The loss of rounding both operands, and of sums in 16 bits where they are f16: of 32
    products each."""
    found = run(model, target, {"x": x}, f"--precision={precision}")
    step = 2.0 ** -8 if precision == "bf16" else 2.0 ** -11
    np.testing.assert_array_less(np.abs(found - wanted),
                                 (2.1 if precision == "bf16" else 35) * step * magnitude + 1e-6)
    error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted ** 2))
    assert error < 3 * step
    return error


# Of 24, 16 and 8 columns; depths with a last group, and rows of a block by themselves.
@pytest.mark.parametrize("precision", ["bf16", "f16"])
@pytest.mark.parametrize("m, n, k", [(7, 72, 64), (9, 80, 65), (23, 131, 35), (33, 96, 200),
                                     (14, 67, 768), (130, 64, 34)])
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_narrow_products(target, precision, m, n, k, dynamic):
    random = np.random.default_rng(m * n + k)
    x = random.standard_normal((m, k), np.float32)
    w = random.standard_normal((k, n), np.float32) / np.float32(np.sqrt(k))
    error = check_narrow(make_floats("MatMul", x, w, dynamic=dynamic), target, x, x @ w,
                         np.abs(x) @ np.abs(w), precision)
    kinds = {"bf16": {"neoverse-v1"}, "f16": {"cortex-a76", "neoverse-n1", "neoverse-v1"}}
    # Nothing is rounded where that gains nothing.
    assert (error > 1e-5) == (target in kinds[precision])


@pytest.mark.parametrize("precision", ["bf16", "f16"])
@pytest.mark.parametrize("channels, outputs, kernel, stride", [
    (32, 72, 3, 1), (40, 64, 3, 2), (96, 80, 1, 1), (34, 66, 3, 1)])
def test_narrow_convolutions(target, precision, channels, outputs, kernel, stride):
    random = np.random.default_rng(channels + outputs)
    x = random.standard_normal((1, channels, 9, 11), np.float32)
    w = random.standard_normal((outputs, channels, kernel, kernel), np.float32)
    w /= np.float32(np.sqrt(channels * kernel * kernel))
    attributes = {"pads": [kernel // 2] * 4, "strides": [stride] * 2}
    model = make_floats("Conv", x, w, attributes)
    wanted, magnitude = (ReferenceEvaluator(make_floats("Conv", a, b, attributes)).run(
        None, {"x": a})[0] for a, b in [(x, w), (np.abs(x), np.abs(w))])
    check_narrow(model, target, x, wanted, magnitude, precision)


@pytest.mark.skipif(not {"fma", "avx2"} <= test_quantized_bits.FLAGS,
                    reason="ONNX Runtime fuses no products on this machine")
@pytest.mark.parametrize("numerics", ["default", "strict"])
@pytest.mark.parametrize("build_graph", test_quantized_bits.GRAPHS, ids=lambda f: f.__name__)
def test_bits(target, build_graph, numerics):
    """Models of quantized operators give the bits that they give here."""
    graph = test_quantized_bits.Model(11)
    graph.check(build_graph(graph), numerics, target)


@pytest.mark.parametrize("numerics", ["default", "strict"])
@pytest.mark.parametrize("rows, depth, width, group, options", [
    ((1,), 64, 16, 32, {}), ((3,), 96, 37, 32, {"zeros": True}), ((1,), 256, 70, 128, {}),
    ((5,), 100, 24, 16, {"zeros": True, "scales": np.float16}),
    ((3, 3), 160, 33, 32, {"dynamic": True}), ((19,), 128, 20, 64, {"dynamic": True}),
    ((4,), 64, 40, 16, {"bits": 8, "zeros": True}), ((2,), 96, 17, 32, {"bits": 8}),
    ((3,), 64, 20, 32, {"bits": 2, "zeros": True})], ids=str)
def test_block_weights(target, numerics, rows, depth, width, group, options):
    """Activations are rounded to 16 bits, or not at all."""
    case = test_block_weights_cases.Case(rows, depth, width, group, **options)
    found = run(case.model, target, {"x": case.x}, f"--numerics={numerics}")
    error = np.abs(found - case.wanted).max() / np.abs(case.wanted).max()
    assert error < test_block_weights_cases.ERRORS[numerics]


@pytest.mark.parametrize("pattern, shape, depth, width", [
    ("2:4", (1,), 149, 83), ("2:4", (131,), 149, 83), ("1:4", (2,), 149, 83), ("1:2", (5,), 70, 30),
    ("4:8", (3,), 131, 70), ("1:4", (4,), 64, 130),
    ("4:8", (12,), 131, 70), ("2:4", (64,), 128, 128), ("4:16", (27,), 300, 83)], ids=str)
def test_sparse(tmp_path, target, pattern, shape, depth, width):
    model, feeds, expected = test_sparsity.save(
        tmp_path, test_sparsity.sparse(depth, width, pattern), shape)
    check_sparse(model, feeds, expected, target, tmp_path)


@pytest.mark.parametrize("rows, depth, width", [
    (1, 149, 83), (3, 65, 30), (9, 700, 130), (65, 149, 83)], ids=str)
def test_zeros_without_a_pattern(tmp_path, target, rows, depth, width):
    model, feeds, expected = test_sparsity.save(
        tmp_path, test_sparsity.unstructured(depth, width, 0.7, 1), (rows,))
    check_sparse(model, feeds, expected, target, tmp_path)


def check_sparse(model, feeds, expected, target, folder):
    library, said = test_sparsity.compile_sparse(model, folder, target)
    test_sparsity.check_kernel(said, packed=True)
    found = mopt.InferenceSession(str(library)).run(None, feeds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


# Models and the rest of their inputs. Of functions only those whose code in glibc is the same for
# both machines: erf and tanh differ in the last bit.
STRICT = {
    "products": ("y = MatMul(x, w)", {"w": (50, 70)}),
    "convolution": ("y = Conv(x, w)", {"x": (1, 3, 13, 15), "w": (17, 3, 3, 3)}),
    "softmax": ("y = Softmax(x)", {}),
    "normalization": ("y = LayerNormalization(x, s, b)", {"s": (50,), "b": (50,)}),
    "mean": ("y = ReduceMean<keepdims=0>(x)", {}),
    "functions": ("a = Abs(x)\nb = Log(a)\nc = Sin(b)\nd = Exp(c)\ny = Pow(d, x)", {}),
}


@pytest.mark.parametrize("name", STRICT)
@pytest.mark.skipif(not x86_rows.is_native("x86-64-v3"), reason="fuses no products on this machine")
def test_strict_bits(target, name, tmp_path):
    """Strict numerics give floats the bits that they have on x86."""
    body, arrays = STRICT[name]
    arrays = {key: text_models.as_array(value) for key, value in {"x": (3, 9, 50), **arrays}.items()}
    model = text_models.build(body, arrays, inputs=["x"])
    fed = {"x": arrays["x"]}
    found = run(model, target, fed, "--numerics=strict")
    library = tmp_path / "model.so"
    mopt.compile(model, library, target="x86-64-v3", arguments=["--numerics=strict"])
    wanted = x86_rows.run(library, "x86-64-v3", fed, tmp_path / "run")["y"]
    np.testing.assert_array_equal(found, wanted)
