"""ONNX Runtime's answers to a model, which results are compared with by the rule of
`mopt.agreement`. Its integers are exact on every machine, see unsigned_weights.py."""

import os

import onnx

import unsigned_weights
from mopt.agreement import Reference, compare
from mopt.peers import onnxruntime_session as session

__all__ = ["Reference", "compare", "run", "session"]


def run(model, inputs, threads=1):
    """Both runs of a model (a path or bytes), one session alive at a time."""
    plain = session(_make_exact(model), optimized=False, threads=threads)
    names = [output.name for output in plain.get_outputs()]
    exact = plain.run(None, inputs)
    del plain
    optimized = session(model, optimized=True, threads=threads,
                        saturates=False).run(None, inputs)
    return Reference(names, exact, optimized)


def _make_exact(model):
    """The model; where it has products that may saturate here, another one that has none."""
    if not unsigned_weights.saturates():
        return model
    loaded = (onnx.load_from_string(model) if isinstance(model, bytes)
              else onnx.load(os.fspath(model)))
    return loaded.SerializeToString() if unsigned_weights.convert(loaded) else model
