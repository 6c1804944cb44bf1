"""The models of bench/models.json, compiled with no options, answer as ONNX Runtime does:
static and dynamic shapes, one and two threads, and always with the same bits.

MOPT_TEST_MODELS names the models, or is 'all' (default: those marked as quick), MOPT_MODELS
the folder of their files, which are made there when they are missing.
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

FOLDER = os.environ.get("MOPT_MODELS", catalogue.DEFAULT_DIRECTORY)


def chosen():
    names = os.environ.get("MOPT_TEST_MODELS", "").split()
    if not names:
        return [model for model in catalogue.load() if model.quick]
    return catalogue.select([] if names == ["all"] else names)


class Compiled:
    """A model's library, what it answers and what ONNX Runtime does, each asked once."""

    def __init__(self, model, variant, folder):
        subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, model.name],
                       check=True)
        self.model = model
        self.path = model.file(variant, FOLDER)
        self.cases = model.cases() if variant == "dynamic" else model.cases()[:1]
        self.library = mopt.compile(self.path, str(folder / "model.so")).path
        self.references, self.answers = {}, {}

    def reference(self, index):
        if index not in self.references:
            self.references[index] = reference.run(self.path, self.model.inputs(self.cases[index]))
        return self.references[index]

    def twice(self, index, threads):
        """The outputs of two runs at one of the cases."""
        if (index, threads) not in self.answers:
            session = mopt.InferenceSession(self.library, threads=threads)
            inputs = self.model.inputs(self.cases[index])
            names = self.reference(index).names
            self.answers[index, threads] = [session.run(names, inputs) for _ in range(2)]
            session.close()
        return self.answers[index, threads]


@pytest.fixture(scope="module", params=[(model, variant) for model in chosen()
                                        for variant in ("static", "dynamic")],
                ids=lambda pair: f"{pair[0].name}-{pair[1]}")
def compiled(request, tmp_path_factory):
    return Compiled(*request.param, tmp_path_factory.mktemp("model"))


def assert_same_bits(names, these, those, what):
    for name, this, that in zip(names, these, those):
        assert this.tobytes() == that.tobytes(), f"{name}: {what}"


@pytest.mark.parametrize("threads", [1, 2])
def test_agrees_with_onnxruntime(compiled, threads):
    model = compiled.model
    for index, case in enumerate(compiled.cases):
        expected = compiled.reference(index)
        first, second = compiled.twice(index, threads)
        bad = [difference.message for difference in reference.compare(
            [np.asarray(value) for value in first], expected, model.tolerance, model.argmax,
            model.argmax_axis) if not difference.agrees]
        assert not bad, f"at {case}: " + "; ".join(bad)
        assert_same_bits(expected.names, first, second, f"two runs differ at {case}")
        assert_same_bits(expected.names, first, compiled.twice(index, 1)[0],
                         f"thread counts differ at {case}")
