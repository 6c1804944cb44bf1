"""The models of bench/models.json on AArch64 under qemu, at full size: those of floats answer as
ONNX Runtime does here, quantized ones give the bits that they give on x86.
MOPT_TEST_AARCH64_MODELS names the models, MOPT_TEST_AARCH64_TARGETS the rows, with spaces between.
All models take more than an hour for a row: in the full mode rows take turns, a third of the models
each (MOPT_TEST_SHARD)."""

import os
import subprocess
import sys

import numpy as np
import pytest

import emulated
import mopt
import sweeps
import x86_rows
from test_models import FOLDER, ROOT, catalogue, reference

pytestmark = pytest.mark.skipif(bool(emulated.MISSING),
                                reason=f"needs {' and '.join(emulated.MISSING)}")

NAMES = os.environ.get("MOPT_TEST_AARCH64_MODELS", "").split()
MODELS = sweeps.take(
    catalogue.select(NAMES) if NAMES else catalogue.load() + catalogue.load(quantized=True))
# Processors of qemu: cortex-a76, neoverse-n1, and one that has bf16, i8mm and SVE too.
TARGETS = (os.environ.get("MOPT_TEST_AARCH64_TARGETS", "").split()
           or ["cortex-a76", "neoverse-n1", "neoverse-v1"])
# Their products are of bytes alone.
EXACT = ("qdq_u8s8", "qdq_s8s8", "qop_u8s8")


def prepare(model):
    """The path of the model's file and its inputs, of the benchmark's sizes."""
    subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, model.name], check=True)
    return model.file("static", FOLDER), model.inputs()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", [model for model in MODELS if model.name.endswith(EXACT)],
                         ids=lambda model: model.name)
@pytest.mark.skipif(not x86_rows.is_native("x86-64-v3"), reason="fuses no products on this machine")
def test_bits(model, target):
    path, inputs = prepare(model)
    # By default what stays in floats is summed in vectors of the target's width.
    here = mopt.InferenceSession(
        mopt.compile(path, target="x86-64-v3", numerics="strict")).run(None, inputs)
    library = mopt.compile(path, target=target, numerics="strict")
    with emulated.installed(target, emulated.QUICK_CPUS):
        there = mopt.InferenceSession(library, threads=2).run(None, inputs)
    for expected, found in zip(here, there, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", [model for model in MODELS if not model.name.endswith(EXACT)],
                         ids=lambda model: model.name)
def test_agrees_with_onnxruntime(model, target):
    path, inputs = prepare(model)
    expected = reference.run(path, inputs)
    library = mopt.compile(path, target=target, numerics=sweeps.get_numerics(model))
    with emulated.installed(target, emulated.QUICK_CPUS):
        found = mopt.InferenceSession(library, threads=2).run(None, inputs)
    bad = [difference.message for difference in reference.compare(
        found, expected, model.tolerance, model.argmax, model.argmax_axis)
        if not difference.agrees]
    assert not bad, "; ".join(bad)
