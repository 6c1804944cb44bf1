"""ONNX Runtime's answers to a model, which results are compared with by the rule of
`mopt.agreement`. Its integers are exact on every machine, see unsigned_weights.py."""

import unsigned_weights
from mopt.agreement import Reference, compare
from mopt.peers import onnxruntime_session as session

__all__ = ["Reference", "compare", "run", "session"]


def run(model, inputs, threads=1):
    """Both runs of a model (a path or bytes), one session alive at a time."""
    model = unsigned_weights.make_exact(model)
    plain = session(model, optimized=False, threads=threads)
    names = [output.name for output in plain.get_outputs()]
    exact = plain.run(None, inputs)
    del plain
    optimized = session(model, optimized=True, threads=threads).run(None, inputs)
    return Reference(names, exact, optimized)
