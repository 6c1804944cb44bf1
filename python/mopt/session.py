"""InferenceSession: the methods of onnxruntime's, over a compiled library."""

import os

import numpy as np

from . import _dtypes
from ._compile import Library, compile
from ._model import CompiledModel


class NodeArg:
    """An input or output: `name`, `shape` (sizes, names, None) and `type`."""

    def __init__(self, spec):
        self.name = spec.name
        self.shape = list(spec.dims)
        self.type = f"tensor({_dtypes.name(spec.number)})"

    def __repr__(self):
        return f"NodeArg(name={self.name!r}, type={self.type!r}, shape={self.shape})"


class InferenceSession:
    """Runs a model: a compiled library, or a model file, bytes or ModelProto, which is
    compiled first (`options` are then those of `mopt.compile`). Thread-safe."""

    def __init__(self, model, threads=0, weights=None, **options):
        folder = None
        if isinstance(model, Library):
            path, folder = model.path, model.folder
        elif isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(".so"):
            path = os.path.abspath(os.fspath(model))
        else:
            library = compile(model, **options)
            path, folder, options = library.path, library.folder, {}
        if options:
            raise TypeError(f"'{path}' is compiled already: option '{next(iter(options))}' "
                            "comes too late")
        # A relative name without a slash would be looked for in the system's folders.
        self._model = CompiledModel(os.path.abspath(path), threads, weights, folder)

    def get_inputs(self):
        return [NodeArg(spec) for spec in self._model.inputs]

    def get_outputs(self):
        return [NodeArg(spec) for spec in self._model.outputs]

    @property
    def build_info(self):
        """The library's certificate: versions, targets, options, hash of the weights."""
        return self._model.build_info

    def run(self, output_names, input_feed):
        """Values of the named outputs (None: all) for arrays by input name. Inputs are
        NumPy arrays, anything with DLPack, or what NumPy makes an array of; none is
        copied that is row-major already."""
        names = [spec.name for spec in self._model.outputs]
        for name in output_names or []:
            if name not in names:
                raise ValueError(f"no output is called '{name}'; outputs: {', '.join(names)}")
        arrays = [_as_input(spec, input_feed) for spec in self._model.inputs]
        unknown = set(input_feed) - {spec.name for spec in self._model.inputs}
        if unknown:
            known = ", ".join(spec.name for spec in self._model.inputs)
            raise ValueError(f"no input is called '{min(unknown)}'; inputs: {known}")
        results = self._model.run(arrays)
        if not output_names:
            return results
        return [results[names.index(name)] for name in output_names]

    def close(self):
        """Ends the session now rather than when it is collected."""
        self._model.close()


def _as_input(spec, feed):
    if spec.name not in feed:
        raise ValueError(f"input '{spec.name}' is missing")
    value = feed[spec.name]
    if not isinstance(value, np.ndarray) and hasattr(value, "__dlpack__"):
        value = np.from_dlpack(value)
    array = np.asarray(value, order="C")
    expected = _dtypes.numpy_type(spec.number)
    if not array.dtype.isnative or not array.flags.aligned:
        array = np.array(array, array.dtype.newbyteorder("="), order="C")
    if _dtypes.number_of(array.dtype) != spec.number:
        # Python numbers and lists have no element type of their own to insist on.
        if isinstance(value, (bool, int, float, list, tuple)) and not isinstance(
                value, np.generic):
            return np.asarray(value, expected, order="C")
        raise TypeError(f"input '{spec.name}': expected element type {expected}, "
                        f"found {array.dtype}")
    return array
