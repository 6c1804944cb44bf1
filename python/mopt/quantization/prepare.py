"""A float model made ready for rewriting: constants as initializers, an opset that knows
what will be written, batch norms and per-channel scales in the weights of convolutions."""

import os

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .graph import Graph, attributes, set_attributes, subgraphs

# Folded where all their operands are constants; most come from exporters that reshape
# biases at run time.
_FOLDED = {"Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Cast", "Add", "Sub",
           "Mul", "Div", "Sqrt", "Neg", "Slice", "Concat", "Flatten"}
_MOST_FOLDED = 1 << 26


def load(model):
    """A ModelProto of its own from a path, bytes or a ModelProto."""
    if isinstance(model, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy
    if isinstance(model, (bytes, bytearray)):
        return onnx.load_model_from_string(bytes(model))
    return onnx.load(os.fspath(model))


def prepare(model, opset=13):
    """The `Graph` of a model whose nodes are in order and whose opset is `opset` or later.
    Raises ValueError where the onnx package cannot raise the opset."""
    model = load(model)
    if not model.graph.node:
        raise ValueError("the model has no nodes")
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    model = _raise_opset(model, opset)
    _name_nodes(model.graph)
    graph = Graph(model)
    _lift_constants(graph)
    _fold_constants(graph)
    _fold_scales(graph)
    graph.drop_unused_constants()
    # Constants that a caller could replace are constants from here on.
    kept = graph.inputs
    if len(kept) < len(model.graph.input):
        kept = [type(value).FromString(value.SerializeToString()) for value in kept]
        del model.graph.input[:]
        model.graph.input.extend(kept)
    return Graph(_infer(model))


def _infer(model):
    """With the types of values between nodes, as far as they are known."""
    if model.ByteSize() > (1 << 31) - (1 << 20):
        return model
    return onnx.shape_inference.infer_shapes(model)


def _raise_opset(model, opset):
    """Least versions: of the operators, and of the format that may hold them."""
    found = next((entry.version for entry in model.opset_import
                  if entry.domain in ("", "ai.onnx")), None)
    if found is None:
        raise ValueError("the model imports no version of ONNX's operators")
    if found < opset:
        try:
            model = onnx.version_converter.convert_version(model, opset)
        except Exception as error:  # The converter throws what it likes.
            raise ValueError(f"the model is of opset {found}, and the onnx package cannot "
                             f"convert it to {opset}: {error}") from None
    model.ir_version = max(model.ir_version, 10 if opset >= 21 else 8)
    return model


def _name_nodes(graph):
    """Each node gets a name of its own, which reports use."""
    seen = set()
    for index, node in enumerate(graph.node):
        if not node.name or node.name in seen:
            node.name = next((name for name in node.output if name), f"{node.op_type}_{index}")
            while node.name in seen:
                node.name += "_"
        seen.add(node.name)


def _lift_constants(graph):
    """Constant nodes become initializers."""
    nodes = []
    for node in graph.proto.node:
        tensor = None
        if node.op_type == "Constant" and not node.domain:
            (name, value), = attributes(node).items()
            if name == "value":
                tensor = value
            elif name in ("value_float", "value_floats"):
                tensor = numpy_helper.from_array(np.asarray(value, np.float32))
            elif name in ("value_int", "value_ints"):
                tensor = numpy_helper.from_array(np.asarray(value, np.int64))
        if tensor is None:
            nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
            continue
        copy = onnx.TensorProto()
        copy.CopyFrom(tensor)
        copy.name = node.output[0]
        graph.add_tensor(copy)
    graph.replace_nodes(nodes)


def _fold_constants(graph):
    nodes = []
    for node in graph.proto.node:
        arrays = [graph.constant(name) if name else None for name in node.input]
        known = all(a is not None for a, name in zip(arrays, node.input) if name)
        if (node.op_type not in _FOLDED or node.domain or not node.input or not known
                or len(node.output) != 1 or node.output[0] in graph.outputs
                or any(True for _ in subgraphs(node))
                or sum(a.size for a in arrays if a is not None) > _MOST_FOLDED):
            nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
            continue
        result = _evaluate(graph.model, node, arrays)
        tensor = numpy_helper.from_array(np.ascontiguousarray(result), node.output[0])
        graph.add_tensor(tensor)
    graph.replace_nodes(nodes)


def _evaluate(model, node, arrays):
    from onnx.reference import ReferenceEvaluator

    names = [name for name in node.input if name]
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype),
                                            a.shape)
              for name, a in zip(node.input, arrays) if name]
    unique = list({value.name: value for value in inputs}.values())
    graph = helper.make_graph([node], "constant", unique,
                              [helper.make_empty_tensor_value_info(node.output[0])])
    single = helper.make_model(graph, opset_imports=model.opset_import)
    feeds = {name: a for name, a in zip(names, [a for a in arrays if a is not None])}
    return np.asarray(ReferenceEvaluator(single).run(None, feeds)[0])


