"""A model that returns how the distance of its outputs from wanted ones changes with its
weights: reverse mode, as nodes behind the model's own."""

from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from .adjoints import Maker, has_adjoint, rule_of
from .emit import Nodes
from .graph import Graph, outer_reads


@dataclass
class Gradients:
    """`model` takes the inputs of the original, of fixed shapes, each of `parameters`, and
    f"{y}_wanted" for each of `targets`; it returns the distance, a number, and the
    gradients of `parameters` in their order. The distance is the sum over `targets` of
    `weights` times the sum of squares of what differs. `shapes` are those of all values
    and constants, by name."""

    model: object
    parameters: list
    targets: list
    shapes: dict


def with_gradients(model, shapes, parameters, weights):
    """`Gradients` of those of `parameters` (constants by name) that every way to a target
    leads from through operators with a rule, or None where there are none. `shapes` are
    the inputs', `weights` numbers by name of the targets."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = _shapes(copy, shapes)
    graph = Graph(copy)
    targets = [name for name in weights if name in known]
    rules = {node.output[0]: rule_of(node, known) for node in graph.proto.node}
    is_open = _open(graph, rules, targets)
    parameters = [name for name in parameters if is_open.get(name) and name in known]
    if not parameters:
        return None
    active = set(parameters)
    for node in graph.proto.node:
        if active.intersection(node.input) and is_open.get(node.output[0]):
            active.add(node.output[0])
    targets = [name for name in targets if name in active]
    nodes = Nodes(graph)
    maker = Maker(nodes, known)
    distance, adjoints = _distance(maker, targets, weights)
    for node in reversed(graph.proto.node):
        parts = adjoints.get(node.output[0])
        if not parts:
            continue
        dy = _total(maker, parts)
        for index, name in enumerate(node.input):
            if name in active:
                adjoints.setdefault(name, []).append(
                    rules[node.output[0]](maker, node, dy, index))
    found = [maker.make("Identity", _total(maker, adjoints[name])) for name in parameters]
    graph.replace_nodes([onnx.NodeProto.FromString(node.SerializeToString())
                         for node in graph.proto.node] + nodes.take())
    graph.proto.input.extend(
        [_value(f"{name}_wanted", known[name]) for name in targets]
        + [_value(name, known[name]) for name in parameters])
    kept = [TensorProto.FromString(tensor.SerializeToString())
            for tensor in graph.proto.initializer if tensor.name not in parameters]
    del graph.proto.initializer[:]
    graph.proto.initializer.extend(kept)
    del graph.proto.output[:]
    graph.proto.output.extend(
        [_value(distance, ())] + [_value(name, known[p]) for name, p in zip(found, parameters)])
    del graph.proto.value_info[:]
    return Gradients(copy, parameters, targets, known)


def _shapes(model, shapes):
    """Shapes by name of all values that have a fixed one, once the inputs have theirs."""
    del model.graph.value_info[:]
    for value in model.graph.input:
        if value.name in shapes:
            value.CopyFrom(helper.make_tensor_value_info(
                value.name, value.type.tensor_type.elem_type, shapes[value.name]))
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    model.CopyFrom(onnx.shape_inference.infer_shapes(model, data_prop=True))
    known = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim):
            known[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
    return known


def _open(graph, rules, targets):
    """Whether each value reaches a target, and does so through nodes with rules only."""
    is_open = dict.fromkeys(targets, True)
    for node in reversed(graph.proto.node):
        reaching = [name for name in node.output if name in is_open]
        if not reaching:
            continue
        passes = rules[node.output[0]] is not None and all(is_open[name] for name in reaching)
        for index, name in enumerate([*node.input, *outer_reads(node)]):
            if name:
                is_open[name] = is_open.get(name, True) and passes and has_adjoint(node, index)
    return is_open


def _distance(maker, targets, weights):
    """The name of the distance, and the adjoints that it gives to the targets."""
    terms, adjoints = [], {}
    for name in targets:
        difference = maker.make("Sub", name, f"{name}_wanted")
        every = range(len(maker.shapes[name]))
        terms.append(maker.times(maker.sum(maker.make("Mul", difference, difference), every),
                                 weights[name]))
        adjoints[name] = [maker.times(difference, 2 * weights[name])]
    return _total(maker, terms), adjoints


def _total(maker, parts):
    total = parts[0]
    for part in parts[1:]:
        total = maker.make("Add", total, part)
    return total


def _value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
