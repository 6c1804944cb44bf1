"""InferenceSession: the methods of onnxruntime's, over a compiled library."""

import os

from . import _cache, _dtypes
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
    compiled first (`options` are then those of `mopt.compile`) and kept in the folder
    that the variable MOPT_CACHE_DIR names, if it is set. Thread-safe."""

    def __init__(self, model, threads=0, weights=None, **options):
        folder = None
        if isinstance(model, Library):
            path, folder = model.path, model.folder
        elif isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(".so"):
            path = os.path.abspath(os.fspath(model))
        elif _cache.folder():
            path, options = _cache.compile(model, **options), {}
        else:
            library = compile(model, **options)
            path, folder, options = library.path, library.folder, {}
        if options:
            raise TypeError(f"'{path}' is compiled already: option '{next(iter(options))}' "
                            "comes too late")
        # A relative name without a slash would be looked for in the system's folders.
        self._model = CompiledModel(os.path.abspath(path), threads, weights, folder)
        self._inputs = [spec.name for spec in self._model.inputs]
        self._outputs = [spec.name for spec in self._model.outputs]

    def get_inputs(self):
        return [NodeArg(spec) for spec in self._model.inputs]

    def get_outputs(self):
        return [NodeArg(spec) for spec in self._model.outputs]

    @property
    def build_info(self):
        """The library's certificate: versions, targets, options, hash of the weights."""
        return self._model.build_info

    @property
    def target(self):
        """The machine whose code runs, of the certificate's targets."""
        return self._model.target

    def run(self, output_names, input_feed):
        """Values of the named outputs (None: all) for arrays by input name. Inputs are
        NumPy arrays, anything with DLPack, or what NumPy makes an array of; none is
        copied that is row-major already."""
        for name in output_names or ():
            if name not in self._outputs:
                raise ValueError(f"no output is called '{name}'; "
                                 f"outputs: {', '.join(self._outputs)}")
        if len(input_feed) != len(self._inputs) or not all(map(input_feed.__contains__,
                                                               self._inputs)):
            self._refuse(input_feed)
        results = self._model.run([input_feed[name] for name in self._inputs])
        if not output_names:
            return results
        return [results[self._outputs.index(name)] for name in output_names]

    def _refuse(self, feed):
        for name in self._inputs:
            if name not in feed:
                raise ValueError(f"input '{name}' is missing")
        unknown = min(set(feed) - set(self._inputs))
        raise ValueError(f"no input is called '{unknown}'; inputs: {', '.join(self._inputs)}")

    def close(self):
        """Ends the session now rather than when it is collected."""
        self._model.close()
