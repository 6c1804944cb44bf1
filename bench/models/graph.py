"""A small writer of ONNX graphs, in the manner of exporters: one node per
primitive, constants as initializers, dynamic dimensions by name."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import seeded


class Graph:
    """Collects nodes, weights, inputs and outputs; `model` makes the ModelProto."""

    def __init__(self, name, opset):
        self.name = name
        self.opset = opset
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []
        self._counts = {}
        self._constants = {}

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, _proto_type(dtype), shape))
        return name

    def output(self, name, dtype, shape):
        self.outputs.append(helper.make_tensor_value_info(name, _proto_type(dtype), shape))

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def random(self, name, shape, deviation=None, low=None, high=None):
        """A seeded weight: `deviation` around 0, or uniform in [low, high)."""
        key = f"{self.name}/{name}"
        if deviation is not None:
            return self.weight(name, seeded.centered(key, shape, deviation))
        return self.weight(name, seeded.uniform(key, shape, low, high))

    def constant(self, value, dtype=np.int64):
        """An initializer that holds a number or a short list, shared when equal."""
        array = np.array(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.weight(f"constant_{len(self._constants)}", array)
        return self._constants[key]

    def scalar(self, value):
        return self.constant(value, np.float32)

    def op(self, op_type, *inputs, outputs=1, name=None, output=None, **attributes):
        """Adds a node; returns its output's name, or the list when there are more."""
        if name is None:
            index = self._counts.get(op_type, 0)
            self._counts[op_type] = index + 1
            name = f"/{op_type}_{index}"
        if output is not None:
            names = [output] if isinstance(output, str) else list(output)
        else:
            names = [f"{name}_output_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op_type, list(inputs), names, name=name, **attributes))
        return names[0] if len(names) == 1 else names

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=8,
            producer_name="mopt-bench",
        )


def _proto_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def fix_input_shapes(model, shapes):
    """A copy of the model whose inputs have the given static shapes. Whatever the
    file says of inner and output shapes is dropped, as it may name old symbols."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        if value.name in shapes:
            _set_shape(value, shapes[value.name])
    del fixed.graph.value_info[:]
    return fixed


def set_output_shapes(model, shapes):
    for value in model.graph.output:
        _set_shape(value, shapes[value.name])


def _set_shape(value, dims):
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    # A scalar has a shape without dims, which is not the same as no shape.
    value.type.tensor_type.shape.SetInParent()
    for dim in dims:
        entry = shape.dim.add()
        if isinstance(dim, str):
            entry.dim_param = dim
        else:
            entry.dim_value = dim
