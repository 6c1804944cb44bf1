"""ONNX Runtime as the tests ask it: with integers that are exact on every machine, see
bench/unsigned_weights.py."""

import pathlib
import sys

from mopt.peers import onnxruntime_session

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import unsigned_weights


def open_session(model, values=None, optimized=False):
    """A session of a ModelProto. `values` are those of inputs, of which some may be weights."""
    return onnxruntime_session(unsigned_weights.make_exact(model, values), optimized=optimized)


def run(model, feeds, optimized=False):
    """All outputs."""
    return open_session(model, feeds, optimized).run(None, feeds)
