"""Compiled libraries through their C interface, include/mopt-c/Model.h: the extension
module `_mopt` calls it, and here the element types that NumPy's buffers do not know
get their NumPy types."""

import json
from dataclasses import dataclass

import numpy as np

from . import _dtypes

try:
    import _mopt
except ImportError as error:
    raise ImportError("the extension module '_mopt' is not built: configure mopt with "
                      "MOPT_ENABLE_PYTHON and build its target '_mopt'") from error


class RunError(RuntimeError):
    """A model that refused to load or to run; `status` is Model.h's name for why."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


_mopt.RunError = RunError


@dataclass(frozen=True)
class Spec:
    """An input or output: `dims` holds sizes, names of dynamic dimensions, or None."""

    name: str
    number: int
    dims: tuple
    data_dependent: bool


class CompiledModel:
    """A loaded library with one model in it. `run` may be called from any thread."""

    def __init__(self, path, threads=0, weights=None, folder=None, device=0, fallback="none"):
        """`folder` is a temporary directory that lives as long as the model."""
        if fallback not in ("none", "processor"):
            raise ValueError(f"fallback: expected 'none' or 'processor', found '{fallback}'")
        self._native = _mopt.Model(path, threads, weights or "", device,
                                   fallback == "processor")
        self._folder = folder
        self.path = path
        self.name = self._native.name
        self.inputs = [Spec(*fields) for fields in self._native.inputs()]
        self.outputs = [Spec(*fields) for fields in self._native.outputs()]
        # Outputs whose arrays are not yet what the caller is to see.
        self._carried = [index for index, spec in enumerate(self.outputs)
                         if not _dtypes.is_plain(spec.number)]

    @property
    def build_info(self):
        return json.loads(self._native.build_info_json or "{}")

    @property
    def target(self):
        return self._native.target

    def close(self):
        self._native.close()

    def run(self, values):
        """Output arrays in the model's order for values in the order of its inputs."""
        results = self._native.run(values, self._normalize)
        for index in self._carried:
            results[index] = _from_carrier(results[index], self.outputs[index].number)
        return results

    def run_into(self, values, results, stream=None):
        """Runs on arrays with DLPack, in place."""
        # 0 is the default stream of those who count streams, and no stream in the ABI.
        self._native.run_into(values, results, 0 if stream is None else int(stream) or 1)

    def _normalize(self, index, value):
        """Any value that can stand for input `index`, as memory of the carrier type."""
        spec = self.inputs[index]
        array = _as_array(value, spec)
        if spec.number == _dtypes.STRING:
            texts = [text if isinstance(text, bytes) else str(text).encode()
                     for text in array.reshape(-1)]
            return texts, array.shape
        if _dtypes.is_packed(spec.number):
            return _dtypes.pack(array, spec.number), array.shape
        if not _dtypes.is_plain(spec.number):
            return array.view(_dtypes.carrier_type(spec.number)), array.shape
        return array, array.shape


def _as_array(value, spec):
    if not isinstance(value, np.ndarray) and hasattr(value, "__dlpack__"):
        value = np.from_dlpack(value)
    array = np.asarray(value, order="C")
    if not array.dtype.isnative or not array.flags.aligned:
        array = np.array(array, array.dtype.newbyteorder("="), order="C")
    expected = _dtypes.numpy_type(spec.number)
    if _dtypes.number_of(array.dtype) != spec.number:
        # Python numbers and lists have no element type of their own to insist on.
        if isinstance(value, (bool, int, float, list, tuple)) and not isinstance(
                value, np.generic):
            return np.asarray(value, expected, order="C")
        raise TypeError(f"input '{spec.name}': expected element type {expected}, "
                        f"found {array.dtype}")
    return array


def _from_carrier(result, number):
    if number == _dtypes.STRING:
        texts, shape = result
        return np.array(texts, object).reshape(shape)
    if _dtypes.is_packed(number):
        return _dtypes.unpack(result[0], number, result[1])
    return result.view(_dtypes.numpy_type(number))
