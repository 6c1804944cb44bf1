"""The nine architectures that the onnx package ships without weights, with seeded
random weights where the files have constants.

Every convolution's weights are scaled by an estimate of its input's second moment,
so that activations stay near 1 through any depth and the answers say something.
"""

import importlib.util
import os

import numpy as np
import onnx
from onnx import numpy_helper

from . import seeded

# What the estimate misses (zero padding, correlated channels) adds up along the
# depth; the classifier's gain brings the spread of its outputs back to about 2.
CLASSIFIER_GAIN = {"resnet50": 0.05, "shufflenet": 0.02, "squeezenet": 4.0, "zfnet512": 2.0}

# Second moment of the output over that of the input, roughly, where it is not 1.
_MOMENT = {"Relu": 0.5, "MaxPool": 1.6, "AveragePool": 0.75, "GlobalAveragePool": 0.6}


def _path(name):
    root = importlib.util.find_spec("onnx").submodule_search_locations[0]
    return os.path.join(root, "backend", "test", "data", "light", f"light_{name}.onnx")


def make(name):
    model = onnx.load(_path(name))
    graph = model.graph
    old = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {node.output[0]: [int(d) for d in old[node.input[0]]]
              for node in graph.node if node.op_type == "ConstantOfShape"}
    shapes.update({key: list(array.shape) for key, array in old.items()})
    originals = list(shapes)
    weights = _Weights(name, old, shapes)

    nodes = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            continue
        weights.visit(node)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {operand for node in nodes for operand in node.input}
    arrays = {key: weights.array(key) for key in originals if key in used}
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in arrays.items())
    inputs = [value for value in graph.input if value.name not in old]
    del graph.input[:]
    graph.input.extend(inputs)
    # Initializers that are no graph inputs came with IR version 4.
    model.ir_version = 4
    return model


class _Weights:
    def __init__(self, name, old, shapes):
        self.name, self.old, self.shapes = name, old, shapes
        self.made = {}
        self.moments = {}
        # A weight that is reshaped before its use is scaled where it is used.
        self.sources = {}
        self.gain = CLASSIFIER_GAIN.get(name, 1.0)

    def array(self, key):
        if key in self.made:
            return self.made[key]
        if key in self.old:
            return self.old[key]
        raise ValueError(f"no rule makes the weight '{key}' of '{self.name}'")

    def visit(self, node):
        kind, inputs = node.op_type, list(node.input)
        moment = self.moments.get(inputs[0], 1.0)
        if kind in ("Conv", "Gemm"):
            moment = self._contraction(node, moment)
        elif kind == "BatchNormalization":
            for key, (low, high) in zip(inputs[1:], [(0.8, 1.2), (-0.2, 0.2), (-0.2, 0.2),
                                                     (0.8, 1.25)]):
                self._uniform(key, low, high)
        elif kind == "Unsqueeze" and inputs[0] in self.shapes:
            self.sources[node.output[0]] = inputs[0]
        elif kind == "Reshape" and inputs[0] in self.shapes:
            self.shapes[node.output[0]] = [int(d) for d in self.old[inputs[1]]]
            self.sources[node.output[0]] = inputs[0]
        elif kind in ("Mul", "Add") and inputs[1] in self.sources:
            low, high = (0.8, 1.2) if kind == "Mul" else (-0.2, 0.2)
            self._uniform(self.sources[inputs[1]], low, high)
        elif kind in ("Sum", "Add"):
            moment = sum(self.moments.get(key, 1.0) for key in inputs)
        elif kind == "Concat":
            moment = float(np.mean([self.moments.get(key, 1.0) for key in inputs]))
        self.moments[node.output[0]] = moment * _MOMENT.get(kind, 1.0)

    def _contraction(self, node, moment):
        shape = self.shapes[node.input[1]]
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        fan_in = shape[0] if node.op_type == "Gemm" and not transposed else int(
            np.prod(shape[1:]))
        gain = self.gain if shape[0] == 1000 else 1.0
        key = self.sources.get(node.input[1], node.input[1])
        self.made[key] = seeded.centered(f"{self.name}/{key}", self.shapes[key],
                                         gain * (1 / (fan_in * moment)) ** 0.5)
        if len(node.input) > 2:
            self._uniform(node.input[2], -0.1, 0.1)
        return 1.0

    def _uniform(self, key, low, high):
        self.made[key] = seeded.uniform(f"{self.name}/{key}", self.shapes[key], low, high)


def with_dynamic_batch(model):
    """The same network for any batch: reshapes that name the batch 1 copy it instead."""
    dynamic = onnx.ModelProto()
    dynamic.CopyFrom(model)
    graph = dynamic.graph
    targets = {node.input[1] for node in graph.node if node.op_type == "Reshape"
               and node.input[0] not in {tensor.name for tensor in graph.initializer}}
    for tensor in graph.initializer:
        if tensor.name in targets:
            dims = numpy_helper.to_array(tensor).copy()
            dims[0] = 0
            tensor.CopyFrom(numpy_helper.from_array(dims, tensor.name))
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del graph.value_info[:]
    return dynamic
