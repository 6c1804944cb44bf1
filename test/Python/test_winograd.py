"""Convolutions by filters of 3x3 with fewer products. Those of bytes are products of words,
with AVX2 code: exact for the largest bytes and weights, zero points in the padding, several
pictures, threads. Those of floats are nearer to the exact sums than the direct form."""

import json
import subprocess

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import mopt
from mopt import _compile
from test_integers import build

FLAGS = open("/proc/cpuinfo", encoding="utf-8").read().split()
pytestmark = pytest.mark.skipif("avx2" not in FLAGS, reason="needs a processor with AVX2")


def compile_model(model, folder, *options):
    onnx.save(model, folder / "model.onnx")
    report = folder / "report.json"
    subprocess.run([_compile.tool("mopt-compile"), folder / "model.onnx", "-q", "-o",
                    folder / "model.so", "--target=x86-64-v3", f"--report={report}", *options],
                   check=True)
    kernels = json.loads(report.read_text(encoding="utf-8"))["kernels"]
    return folder / "model.so", any("winograd_input" in kernel["fused"] for kernel in kernels)


def fill(kind, random, dtype, shape):
    limits = np.iinfo(dtype)
    if kind == "any":
        return random.integers(limits.min, limits.max + 1, shape, dtype)
    # The largest of either sign: sums as far from 0 as they can be.
    return np.full(shape, {"most": limits.max, "least": limits.min}[kind], dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("values, weights", [("any", "any"), ("most", "most"), ("most", "least"),
                                             ("least", "least")])
@pytest.mark.parametrize("batch, c, o, size, pads", [
    (1, 64, 64, (14, 14), (1, 1, 1, 1)), (2, 66, 70, (14, 18), (0, 0, 0, 0)),
    (1, 130, 65, (13, 13), (2, 1, 1, 2)), (3, 64, 96, (12, 26), (1, 1, 1, 1))])
def test_exact(tmp_path, dtype, values, weights, batch, c, o, size, pads):
    random = np.random.default_rng(c + o)
    inputs = {"x": fill(values, random, dtype, (batch, c, *size)),
              "w": fill(weights, random, np.int8, (o, c, 3, 3)),
              "z": np.array(3, dtype), "v": np.array(0, np.int8)}
    model = build("ConvInteger", inputs, ["x", "w", "z", "v"], ["w", "z", "v"],
                  {"pads": list(pads)}, dynamic=False)
    library, is_winograd = compile_model(model, tmp_path)
    assert is_winograd
    expected = ReferenceEvaluator(model).run(None, {"x": inputs["x"]})[0]
    for threads in (1, 2):
        found = mopt.InferenceSession(str(library), threads=threads).run(None, {"x": inputs["x"]})
        np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize("c, o, size", [(64, 64, (15, 14)), (48, 64, (14, 14)), (64, 64, (8, 8)),
                                        (1026, 64, (12, 12))])
def test_kept(tmp_path, c, o, size):
    """Odd sizes, few channels or tiles, and sums that 32 bits might not hold."""
    random = np.random.default_rng(1)
    inputs = {"x": fill("any", random, np.uint8, (1, c, *size)),
              "w": fill("any", random, np.int8, (o, c, 3, 3))}
    model = build("ConvInteger", inputs, ["x", "w"], ["w"], {"pads": [1, 1, 1, 1]}, dynamic=False)
    assert not compile_model(model, tmp_path)[1]


def convolve(x, w, pads):
    """The exact sums, in f64."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    rows, columns = x.shape[2] - 2, x.shape[3] - 2
    return sum(np.einsum("oc,ncyx->noyx", w[:, :, i, j].astype(np.float64),
                         x[:, :, i:i + rows, j:j + columns])
               for i in range(3) for j in range(3))


@pytest.mark.parametrize("batch, c, o, size, pads", [
    (1, 64, 64, (14, 14), (1, 1, 1, 1)), (2, 66, 70, (14, 18), (0, 0, 0, 0)),
    (1, 130, 65, (13, 13), (2, 1, 1, 2)), (3, 64, 96, (12, 26), (1, 1, 1, 1))])
def test_floats(tmp_path, batch, c, o, size, pads):
    random = np.random.default_rng(c + o)
    inputs = {"x": random.standard_normal((batch, c, *size), np.float32),
              "w": random.standard_normal((o, c, 3, 3), np.float32)}
    model = build("Conv", inputs, ["x", "w"], ["w"], {"pads": list(pads)}, dynamic=False)
    library, is_winograd = compile_model(model, tmp_path)
    assert is_winograd
    exact = convolve(inputs["x"], inputs["w"], pads)
    found = [mopt.InferenceSession(str(library), threads=threads).run(None, {"x": inputs["x"]})[0]
             for threads in (1, 2)]
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0], exact, rtol=0, atol=2e-6 * abs(exact).max())


def test_strict_floats_are_direct(tmp_path):
    inputs = {"x": np.zeros((1, 64, 14, 14), np.float32), "w": np.ones((64, 64, 3, 3), np.float32)}
    model = build("Conv", inputs, ["x", "w"], ["w"], {"pads": [1, 1, 1, 1]}, dynamic=False)
    assert not compile_model(model, tmp_path, "--numerics=strict")[1]
