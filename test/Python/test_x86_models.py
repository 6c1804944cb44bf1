"""The models of bench/models.json, of floats and quantized, compiled for each row of x86, answer
as ONNX Runtime does. Rows that this machine lacks run small models under the emulator whose
command MOPT_AVX512_RUNNER holds.

MOPT_TEST_X86_MODELS names the models, or is 'all' (default: small ones), MOPT_TEST_SHARD=i/n
takes each n-th of them from the i-th on.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

import sweeps
import x86_rows
from test_models import FOLDER, ROOT, catalogue, mopt, reference

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs an x86-64 machine")

DEFAULT = ["mlp", "silero_vad_16k_op15", "ppocr_cls"]
# What an emulator computes in a minute or two.
EMULATED = [*DEFAULT, "lstm", "silero_vad", "mobilenet_v2", "mobilenet_v2.qdq_u8s8",
            "mobilenet_v2.qop_u8s8", "ppocr_rec.qdq_u8s8", "vit_tiny.qdq_u8s8"]


def chosen():
    names = os.environ.get("MOPT_TEST_X86_MODELS", "").split() or DEFAULT
    models = (catalogue.load() + catalogue.load(quantized=True) if names == ["all"]
              else catalogue.select(names))
    return sweeps.take(models)


class Expected:
    """A model's file, inputs of the benchmark's case and what ONNX Runtime answers."""

    def __init__(self, model):
        subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, model.name],
                       check=True)
        self.model, self.path = model, model.file("static", FOLDER)
        self.inputs = model.inputs()
        self.reference = reference.run(self.path, self.inputs)


@pytest.fixture(scope="module", params=chosen(), ids=lambda model: model.name)
def expected(request):
    return Expected(request.param)


@pytest.mark.parametrize("target", x86_rows.NEEDS)
def test_agrees_with_onnxruntime(expected, target, tmp_path):
    model, names = expected.model, expected.reference.names
    is_native = x86_rows.is_native(target)
    if not is_native and model.name not in EMULATED:
        pytest.skip(f"no machine for {target}, and too large for an emulator")
    library = tmp_path / "model.so"
    mopt.compile(expected.path, library, target=target, numerics=sweeps.get_numerics(model))
    if is_native:
        found = mopt.InferenceSession(library, threads=2).run(names, expected.inputs)
    else:
        outputs = x86_rows.run(library, target, expected.inputs, tmp_path / "run", timeout=1800)
        found = [outputs[name.replace("/", "_")] for name in names]
    bad = [difference.message for difference in reference.compare(
        [np.asarray(value) for value in found], expected.reference, model.tolerance, model.argmax,
        model.argmax_axis) if not difference.agrees]
    assert not bad, "; ".join(bad)
