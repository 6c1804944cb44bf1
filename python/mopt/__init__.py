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

__all__ = ["CompileError", "Diagnostic", "InferenceSession", "Library", "RunError", "bench",
           "compile", "verify", "version"]
