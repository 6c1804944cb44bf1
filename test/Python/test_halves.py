"""--precision=f16 on a processor with AVX512-FP16, or under the emulator whose command
MOPT_AVX512_RUNNER holds: products are near to those of f32, for sizes that nothing
divides, rows that only run time knows, and operands that are not finite."""

import os
import pathlib
import re
import shlex
import subprocess

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mopt import _compile

FLAGS = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
IS_NATIVE = "avx512_fp16" in FLAGS
RUNNER = [] if IS_NATIVE else shlex.split(os.environ.get("MOPT_AVX512_RUNNER", ""))
pytestmark = pytest.mark.skipif(
    not IS_NATIVE and not RUNNER,
    reason="needs a processor with AVX512-FP16, or an emulator in MOPT_AVX512_RUNNER")


def build(folder, source, result, weights, body):
    """The library, whether it sums in 16 bits, and the model."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> m ({source}) => ({result}) {{ {body} }}')
    for name, values in weights.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    onnx.save(model, folder / "model.onnx")
    done = subprocess.run(
        [_compile.tool("mopt-compile"), folder / "model.onnx", "-o", folder / "model.so",
         "--target=sapphirerapids", "--precision=f16", "-v"],
        check=True, capture_output=True, text=True)
    return folder / "model.so", "micro-kernel 'avx512-f16" in done.stderr, model


def run(library, x, folder, threads=1):
    np.save(folder / "x.npy", x)
    subprocess.run([*RUNNER, _compile.tool("mopt-run"), f"--input={folder}/x.npy",
                    f"--output={folder}/out", f"--threads={threads}", library],
                   check=True, timeout=300)
    return np.load(folder / "out" / "y.npy")


def check(found, wanted, magnitude):
    """`magnitude` are sums of the products' magnitudes. Of those, each of the two roundings
    of operands loses 2**-11 at most, and so does each of the 33 of a sum in 16 bits; those
    are not all the same way."""
    np.testing.assert_array_less(np.abs(found - wanted), 35 * 2.0 ** -11 * magnitude + 1e-6)
    error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted ** 2))
    assert error < 3 * 2.0 ** -11


@pytest.mark.parametrize("m, n, k", [
    (7, 64, 64), (5, 80, 65), (23, 131, 35), (33, 96, 200), (14, 67, 768), (29, 65, 129)])
def test_products(tmp_path, m, n, k):
    random = np.random.default_rng(m * n + k)
    x = random.normal(size=(m, k)).astype(np.float32)
    w = random.uniform(-1, 1, (k, n)).astype(np.float32)
    library, is_narrow, _ = build(tmp_path, f"float[{m},{k}] x", f"float[{m},{n}] y", {"w": w},
                                  "y = MatMul(x, w)")
    assert is_narrow
    wanted = x.astype(np.float64) @ w
    for threads in (1, 2):
        check(run(library, x, tmp_path, threads), wanted, np.abs(x) @ np.abs(w))


def test_dynamic_rows(tmp_path):
    random = np.random.default_rng(4)
    w = random.uniform(-1, 1, (96, 70)).astype(np.float32)
    library, is_narrow, _ = build(tmp_path, "float[N,96] x", "float[N,70] y", {"w": w},
                                  "y = MatMul(x, w)")
    assert is_narrow
    for rows in (0, 1, 3, 7, 8, 30):
        x = random.normal(size=(rows, 96)).astype(np.float32)
        found = run(library, x, tmp_path)
        assert found.shape == (rows, 70)
        if rows:
            check(found, x.astype(np.float64) @ w, np.abs(x) @ np.abs(w))


def test_dynamic_depth(tmp_path):
    """What no ONNX model leads to: a right side that is packed at run time, and a last pair
    that may be a single element."""
    ir = tmp_path / "product.mlir"
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> m (float16[M,K] x, float16[K,70] w) '
        "=> (float[M,70] y) { h = MatMul(x, w)  y = Cast<to=1>(h) }")
    onnx.save(model, tmp_path / "model.onnx")
    subprocess.run([_compile.tool("mopt-compile"), tmp_path / "model.onnx", "-o", ir,
                    "--emit=legal", "--target=sapphirerapids"], check=True)
    text, count = re.subn(
        r"(%\w+) = mopt.matmul (.*) -> tensor<\?x70xf16>(.*)\n *(%\w+) = mopt.cast \1 .*\n",
        r"\4 = mopt.matmul \2 -> tensor<?x70xf32>\3\n", ir.read_text(encoding="utf-8"))
    assert count == 1
    ir.write_text(text.replace(" : tensor<?x?xf16>", " {f32_result} : tensor<?x?xf16>"),
                  encoding="utf-8")
    done = subprocess.run([_compile.tool("mopt-compile"), ir, "-o", tmp_path / "product.so", "-v"],
                          check=True, capture_output=True, text=True)
    assert "micro-kernel 'avx512-f16" in done.stderr
    random = np.random.default_rng(7)
    for m, k in ((7, 64), (9, 65), (1, 1), (15, 63), (3, 0), (22, 129), (5, 2)):
        x = random.normal(size=(m, k)).astype(np.float16)
        w = random.uniform(-1, 1, (k, 70)).astype(np.float16)
        np.savez(tmp_path / "in.npz", x=x, w=w)
        subprocess.run([*RUNNER, _compile.tool("mopt-run"), f"--input={tmp_path}/in.npz",
                        f"--output={tmp_path}/out", tmp_path / "product.so"],
                       check=True, timeout=300)
        found = np.load(tmp_path / "out" / "y.npy")
        x, w = x.astype(np.float64), w.astype(np.float64)
        if k == 0:
            np.testing.assert_array_equal(found, np.zeros((m, 70), np.float32))
        else:
            check(found, x @ w, np.abs(x) @ np.abs(w))


CONVS = {
    "padded": ((1, 32, 9, 11), (72, 32, 3, 3), "pads=[1,1,1,1]"),
    "pointwise": ((2, 98, 5, 7), (65, 98, 1, 1), ""),
    "strided": ((1, 35, 11, 13), (64, 35, 3, 3), "pads=[1,1,1,1], strides=[2,2]"),
    "dilated": ((1, 48, 12, 10), (64, 48, 3, 3), "dilations=[2,2]"),
    "groups": ((1, 64, 9, 8), (128, 32, 3, 3), "group=2"),
    # The positions of a window's row in one sum.
    "short": ((1, 12, 9, 9), (64, 12, 3, 3), "pads=[1,1,1,1]"),
    "line": ((1, 34, 40), (66, 34, 5), "pads=[2,2]"),
}


@pytest.mark.parametrize("name", CONVS)
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_convolutions(tmp_path, name, dynamic):
    image, shape, attributes = CONVS[name]
    random = np.random.default_rng(sum(image))
    x = random.normal(size=image).astype(np.float32)
    w = random.uniform(-1, 1, shape).astype(np.float32)
    sizes = ["N", *image[1:2], *("ABC"[:len(image) - 2] if dynamic else image[2:])]
    source = f"float[{','.join(map(str, sizes if dynamic else image))}] x"
    library, is_narrow, model = build(tmp_path, source, "float y", {"w": w},
                                      f"y = Conv<{attributes}>(x, w)" if attributes
                                      else "y = Conv(x, w)")
    assert is_narrow
    evaluator = ReferenceEvaluator(model)
    wanted = evaluator.run(None, {"x": x})[0]
    del model.graph.initializer[:]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.abs(w), "w"))
    magnitude = ReferenceEvaluator(model).run(None, {"x": np.abs(x)})[0]
    check(run(library, x, tmp_path), wanted, magnitude)


def test_epilogues(tmp_path):
    """Bias, Relu and a residual sum, in and between products."""
    random = np.random.default_rng(6)
    weights = {"w": random.uniform(-.2, .2, (64, 96)), "b": random.uniform(-1, 1, 96),
               "v": random.uniform(-.2, .2, (96, 64)), "c": random.uniform(-1, 1, 64)}
    weights = {name: values.astype(np.float32) for name, values in weights.items()}
    library, is_narrow, model = build(
        tmp_path, "float[2,13,64] x", "float[2,13,64] y", weights,
        "h = MatMul(x, w)  s = Add(h, b)  r = Relu(s) "
        "g = MatMul(r, v)  t = Add(g, c)  y = Add(t, x)")
    assert is_narrow
    x = random.normal(size=(2, 13, 64)).astype(np.float32)
    wanted = ReferenceEvaluator(model).run(None, {"x": x})[0]
    found = run(library, x, tmp_path)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2 ** -9 * np.max(np.abs(wanted)))


def test_operands_that_are_not_finite(tmp_path):
    w = np.ones((64, 64), np.float32)
    w[:, 1] = -1
    w[3, 2] = 0
    library, is_narrow, _ = build(tmp_path, "float[9,64] x", "float[9,64] y", {"w": w},
                                  "y = MatMul(x, w)")
    assert is_narrow
    x = np.ones((9, 64), np.float32)
    x[0, 3], x[1, 3], x[2, 3:5] = np.inf, np.nan, (np.inf, -np.inf)
    with np.errstate(invalid="ignore"):
        wanted = x @ w
    np.testing.assert_array_equal(run(library, x, tmp_path), wanted)


@pytest.mark.parametrize("weight, is_faster", [(3.875, True), (3.9, False)])
def test_sums_stay_finite(tmp_path, weight, is_faster):
    """The largest operands that are promised to fit, and weights that would not."""
    w = np.full((128, 64), weight, np.float32)
    library, is_narrow, _ = build(tmp_path, "float[9,128] x", "float[9,64] y", {"w": w},
                                  "y = MatMul(x, w)")
    assert is_narrow == is_faster
    x = np.full((9, 128), 256, np.float32)
    np.testing.assert_allclose(run(library, x, tmp_path), x @ w, rtol=35 * 2.0 ** -11)
