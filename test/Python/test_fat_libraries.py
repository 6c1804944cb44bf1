"""One library for several x86 machines: every path that MOPT_TARGET forces gives the bits of the
library that was compiled for that machine alone, from one copy of the weights. Paths that this
machine lacks run under the emulator whose command MOPT_AVX512_RUNNER holds."""

import json
import os
import platform
import shutil
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import mopt
import x86_rows
from mopt import _compile
from quantization_models import Builder

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 machine")

TARGETS = ["x86-64-v3", "icelake-server", "znver4", "sapphirerapids"]
# Which model, and how it is compiled.
KINDS = {"float": ("float", []), "bytes": ("bytes", []),
         "nibbles": ("float", ["--quantize=weight-int4:group=32,symmetric=false"])}


def run(*arguments):
    return list(x86_rows.run(*arguments).values())


def float_model(width=896, seed=0):
    """Convolutions (one of three channels, one depthwise) and products, of sizes that blocks of
    columns do not divide."""
    b = Builder(seed)
    x = b.input("x", 1, 3, 20, 20)
    y = b.node("Relu", b.conv(x, 3, 40, strides=[2, 2]))
    y = b.node("Relu", b.conv(y, 40, 40, group=40))
    y = b.node("Relu", b.conv(y, 40, 72, kernel=1))
    y = b.node("Relu", b.conv(y, 72, 72))
    y = b.node("Flatten", b.node("GlobalAveragePool", y))
    y = b.node("Relu", b.node("Gemm", y, b.weights(width, 72), transB=1))
    for _ in range(2):
        y = b.node("Relu", b.node("MatMul", y, b.weights(width, width)))
    return b.model(b.node("MatMul", y, b.weights(width, 33)))


def feed(seed=1):
    return {"x": np.random.default_rng(seed).normal(size=(1, 3, 20, 20)).astype(np.float32)}


class Reader(CalibrationDataReader):
    def __init__(self):
        self.feeds = iter([feed(seed) for seed in range(2, 6)])

    def get_next(self):
        return next(self.feeds, None)


@pytest.fixture(scope="module", name="models")
def make_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    onnx.save(float_model(), folder / "float.onnx")
    quantize_static(folder / "float.onnx", folder / "bytes.onnx", Reader(),
                    quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8)
    return folder


@pytest.fixture(scope="module", name="libraries")
def make_libraries(models, tmp_path_factory):
    """Folder of KIND.fat.so and KIND.TARGET.so."""
    folder = tmp_path_factory.mktemp("libraries")
    for kind, (name, arguments) in KINDS.items():
        mopt.compile(models / f"{name}.onnx", folder / f"{kind}.fat.so", target=TARGETS,
                     arguments=arguments)
        for target in TARGETS:
            mopt.compile(models / f"{name}.onnx", folder / f"{kind}.{target}.so", target=target,
                         arguments=arguments)
    return folder


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_paths_have_the_bits_of_their_own_library(libraries, models, tmp_path, kind, target):
    alone, = run(libraries / f"{kind}.{target}.so", target, feed(), tmp_path / "alone")
    forced, = run(libraries / f"{kind}.fat.so", target, feed(), tmp_path / "forced")
    np.testing.assert_array_equal(forced, alone)
    session = onnxruntime.InferenceSession(models / f"{KINDS[kind][0]}.onnx")
    expected, = session.run(None, feed())
    scale = np.abs(expected).max()
    np.testing.assert_allclose(forced / scale, expected / scale,
                               atol={"float": 1e-5, "bytes": 0.05, "nibbles": 0.3}[kind])


@pytest.mark.skipif(not x86_rows.is_native("x86-64-v3"), reason="needs a processor with AVX2")
@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_there_once(libraries, kind):
    sizes = {target: os.path.getsize(libraries / f"{kind}.{target}.so") for target in TARGETS}
    fat = libraries / f"{kind}.fat.so"
    assert os.path.getsize(fat) < 1.3 * max(sizes.values()), sizes
    # The preferred ones first.
    session = mopt.InferenceSession(fat)
    assert session.target == list(filter(x86_rows.is_native, TARGETS))[-1]
    certificate = session.build_info
    assert [entry["name"] for entry in certificate["targets"]] == TARGETS[::-1]


