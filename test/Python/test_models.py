"""Every model of bench/models.json, compiled with no options, answers as ONNX Runtime
does: static and dynamic shapes, one and two threads, and twice with the same bits.

MOPT_TEST_MODELS names the models (default: all), MOPT_MODELS the folder of their files,
which are made there when they are missing.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import catalogue
import mopt
import reference
from mopt import _compile

FOLDER = os.environ.get("MOPT_MODELS", catalogue.DEFAULT_DIRECTORY)
MODELS = catalogue.select(os.environ.get("MOPT_TEST_MODELS", "").split())


@pytest.fixture(scope="module", autouse=True)
def tool():
    try:
        _compile.tool("mopt-compile")
    except FileNotFoundError as error:
        pytest.skip(str(error))


def model_file(model, variant):
    subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, model.name],
                   check=True)
    return model.file(variant, FOLDER)


@pytest.mark.parametrize("variant", ["static", "dynamic"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_agrees_with_onnxruntime(model, variant, tmp_path):
    path = model_file(model, variant)
    library = str(tmp_path / "model.so")
    mopt.compile(path, library)
    cases = model.cases() if variant == "dynamic" else model.cases()[:1]
    sessions = {threads: mopt.InferenceSession(library, threads=threads) for threads in (1, 2)}
    for case in cases:
        inputs = model.inputs(case)
        expected = reference.run(path, inputs)
        results = {}
        for threads, session in sessions.items():
            results[threads] = session.run(expected.names, inputs)
            again = session.run(expected.names, inputs)
            for name, first, second in zip(expected.names, results[threads], again):
                assert first.tobytes() == second.tobytes(), f"{name}: runs differ at {case}"
        for name, one, two in zip(expected.names, results[1], results[2]):
            assert one.tobytes() == two.tobytes(), f"{name}: thread counts differ at {case}"
        bad = [d.message for d in reference.compare(
            [np.asarray(value) for value in results[1]], expected, model.tolerance, model.argmax,
            model.argmax_axis) if not d.agrees]
        assert not bad, f"at {case}: " + "; ".join(bad)
    for session in sessions.values():
        session.close()
