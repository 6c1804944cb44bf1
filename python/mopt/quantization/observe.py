"""Running a model over data with mopt itself, and looking at values inside of it."""

import numpy as np
import onnx
from onnx import helper

from ..session import InferenceSession
from .statistics import Statistics


def as_feeds(data, graph):
    """A list of inputs by name out of `data`: an iterable of dictionaries, or one
    dictionary. An array with one dimension more than its input is a stack of runs; one
    that is k times as long as the input's fixed first dimension is k runs.

    Raises ValueError where names, shapes or element types are not the model's, and where
    there is no data."""
    if data is None:
        raise ValueError("expected data to run the model with, found none")
    runs = [data] if isinstance(data, dict) else list(data)
    feeds = []
    for run in runs:
        if not isinstance(run, dict):
            raise TypeError(f"expected dictionaries of inputs, found {type(run).__name__}")
        feeds.extend(_split({name: np.asarray(value) for name, value in run.items()}, graph))
    if not feeds:
        raise ValueError("the data is empty: expected inputs of at least one run")
    return feeds


def _split(run, graph):
    inputs = {value.name: value.type.tensor_type for value in graph.inputs}
    for name in inputs:
        if name not in run:
            raise ValueError(f"input '{name}' is missing in the data, which has "
                             f"{', '.join(sorted(run)) or 'nothing'}")
    for name in run:
        if name not in inputs:
            raise ValueError(f"no input is called '{name}'; inputs: {', '.join(inputs)}")
    count = max(_runs_in(run[name], kind) for name, kind in inputs.items())
    feeds = [{} for _ in range(count)]
    for name, kind in inputs.items():
        array, dims = run[name], _dims(kind)
        parts = _runs_in(array, kind)
        if parts not in (1, count):
            raise ValueError(f"input '{name}' has {parts} runs, another one {count}")
        if dims is not None and array.ndim == len(dims) + 1:
            pieces = list(array)
        else:
            pieces = np.split(array, parts) if parts > 1 else [array]
        for index, feed in enumerate(feeds):
            piece = pieces[index if parts > 1 else 0]
            _check(name, piece, kind)
            feed[name] = piece
    return feeds


def _dims(kind):
    """Sizes, None where dynamic; None where not even the rank is known."""
    if not kind.HasField("shape"):
        return None
    return [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
            for dim in kind.shape.dim]


def _runs_in(array, kind):
    dims = _dims(kind)
    if dims is None:
        return 1
    if array.ndim == len(dims) + 1:
        return len(array)
    if array.ndim == len(dims) and dims and dims[0] and len(array) % dims[0] == 0:
        return len(array) // dims[0]
    return 1


def _check(name, array, kind):
    expected = helper.tensor_dtype_to_np_dtype(kind.elem_type)
    if array.dtype != expected:
        raise ValueError(f"input '{name}': expected element type {expected}, "
                         f"found {array.dtype}")
    dims = _dims(kind)
    if dims is None:
        return
    if len(dims) != array.ndim or any(size not in (None, found)
                                      for size, found in zip(dims, array.shape)):
        wanted = ", ".join("?" if size is None else str(size) for size in dims)
        raise ValueError(f"input '{name}': expected shape [{wanted}], "
                         f"found {list(array.shape)}")


def with_outputs(model, names):
    """A copy of the model whose outputs are the named values, floats where nothing is known
    of them, and no others."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {value.name: value for value in
             [*model.graph.value_info, *model.graph.output, *model.graph.input]}
    outputs = [known[name] if name in known and known[name].type.HasField("tensor_type")
               else helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
    del copy.graph.output[:]
    copy.graph.output.extend(outputs)
    return copy


def common_shapes(feeds):
    """Shapes by name of the inputs that have one shape, of some elements, in all runs; a
    library that is compiled for them is faster, and so is its compilation."""
    return {name: first.shape for name, first in feeds[0].items()
            if first.size and first.ndim and all(feed[name].shape == first.shape for feed in feeds)}


def of_one_shape(feeds):
    """Those of the feeds that have the shapes which most of them have."""
    groups = {}
    for feed in feeds:
        groups.setdefault(tuple(feed[name].shape for name in sorted(feed)), []).append(feed)
    return max(groups.values(), key=len)


def run_all(model, feeds, threads=0):
    """The outputs of each run in turn, compiled by mopt."""
    session = InferenceSession(model, threads=threads, shapes=common_shapes(feeds))
    try:
        for feed in feeds:
            yield session.run(None, feed)
    finally:
        session.close()


def observe(graph, axes, feeds, threads=0, visit=None):
    """`Statistics` by name of the values in `axes`, which says where their channels are
    (None: nowhere). `visit`, if given, is called with each run's arrays by name."""
    names = list(axes)
    found = {name: Statistics(name, axis) for name, axis in axes.items()}
    inputs = {value.name for value in graph.inputs}
    inner = [name for name in names if name not in inputs]
    runs = (run_all(with_outputs(graph.model, inner), feeds, threads) if inner
            else ([] for _ in feeds))
    for feed, outputs in zip(feeds, runs):
        arrays = dict(zip(inner, outputs)) | {name: feed[name] for name in names
                                              if name in inputs}
        for name, array in arrays.items():
            found[name].update(array)
        if visit is not None:
            visit(arrays)
    return found
