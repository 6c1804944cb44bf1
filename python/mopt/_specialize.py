"""Models whose parameters are graph inputs: a shape, axes or a count that an operator
needs to know before the sizes, or even the rank, of its result are known; or a sequence
or an optional, of which the compiler must know what is in it. Such a model is compiled
for what its parameters are, when they are seen."""

import collections

import numpy as np

# A parameter is a short list of numbers; more is data.
MAX_ELEMENTS = 32
MAX_VARIANTS = 8
# Operators whose first operand is a parameter too.
_FIRST_OPERAND = {"ConstantOfShape", "Range", "EyeLike", "HannWindow", "HammingWindow",
                  "BlackmanWindow", "MelWeightMatrix", "If", "Loop"}
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


def list_inputs(model):
    """Types by name of the graph inputs that are sequences or optionals."""
    return {value.name: value.type for value in model.graph.input
            if value.type.WhichOneof("value") in ("sequence_type", "optional_type")}


def with_values(model, values, lists=None):
    """A copy of the model in which the named inputs are constants, and those of `lists`
    what `feeds_of` makes of their values."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    lists = lists or {}
    kept = [value for value in copy.graph.input
            if value.name not in values and value.name not in lists]
    types = list_inputs(model)
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    copy.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in values.items())
    nodes = []
    for name, value in lists.items():
        copy.graph.input.extend(
            onnx.helper.make_tensor_value_info(
                entry, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for entry, array in feeds_of(name, value).items())
        nodes.extend(_construct(name, value, types[name]))
    nodes.extend(copy.graph.node)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def feeds_of(name, value):
    """The tensors that a sequence or optional consists of, by name."""
    if value is None:
        return {}
    if isinstance(value, (list, tuple)):
        return {f"{name}.{index}": np.asarray(entry) for index, entry in enumerate(value)}
    return {name: np.asarray(value)}


def _construct(name, value, proto):
    """Nodes that make the input `name` of a type from its tensors."""
    import onnx

    if value is None:
        return [onnx.helper.make_node("Optional", [], [name], type=proto.optional_type.elem_type)]
    if not isinstance(value, (list, tuple)):
        return []
    if value:
        return [onnx.helper.make_node("SequenceConstruct", list(feeds_of(name, value)), [name])]
    if proto.HasField("optional_type"):
        proto = proto.optional_type.elem_type
    dtype = proto.sequence_type.elem_type.tensor_type.elem_type
    return [onnx.helper.make_node("SequenceEmpty", [], [name], dtype=dtype)]


def group_outputs(graph, names, values):
    """The graph's outputs from those of the library, where the entries of a sequence 'y'
    are 'y.0', 'y.1' and so on, and an optional without a value is left out."""
    found = dict(zip(names, values))
    grouped = []
    for output in graph.output:
        kind = output.type.WhichOneof("value")
        if output.name in found or kind not in ("sequence_type", "optional_type"):
            grouped.append(found[output.name])
            continue
        entries = []
        while f"{output.name}.{len(entries)}" in found:
            entries.append(found[f"{output.name}.{len(entries)}"])
        grouped.append(entries if entries or kind == "sequence_type" else None)
    return grouped


class SpecializingSession:
    """Compiles the model anew for each set of parameter values, and keeps a few."""

    def __init__(self, model, parameters, make_session):
        self._model, self._parameters, self._make = model, parameters, make_session
        self._lists = list_inputs(model)
        self._variants = collections.OrderedDict()

    def names(self):
        graph = self._model.graph
        initializers = {tensor.name for tensor in graph.initializer}
        inputs = [value.name for value in graph.input if value.name not in initializers]
        return inputs, [value.name for value in graph.output]

    def run(self, output_names, feed):
        """The named outputs; sequences are lists, empty optionals None."""
        values = {name: np.asarray(feed[name]) for name in self._parameters}
        lists = {name: feed[name] for name in self._lists}
        rest = {name: value for name, value in feed.items()
                if name not in values and name not in lists}
        for name, value in lists.items():
            rest.update(feeds_of(name, value))
        key = (tuple((v.dtype.str, v.shape, v.tobytes()) for v in values.values()),
               tuple((type(v).__name__, tuple((name, str(t.dtype), t.shape)
                                              for name, t in feeds_of(n, v).items()))
                     for n, v in lists.items()))
        session = self._variants.get(key)
        if session is None:
            session = self._make(with_values(self._model, values, lists))
            self._variants[key] = session
            if len(self._variants) > MAX_VARIANTS:
                self._variants.popitem(last=False)[1].close()
        names = [value.name for value in session.get_outputs()]
        grouped = group_outputs(self._model.graph, names, session.run(None, rest))
        if not output_names:
            return grouped
        by_name = dict(zip(self.names()[1], grouped))
        return [by_name[name] for name in output_names]