@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="no emulator of a plain processor")
@pytest.mark.parametrize("kind", KINDS)
def test_plainest_machine(models, tmp_path, kind):
    """What a processor without AVX takes is right there."""
    name, arguments = KINDS[kind]
    mopt.compile(models / f"{name}.onnx", tmp_path / "fat.so", arguments=arguments,
                 target=["x86-64-v2", "x86-64-v3", "x86-64-v4"])
    np.savez(tmp_path / "in.npz", **feed())
    subprocess.run(["qemu-x86_64", "-cpu", "Nehalem", _compile.tool("mopt-run"),
                    f"--input={tmp_path}/in.npz", f"--output={tmp_path}/out", tmp_path / "fat.so"],
                   check=True, timeout=300)
    found = np.load(next((tmp_path / "out").iterdir()))
    expected, = onnxruntime.InferenceSession(models / f"{name}.onnx").run(None, feed())
    np.testing.assert_allclose(found, expected, rtol=0, atol=np.abs(expected).max() * {
        "float": 1e-5, "bytes": 0.05, "nibbles": 0.3}[kind])


def test_weights_in_a_file(models, libraries, tmp_path):
    library = tmp_path / "apart.so"
    mopt.compile(models / "bytes.onnx", library, target=TARGETS, arguments=["--weights=file"])
    for target in ("x86-64-v3", "icelake-server"):
        alone, = run(libraries / f"bytes.{target}.so", target, feed(), tmp_path / "alone")
        apart, = run(library, target, feed(), tmp_path / "apart")
        np.testing.assert_array_equal(apart, alone)
    moved = (tmp_path / "apart.so.weights").rename(tmp_path / "moved")
    apart, = run(library, target, feed(), tmp_path / "apart", f"--weights={moved}")
    np.testing.assert_array_equal(apart, alone)


def test_static_library_and_bytes_in_any_order(models, tmp_path):
    for number, targets in enumerate(["x86-64-v3,znver4", "znver4,x86-64-v3,znver4"]):
        mopt.compile(models / "float.onnx", tmp_path / f"{number}.a", target=targets,
                     arguments=["--entry=net"])
    assert (tmp_path / "0.a").read_bytes() == (tmp_path / "1.a").read_bytes()


@pytest.mark.parametrize("target, message", [
    ("znver5x", "MOPT_TARGET: expected one of: sapphirerapids znver4 icelake-server x86-64-v3, "
                "found 'znver5x'"),
    ("x86-64-v3,znver4", "MOPT_TARGET: expected one of")])
def test_unknown_name_is_an_error(libraries, monkeypatch, target, message):
    monkeypatch.setenv("MOPT_TARGET", target)
    with pytest.raises(Exception, match=message):
        mopt.InferenceSession(libraries / "float.fat.so")


@pytest.mark.skipif(x86_rows.is_native("sapphirerapids"), reason="this machine has what is missing")
def test_target_that_does_not_fit_is_an_error(libraries, monkeypatch):
    monkeypatch.setenv("MOPT_TARGET", "sapphirerapids")
    with pytest.raises(Exception, match="MOPT_TARGET: code for 'sapphirerapids' needs .*amx-tile"):
        mopt.InferenceSession(libraries / "float.fat.so")


def test_environment_does_not_touch_a_single_target(models, monkeypatch):
    monkeypatch.setenv("MOPT_TARGET", "znver4")
    session = mopt.compile(models / "float.onnx", target="x86-64-v2").session()
    assert len(session.run(None, feed())) == 1


@pytest.mark.parametrize("arguments, message", [
    (["--target=x86-64-v3,neoverse-n1"], "one file cannot hold code for the architectures"),
    (["--target=x86-64-v3,znver4", "--emit=buffer"], "several targets need a file of code"),
    (["--target=x86-64-v3,znver4", "--tune=1"], "--tune and --tune-record are for one target")])
def test_what_several_targets_exclude(models, tmp_path, arguments, message):
    with pytest.raises(mopt.CompileError, match=message) as error:
        mopt.compile(models / "float.onnx", tmp_path / "m.so", arguments=arguments)
    assert error.value.exit_code == 2


def test_report_has_every_variant(models, tmp_path):
    mopt.compile(models / "bytes.onnx", tmp_path / "m.so", target=TARGETS,
                 arguments=[f"--report={tmp_path}/report.json"])
    report = json.loads((tmp_path / "report.json").read_text())
    names = [variant["target"]["name"] for variant in report["variants"]]
    assert names == TARGETS[::-1]
    kernels = [{kernel for entry in variant["kernels"] for kernel in entry["micro_kernels"]}
               for variant in report["variants"]]
    assert any(kernel.startswith("amx") for kernel in kernels[0])
    assert any(kernel.startswith("avx2") for kernel in kernels[-1])
    assert report["kernels"] == report["variants"][0]["kernels"]