def _fold_scales(graph):
    """BatchNormalization, Mul and Add of one number per channel go into the weights and
    the bias of the convolution before them."""
    done = set()
    for node in list(graph.proto.node):
        if node.op_type != "Conv" or graph.constant(node.input[1]) is None:
            continue
        while _fold_next(graph, node, done):
            pass
    if done:
        graph.replace_nodes([onnx.NodeProto.FromString(node.SerializeToString())
                             for node in graph.proto.node if node.output[0] not in done])


def _fold_next(graph, conv, done):
    reader = graph.sole_reader(conv.output[0])
    if reader is None or reader.domain:
        return False
    weights = graph.constant(conv.input[1])
    if weights.dtype != np.float32:
        return False
    found = _scale_and_shift(graph, reader, conv.output[0], weights)
    if found is None:
        return False
    scale, shift = found
    bias = np.zeros(len(weights), np.float32)
    if len(conv.input) > 2 and conv.input[2]:
        bias = graph.constant(conv.input[2])
        if bias is None:
            return False
    shape = (-1,) + (1,) * (weights.ndim - 1)
    conv.input[1] = graph.add_constant((weights * scale.reshape(shape)).astype(np.float32),
                                       conv.input[1])
    name = graph.add_constant((bias * scale + shift).astype(np.float32),
                              f"{conv.output[0]}_bias")
    del conv.input[2:]
    conv.input.append(name)
    # The convolution makes what the folded node made; that one is dropped by its output.
    graph.producers.pop(conv.output[0])
    folded = reader.output[0]
    conv.output[0] = folded
    reader.output[0] = graph.fresh(folded + "_folded")
    graph.producers[folded] = conv
    done.add(reader.output[0])
    return True


def _scale_and_shift(graph, node, x, weights):
    """What `node` does to each channel of `x`, as (scale, shift), or None."""
    channels = len(weights)
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    if node.op_type == "BatchNormalization" and node.input[0] == x:
        values = attributes(node)
        parameters = [graph.constant(name) for name in node.input[1:5]]
        if values.get("training_mode", 0) or any(p is None for p in parameters) or any(
                node.output[1:]):
            return None
        gamma, beta, mean, variance = (p.astype(np.float64) for p in parameters)
        scale = gamma / np.sqrt(variance + values.get("epsilon", 1e-5))
        return scale, beta - mean * scale
    if node.op_type not in ("Mul", "Add") or node.input[0] == node.input[1]:
        return None
    other = graph.constant(node.input[1 if node.input[0] == x else 0])
    # [C, 1, ..] and its like: one number per channel, of no higher rank.
    rank = weights.ndim
    if other is None or other.dtype != np.float32 or other.ndim > rank:
        return None
    shape = (1,) * (rank - other.ndim) + other.shape
    if any(size != 1 for axis, size in enumerate(shape) if axis != 1) or shape[1] not in (
            1, channels):
        return None
    values = np.broadcast_to(other.reshape(-1), (channels,))
    return (values, zero) if node.op_type == "Mul" else (one, values)


def normalize_gemm(graph, node):
    """Puts alpha and beta of a Gemm into its constants, so that both are 1."""
    values = attributes(node)
    for name, index in (("alpha", 1), ("beta", 2)):
        factor = values.get(name, 1.0)
        if factor == 1.0 or index >= len(node.input) or not node.input[index]:
            continue
        array = graph.constant(node.input[index])
        if array is None:
            return False
        node.input[index] = graph.add_constant((array * factor).astype(array.dtype),
                                               node.input[index])
    set_attributes(node, alpha=1.0, beta=1.0)
    return True
