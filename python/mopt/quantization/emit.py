"""ONNX nodes of quantized layers: QDQ for static and weight-only schemes, ONNX's integer
operators for dynamic ones."""

import ml_dtypes
import numpy as np
from onnx import helper

from .graph import attributes


class Nodes:
    """Makes nodes and constants with fresh names in one graph."""

    def __init__(self, graph):
        self.graph = graph
        self.made = []

    def take(self):
        made, self.made = self.made, []
        return made

    def node(self, op, inputs, stem, output=None, **values):
        output = output or self.graph.fresh(stem)
        self.made.append(helper.make_node(op, inputs, [output], name=output, **values))
        return output

    def constant(self, array, stem):
        return self.graph.add_constant(array, stem)

    def quantize(self, x, steps):
        """`x` through integers: (integer value, float value)."""
        scale, zero = steps.constants()
        scale, zero = self.constant(scale, f"{x}_scale"), self.constant(zero, f"{x}_zero")
        q = self.node("QuantizeLinear", [x, scale, zero], f"{x}_quantized")
        return q, self.node("DequantizeLinear", [q, scale, zero], f"{x}_dequantized")

    def weights(self, layer, rounded):
        """The layer's weights out of integers."""
        stem = layer.node.input[layer.operand]
        integer = ml_dtypes.int4 if rounded.bits == 4 else np.int8
        outputs, groups = rounded.scales.shape
        has_zeros = bool(rounded.zeros.any())
        scales, zeros = rounded.scales, rounded.zeros.astype(integer)
        if groups == 1:
            scales, zeros = scales.reshape(-1), zeros.reshape(-1)
            scales, zeros = (scales, zeros) if outputs > 1 else (scales[0], zeros[0])
            values = layer.from_rows(rounded.values).astype(integer)
            extra = {"axis": layer.channel_axis} if outputs > 1 else {}
        elif layer.node.op_type == "Conv":
            values = rounded.values.astype(integer)
            extra = {"axis": 1, "block_size": rounded.group}
        else:
            values = layer.from_rows(rounded.values).astype(integer)
            axis = layer.depth_axes[-1]
            scales, zeros = (_like_weights(layer, part, axis, rounded.group)
                             for part in (scales, zeros))
            extra = {"axis": axis, "block_size": rounded.group}
        inputs = [self.constant(values, f"{stem}_quantized"),
                  self.constant(scales, f"{stem}_scale")]
        # Four bits have no zero point that is left out in every reader.
        if has_zeros or rounded.bits == 8:
            inputs.append(self.constant(zeros, f"{stem}_zero"))
        real = self.node("DequantizeLinear", inputs, f"{stem}_dequantized", **extra)
        if groups == 1 or layer.node.op_type != "Conv":
            return real
        shape = layer.weights.shape
        last = self.node("Reshape", [real, self.constant(
            np.array([shape[0], *shape[2:], shape[1]], np.int64), f"{stem}_shape")],
            f"{stem}_channels_last")
        rank = len(shape)
        return self.node("Transpose", [last], f"{stem}_real",
                         perm=[0, rank - 1, *range(1, rank - 1)])

    def static_bias(self, bias, input_scale, rounded, stem):
        """A float bias as 32-bit integers in steps of the product."""
        scales = (np.float32(input_scale) * rounded.scales.reshape(-1)).astype(np.float32)
        values = np.clip(np.rint(bias.astype(np.float64) / scales), -(2**31), 2**31 - 1)
        one = scales.size == 1
        return self.node("DequantizeLinear", [
            self.constant(values.astype(np.int32), f"{stem}_quantized"),
            self.constant(scales[0] if one else scales, f"{stem}_scale"),
            self.constant(np.zeros(() if one else scales.shape, np.int32), f"{stem}_zero")],
            f"{stem}_dequantized", **({} if one else {"axis": 0}))


def _like_weights(layer, rows, axis, group):
    """`rows` [outputs, groups] in the order of the weights, `axis` cut into groups."""
    shape = list(layer.weights.shape)
    shape[axis] //= group
    outputs = shape.pop(layer.channel_axis)
    return np.ascontiguousarray(
        np.moveaxis(rows.reshape(outputs, *shape), 0, layer.channel_axis))


def integer_product(nodes, layer, x, rounded, bias, output, cache):
    """The layer with activations that are quantized as they come. `cache` has the
    quantized form of values that several layers read."""
    node = layer.node
    if x not in cache:
        names = [nodes.graph.fresh(f"{x}_{part}") for part in ("dynamic", "scale", "zero")]
        nodes.made.append(helper.make_node("DynamicQuantizeLinear", [x], names, name=names[0]))
        cache[x] = names
    q, scale, zero = cache[x]
    values = layer.from_rows(rounded.values).astype(np.int8)
    channels = len(rounded.values)
    scales = np.broadcast_to(rounded.scales.reshape(-1), channels)
    stem = node.input[layer.operand]
    if node.op_type == "Conv":
        shape = (1, -1) + (1,) * (values.ndim - 2)
        made = nodes.node("ConvInteger", [q, nodes.constant(values, f"{stem}_quantized"), zero],
                          f"{output}_sums", **attributes(node))
        scales, bias = scales.reshape(shape), None if bias is None else bias.reshape(shape)
    else:
        if node.op_type == "Gemm":
            values = values.T.copy() if layer.channel_axis == 0 else values
        made = nodes.node("MatMulInteger", [q, nodes.constant(values, f"{stem}_quantized"),
                                            zero], f"{output}_sums")
    real = nodes.node("Cast", [made], f"{output}_float", to=1)
    step = nodes.node("Mul", [scale, nodes.constant(np.ascontiguousarray(scales),
                                                    f"{stem}_scale")], f"{output}_scale")
    if bias is None:
        return nodes.node("Mul", [real, step], output, output)
    product = nodes.node("Mul", [real, step], f"{output}_product")
    return nodes.node("Add", [product, nodes.constant(bias, f"{output}_bias")], output, output)
