"""A model with quantized layers, and the rounded weights and corrected biases of each."""

from dataclasses import dataclass

import numpy as np
import onnx

from . import bias as biases
from .compensate import round_rows
from .emit import Nodes, integer_product
from .graph import Graph, is_nested_read
from .weights import Rounded, round_weights


@dataclass
class Quantized:
    """What a layer becomes: a scheme, weights, and a bias that may be corrected."""

    layer: object
    scheme: str
    rounded: object
    bias: object


def scheme_of(layer, options):
    """The mode, but for layers that can have only their weights quantized."""
    if layer.is_recurrent and not options.is_weight_only:
        return "weight-int8"
    if options.is_dynamic and (layer.node.op_type == "Gemm"
                               and layer.attributes.get("transA", 0)):
        return "weight-int8"
    return options.mode


def round_layer(layer, options, steps, statistics, moments=None):
    """`Quantized` of a layer. `steps` are those of its input in a static model, `moments`
    the `SecondMoments` of its inputs where errors are to be made up for."""
    rows = layer.as_rows(layer.weights)
    group = _whole_groups(layer, options.group)
    floor = None
    static = scheme_of(layer, options) == "static-int8"
    if static and layer.bias is not None and layer.bias.shape == (len(rows),):
        # The bias in steps of the product must fit 32 bits with room for the sum.
        floor = np.abs(layer.bias) / (np.float32(steps.scale) * np.float32(2**30))
        if not options.per_channel:
            floor = floor.max(keepdims=True)
    if moments is not None:
        rounded = _compensated(layer, rows, moments, group, options)
    else:
        rounded = round_weights(rows, options.bits, group, options.per_channel,
                                options.symmetric, floor=floor,
                                search=options.bits == 4 or options.method == "mse")
    bias = layer.bias
    if options.bias_correction and statistics is not None and not layer.is_recurrent:
        bias = biases.correct(layer, rounded.real() - rows, statistics)
    return Quantized(layer, scheme_of(layer, options), rounded, bias)


def _compensated(layer, rows, moments, group, options):
    is_free = options.bias_correction and biases.can_hold_bias(layer, len(rows))
    squares = moments.centered() if is_free else moments.squares
    parts = [round_rows(part, sums, options.bits, group, options.symmetric)
             for part, sums in zip(np.split(rows, layer.group), squares)]
    return Rounded(*(np.concatenate([getattr(part, name) for part in parts])
                     for name in ("values", "scales", "zeros")), parts[0].group, options.bits)


def _whole_groups(layer, group):
    """The largest size up to `group` that divides the depth."""
    size = layer.weights.shape[layer.depth_axes[-1]] if (
        layer.node.op_type != "Conv") else layer.depth
    if group == 0 or group >= size:
        return 0 if len(layer.as_rows(layer.weights)[0]) == size else size
    return next(g for g in range(group, 0, -1) if size % g == 0)


