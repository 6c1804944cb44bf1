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
    that the variable MOPT_CACHE_DIR names, if it is set. Of a library for a device,
    `device` is the number of that of this machine, and with `fallback="processor"` a
    machine without one takes the library's code for processors. Thread-safe."""

    def __init__(self, model, threads=0, weights=None, device=0, fallback="none", **options):
        folder = None
        is_library = isinstance(model, Library) or (
            isinstance(model, (str, os.PathLike)) and os.fspath(model).endswith(".so"))
        if fallback != "none" and not is_library:
            options["fallback"] = fallback
        if isinstance(model, Library):
            path, folder = model.path, model.folder
        elif is_library:
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
        self._model = CompiledModel(os.path.abspath(path), threads, weights, folder, device,
                                    fallback)
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
        self._check(input_feed)
        results = self._model.run([input_feed[name] for name in self._inputs])
        if not output_names:
            return results
        return [results[self._outputs.index(name)] for name in output_names]

    def run_into(self, outputs, input_feed, stream=None):
        """Writes all outputs to the arrays that `outputs` holds by name. Arrays of both
        kinds have DLPack, the model's element types and no gaps, and lie in the host's
        memory or on the device that the model runs on. `stream` is a stream of that
        device as a number (of torch: `torch.cuda.current_stream().cuda_stream`): the run
        is ordered with what else is in it and, where all outputs lie on the device, is
        not waited for. Without one it is the default stream if arrays lie on the
        device."""
        self._check(input_feed)
        for name in self._outputs:
            if name not in outputs:
                raise ValueError(f"output '{name}' is missing")
        if len(outputs) != len(self._outputs):
            unknown = min(set(outputs) - set(self._outputs))
            raise ValueError(f"no output is called '{unknown}'")
        self._model.run_into([input_feed[name] for name in self._inputs],
                             [outputs[name] for name in self._outputs], stream)

    def _check(self, feed):
        if len(feed) == len(self._inputs) and all(map(feed.__contains__, self._inputs)):
            return
        for name in self._inputs:
            if name not in feed:
                raise ValueError(f"input '{name}' is missing")
        unknown = min(set(feed) - set(self._inputs))
        raise ValueError(f"no input is called '{unknown}'; inputs: {', '.join(self._inputs)}")

    def close(self):
        """Ends the session now rather than when it is collected."""
        self._model.close()
