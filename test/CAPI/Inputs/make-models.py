"""Two models for one program, written to the working directory.

image.onnx: fixed shapes, convolutions big enough for several threads, a softmax.
text.onnx: dynamic sizes, a normalization, and an output whose size depends on data.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(7)


def weights(name, *shape):
    values = (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)
    return numpy_helper.from_array(values, name)


def value(name, element, shape):
    return helper.make_tensor_value_info(name, element, shape)


def save(path, nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


node = helper.make_node
save("image.onnx",
     [node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1], strides=[2, 2]),
      node("Relu", ["c1"], ["r1"], "relu1"),
      node("Conv", ["r1", "w2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
      node("Add", ["c2", "r1"], ["a2"], "add2"),
      node("MaxPool", ["a2"], ["p2"], "pool2", kernel_shape=[2, 2], strides=[2, 2]),
      node("Flatten", ["p2"], ["f"], "flatten"),
      node("Gemm", ["f", "w3"], ["g"], "gemm"),
      node("Softmax", ["g"], ["y"], "softmax")],
     [value("x", TensorProto.FLOAT, [1, 3, 40, 40])],
     [value("y", TensorProto.FLOAT, [1, 10])],
     [weights("w1", 16, 3, 3, 3), weights("b1", 16), weights("w2", 16, 16, 3, 3),
      weights("w3", 1600, 10)])
save("text.onnx",
     [node("MatMul", ["x", "w1"], ["m"], "project"),
      node("LayerNormalization", ["m", "scale"], ["n"], "normalize"),
      node("Tanh", ["n"], ["y"], "tanh"),
      node("Relu", ["y"], ["s"], "relu"),
      node("NonZero", ["s"], ["i"], "nonzero")],
     [value("x", TensorProto.FLOAT, ["batch", "length", 32])],
     [value("y", TensorProto.FLOAT, ["batch", "length", 64]),
      value("i", TensorProto.INT64, [3, None])],
     [weights("w1", 32, 64), weights("scale", 64)])
