"""Models whose parameters are graph inputs: a shape, axes or a count that an operator
needs to know before the sizes, or even the rank, of its result are known. Such a model
is compiled for the parameters' values, when they are seen."""

import collections

import numpy as np

# A parameter is a short list of numbers; more is data.
MAX_ELEMENTS = 32
MAX_VARIANTS = 8
# Operators whose first operand is a parameter too.
_FIRST_OPERAND = {"ConstantOfShape", "Range", "EyeLike", "HannWindow", "HammingWindow",
                  "BlackmanWindow", "MelWeightMatrix"}
# Operators that take integers apart on their way to such an operand.
_PASS_ON = {"Identity", "Cast", "Concat", "Gather", "Reshape", "Shape", "Size", "Slice",
            "Split", "Squeeze", "Unsqueeze"}
_INTEGERS = {6, 7}


def parameter_inputs(model):
    """Names of graph inputs that are short lists and are nowhere an operator's data."""
    data, passed_on = set(), set()
    for node in model.graph.node:
        if node.op_type not in _FIRST_OPERAND and node.input:
            (passed_on if node.op_type in _PASS_ON else data).add(node.input[0])
    initializers = {tensor.name for tensor in model.graph.initializer}
    return [value.name for value in model.graph.input
            if value.name not in initializers and value.name not in data
            and _is_short(value.type.tensor_type)
            and (value.name not in passed_on
                 or value.type.tensor_type.elem_type in _INTEGERS)]


def _is_short(tensor):
    if not tensor.HasField("shape") or len(tensor.shape.dim) > 1:
        return False
    return all(dim.HasField("dim_value") and dim.dim_value <= MAX_ELEMENTS
               for dim in tensor.shape.dim)


def with_values(model, values):
    """A copy of the model in which the named inputs are constants."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [value for value in copy.graph.input if value.name not in values]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    copy.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in values.items())
    return copy


class SpecializingSession:
    """Compiles the model anew for each set of parameter values, and keeps a few."""

    def __init__(self, model, parameters, make_session):
        self._model, self._parameters, self._make = model, parameters, make_session
        self._variants = collections.OrderedDict()

    def names(self):
        graph = self._model.graph
        initializers = {tensor.name for tensor in graph.initializer}
        inputs = [value.name for value in graph.input if value.name not in initializers]
        return inputs, [value.name for value in graph.output]

    def run(self, output_names, feed):
        values = {name: np.asarray(feed[name]) for name in self._parameters}
        key = tuple((v.dtype.str, v.shape, v.tobytes()) for v in values.values())
        session = self._variants.get(key)
        if session is None:
            session = self._make(with_values(self._model, values))
            self._variants[key] = session
            if len(self._variants) > MAX_VARIANTS:
                self._variants.popitem(last=False)[1].close()
        rest = {name: value for name, value in feed.items() if name not in values}
        return session.run(output_names, rest)
