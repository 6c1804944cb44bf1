"""The dependency file names every file that a compilation read."""

import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mopt import _compile


def test_external_data_is_a_dependency(tmp_path):
    weight = numpy_helper.from_array(np.ones((2, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True,
              location="two words.bin", size_threshold=0)
    subprocess.run([_compile.tool("mopt-compile"), "m.onnx", "-o", "m.so", "--depfile=m.d"],
                   cwd=tmp_path, check=True)
    assert (tmp_path / "m.d").read_text() == "m.so: m.onnx two\\ words.bin\n"
