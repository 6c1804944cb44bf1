"""mopt: compiles ONNX models to standalone libraries, and runs them.

    lib = mopt.compile("m.onnx", "m.so", target="native", shapes={"x": (1, 3, 224, 224)})
    sess = mopt.InferenceSession("m.so", threads=2)
    sess.run(None, {"x": array})
"""

from ._bench import bench
from ._compile import CompileError, Diagnostic, Library, compile, version
from ._model import RunError
from ._verify import verify
from .session import InferenceSession

__all__ = ["AccuracyError", "CompileError", "Diagnostic", "InferenceSession", "Library",
           "RunError", "bench", "calibrate", "compile", "prune", "quantize", "verify", "version"]

# They need the onnx package, which running a library does not.
_OF_QUANTIZATION = {"AccuracyError", "calibrate", "prune", "quantize"}


def __getattr__(name):
    if name in _OF_QUANTIZATION:
        from . import quantization

        return getattr(quantization, name)
    raise AttributeError(f"module 'mopt' has no attribute '{name}'")
