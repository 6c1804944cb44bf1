"""The models of bench/models.json on AArch64 under qemu, each at the smallest of its cases:
those of floats answer as ONNX Runtime does here, quantized ones give the bits that they give on
x86. MOPT_TEST_AARCH64_MODELS names those to run, with spaces between; all take an hour."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import emulated
import mopt
from test_models import FOLDER, ROOT, catalogue, reference

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
pytestmark = pytest.mark.skipif(bool(emulated.MISSING),
                                reason=f"needs {' and '.join(emulated.MISSING)}")

NAMES = os.environ.get("MOPT_TEST_AARCH64_MODELS", "").split()
MODELS = catalogue.select(NAMES) if NAMES else catalogue.load() + catalogue.load(quantized=True)
# Products of bytes alone have no order of sums that bits could depend on.
EXACT = ("qdq_u8s8", "qdq_s8s8", "qop_u8s8")


def prepare(model):
    """The path of the model's file, and inputs of its smallest case."""
    subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, model.name], check=True)
    variant = "dynamic" if "dynamic" in model.entry["files"] else "static"
    cases = model.cases() if variant == "dynamic" else model.cases()[:1]
    inputs = min((model.inputs(case) for case in cases),
                 key=lambda made: sum(array.size for array in made.values()))
    return model.file(variant, FOLDER), inputs


@pytest.mark.parametrize("target", ["neoverse-n1", "neoverse-v1"])
@pytest.mark.parametrize("model", [model for model in MODELS if model.name.endswith(EXACT)],
                         ids=lambda model: model.name)
@pytest.mark.skipif(not {"avx2", "fma"} <= FLAGS, reason="fuses no products on this machine")
def test_bits(model, target):
    path, inputs = prepare(model)
    here = mopt.InferenceSession(mopt.compile(path, target="x86-64-v3")).run(None, inputs)
    library = mopt.compile(path, target=target)
    with emulated.installed(target):
        there = mopt.InferenceSession(library, threads=2).run(None, inputs)
    for expected, found in zip(here, there, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("model", [model for model in MODELS if not model.name.endswith(EXACT)],
                         ids=lambda model: model.name)
def test_agrees_with_onnxruntime(model):
    path, inputs = prepare(model)
    expected = reference.run(path, inputs)
    library = mopt.compile(path, target="neoverse-n1")
    with emulated.installed("neoverse-n1"):
        found = mopt.InferenceSession(library, threads=2).run(None, inputs)
    bad = [difference.message for difference in reference.compare(
        found, expected, model.tolerance, model.argmax, model.argmax_axis)
        if not difference.agrees]
    assert not bad, "; ".join(bad)
