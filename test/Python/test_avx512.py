"""Code for AVX-512 gives the answers it should: on this processor if it has AVX-512, else
under the emulator whose command MOPT_AVX512_RUNNER holds (for instance "sde64 -spr --")."""

import os
import shlex
import subprocess

import mopt
import numpy as np
import onnx
import pytest
from mopt import _compile
from onnx.reference import ReferenceEvaluator

with open("/proc/cpuinfo", encoding="utf-8") as file:
    FEATURES = set(file.read().split())
IS_NATIVE = "avx512vl" in FEATURES
EMULATOR = shlex.split(os.environ.get("MOPT_AVX512_RUNNER", ""))
RUNNER = [] if IS_NATIVE else EMULATOR

pytestmark = pytest.mark.skipif(
    not IS_NATIVE and not RUNNER,
    reason="needs a processor with AVX-512, or an emulator in MOPT_AVX512_RUNNER")

# Odd sizes: the last vector of a row is never a full one.
MODELS = {
    "dense": ("float[7,33] x", "float[7,50] y", {"w": (33, 50), "b": (50,)},
              "h = MatMul(x, w)  s = Add(h, b)  y = Relu(s)"),
    "conv": ("float[1,5,9,11] x", "float[1,19,9,11] y", {"w": (19, 5, 3, 3), "b": (19,)},
             "y = Conv<pads=[1,1,1,1]>(x, w, b)"),
    "softmax": ("float[3,37] x", "float[3,37] y", {}, "y = Softmax<axis=-1>(x)"),
}


@pytest.mark.parametrize("name", MODELS)
def test_agrees(name, tmp_path):
    source, result, weights, body = MODELS[name]
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> {name} ({source}) => ({result}) {{ {body} }}')
    random = np.random.default_rng(5)
    for weight, shape in weights.items():
        values = random.uniform(-1, 1, shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, weight))
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = random.uniform(-1, 1, shape).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    library = tmp_path / "model.so"
    mopt.compile(model, library, target="x86-64-v4")
    subprocess.run([*RUNNER, _compile.tool("mopt-run"), f"--input={tmp_path}/x.npy",
                    f"--output={tmp_path}/out", str(library)], check=True, timeout=120)
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(np.load(tmp_path / "out" / "y.npy"), expected, rtol=1e-5, atol=1e-5)


LACKS_ICELAKE = not {"avx512vbmi", "avx512_vnni", "gfni"} <= FEATURES


@pytest.mark.skipif(LACKS_ICELAKE and not EMULATOR,
                    reason="needs a processor with AVX-512 VBMI, or an emulator")
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("shape", [(256,), (3, 85), (2, 5, 77)])
def test_looks_up(dtype, shape, tmp_path):
    """A function of bytes as a table in vector registers: each byte's value."""
    zero, element = ("128", "uint8") if dtype == np.uint8 else ("0", "int8")
    dims = ",".join(map(str, shape))
    model = onnx.parser.parse_model(f"""
        <ir_version: 9, opset_import: ["": 19]>
        lookup ({element}[{dims}] x) => ({element}[{dims}] y)
        <float scale = {{0.05}}, {element} zero = {{{zero}}}> {{
            f = DequantizeLinear(x, scale, zero)  g = Sin(f)
            y = QuantizeLinear(g, scale, zero) }}""")
    x = np.resize(np.arange(256), shape).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    library = tmp_path / "model.so"
    assert "vpermt2b" in disassemble(model, "icelake-server", tmp_path)
    mopt.compile(model, library, target="icelake-server")
    runner = EMULATOR if LACKS_ICELAKE else []
    subprocess.run([*runner, _compile.tool("mopt-run"), f"--input={tmp_path}/x.npy",
                    f"--output={tmp_path}/out", str(library)], check=True, timeout=120)
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "y.npy"), expected)


def disassemble(model, target, folder):
    path = folder / "model.s"
    mopt.compile(model, path, target=target)
    return path.read_text()