def rewrite(graph, chosen, values):
    """A ModelProto with the `Quantized` layers of `chosen` in integers. `values` has the
    `Steps` of the values that go through integers, by name."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    copy = Graph(model)
    nodes = Nodes(copy)
    by_node = {}
    for entry in chosen:
        by_node.setdefault(entry.layer.node.name, []).append(entry)
    by_name = {node.name: node for node in copy.proto.node}
    for entry in chosen:
        bias_node = entry.layer.bias_node
        if bias_node is not None and entry.bias is not entry.layer.bias:
            other = by_name[bias_node.name]
            side = 1 if other.input[0] == entry.layer.output else 0
            other.input[side] = nodes.constant(entry.bias, other.input[side])
    replaced, integers, result = {}, {}, []

    def go_through(name):
        if name in values and name not in replaced:
            _, replaced[name] = nodes.quantize(name, values[name])
            result.extend(nodes.take())

    for value in copy.inputs:
        go_through(value.name)
    for node in copy.proto.node:
        node = onnx.NodeProto.FromString(node.SerializeToString())
        for index, name in enumerate(node.input):
            if name in replaced and not is_nested_read(node, name):
                node.input[index] = replaced[name]
        kept = True
        for entry in by_node.get(node.name, ()):
            kept = _layer(nodes, node, entry, values, integers) and kept
        result.extend(nodes.take())
        if kept:
            result.append(node)
        for name in node.output:
            go_through(name)
    copy.replace_nodes(result)
    copy.drop_unused_constants()
    return copy.model


def _layer(nodes, node, entry, values, integers):
    """Makes the nodes of a quantized layer; whether `node`, changed, is one of them."""
    layer, node_bias = entry.layer, entry.bias
    if layer.bias_node is not None:
        node_bias = None
    if entry.scheme == "dynamic-int8":
        if node_bias is None and layer.bias is None and len(node.input) > 2:
            # A bias that is no constant is added as it is.
            output = nodes.graph.fresh(f"{node.output[0]}_product")
            integer_product(nodes, layer, layer.input, entry.rounded, None, output, integers)
            nodes.node("Add", [output, node.input[2]], node.output[0], node.output[0])
        else:
            integer_product(nodes, layer, layer.input, entry.rounded, node_bias,
                            node.output[0], integers)
        return False
    node.input[layer.operand] = nodes.weights(layer, entry.rounded)
    if node_bias is None:
        return True
    if entry.scheme == "static-int8" and node_bias.shape == (len(entry.rounded.values),):
        name = nodes.static_bias(node_bias, values[layer.input].scale, entry.rounded,
                                 f"{node.output[0]}_bias")
    elif node_bias is not layer.bias:
        name = nodes.constant(node_bias, f"{node.output[0]}_bias")
    else:
        return True
    if len(node.input) < 3:
        node.input.append(name)
    else:
        node.input[2] = name
    return True


def switchable(graph, chosen, values):
    """A model with an input `switch` of one boolean per entry of `chosen`: where it is
    true, the layer is computed as `rewrite` would, else as it was. Outputs, after the
    model's own: for each entry the sum of squares of its float result, and of the
    difference of its quantized one."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    copy = Graph(model)
    nodes = Nodes(copy)
    switch = copy.fresh("mopt_switch")
    powers = []
    by_node = {}
    for index, entry in enumerate(chosen):
        by_node.setdefault(entry.layer.node.name, []).append((index, entry))
    integers, result = {}, []
    for node in copy.proto.node:
        entries = by_node.get(node.name)
        node = onnx.NodeProto.FromString(node.SerializeToString())
        if not entries:
            result.append(node)
            continue
        y = node.output[0]
        exact, rounded = copy.fresh(f"{y}_exact"), copy.fresh(f"{y}_rounded")
        outputs = [copy.fresh(f"{name}_rounded") if name else "" for name in node.output]
        outputs[0] = rounded
        other = onnx.NodeProto.FromString(node.SerializeToString())
        del other.output[:]
        other.output.extend(outputs)
        other.name = rounded
        node.output[0] = exact
        if entries[0][1].scheme == "static-int8":
            _, other.input[0] = nodes.quantize(other.input[0],
                                               values[entries[0][1].layer.input])
        kept = True
        for _, entry in entries:
            kept = _layer(nodes, other, entry, values, integers) and kept
        result.append(node)
        result.extend(nodes.take())
        if kept:
            result.append(other)
        rounded = _add_shift(nodes, entries[0][1], rounded)
        # A recurrent node has one switch, that of its first weight, for both.
        index = entries[0][0]
        flag = nodes.node("Gather", [switch, nodes.constant(np.int64(index), "index")],
                          f"{y}_flag")
        nodes.node("Where", [flag, rounded, exact], y, y)
        for what in (exact, nodes.node("Sub", [rounded, exact], f"{y}_difference")):
            powers.append(nodes.node("ReduceSumSquare", [what], f"{what}_power", keepdims=0))
        result.extend(nodes.take())
    copy.replace_nodes(result)
    copy.proto.input.append(onnx.helper.make_tensor_value_info(
        switch, onnx.TensorProto.BOOL, [len(chosen)]))
    copy.proto.output.extend(onnx.helper.make_tensor_value_info(
        name, onnx.TensorProto.FLOAT, []) for name in powers)
    copy.drop_unused_constants()
    return copy.model, switch


def _add_shift(nodes, entry, rounded):
    """The correction of a bias that a later node adds."""
    if entry.layer.bias_node is None or entry.bias is entry.layer.bias:
        return rounded
    shift = nodes.constant(entry.bias - entry.layer.bias, f"{rounded}_shift")
    return nodes.node("Add", [rounded, shift], f"{rounded}_shifted")
