"""Models from nodes in ONNX's text form and arrays."""

import ml_dtypes
import numpy as np
from onnx import helper, numpy_helper, parser

import exact_onnxruntime


def draw(shape, dtype=np.float32, seed=1):
    random = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.floating):
        return random.normal(size=shape).astype(dtype)
    info = ml_dtypes.iinfo(dtype)
    return random.integers(info.min, info.max + 1, shape).astype(dtype)


def as_array(value):
    """A tuple is the shape of drawn floats."""
    return draw(value) if isinstance(value, tuple) else np.asarray(value)


def build(body, arrays, inputs=(), dynamic=(), opset=21):
    """The model of the nodes in `body`, one a line, whose last one gives the outputs. Of
    `arrays` those that `inputs` names are inputs, others constants; sizes of inputs in
    `dynamic` are not known."""
    def info(name):
        dims = list(arrays[name].shape)
        if name in dynamic:
            dims = [f"{name}{i}" for i in range(len(dims))]
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(arrays[name].dtype), dims)
    nodes = [parser.parse_node(line.strip()) for line in body.strip().split("\n")]
    graph = helper.make_graph(
        nodes, "text", [info(name) for name in inputs],
        [helper.make_empty_tensor_value_info(name) for name in nodes[-1].output],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()
         if name not in inputs])
    return helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])


def run_reference(model, feeds):
    """ONNX Runtime without optimizations, all outputs."""
    return exact_onnxruntime.run(model, feeds)
